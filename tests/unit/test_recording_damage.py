"""A damaged recording is refused in a sentence, whichever file and however it is damaged."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sci_batch import snapshot
from sci_batch.asking.planned import plan_of
from sci_batch.cli.main import main
from sci_batch.errors import UsageError
from sci_batch.inputs import Kube
from sci_batch.settings import load, windows_of
from sci_batch.snapshot import MANIFEST
from tests import recordings

TABLES = (*Kube.tables(), "counters", "marks", "observed", "stretches", "keys", "nodes", "platform",
          "intensity", "units_1")  # fmt: skip
FILES = (MANIFEST, *(f"{name}.parquet" for name in TABLES))
FLAGS = ("--power-domains", "package", "--intensity", "prometheus:ci", "--node-energy", "platform",
         "--functional-unit", recordings.UNIT, "-o", "csv")  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of table is in it, and is asked for by `FLAGS`."""
    from tests.unit.test_recording import measured

    made = tmp_path_factory.mktemp("whole") / "recording"
    return recordings.record(made, platform=True, intensities={"prometheus:ci": measured()})


@contextlib.contextmanager
def copied(whole: Path) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(shutil.copytree(whole, Path(folder, "recording")))


def run(recording: Path) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["compute", "--snapshot", str(recording), *FLAGS])
        out.flush()
    return code, out.buffer.getvalue().decode(), err.getvalue()


def refused(recording: Path, *words: str) -> None:
    code, out, err = run(recording)
    said = " ".join(err.split())
    assert code == UsageError.exit_code, said
    assert out == ""
    assert said.startswith("error: ")
    assert said.count("error:") == 1
    assert "Traceback" not in err
    for word in (str(recording), *words):
        assert word in said


def test_what_is_damaged_below_is_whole_and_has_every_file(whole: Path) -> None:
    assert {path.name for path in whole.iterdir()} == set(FILES)
    code, out, err = run(whole)
    assert code == 0, err
    assert len(out.splitlines()) == 5


# --- each kind of damage to each file ---


def _table(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    if path.name == MANIFEST:
        path.write_text(json.dumps([json.loads(path.read_text())]))
        return
    pq.write_table(change(pq.read_table(path)), path)


def _flip(path: Path, at: int, bits: int = 0xFF) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= bits
    path.write_bytes(data)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _other(path: Path) -> None:
    name = "nodes.parquet" if path.name != "nodes.parquet" else "keys.parquet"
    path.write_bytes((path.parent / name).read_bytes())


def _retyped(table: pa.Table) -> pa.Table:
    words = pa.array(["x"] * len(table), pa.string())
    for number, name in enumerate(table.column_names):
        table = table.set_column(number, name, words)
    return table


def _added(table: pa.Table) -> pa.Table:
    return table.append_column("more", pa.array(np.zeros(len(table))))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "junk": lambda path: path.write_bytes(b"\x00\xff junk \xfe" * 99),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "the last byte is cut off": lambda path: path.write_bytes(path.read_bytes()[:-2]),
    "the first byte": lambda path: _flip(path, 0),
    "a byte in the middle": lambda path: _flip(path, path.stat().st_size // 2),
    "the last byte": lambda path: _flip(path, path.stat().st_size - 2),
    "a folder": _folder,
    "another table": _other,
    "a column is gone": lambda path: _table(path, lambda table: table.remove_column(0)),
    "a column has another name": lambda path: _table(
        path, lambda table: table.rename_columns(["wrong", *table.column_names[1:]])
    ),
    "words for numbers": lambda path: _table(path, _retyped),
    "a column more": lambda path: _table(path, _added),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_every_file_and_every_damage(name: str, damage: str, whole: Path) -> None:
    with copied(whole) as recording:
        DAMAGES[damage](recording / name)
        refused(recording, name)


@given(name=st.sampled_from(FILES), share=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_any_byte(whole: Path, name: str, share: float, bits: int) -> None:
    with copied(whole) as recording:
        path = recording / name
        _flip(path, int(share * path.stat().st_size), bits)
        if name == MANIFEST:
            assume(_json(path) != _json(whole / name))  # one blank for another is no damage
        refused(recording)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None


# --- the manifest ---


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inside for place in ((*way, key), *_places(item, (*way, key)))]


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}),
    st.sampled_from([10**30, -1, "../../x", [None], {"a": 1}]),
)  # fmt: skip


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_value_of_the_manifest(whole: Path, data: st.DataObject) -> None:
    facts = json.loads((whole / MANIFEST).read_text())
    way = data.draw(st.sampled_from(_places(facts)))
    broken = copy.deepcopy(facts)
    holder = broken
    for step in way[:-1]:
        holder = holder[step]
    if data.draw(st.booleans()):
        del holder[way[-1]]
    else:
        holder[way[-1]] = data.draw(JUNK)
    assume(json.dumps(broken) != json.dumps(facts))
    with copied(whole) as recording:
        (recording / MANIFEST).write_text(json.dumps(broken))
        refused(recording)


@pytest.mark.parametrize("form", [0, 2, 4, "3", None, 3.5, [3]])
def test_another_form(form: object, whole: Path) -> None:
    with copied(whole) as recording:
        facts = json.loads((recording / MANIFEST).read_text())
        (recording / MANIFEST).write_text(json.dumps({**facts, "format": form}))
        refused(recording, "form", "Record it again")


def test_a_manifest_too_deep_to_read(whole: Path) -> None:
    with copied(whole) as recording:
        (recording / MANIFEST).write_text("[" * 200_000)
        refused(recording, MANIFEST)


@pytest.mark.parametrize("name", ["counters", "stretches", "pods"])
def test_a_file_that_goes_away_after_the_recording_was_opened(name: str, whole: Path) -> None:
    flags = {"start": str(recordings.START_S), "end": str(recordings.END_S), "power_domains": "package"}
    chosen = load(flags, {}, "show").settings
    plan = plan_of(chosen, windows_of(chosen, recordings.END_S * 1000))
    with copied(whole) as recording:
        opened = snapshot.open_(recording)
        (recording / f"{name}.parquet").unlink()
        with pytest.raises(UsageError, match=f"is damaged: {name}.parquet: it cannot be read"):
            list(snapshot.inputs(opened, snapshot.tables(opened), plan, ()).counters)
