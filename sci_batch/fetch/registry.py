"""Series of many answers to counters with one number each, one scraper each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from sys import intern

import numpy as np
import pandas as pd

from sci_batch import kepler
from sci_batch.counters import FLAG_BITS, KEY_COLUMNS, NODE_COLUMNS, composite, run_starts
from sci_batch.fetch.series import Series, is_pod, normalise, table
from sci_batch.prometheus.samples import LabelSet, Samples

Asked = tuple[kepler.Meter, Sequence[LabelSet]]
MOST_MET = 50_000
"""Series of which is kept what they are; all are forgotten where it is more."""


class _Numbers(dict[tuple[str, ...], int]):
    """Numbers what is looked up, in the order in which it is met."""

    def __missing__(self, name: tuple[str, ...]) -> int:
        self[name] = number = len(self)
        return number

    @classmethod
    def of(cls, known: pd.DataFrame, columns: tuple[str, ...]) -> _Numbers:
        """The row numbers of a table."""
        rows = zip(*(known[name].tolist() for name in columns), strict=True)
        return cls({name: number for number, name in enumerate(rows)})


@dataclass(slots=True)
class _Met:
    """Series met lately: the same ones come in every answer, and what their labels mean stays."""

    rows: dict[kepler.Meter, dict[LabelSet, int]] = field(default_factory=dict)
    """Row in `series`; -1 for what is no pod."""
    series: pd.DataFrame = field(default_factory=lambda: table([]))
    key: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    """Of each row of `series`."""


class Registry:
    """Every counter and node met so far. Rows are only ever added, so a row number is a name.

    `keys` and `nodes` are those of `Counters`; `series` of `rows` has a column for each field of `Series`.
    """

    def __init__(self, keys: pd.DataFrame | None = None, nodes: pd.DataFrame | None = None) -> None:
        none = table([]).assign(node_id=np.empty(0, np.int64))
        self.keys = none[[*KEY_COLUMNS, "source", "node_id"]] if keys is None else keys
        self.nodes = none[[*NODE_COLUMNS]] if nodes is None else nodes
        self._met = _Met()

    # when first used: a checkpoint makes many registries that are only read
    @cached_property
    def _key_numbers(self) -> _Numbers:
        return _Numbers.of(self.keys, KEY_COLUMNS)

    @cached_property
    def _node_numbers(self) -> _Numbers:
        return _Numbers.of(self.nodes, NODE_COLUMNS)

    def add(self, series: Sequence[Series]) -> np.ndarray:
        """Key numbers of series."""
        node_id = [self._node_numbers[one.generation, one.node] for one in series]
        key = [self._key_numbers[tuple(map(intern, one[: len(KEY_COLUMNS)]))] for one in series]
        rows = table(series).assign(node_id=node_id)
        self.nodes, self.keys = _grown(self.nodes, node_id, rows), _grown(self.keys, key, rows)
        return np.array(key, np.int64)

    def rows(
        self, asked: Sequence[Asked], labels: kepler.Labels, node_names: Mapping[str, str]
    ) -> list[np.ndarray]:
        """The row of every set of labels, for `series`, until this is called again; -1 for what is no pod.

        `node_names`: see `series.normalise`.
        """
        if len(self._met.key) > MOST_MET:
            self._met = _Met()
        asked = [(meter, [_nameless(one) for one in sets]) for meter, sets in asked]
        new: list[Series] = []
        for meter, sets in asked:
            known = self._met.rows.setdefault(meter, {})
            unknown = [one for one in dict.fromkeys(sets) if one not in known]
            for one, series in zip(unknown, normalise(unknown, meter, labels, node_names), strict=True):
                known[one] = -1
                if meter.level == kepler.NODE or is_pod(series):
                    known[one] = len(self._met.key) + len(new)
                    new.append(series)
        if new:
            self._met.series = pd.concat([self._met.series, table(new)], ignore_index=True)
            self._met.key = np.append(self._met.key, self.add(new))
        met = self._met.rows
        return [np.array(list(map(met[meter].__getitem__, sets)), np.int64) for meter, sets in asked]

    def series(self, rows: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
        """Series of `rows`, and the key of each."""
        return self._met.series.take(rows).reset_index(drop=True), self._met.key[rows]


def _grown(known: pd.DataFrame, numbers: Sequence[int], rows: pd.DataFrame) -> pd.DataFrame:
    """A table with those rows behind it whose numbers it does not reach; of several, the first."""
    number, place = np.unique(numbers, return_index=True)
    new = rows[known.columns].take(place[number >= len(known)])
    return pd.concat([known, new], ignore_index=True) if len(new) else known


def _nameless(labels: LabelSet) -> LabelSet:
    """Functions of PromQL leave out the metric's name, or not; it is the meter's."""
    if labels and labels[0][0] == "__name__":  # only names in capitals come before it
        return labels[1:]
    return tuple(pair for pair in labels if pair[0] != "__name__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Samples of several meters together: their series, the keys of these, and flat arrays of samples."""

    series: pd.DataFrame
    sets: Sequence[LabelSet]
    """Labels of each row of `series`."""
    key_of_series: np.ndarray
    row: np.ndarray
    """Row of `series`, per sample."""
    time_ms: np.ndarray
    joules: np.ndarray

    @property
    def key(self) -> np.ndarray:
        """Key number, per sample."""
        return np.asarray(self.key_of_series[self.row])


def readings(
    registry: Registry,
    answers: list[tuple[kepler.Meter, Samples]],
    labels: kepler.Labels,
    node_names: Mapping[str, str],
) -> Readings:
    """Put the answers of several meters into one vocabulary; host rows and nameless rows are left out.

    `node_names`: see `series.normalise`.
    """
    answers = [answer for answer in answers if len(answer[1])]
    known = registry.rows([(meter, samples.sets) for meter, samples in answers], labels, node_names)
    sets: list[LabelSet] = []
    kept, rows, times, values = [], [], [], []
    for (meter, samples), row in zip(answers, known, strict=True):
        keep = row >= 0
        number = (np.cumsum(keep) - 1 + len(sets)).astype(np.int32)
        inside: slice | np.ndarray = slice(None) if keep.all() else keep[samples.series]
        kept.append(row[keep])
        sets += [one for one, wanted in zip(samples.sets, keep.tolist(), strict=True) if wanted]
        rows.append(number[samples.series[inside]])
        times.append(samples.time_ms[inside])
        values.append(samples.value[inside] if meter.scale == 1 else samples.value[inside] * meter.scale)
    series, key = registry.series(_joined(kept, np.int64))
    return Readings(
        series=series, sets=sets, key_of_series=key, row=_joined(rows, np.int32),
        time_ms=_joined(times, np.int64), joules=_joined(values, np.float64),
    )  # fmt: skip


def _joined(parts: list[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, kind)


def one_scraper(found: Readings, *, touching: bool) -> tuple[Readings, np.ndarray]:
    """Keep one of several series that show the same counter at the same time.

    Two scrape jobs or two Prometheus replicas give every counter twice, at slightly other moments;
    merged, each small step back would look like a reset. Series of one counter that follow each other
    (Kepler restarted under another `instance`) are all kept. Where a kept series has no samples, another
    one stands in.

    Parameters
    ----------
    touching
        Whether series that share just one moment count as following each other (edges: a restart shows
        both at one edge).

    Returns
    -------
    The readings, and the keys that were scraped more than once.
    """
    state = pd.factorize(found.series["state"])[0]
    counter = pd.factorize(found.key_of_series * (state.max(initial=0) + 1) + state)[0]
    many = np.bincount(counter, minlength=1)[counter] > 1
    if not many.any():
        return found, np.empty(0, np.int64)
    signature = np.zeros(len(many), np.int64)
    for number, series in enumerate(sorted(np.flatnonzero(many).tolist(), key=found.sets.__getitem__)):
        signature[series] = number
    contested = np.flatnonzero(many[found.row])
    piece = found.row[contested].astype(np.int64)  # a series, later a part of one
    alive = np.ones(len(contested), bool)
    settled = np.zeros(len(contested), bool)
    twice: list[np.ndarray] = []
    while True:
        open_ = np.flatnonzero(alive & ~settled)
        if not len(open_):
            break
        spans = pd.DataFrame({"piece": piece[open_], "t": found.time_ms[contested[open_]]})
        spans = spans.groupby("piece", sort=True)["t"].agg(["min", "max", "size"]).reset_index()
        owner = pd.Series(found.row[contested[open_]]).groupby(piece[open_]).first().to_numpy()
        spans["counter"], spans["signature"] = counter[owner], signature[owner]
        # a series that ends where others begin goes first, so that it is seen to be followed
        spans = spans.sort_values(["counter", "min", "max", "signature"], ignore_index=True)
        reach = spans.groupby("counter")["max"].cummax().groupby(spans["counter"]).shift(fill_value=-1)
        apart = spans["min"] >= reach if touching else spans["min"] > reach
        spans["cluster"] = apart.cumsum()
        best = spans.sort_values(["cluster", "size", "signature"], ascending=[True, False, True])
        best = best.drop_duplicates("cluster").set_index("cluster")
        of_piece = spans.set_index("piece")["cluster"].loc[piece[open_].tolist()].to_numpy()
        chosen = best.loc[of_piece.tolist()]
        mine = chosen["piece"].to_numpy() == piece[open_]
        t = found.time_ms[contested[open_]]
        within = (t >= chosen["min"].to_numpy()) & (t <= chosen["max"].to_numpy())
        settled[open_[mine]] = True
        alive[open_[~mine & within]] = False
        twice.append(found.key[contested[open_[~mine & within]]])
        side = np.where(t > chosen["max"].to_numpy(), 1, 0)
        rest = open_[~mine & ~within]
        piece[rest] = pd.factorize(pd.Series(piece[rest] * 2 + side[~mine & ~within]))[0]
    keep = np.ones(len(found.row), bool)
    keep[contested[~alive]] = False
    kept = Readings(
        series=found.series, sets=found.sets, key_of_series=found.key_of_series, row=found.row[keep],
        time_ms=found.time_ms[keep], joules=found.joules[keep],
    )  # fmt: skip
    return kept, np.unique(np.concatenate(twice)) if twice else np.empty(0, np.int64)


def merged(
    key: np.ndarray, time_ms: np.ndarray, joules: np.ndarray, *more: np.ndarray
) -> tuple[np.ndarray, ...]:
    """One value per key and time, ordered: the larger one, as `terminated` holds the final total."""
    key, time_ms, joules, *rest = _keys_in_order(key, time_ms, joules, *more)
    code = composite(key, time_ms)
    if (code[1:] > code[:-1]).all():  # as most answers come
        return (key, time_ms, joules, *rest)
    order = np.argsort(code, kind="stable")  # quick where the parts are in order
    if (np.diff(code[order]) == 0).any():
        order = np.lexsort((joules, code))
    order = order[np.append(np.diff(code[order]) > 0, True)]
    return (key[order], time_ms[order], joules[order], *(column[order] for column in rest))


def _keys_in_order(key: np.ndarray, *columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """Whole runs of a key moved, so that keys rise; within a key the order stays."""
    start = np.flatnonzero(run_starts(key))
    order = np.argsort(key[start], kind="stable")
    if (np.diff(order) == 1).all():
        return (key, *columns)
    length = np.diff(start, append=len(key))[order]
    begin = np.cumsum(length) - length
    row = np.arange(len(key)) + np.repeat(start[order] - begin, length)
    return (np.repeat(key[start[order]], length), *(column[row] for column in columns))


def duplicate_flags(key: np.ndarray, twice: np.ndarray) -> np.ndarray:
    """Flag bits per sample: `duplicate-series` where the key was scraped more than once."""
    if not len(twice):
        return np.broadcast_to(np.int64(0), len(key))
    return np.where(np.isin(key, twice), FLAG_BITS["duplicate-series"], 0)
