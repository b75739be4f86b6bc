"""Stretches that were read, kept on disk, so that a run that was stopped goes on where it was.

`DIR/run.json` says what is being read, and each folder `DIR/00000`, `DIR/00001`, ... is one stretch, which
appears whole or not at all. Going on gives the numbers of a run that was never stopped: the same stretches
go through the same arithmetic.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sci_batch.asking.plan import Plan, step_ms
from sci_batch.counters import Counters
from sci_batch.errors import SourceError, UsageError
from sci_batch.fetch.past import Past
from sci_batch.fetch.registry import Registry
from sci_batch.prometheus.client import Account, Client
from sci_batch.windows import parse_time, rfc3339

FORMAT = 3
RUN, STRETCH = "run.json", "stretch.json"
PART = ".part-"
"""What a killed run may leave, and the next one removes, begins so."""
_TABLES = {
    "counters": ("key", "time_ms", "joules", "alive", "flags"),
    "marks": ("mark_node", "mark_ms"),
    "observed": ("observed_node", "observed_from_ms", "observed_to_ms"),
}
_OURS = re.compile(r"\d{5}")

Read = Callable[[Past], Iterator[Counters]]
"""A pull, from where the past ends."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder of one run alone, made where it is not there, and the server without its login."""

    folder: Path
    source: str

    def kept(self, plan: Plan, pull: str, read: Read, client: Client) -> Iterator[Counters]:
        """The stretches that are on disk, then those that are still to be read, each put on disk first.

        The client is told what was asked for those on disk, and what the server warned of then.

        Raises
        ------
        UsageError
            The folder is of another run, holds something else, or is damaged.
        SourceError
            It cannot be written.
        """
        folder = self.folder
        _claim(folder, {"format": FORMAT, **_of(plan, pull, self.source)})
        past, number = Past(), 0
        for path in _usable(folder, plan):
            number += 1
            yield _stored(path, past, client)
        keys, nodes = len(past.registry.keys), len(past.registry.nodes)
        for stretch in read(past):
            last = stretch.end_ms == plan.end_ms
            try:
                shown_by = [(key, sorted(names)) for key, names in past.shown_by.items()]
                made = {
                    "last": last, "last_mark": list(past.last_mark.items()), "shown_by": shown_by,
                    **asdict(client.account),
                }  # fmt: skip
                _store(folder / _name(number), stretch, made, keys, nodes)
            except OSError as error:
                raise _unwritable(folder, error) from None
            number, keys, nodes = number + 1, len(stretch.keys), len(stretch.nodes)
            yield stretch


def begun_ms(folder: Path) -> int | None:
    """Start of the run that was stopped [ms since the Unix epoch]; None: there is none, or none of ours."""
    try:
        return parse_time(str(json.loads((folder / RUN).read_text(encoding="utf-8"))["start"]), now_ms=0)
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        return None


def clear(folder: Path) -> None:
    """Forget a run that is done: its outputs are written. Files of others stay.

    Raises
    ------
    SourceError
        Something cannot be removed.
    """
    try:
        _remove(_folders(folder))
        (folder / RUN).unlink(missing_ok=True)
        _sweep(folder)
        if folder.is_dir() and not any(folder.iterdir()):
            with suppress(OSError):  # it may be where a volume is mounted
                folder.rmdir()
    except OSError as error:
        raise _unwritable(folder, error) from None


def _of(plan: Plan, pull: str, source: str) -> dict[str, Any]:
    """What stretches depend on. The end of the range is not in it: a later one goes on."""
    return {
        "start": rfc3339(plan.start_ms), "pull": pull, "source": source,
        "step_ms": step_ms(plan.energy_edges_ms) if pull == "edges" else 0,
        "power_domains": sorted(plan.power_domains), "cluster": list(plan.cluster),
        "max_gap_ms": plan.max_gap_ms, "labels": dict(plan.labels.renamed),
    }  # fmt: skip


def _claim(folder: Path, wanted: dict[str, Any]) -> None:
    run = folder / RUN
    try:
        if run.is_file():
            _same(folder, json.loads(run.read_text(encoding="utf-8")), wanted)
            _sweep(folder)
            return
        if folder.is_dir():
            _sweep(folder)
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(
                f"{folder} holds something else than a checkpoint", "Give --checkpoint a folder of its own."
            )
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{PART}{RUN}"
        part.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
        part.replace(run)
    except ValueError as error:
        raise _damaged(folder, error) from None
    except OSError as error:
        raise _unwritable(folder, error) from None


def _same(folder: Path, found: Any, wanted: dict[str, Any]) -> None:
    if not isinstance(found, dict):
        raise ValueError("run.json is no object")
    other = [name for name in wanted if found.get(name) != wanted[name]]
    if other:
        words = "; ".join(f"{name} {found.get(name)}, here {wanted[name]}" for name in other)
        raise UsageError(
            f"the checkpoint {folder} is of another run ({words})",
            f"Give the flags of that run, such as --start {found.get('start')}, or remove the folder.",
        )


def _usable(folder: Path, plan: Plan) -> list[Path]:
    """The stretches that this run can use, in order, without a hole; what lies behind them is removed.

    The last stretch of a range closes it, so a run with another end reads it again.
    """
    found = _folders(folder)
    fit = [path for number, path in enumerate(found) if path.name == _name(number)]
    fit = list(takewhile(lambda path: _fits(path, plan), fit))
    try:
        _remove(found[len(fit) :])
    except OSError as error:
        raise _unwritable(folder, error) from None
    return fit


def _fits(path: Path, plan: Plan) -> bool:
    try:
        facts = json.loads((path / STRETCH).read_text(encoding="utf-8"))
        return bool(facts["end_ms"] == plan.end_ms if facts["last"] else facts["end_ms"] < plan.end_ms)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path.parent, error) from None


def _remove(paths: Sequence[Path]) -> None:
    """The last first, and each at once: whoever is killed here leaves whole stretches without a hole."""
    for path in reversed(paths):
        gone = path.with_name(f"{PART}{path.name}")
        shutil.rmtree(gone, ignore_errors=True)
        path.replace(gone)
        shutil.rmtree(gone)


def _sweep(folder: Path) -> None:
    """Remove what a killed run was about to write or to remove; the lock keeps others out."""
    for path in folder.glob(f"{PART}*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _name(number: int) -> str:
    return f"{number:05d}"


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if _OURS.fullmatch(path.name))


def _store(path: Path, stretch: Counters, made: dict[str, Any], keys: int, nodes: int) -> None:
    """Write one stretch: of keys and nodes only what is new in it."""
    part = Path(tempfile.mkdtemp(prefix=PART, dir=path.parent))
    try:
        for name, columns in _TABLES.items():
            table = pa.table({column: pa.array(getattr(stretch, column)) for column in columns})
            pq.write_table(table, part / f"{name}.parquet", compression="zstd")
        for name, frame in (("keys", stretch.keys.iloc[keys:]), ("nodes", stretch.nodes.iloc[nodes:])):
            table = pa.Table.from_pandas(frame, preserve_index=False)
            pq.write_table(table, part / f"{name}.parquet", compression="zstd")
        facts = {"start_ms": stretch.start_ms, "end_ms": stretch.end_ms, **made}
        (part / STRETCH).write_text(json.dumps(facts), encoding="utf-8")
        _flush(part)
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _flush(folder: Path) -> None:
    """What the name promises must be on the disk before the name is."""
    for path in folder.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def _stored(path: Path, past: Past, client: Client) -> Counters:
    """Read one stretch, and bring the past up to date with it."""
    try:
        facts = json.loads((path / STRETCH).read_text(encoding="utf-8"))
        arrays = {
            column: table[column].to_numpy()
            for table in (_table(path, name) for name in _TABLES)
            for column in table.column_names
        }
        keys, nodes = (_table(path, name).to_pandas() for name in ("keys", "nodes"))
        registry = past.registry
        past.registry = Registry(
            keys=pd.concat([registry.keys, keys], ignore_index=True).astype(registry.keys.dtypes),
            nodes=pd.concat([registry.nodes, nodes], ignore_index=True).astype(registry.nodes.dtypes),
        )
        past.remember(arrays["key"], arrays["joules"])
        past.last_mark = {int(node): int(at_ms) for node, at_ms in facts["last_mark"]}
        past.shown_by = {int(key): set(map(str, names)) for key, names in facts["shown_by"]}
        past.end_ms = int(facts["end_ms"])
        client.recall(Account(facts["queries"], facts["warnings"], facts["dropped"]))
        return Counters(
            start_ms=int(facts["start_ms"]), end_ms=past.end_ms, keys=past.registry.keys,
            nodes=past.registry.nodes, **arrays,
        )  # fmt: skip
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, IndexError) as error:
        raise _damaged(path.parent, error) from None


def _table(path: Path, name: str) -> pa.Table:
    return pq.read_table(path / f"{name}.parquet", partitioning=None)


def _damaged(folder: Path, error: Exception) -> UsageError:
    return UsageError(
        f"the checkpoint {folder} is damaged ({error})", "Remove the folder: the run then starts anew."
    )


def _unwritable(folder: Path, error: OSError) -> SourceError:
    return SourceError(
        f"the checkpoint {folder} cannot be written: {error.strerror or error}",
        "Check the rights and the space of --checkpoint.",
    )
