"""Series of many answers to counters with one number each, one scraper each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sci_batch import kepler
from sci_batch.counters import FLAG_BITS, KEY_COLUMNS, NODE_COLUMNS, add_keys, composite, run_starts
from sci_batch.prometheus.samples import Samples


@dataclass(slots=True)
class Registry:
    """Every counter and node met so far. Rows are only ever added, so a row number is a name."""

    keys: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=[*KEY_COLUMNS, "source", "node_id"]).astype(
            dict.fromkeys([*KEY_COLUMNS, "source"], "str") | {"node_id": "int64"}
        )
    )
    nodes: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=list(NODE_COLUMNS)).astype("str")
    )

    def add(self, series: pd.DataFrame) -> np.ndarray:
        """Key numbers of SERIES rows (`kepler.normalise`)."""
        self.nodes, node_id = add_keys(self.nodes, NODE_COLUMNS, series)
        self.keys, key = add_keys(self.keys, KEY_COLUMNS, series.assign(node_id=node_id))
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Samples of several meters together: SERIES rows, their keys, and flat arrays of samples."""

    series: pd.DataFrame
    key_of_series: np.ndarray
    row: np.ndarray
    """Row of SERIES, per sample."""
    time_ms: np.ndarray
    joules: np.ndarray

    @property
    def key(self) -> np.ndarray:
        """Key number, per sample."""
        return np.asarray(self.key_of_series[self.row])


NOTHING = Readings(
    series=pd.DataFrame(columns=["level", "state", "signature"], dtype="str"),
    key_of_series=np.empty(0, np.int64),
    row=np.empty(0, np.int64), time_ms=np.empty(0, np.int64), joules=np.empty(0),
)  # fmt: skip


def readings(
    registry: Registry,
    answers: list[tuple[kepler.Meter, Samples]],
    labels: kepler.Labels,
    node_names: dict[str, str],
) -> Readings:
    """Put the answers of several meters into one vocabulary; host rows and nameless rows are left out.

    `node_names` gives the node of a target's `instance`, for the legacy (its containers carry no node).
    """
    answers = [answer for answer in answers if len(answer[1])] or answers[:1]
    frames, rows, times, values = [], [], [], []
    offset = 0
    for meter, samples in answers:
        series = kepler.normalise(samples, meter, labels)
        keep = kepler.pods_only(series)
        number = (np.cumsum(keep) - 1 + offset).astype(np.int32)[samples.series]
        inside: slice | np.ndarray = slice(None)
        if not keep.all():
            inside = keep[samples.series]
        frames.append(series[keep])
        rows.append(number[inside])
        times.append(samples.time_ms[inside])
        values.append(samples.value[inside] * meter.scale)
        offset += int(keep.sum())
    if not frames:
        return NOTHING
    series = pd.concat(frames, ignore_index=True)
    legacy = series["generation"] == kepler.LEGACY
    if legacy.any():
        named = series["node"].map(lambda name: node_names.get(name, name)).astype("str")
        series["node"] = series["node"].where(~legacy, named)
    return Readings(
        series=series, key_of_series=registry.add(series), row=np.concatenate(rows),
        time_ms=np.concatenate(times), joules=np.concatenate(values),
    )  # fmt: skip


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
    state = found.series["state"].to_numpy()
    counter = pd.factorize(pd.Series(list(zip(found.key_of_series.tolist(), state.tolist(), strict=True))))[0]
    many = np.bincount(counter, minlength=1)[counter] > 1
    if not many.any():
        return found, np.empty(0, np.int64)
    signature = found.series["signature"].rank(method="dense").to_numpy()
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
        series=found.series, key_of_series=found.key_of_series, row=found.row[keep],
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
    return tuple(column[row] for column in (key, *columns))


def duplicate_flags(key: np.ndarray, twice: np.ndarray) -> np.ndarray:
    """Flag bits per sample: `duplicate-series` where the key was scraped more than once."""
    if not len(twice):
        return np.broadcast_to(np.int64(0), len(key))
    return np.where(np.isin(key, twice), FLAG_BITS["duplicate-series"], 0)
