"""Few bytes that stand for many: refused in a sentence, before they fill the memory or the stack."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sci_batch import parquet_file, stored
from sci_batch.embodied import file_rows
from sci_batch.errors import SciBatchError, UsageError
from sci_batch.files import contents
from sci_batch.impact.yaml_file import mapping
from sci_batch.intensity.file import read as read_intensity
from sci_batch.intensity.frame import Request
from sci_batch.prometheus import http_config, problems
from sci_batch.prometheus.decode import BrokenBodyError, decode
from sci_batch.schedule import documents
from sci_batch.settings import load
from sci_batch.sinks import day_file
from sci_batch.sinks.parquet import METADATA_KEY
from sci_batch.source import unit_file

DEEP = 200_000
EDGES_MS = (1_772_323_200_000, 1_772_326_800_000)


def intensity(path: Path) -> object:
    return read_intensity(path, Request(start_ms=0, end_ms=1))


def units(path: Path) -> object:
    return unit_file.read(path, EDGES_MS)


# --- deep nesting ---

NESTED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "settings": ("window = " + "[" * DEEP, lambda path: load({}, {}, "show", str(path))),
    "nodes.toml": ("nodes = " + "[" * DEEP, file_rows.read),
    "state.json": ("[" * DEEP, lambda path: documents.read(path, "last-run", "--state")),
    "result.json": ('{"a":' * DEEP, stored.read),
    "http.yml": ("a: " + "[" * DEEP, lambda path: http_config.load(str(path))),
    "blocks.yml": ("- " * DEEP, lambda path: http_config.load(str(path))),
    "if.yaml": ("[" * DEEP, lambda path: mapping(path.read_text(), path)),
}


@pytest.mark.parametrize("name", NESTED)
def test_deep_nesting(name: str, tmp_path: Path) -> None:
    text, read = NESTED[name]
    path = tmp_path / (name if "." in name else f"{name}.toml")
    path.write_text(text)
    with pytest.raises(UsageError):
        read(path)


@pytest.mark.parametrize(
    "start", [b"[", b'{"a":', b'{"status":"success","data":{"resultType":"matrix","result":[']
)
def test_deep_nesting_in_answers(start: bytes) -> None:
    body = start + b"[" * DEEP
    with pytest.raises(BrokenBodyError):
        decode(body)
    problem = problems.judge(problems.Answer(422, {}, body), problems.Asked("http://h"))
    assert problem is not None
    assert problem.error.cure


def test_metadata_of_parquet_that_is_nested_deeply(tmp_path: Path) -> None:
    table = pa.table({"a": [1]}).replace_schema_metadata({METADATA_KEY: b"[" * DEEP})
    pq.write_table(table, tmp_path / "result.parquet")
    with pytest.raises(UsageError):
        stored.read(tmp_path / "result.parquet")
    with pytest.raises(SciBatchError):
        day_file.read((tmp_path / "result.parquet").read_bytes(), "x")


# --- aliases ---


def test_aliases_of_yaml_do_not_multiply(tmp_path: Path) -> None:
    """Nine times nine, ten levels deep: the text of it would be 3.5 billion letters."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 10)]
    text = "\n".join(lines)
    with pytest.raises(UsageError, match="aliases"):
        mapping(text, "if.yaml")
    path = tmp_path / "http.yml"
    path.write_text("&a basic_auth: {username: [*a]}\n" + text)
    with pytest.raises(UsageError):
        http_config.load(str(path))
    path.write_text("basic_auth: &a\n  username: *a\n")
    with pytest.raises(UsageError):
        http_config.load(str(path))


# --- Parquet ---


def _rows(count: int, **columns: object) -> bytes:
    """One value in each column, repeated: a few hundred bytes, however many rows."""
    names = {name: pa.DictionaryArray.from_arrays(pa.nulls(count, pa.int32()).fill_null(0), pa.array([value]))
             for name, value in columns.items()}  # fmt: skip
    stream = io.BytesIO()
    pq.write_table(pa.table(names), stream, compression="zstd", row_group_size=count)
    return stream.getvalue()


def test_rows_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "MOST_CELLS", 1_000_000)
    content = _rows(400_000, start_utc="2026-03-01", end_utc="2026-03-02", gco2e_per_kwh="380")
    assert len(content) < 10_000
    path = tmp_path / "ci.parquet"
    path.write_bytes(content)
    for read in (intensity, units, stored.read):
        with pytest.raises(UsageError, match="400,000 rows, more than is read"):
            read(path)
    with pytest.raises(UsageError, match="400,000 rows, more than is read"):
        day_file.read(content, "date=2026-03-01")


def test_one_long_text_a_million_times(tmp_path: Path) -> None:
    """1 MB as often as 40,000 times would be 40 GB."""
    content = _rows(40_000, zone="x" * 1_000_000)
    assert len(content) < 10_000
    path = tmp_path / "ci.parquet"
    path.write_bytes(content)
    for read in (intensity, units, stored.read):
        with pytest.raises(UsageError, match="40 GB of text, more than is read"):
            read(path)


def test_what_is_not_a_bomb_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(_rows(1_000, zone="DE", more="x"))
    frame, _ = parquet_file.read(path, path)
    assert frame["zone"].tolist() == ["DE"] * 1_000


def test_a_column_that_stands_twice(tmp_path: Path) -> None:
    path = tmp_path / "ci.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), path)
    for read in (intensity, units):
        with pytest.raises(UsageError):
            read(path)


@pytest.mark.parametrize(
    "noted", [b"{}", b'{"columns":[]}', b"[]", b"{", b'{"index_columns":["x"],"columns":[{}]}']
)
def test_what_pandas_noted_in_a_file_is_not_obeyed(noted: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ci.parquet"
    table = pa.table({"start_utc": ["2026-03-01"], "end_utc": ["2026-03-02"], "gco2e_per_kwh": [380.0]})
    pq.write_table(table.replace_schema_metadata({b"pandas": noted}), path)
    assert read_intensity(path, Request(start_ms=0, end_ms=1)).rows["gco2e_per_kwh"].tolist() == [380.0]


def test_a_folder_named_like_a_partition_is_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "zone=FR"
    folder.mkdir()
    path = folder / "ci.parquet"
    pq.write_table(
        pa.table({"start_utc": ["2026-03-01"], "end_utc": ["2026-03-02"], "gco2e_per_kwh": [380.0]}), path
    )
    assert read_intensity(path, Request(start_ms=0, end_ms=1)).rows["zone"].tolist() == [""]


# --- compressed files, and files without an end ---


@pytest.mark.parametrize("name", ["ci.csv", "ci.csv.gz", "ci.csv.zip", "ci.csv.xz", "ci.csv.zst"])
def test_compressed_files_are_not_opened(name: str, tmp_path: Path) -> None:
    """Whatever their names say: 200 MB of zeros are 200 kB of gzip."""
    packed = gzip.compress(bytes(20_000_000))
    if name.endswith("zip"):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.csv", bytes(20_000_000))
        packed = stream.getvalue()
    path = tmp_path / name
    path.write_bytes(packed)
    for read in (intensity, units, stored.read):
        with pytest.raises(UsageError) as caught:
            read(path)
        assert len(str(caught.value)) < 2_000


def test_a_csv_file_whose_name_promises_compression_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "units.csv.gz"
    path.write_text("start_utc,end_utc,functional_units\n2026-03-01,2026-03-01T01:00:00,5\n")
    assert unit_file.read(path, EDGES_MS)[0]["functional_units"].tolist() == [5.0]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.truncate(3_000_000_000)  # a hole: no disk is used
    with pytest.raises(UsageError, match=r"is larger than 1 MB"):
        contents(path, 1_000_000)


ENDLESS = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3_000_000_000, 3_000_000_000))
from sci_batch.cli.main import main
sys.exit(sum(main(words.split()) != 2 for words in sys.argv[1:]))
"""


def test_files_without_end() -> None:
    """`/dev/zero` in every place that takes a text, with 3 GB of memory."""
    commands = (
        "config show --config /dev/zero",
        "import-if /dev/zero",
        "verify-if /dev/zero",
        "compute --demo -o csv --http-config-file /dev/zero -p http://127.0.0.1:1 --snapshot x",
    )
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS, *commands], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
