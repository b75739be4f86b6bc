"""Series of many answers to counters with one number each, one scraper each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sci_batch import kepler
from sci_batch.counters import FLAG_BITS, KEY_COLUMNS, NODE_COLUMNS, add_keys, composite, run_starts
from sci_batch.fetch.series import SERIES, normalise, pods_only
from sci_batch.prometheus.samples import LabelSet, Samples

Asked = tuple[kepler.Meter, Sequence[LabelSet]]
MOST_MET = 50_000
"""Series of which is kept what they are; all are forgotten where it is more."""


def _no_rows(*columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns)).astype("str")


@dataclass(slots=True)
class _Met:
    """Series met lately: the same ones come in every answer, and what their labels mean stays."""

    rows: dict[kepler.Meter, dict[LabelSet, int]] = field(default_factory=dict)
    """Row in `series`; -1 for what is no pod."""
    series: pd.DataFrame = field(default_factory=lambda: _no_rows(*SERIES))
    key: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    """Of each row of `series`."""


@dataclass(slots=True)
class Registry:
    """Every counter and node met so far. Rows are only ever added, so a row number is a name."""

    keys: pd.DataFrame = field(
        default_factory=lambda: _no_rows(*KEY_COLUMNS, "source").assign(node_id=np.empty(0, np.int64))
    )
    nodes: pd.DataFrame = field(default_factory=lambda: _no_rows(*NODE_COLUMNS))
    _met: _Met = field(default_factory=_Met)

    def add(self, series: pd.DataFrame) -> np.ndarray:
        """Key numbers of SERIES rows (`series.normalise`)."""
        self.nodes, node_id = add_keys(self.nodes, NODE_COLUMNS, series)
        self.keys, key = add_keys(self.keys, KEY_COLUMNS, series.assign(node_id=node_id))
        return key

    def rows(
        self, asked: Sequence[Asked], labels: kepler.Labels, node_names: Mapping[str, str]
    ) -> list[np.ndarray]:
        """The row of every set of labels, for `series`, until this is called again; -1 for what is no pod.

        `node_names` gives the node of a target's `instance`, for the legacy (its containers carry no node).
        """
        if len(self._met.key) > MOST_MET:
            self._met = _Met()
        asked = [(meter, [_nameless(one) for one in sets]) for meter, sets in asked]
        new: list[pd.DataFrame] = []
        for meter, sets in asked:
            series = self._new(meter, sets, labels, len(self._met.key) + sum(map(len, new)))
            if len(series):
                new.append(series)
        if new:
            added = _with_node_names(pd.concat(new, ignore_index=True), node_names)
            self._met.series = pd.concat([self._met.series, added], ignore_index=True)
            self._met.key = np.append(self._met.key, self.add(added))
        known = self._met.rows
        return [np.array([known[meter][one] for one in sets], np.int64) for meter, sets in asked]

    def series(self, rows: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
        """SERIES and the key of each."""
        return self._met.series.take(rows).reset_index(drop=True), self._met.key[rows]

    def _new(
        self, meter: kepler.Meter, sets: Sequence[LabelSet], labels: kepler.Labels, first: int
    ) -> pd.DataFrame:
        """SERIES of those sets that were not met, which get the rows from `first` on."""
        known = self._met.rows.setdefault(meter, {})
        new = [one for one in dict.fromkeys(sets) if one not in known]
        if not new:
            return self._met.series[:0]
        series = normalise(new, meter, labels)
        keep = pods_only(series)
        rows = np.where(keep, np.cumsum(keep) - 1 + first, -1)
        known.update(zip(new, rows.tolist(), strict=True))
        return series[keep]


def _nameless(labels: LabelSet) -> LabelSet:
    """Functions of PromQL leave out the metric's name, or not; it is the meter's."""
    if labels and labels[0][0] == "__name__":  # only names in capitals come before it
        return labels[1:]
    return tuple(pair for pair in labels if pair[0] != "__name__")


def _with_node_names(series: pd.DataFrame, node_names: Mapping[str, str]) -> pd.DataFrame:
    legacy = series["generation"] == kepler.LEGACY
    if not legacy.any():
        return series
    named = series["node"].map(lambda name: node_names.get(name, name)).astype("str")
    return series.assign(node=series["node"].where(~legacy, named))


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Samples of several meters together: SERIES rows, their keys, and flat arrays of samples."""

    series: pd.DataFrame
    sets: Sequence[LabelSet]
    """Labels of each row of SERIES."""
    key_of_series: np.ndarray
    row: np.ndarray
    """Row of SERIES, per sample."""
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

    `node_names`: see `Registry.rows`.
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
        spans = spans.sort_values(["counter", "min", "signature"], ignore_index=True)
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
