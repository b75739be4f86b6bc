"""The data set in object stores: S3 always, the emulators of Azure and Google where they are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset as ds
import pytest
import requests
from pyarrow import fs

from sci_batch import stored
from sci_batch.errors import SinkError, SourceError
from sci_batch.report import Report
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.sinks.access import Push
from sci_batch.sinks.dataset import newest_end_ms
from sci_batch.sinks.storage import Bucket
from tests import servers
from tests.cli import handmade
from tests.cli.process import COMPUTE, sci_batch

pytestmark = pytest.mark.live

AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Published by Microsoft: that of every emulator."""
PATIENCE = Push(timeout_seconds=5, retries=0)
ADDRESSES = (
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE",
    "STORAGE_EMULATOR_HOST", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_CONNECTION_STRING",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Store:
    """A bucket called `energy`, and how to reach it: in the environment, and for a reader of our own."""

    url: str
    environ: dict[str, str]
    files: fs.FileSystem

    def contents(self, prefix: str) -> dict[str, bytes]:
        """Every object below a prefix, read without our code."""
        infos = self.files.get_file_info(
            fs.FileSelector(f"energy/{prefix}", recursive=True, allow_not_found=True)
        )
        paths = [info.path for info in infos if info.type == fs.FileType.File]
        return {
            path.removeprefix(f"energy/{prefix}/"): self.files.open_input_file(path).read() for path in paths
        }


@pytest.fixture(scope="module")
def s3_server() -> Iterator[servers.Server]:
    with servers.s3() as server:
        assert requests.put(f"{server.url}/energy", timeout=10).status_code == 200
        yield server


@pytest.fixture(scope="module")
def s3_store(s3_server: servers.Server) -> Store:
    environ = {
        "AWS_ENDPOINT_URL": s3_server.url, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "hunter2hunter2", "AWS_REGION": "eu-west-1",
    }  # fmt: skip
    files = fs.S3FileSystem(
        access_key="x", secret_key="y", endpoint_override=s3_server.url, region="eu-west-1"
    )
    return Store("s3://energy", environ, files)


@pytest.fixture(scope="module")
def az_store() -> Iterator[Store]:
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip("azurite is not installed (npm install -g azurite)")
    with servers.azurite(program) as server:
        address = server.url.removeprefix("http://")
        files = fs.AzureFileSystem(
            account_name="devstoreaccount1", account_key=AZURE_KEY,
            blob_storage_authority=address, blob_storage_scheme="http",
            dfs_storage_authority=address, dfs_storage_scheme="http",
        )  # fmt: skip
        files.create_dir("energy")
        words = {
            "DefaultEndpointsProtocol": "http", "AccountName": "devstoreaccount1", "AccountKey": AZURE_KEY,
            "BlobEndpoint": f"{server.url}/devstoreaccount1",
        }  # fmt: skip
        text = ";".join(f"{name}={value}" for name, value in words.items())
        yield Store("az://energy", {"AZURE_STORAGE_CONNECTION_STRING": text}, files)


@pytest.fixture(scope="module")
def gs_store() -> Iterator[Store]:
    program = shutil.which("gcp-storage-emulator")
    if program is None:
        pytest.skip("gcp-storage-emulator is not installed (pip install gcp-storage-emulator)")
    with servers.google_storage(program) as server:
        made = requests.post(f"{server.url}/storage/v1/b", json={"name": "energy"}, timeout=10)
        assert made.status_code == 200
        address = server.url.removeprefix("http://")
        files = fs.GcsFileSystem(anonymous=True, scheme="http", endpoint_override=address)
        yield Store("gs://energy", {"STORAGE_EMULATOR_HOST": server.url}, files)


@pytest.fixture(params=["s3", "az", "gs"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    enter(found.environ, monkeypatch)
    return found


@pytest.fixture
def s3(s3_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    enter(s3_store.environ, monkeypatch)
    return s3_store


def enter(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ADDRESSES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


def hours(first: int, last: int) -> Report:
    """A run over hours of 1 March 2026."""
    rows = tuple((hour, *row[1:]) for hour in range(first, last) for row in handmade.ROWS[:2])
    return handmade.report(frame=handmade.result(rows))


def write(url: str, *reports: Report, push: Push = PATIENCE) -> None:
    for report in reports:
        SINKS["parquet"](report, None, SinkOptions(target=url, push=push))


def test_a_run_again_leaves_every_window_once_and_the_same_objects(store: Store) -> None:
    url = f"{store.url}/again/hours"
    write(url, hours(20, 24), hours(22, 30))
    before = store.contents("again")
    assert sorted(before) == [f"hours/date=2026-03-0{day}/cluster=default/result.parquet" for day in (1, 2)]
    table = ds.dataset("energy/again/hours", filesystem=store.files, partitioning="hive").to_table()
    found = table.to_pandas().sort_values("window_start", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(found.drop(columns=["date", "cluster"]), hours(20, 30).result)
    write(url, hours(22, 30))
    assert store.contents("again") == before
    pd.testing.assert_frame_equal(stored.read(url, push=PATIENCE).result, hours(20, 30).result)
    assert newest_end_ms(url, push=PATIENCE) == pd.Timestamp("2026-03-02T06:00:00Z").timestamp() * 1000
    assert newest_end_ms(url, "eu", PATIENCE) is None


def test_it_holds_what_a_folder_holds(store: Store, tmp_path: Path) -> None:
    write(f"{store.url}/folder", hours(20, 30), hours(28, 31))
    write(f"{tmp_path}/", hours(20, 30), hours(28, 31))
    local = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    assert store.contents("folder") == local


def test_the_root_of_a_bucket_is_a_place(store: Store) -> None:
    write(store.url, hours(0, 1))
    assert "cluster=default/result.parquet" in store.contents("date=2026-03-01")
    assert newest_end_ms(store.url, push=PATIENCE) == pd.Timestamp("2026-03-01T01:00:00Z").timestamp() * 1000


def test_what_breaks_off_is_finished_by_running_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{store.url}/broken"
    write(url, hours(0, 30))
    before = store.contents("broken")
    put = Bucket.write

    def breaks_off(self: Bucket, name: str, content: bytes) -> None:
        if "2026-03-02" in name:
            raise SystemExit(143)
        put(self, name, content)

    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "write", breaks_off)
        with pytest.raises(SystemExit):
            write(url, hours(20, 40))
    _, second = sorted(before)
    assert store.contents("broken")[second] == before[second]
    write(url, hours(20, 40))
    write(f"{store.url}/unbroken", hours(0, 30), hours(20, 40))
    assert store.contents("broken") == store.contents("unbroken")


def test_no_bucket_is_told(store: Store) -> None:
    url = f"{store.url.replace('energy', 'nowhere')}/p"
    with pytest.raises(SinkError, match="there is no nowhere in this store") as caught:
        write(url, hours(0, 1))
    assert "Create it" in caught.value.cure


@pytest.mark.parametrize("name", ["s3", "az"])
def test_a_wrong_login_is_told(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    enter(store.environ, monkeypatch)
    write(f"{store.url}/login", hours(0, 1))
    if name == "s3":  # its server takes any key, and refuses those who have none
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    else:
        text = store.environ["AZURE_STORAGE_CONNECTION_STRING"].replace("Eby8", "Eby9")
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    with pytest.raises(
        SinkError, match=r"login refused the login|refused the login or the permission"
    ) as caught:
        write(f"{store.url}/login", hours(1, 2))
    assert "Check A" in caught.value.cure
    with pytest.raises(SourceError, match="refused the login or the permission"):
        stored.read(f"{store.url}/login", push=PATIENCE)


def test_a_store_that_nobody_answers_for_is_told(s3: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{servers.free_port()}")
    with pytest.raises(SinkError, match=r"s3://energy/p cannot be reached: .*connect") as caught:
        write("s3://energy/p", hours(0, 1))
    assert "AWS_ENDPOINT_URL" in caught.value.cure


def test_a_store_that_does_not_answer_is_given_up(s3: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(SinkError, match="cannot be reached: Timeout was reached"):
            write("s3://energy/p", hours(0, 1), push=Push(timeout_seconds=1, retries=0))


def test_the_address_of_s3_alone_wins(s3: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.environ["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{servers.free_port()}")
    write("s3://energy/endpoint", hours(0, 1))
    assert len(s3.contents("endpoint")) == 1


def test_the_command_writes_and_reads_it(s3: Store, tmp_path: Path) -> None:
    target = "s3://energy/command"
    done = sci_batch(*COMPUTE, "-o", f"parquet={target}", "-o", f"csv={tmp_path}/a.csv")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Error" not in done.stderr
    pushed = sci_batch("report", target, "-o", "csv")
    assert pushed.returncode == 0, pushed.stderr
    assert pushed.stdout == (tmp_path / "a.csv").read_text(encoding="utf-8")
    again = sci_batch("push", "--from", target, "-o", f"parquet={target}/")
    assert again.returncode == 2
    assert "is both read and written" in again.stderr


def test_a_failed_store_is_exit_8_and_the_others_are_written(s3: Store, tmp_path: Path) -> None:
    outputs = ("-o", "parquet=s3://nowhere/p", "-o", f"parquet={tmp_path}/a.parquet")
    done = sci_batch(*COMPUTE, *outputs, "--retries", "0")
    assert done.returncode == 8
    assert "parquet: s3://nowhere/p: there is no nowhere in this store" in done.stderr
    assert f"push --from {tmp_path}/a.parquet -o parquet=s3://nowhere/p" in done.stderr
    assert "hunter2" not in done.stderr
    assert requests.put(f"{s3.environ['AWS_ENDPOINT_URL']}/nowhere", timeout=10).status_code == 200
    caught_up = sci_batch("push", "--from", f"{tmp_path}/a.parquet", "-o", "parquet=s3://nowhere/p")
    assert caught_up.returncode == 0, caught_up.stderr


def test_a_real_run_ends_cleanly(s3: Store) -> None:
    """The real pipeline and the real end of the process, where the SDK of S3 has to stop its threads."""
    command = [sys.executable, "-m", "sci_batch", "compute", "--demo", "--since", "3h", "-q"]
    done = subprocess.run(
        [*command, "-o", "parquet=s3://energy/demo"], env=dict(os.environ), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rows = [json.loads(pq_metadata(content))["totals"]["rows"] for content in s3.contents("demo").values()]
    assert sum(rows) > 0


def pq_metadata(content: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.read_schema(pa.BufferReader(content)).metadata[b"sci_batch"]
