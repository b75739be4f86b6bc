"""Places of data sets: which are understood, which file system they get, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pyarrow.fs
import pytest

from sci_batch.cli.writing import refuse_early
from sci_batch.errors import SinkError, UsageError
from sci_batch.settings import Output, Settings
from sci_batch.settings.values import output, stored
from sci_batch.sinks import storage
from sci_batch.sinks.access import Push
from sci_batch.sinks.azure import account
from sci_batch.sinks.location import Location, located
from sci_batch.sinks.storage import Bucket, Container
from sci_batch.sinks.storage_problems import told
from tests.cli.process import COMPUTE, sci_batch

ACCOUNT = {"AZURE_STORAGE_ACCOUNT": "name", "AZURE_STORAGE_KEY": "a2V5"}
CONNECTION = (
    "DefaultEndpointsProtocol=https;AccountName=name;AccountKey=a2V5==;EndpointSuffix=core.windows.net"
)

NO_IDENTITY = (
    "Unknown error: Check for Hierarchical Namespace support on 'https://x/c' failed: "
    "N5Azure4Core9ExceptionE: Failed to get token from DefaultAzureCredential.\nSee Azure::Core::Diagnostics"
)
NO_SERVER = (
    "AWS Error NETWORK_CONNECTION during PutObject operation: curlCode: 7, Could not connect to server; "
    "Details: Failed to connect to 127.0.0.1:1 after 0 ms"
)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ("gs://bucket", "gs://bucket"),
        ("AZ://container/a", "az://container/a"),
        ("out/", "out/"),
        ("./a//b/", "a/b/"),
        ("~/out/", f"{Path.home()}/out/"),
    ],
)
def test_folders_and_buckets_are_told_from_files(text: str, place: str) -> None:
    made = output(f"parquet={text}")
    assert made == Output("parquet", None, place)
    assert str(made) == f"parquet={place}"
    assert stored(text) == place
    assert str(located(place)) == place


def test_a_file_stays_a_file() -> None:
    assert output("parquet=out/a.parquet") == Output("parquet", Path("out/a.parquet"))
    assert stored("~/a.json") == f"{Path.home()}/a.json"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("parquet=s3://AKIA:hunter2@bucket/p", "the s3:// address holds a login or parameters"),
        ("parquet=s3://hunter2@bucket", "holds a login or parameters"),
        ("parquet=s3://bucket/p?access_key=hunter2", "holds a login or parameters"),
        ("parquet=az://container/p#hunter2", "holds a login or parameters"),
        ("parquet=https://user:hunter2@host/p", "https:// is no place for a data set"),
        ("parquet=s3a://bucket/p", "s3a:// is no place for a data set"),
        ("parquet=s3://", "has no bucket"),
        ("parquet=s3:///", "has no bucket"),
        ("parquet=s3://bucket//p", "an empty part"),
        ("parquet=s3://bucket/../p", "an empty part"),
        ("parquet=gs://bucket/day.parquet", "names a file"),
        ("csv=s3://bucket/p", "s3://bucket/p names a folder, and csv is one file"),
        ("json=out/", "out/ names a folder, and json is one file"),
    ],
)
def test_other_places_are_refused_without_their_secrets(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        output(text)
    assert "hunter2" not in str(caught.value)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("url", "kind", "files"),
    [
        ("s3://bucket/p", Bucket, "S3FileSystem"),
        ("gs://bucket/p", Bucket, "GcsFileSystem"),
        ("az://bucket/p", Container, "AzureFileSystem"),
    ],
)
def test_each_scheme_has_its_file_system_of_pyarrow(url: str, kind: type[Bucket], files: str) -> None:
    environ = {**ACCOUNT, "AWS_REGION": "eu-west-1"}
    made = storage.storage(located(url), Push(), environ)
    assert type(made) is kind
    assert type(made._files).__name__ == files


def test_region_and_endpoint_come_from_the_environment() -> None:
    made = storage.storage(located("s3://bucket"), Push(), {"AWS_DEFAULT_REGION": "eu-central-1"})
    assert isinstance(made, Bucket)
    assert made._files.region == "eu-central-1"


@pytest.mark.parametrize(("scheme", "name"), [("s3", "S3"), ("gs", "Google Cloud Storage"), ("az", "Azure")])
def test_a_pyarrow_without_a_store_is_told_before_the_computation(
    scheme: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = storage._CLASSES[scheme]
    monkeypatch.delattr(pyarrow.fs, missing)
    monkeypatch.setattr(pyarrow.fs, "_not_imported", [missing])
    outputs = (output(f"parquet={scheme}://bucket/p"),)
    with pytest.raises(UsageError, match=f"was built without {name}") as caught:
        refuse_early(outputs, Settings(), ACCOUNT)
    assert "pip install" in caught.value.cure


def test_a_missing_account_is_told_before_the_computation() -> None:
    outputs = (output("parquet=az://container/p"),)
    with pytest.raises(UsageError, match="names no storage account") as caught:
        refuse_early(outputs, Settings(), {})
    assert "AZURE_STORAGE_ACCOUNT" in caught.value.cure
    refuse_early(outputs, Settings(), ACCOUNT)


def test_the_account_of_azure() -> None:
    assert account(ACCOUNT) == {"account_name": "name", "account_key": "a2V5"}
    assert account({"AZURE_STORAGE_ACCOUNT": "name", "AZURE_STORAGE_SAS_TOKEN": "sv=1"}) == {
        "account_name": "name", "sas_token": "sv=1",
    }  # fmt: skip
    assert account({"AZURE_STORAGE_ACCOUNT": "name"}) == {"account_name": "name"}
    assert account({"AZURE_STORAGE_CONNECTION_STRING": CONNECTION, "AZURE_STORAGE_ACCOUNT": "other"}) == {
        "account_name": "name", "account_key": "a2V5==", "blob_storage_scheme": "https",
    }  # fmt: skip
    with_endpoint = "BlobEndpoint=https://name.blob.example.net;SharedAccessSignature=sv=1&sig=2"
    assert account({"AZURE_STORAGE_CONNECTION_STRING": with_endpoint}) == {
        "account_name": "name", "sas_token": "sv=1&sig=2", "blob_storage_scheme": "https",
        "blob_storage_authority": ".blob.example.net",
    }  # fmt: skip
    emulator = "AccountName=dev;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:10000/dev;"
    assert account({"AZURE_STORAGE_CONNECTION_STRING": emulator}) == {
        "account_name": "dev", "account_key": "a2V5",
        "blob_storage_scheme": "http", "blob_storage_authority": "127.0.0.1:10000",
        "dfs_storage_scheme": "http", "dfs_storage_authority": "127.0.0.1:10000",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "error", "words", "cure"),
    [
        ("s3", OSError("AWS Error UNKNOWN (HTTP status 301) during GetObject operation: PermanentRedirect"),
         "is in another region", "AWS_REGION"),
        ("s3", OSError("AWS Error ACCESS_DENIED during PutObject operation: Access Denied (Request ID: A1)"),
         r"refused the login or the permission: Access Denied\n", "s3:PutObject"),
        ("gs", OSError("google::cloud::Status(PERMISSION_DENIED: no)"), "refused the login", "GOOGLE_"),
        ("gs", OSError("google::cloud::Status(UNAVAILABLE: Could not create a OAuth2 access token)"),
         "cannot be reached", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az", pyarrow.ArrowException(NO_IDENTITY),
         "permission: Failed to get token from DefaultAzureCredential\n", "AZURE_STORAGE_KEY"),
        ("s3", OSError(NO_SERVER), "cannot be reached: Could not connect to server\n", "AWS_ENDPOINT_URL"),
        ("s3", ValueError("Expected something"), "s3://bucket failed: Expected something", "--output"),
    ],
)  # fmt: skip
def test_words_of_the_stores_become_sentences(scheme: str, error: Exception, words: str, cure: str) -> None:
    with pytest.raises(SinkError, match=words) as caught, told(Location(scheme, "bucket")):
        raise error
    assert cure in caught.value.cure


def test_a_folder_needs_its_slash_and_is_told_so(tmp_path: Path) -> None:
    done = sci_batch(*COMPUTE, "-o", f"parquet={tmp_path}")
    assert done.returncode == 2
    assert f"-o parquet={tmp_path}/" in done.stderr


def test_the_command_writes_a_folder_and_reads_it_back(tmp_path: Path) -> None:
    place = f"{tmp_path}/set/"
    done = sci_batch(*COMPUTE, "-o", f"parquet={place}", "-o", f"csv={tmp_path}/a.csv", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["date=2026-03-01"]
    for given in (place, f"{tmp_path}/set"):
        pushed = sci_batch("report", given, "-o", "csv", "-q")
        assert pushed.stdout == (tmp_path / "a.csv").read_text(encoding="utf-8")
        again = sci_batch("push", "--from", given, "-o", f"parquet={place}")
        assert (again.returncode, "is both read and written" in again.stderr) == (2, True)
    wrong = sci_batch("report", place, "-o", "csv", "--cluster-label", "cluster=eu")
    assert wrong.returncode == 2
    assert "holds no data set of cluster eu" in wrong.stderr
