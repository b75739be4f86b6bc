"""An answer's body as `Samples`, without a Python object per sample kept.

Large answers are matrices in the compact JSON of Go: those are cut at their markers and only the
labels go through the JSON parser. Whatever does not look exactly so is parsed whole instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from sci_batch.notation import NUMBER
from sci_batch.prometheus.samples import LabelSet, Samples, empty, label_set

_RESULT = b'"result":['
_METRIC = b'{"metric":'
_VALUES = b',"values":[['
_NEXT = b'"],['
_BATCH_BYTES = 1 << 20
"""Text turned into numbers at a time: enough to be fast, little beside the body."""
SMALL_BYTES = 1 << 18
"""Bodies up to here are parsed whole: the first ones come before pyarrow is loaded."""
_LONGEST_HEAD = 4096
_HERE = b'{"sci-batch":0}'
"""Stands for the series in the envelope, so that it is seen to which list they belong."""
_ODD = (b'"', b" ", b"\t", b"\r")
_YEAR_10000_S = 253_402_300_800
_NO_NUMBERS = ("nan", "inf", "infinity")
"""Values that are none, as Prometheus writes them; signs and capitals are no matter."""
_INFO = "PromQL info"  # 2.49 to 2.55 list remarks about style among the warnings; 3 has `infos` for them

_NUMBER = re.compile(NUMBER)
Labels = dict[str, str]
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Of each sample: place of its series, time [ms], value."""
_Pairs = tuple[np.ndarray, np.ndarray]


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
class _Found:
    """The series of one answer: labels and number of values of each, all values one after the other."""

    sets: list[LabelSet]
    counts: list[int]
    seconds: np.ndarray
    value: np.ndarray
    histograms: int = 0


def decode(body: bytes, edge_ms: int | None = None) -> Decoded:
    """Read the answer of `/api/v1/query` or `/api/v1/query_range`, without samples at `edge_ms`.

    Raises
    ------
    BrokenBodyError
        See there.
    """
    try:
        quick = _by_markers(body, edge_ms) if len(body) > SMALL_BYTES else None
        return quick or _whole(body, edge_ms)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        ArithmeticError,
    ) as failed:
        if isinstance(failed, BrokenBodyError):
            raise
        reason = "no JSON, or cut off" if isinstance(failed, ValueError) else "not a query answer"
        raise BrokenBodyError(reason) from None


def _by_markers(body: bytes, edge_ms: int | None = None) -> Decoded | None:
    """Decode a compact matrix; None when anything is not as expected."""
    head = body.find(_RESULT, 0, _LONGEST_HEAD)
    if head < 0:
        return None
    at = first = head + len(_RESULT)
    labels: list[bytes] = []
    counts: list[int] = []
    texts: list[bytes] = []
    waiting = 0
    pairs: list[_Pairs] = []
    try:
        while body.startswith(_METRIC, at):
            values = body.find(_VALUES, at)
            end = body.find(b"]]}", values)
            if values < 0 or end < 0:
                return None
            labels.append(body[at + len(_METRIC) : values])
            texts.append(body[values + len(_VALUES) : end])
            counts.append(texts[-1].count(_NEXT) + 1)
            waiting += len(texts[-1])
            if waiting > _BATCH_BYTES:
                pairs.append(_numbers(texts))
                texts, waiting = [], 0
            at = end + len(b"]]}")
            if body.startswith(b"," + _METRIC, at):
                at += 1
        if texts:
            pairs.append(_numbers(texts))
        # Quotes inside a label are escaped, so a marker is never part of one. A series with
        # histograms only makes its slice reach into the next series: no JSON, so None.
        sets = [_label_set(text) for text in labels]
        # What is left without the series is the whole envelope: a cut body fails here.
        envelope = json.loads(body[:first] + (_HERE if labels else b"") + body[at:])
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    data = envelope.get("data") if isinstance(envelope, dict) else None
    if not isinstance(data, dict) or data.get("result") != ([json.loads(_HERE)] if labels else []):
        return None
    if data.get("resultType") != "matrix":
        return None
    seconds = np.concatenate([of[0] for of in pairs] or [np.empty(0)])
    value = np.concatenate([of[1] for of in pairs] or [np.empty(0)])
    if len(seconds) != sum(counts):
        return None
    return _decoded(envelope, _Found(sets, counts, seconds, value), edge_ms)


@lru_cache(maxsize=1 << 15)
def _label_set(text: bytes) -> LabelSet:
    """Most series are met again in the next answer. Series share the pairs that they have in common."""
    labels = json.loads(text.decode())
    _check_texts([labels])
    return tuple(map(_shared, label_set(labels)))


@lru_cache(maxsize=1 << 16)
def _shared(pair: tuple[str, str]) -> tuple[str, str]:
    return pair


def _numbers(texts: list[bytes]) -> _Pairs:
    """Times and values of slices such as `1.5,"2"],[3,"4"`; `ValueError` where they are no numbers."""
    import pyarrow as pa
    from pyarrow import csv

    if not all(text.endswith(b'"') for text in texts):
        raise ValueError("a value that is no text")
    quoted = b"\n".join([text[:-1] for text in texts]).replace(_NEXT, b"\n") + b"\n"
    lines = quoted.replace(b',"', b",")
    # The reader of CSV takes more for a number than JSON does: what is not plain goes the slow way.
    text = np.frombuffer(lines, np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    starts = np.append(0, ends[:-1] + 1)
    first, second = text[starts], text[np.minimum(starts + 1, len(text) - 1)]
    zero = (first == ord("0")) & ((second == ord(".")) | (second == ord(",")))
    plain = (zero | ((first >= ord("1")) & (first <= ord("9")))).all() and _digit_after_each_point(text)
    if not plain or len(quoted) - len(lines) != len(ends) or any(odd in lines for odd in _ODD):
        raise ValueError("no plain pairs of a number and the text of one")
    table = csv.read_csv(
        pa.BufferReader(lines),
        # one block, so that a column is one array
        csv.ReadOptions(column_names=["seconds", "value"], block_size=len(lines) + 1, use_threads=False),
        csv.ParseOptions(quote_char=False),
        csv.ConvertOptions(column_types=dict.fromkeys(("seconds", "value"), pa.float64()), null_values=[]),
    )
    return table["seconds"].to_numpy(), table["value"].to_numpy()


def _digit_after_each_point(text: np.ndarray) -> bool:
    after = text[np.flatnonzero(text == ord(".")) + 1]  # the last letter is a line feed
    return bool(((after >= ord("0")) & (after <= ord("9"))).all())


def _whole(body: bytes, edge_ms: int | None = None) -> Decoded:
    envelope = json.loads(body)
    if envelope["status"] != "success":
        raise BrokenBodyError(str(envelope.get("error") or "status is not success"))
    data = envelope["data"]
    if data["resultType"] not in _READERS:
        raise BrokenBodyError("unknown resultType")
    return _decoded(envelope, _READERS[data["resultType"]](data["result"]), edge_ms)


def _matrix(result: list[Any]) -> _Found:
    if not all("values" in series or "histograms" in series for series in result):
        raise BrokenBodyError("a series without values")
    values = [series.get("values", []) for series in result]
    histograms = sum(len(series.get("histograms", [])) for series in result)
    return _found([series["metric"] for series in result], values, histograms)


def _vector(result: list[Any]) -> _Found:
    if not all("value" in series or "histogram" in series for series in result):
        raise BrokenBodyError("a series without a value")
    values = [[series["value"]] if "value" in series else [] for series in result]
    return _found(
        [series["metric"] for series in result], values, sum("histogram" in series for series in result)
    )


def _scalar(result: list[Any]) -> _Found:
    return _found([{}], [[result]], 0)


def _string(_: list[Any]) -> _Found:
    return _found([], [], 0)


_READERS: dict[str, Callable[[list[Any]], _Found]] = {
    "matrix": _matrix,
    "vector": _vector,
    "scalar": _scalar,
    "string": _string,
}


def _found(labels: list[Labels], values: list[list[Any]], histograms: int) -> _Found:
    counts = [len(pairs) for pairs in values]
    size = sum(counts)
    seconds = np.fromiter((_time(second) for pairs in values for second, _ in pairs), np.float64, size)
    value = np.fromiter((_number(text) for pairs in values for _, text in pairs), np.float64, size)
    _check_texts(labels)
    return _Found([label_set(one) for one in labels], counts, seconds, value, histograms)


def _time(value: object) -> float:
    """Seconds: a number of JSON, or the text of one, as some proxies write it."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _number(value: object) -> float:
    """A value: the text of a number, of NaN or an infinity; or a number of JSON."""
    if not isinstance(value, str):
        return _time(value)
    if _NUMBER.fullmatch(value) or value.lower().lstrip("+-") in _NO_NUMBERS:
        return float(value)
    raise ValueError(value)


def _decoded(envelope: dict[str, Any], found: _Found, edge_ms: int | None) -> Decoded:
    if envelope["status"] != "success":
        raise BrokenBodyError(str(envelope.get("error") or "status is not success"))
    if not (np.abs(found.seconds) < _YEAR_10000_S).all():
        raise BrokenBodyError("a time that is none")
    told = envelope.get("warnings") or ()
    warnings = [str(text) for text in ([told] if isinstance(told, str) else told)]
    warnings = [text for text in warnings if not text.startswith(_INFO)]
    if envelope.get("isPartial"):
        warnings.append("isPartial: some storage nodes did not answer")
    series = np.repeat(np.arange(len(found.counts), dtype=np.int32), found.counts)
    columns = series, np.rint(found.seconds * 1000).astype(np.int64), found.value
    if edge_ms is not None:
        columns = _kept(columns, columns[1] != edge_ms)
    finite = np.isfinite(columns[2])
    dropped = int(len(finite) - finite.sum()) + found.histograms
    samples = assembled(found.sets, *_kept(columns, finite))
    return Decoded(envelope["data"]["resultType"], samples, tuple(warnings), dropped)


def _check_texts(labels: list[Labels]) -> None:
    """Names are texts in JSON; values may be anything, and both may hold half a character."""
    try:
        values = "".join(chain.from_iterable(one.values() for one in labels))
    except TypeError:
        raise BrokenBodyError("a label that is no text") from None
    (values + "".join(chain.from_iterable(labels))).encode()


def _kept(columns: Columns, keep: np.ndarray) -> Columns:
    return columns if keep.all() else (columns[0][keep], columns[1][keep], columns[2][keep])


def assembled(
    labels: Sequence[LabelSet], series: np.ndarray, time_ms: np.ndarray, value: np.ndarray
) -> Samples:
    """Samples with the place of each one's series in `labels`; series without any are left out."""
    has = np.zeros(len(labels), bool)
    has[series] = True
    if not has.all():
        series = (np.cumsum(has, dtype=np.int32) - np.int32(1))[series]
        labels = [labels[number] for number in np.flatnonzero(has).tolist()]
    return Samples(labels, series, time_ms, value) if labels else empty()
