"""An answer's body as `Samples`, without a Python object per sample kept.

Large answers are matrices in the compact JSON of Go: those are cut at their markers and only the
labels go through the JSON parser. Whatever does not look exactly so is parsed whole instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sci_batch.prometheus.samples import Samples, empty

_RESULT = b'"result":['
_METRIC = b'{"metric":'
_VALUES = b',"values":[['
_LONGEST_HEAD = 4096
_INFO = "PromQL info"  # 2.49 to 2.55 list remarks about style among the warnings; 3 has `infos` for them

Labels = dict[str, str]


class BrokenBodyError(ValueError):
    """The body is cut, is no JSON, or is not the answer to a query."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One answer."""

    kind: str
    """`resultType`: vector, matrix, scalar or string (then without samples)."""
    samples: Samples
    warnings: tuple[str, ...] = ()
    """What makes the answer incomplete, in the server's words."""
    dropped: int = 0
    """Values left out: not finite, or native histograms."""


@dataclass(slots=True)
class _Series:
    labels: Labels
    seconds: np.ndarray
    value: np.ndarray
    histograms: int = 0


def decode(body: bytes) -> Decoded:
    """Read the answer of `/api/v1/query` or `/api/v1/query_range`.

    Raises
    ------
    BrokenBodyError
        See there.
    """
    try:
        return _by_markers(body) or _whole(body)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as failed:
        if isinstance(failed, BrokenBodyError):
            raise
        reason = "no JSON, or cut off" if isinstance(failed, ValueError) else "not a query answer"
        raise BrokenBodyError(reason) from None


def _by_markers(body: bytes) -> Decoded | None:
    """Decode a compact matrix; None when anything is not as expected."""
    head = body.find(_RESULT, 0, _LONGEST_HEAD)
    if head < 0:
        return None
    at = first = head + len(_RESULT)
    found = []
    try:
        while body.startswith(_METRIC, at):
            values = body.find(_VALUES, at)
            end = body.find(b"]]}", values)
            if values < 0 or end < 0:
                return None
            # Quotes inside a label are escaped, so a marker is never part of one. A series with
            # histograms only makes this slice reach into the next series: no JSON, so None.
            labels = json.loads(body[at + len(_METRIC) : values])
            found.append(_Series(labels, *_numbers(body[values + len(_VALUES) : end])))
            at = end + len(b"]]}")
            if body.startswith(b"," + _METRIC, at):
                at += 1
        # What is left without the series is the whole envelope: a cut body fails here.
        envelope = json.loads(body[:first] + body[at:])
    except ValueError:
        return None
    if not isinstance(envelope, dict) or envelope.get("data", {}).get("result") != []:
        return None
    if envelope["data"].get("resultType") != "matrix":
        return None
    return _decoded(envelope, found)


def _numbers(text: bytes) -> tuple[np.ndarray, np.ndarray]:
    """`1.5,"2"],[3,"4"` as times and values."""
    flat = text.translate(None, b'[]"').split(b",")
    if len(flat) != 2 * (text.count(b"],[") + 1):
        raise ValueError("not pairs")
    pairs = np.fromiter(map(float, flat), np.float64, len(flat))
    return pairs[0::2], pairs[1::2]


def _whole(body: bytes) -> Decoded:
    envelope = json.loads(body)
    if envelope["status"] != "success":
        raise BrokenBodyError(str(envelope.get("error") or "status is not success"))
    data = envelope["data"]
    if data["resultType"] not in _READERS:
        raise BrokenBodyError("unknown resultType")
    return _decoded(envelope, [*_READERS[data["resultType"]](data["result"])])


def _matrix(result: list[Any]) -> Iterable[_Series]:
    for series in result:
        yield _series(series["metric"], series.get("values", []), len(series.get("histograms", [])))


def _vector(result: list[Any]) -> Iterable[_Series]:
    for series in result:
        values = [series["value"]] if "value" in series else []
        yield _series(series["metric"], values, int("histogram" in series))


def _scalar(result: list[Any]) -> Iterable[_Series]:
    yield _series({}, [result], 0)


def _string(_: list[Any]) -> Iterable[_Series]:
    return ()


_READERS: dict[str, Callable[[list[Any]], Iterable[_Series]]] = {
    "matrix": _matrix,
    "vector": _vector,
    "scalar": _scalar,
    "string": _string,
}


def _series(labels: Labels, values: list[Any], histograms: int) -> _Series:
    seconds = np.fromiter((float(second) for second, _ in values), np.float64, len(values))
    value = np.fromiter((float(text) for _, text in values), np.float64, len(values))
    return _Series(labels, seconds, value, histograms)


def _decoded(envelope: dict[str, Any], found: list[_Series]) -> Decoded:
    if envelope["status"] != "success":
        raise BrokenBodyError(str(envelope.get("error") or "status is not success"))
    warnings = [str(text) for text in envelope.get("warnings") or () if not str(text).startswith(_INFO)]
    if envelope.get("isPartial"):
        warnings.append("isPartial: some storage nodes did not answer")
    dropped = 0
    for series in found:
        finite = np.isfinite(series.value)
        dropped += int(len(finite) - finite.sum()) + series.histograms
        if not finite.all():
            series.seconds, series.value = series.seconds[finite], series.value[finite]
    kept = [series for series in found if len(series.value)]
    return Decoded(envelope["data"]["resultType"], _samples(kept), tuple(warnings), dropped)


def _samples(found: list[_Series]) -> Samples:
    if not found:
        return empty()
    names = sorted({name for series in found for name in series.labels})
    columns = {
        name: pd.Series([series.labels.get(name, "") for series in found], dtype="str") for name in names
    }
    time_ms = np.rint(np.concatenate([series.seconds for series in found]) * 1000).astype(np.int64)
    return Samples(
        labels=pd.DataFrame(columns, index=pd.RangeIndex(len(found))),
        series=np.repeat(np.arange(len(found), dtype=np.int32), [len(series.value) for series in found]),
        time_ms=time_ms,
        value=np.concatenate([series.value for series in found]),
    )


def where(samples: Samples, keep: np.ndarray) -> Samples:
    """The samples that `keep` [bool, one per sample] marks; series left without any are gone."""
    if keep.all():
        return samples
    series = samples.series[keep]
    left, renumbered = np.unique(series, return_inverse=True)
    labels = samples.labels.iloc[left].reset_index(drop=True)
    return Samples(labels, renumbered.astype(np.int32), samples.time_ms[keep], samples.value[keep])


def in_order(samples: Samples) -> Samples:
    """Series sorted by their labels, samples by time: the same whatever order the server chose."""
    labels = samples.labels
    if labels.columns.empty or len(labels) < 2:
        rank = np.arange(len(labels), dtype=np.int32)
    else:
        labels = labels.sort_values(list(labels.columns), kind="stable")
        rank = np.empty(len(labels), np.int32)
        rank[labels.index.to_numpy()] = np.arange(len(labels), dtype=np.int32)
    series = rank[samples.series]
    step = np.diff(series)
    if ((step > 0) | ((step == 0) & (np.diff(samples.time_ms) > 0))).all():
        return Samples(labels.reset_index(drop=True), series, samples.time_ms, samples.value)
    order = np.lexsort((samples.time_ms, series))
    return Samples(labels.reset_index(drop=True), series[order], samples.time_ms[order], samples.value[order])
