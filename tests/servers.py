"""Real servers on loopback for tests: Prometheus and its like, object stores, and ways to fill them.

Every server has its own free port and its own temporary data directory, and ends with its `with`
block. Only programs started here are stopped, by their process id.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

READY_SECONDS = 60.0
"""How long a server may take to become ready [s]."""
STOP_SECONDS = 10.0
START_TRIES = 3
"""The port is chosen before the server binds it: somebody else may take it in between."""
DEBIAN_PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-pushgateway": "prometheus-pushgateway",
    "victoria-metrics": "victoria-metrics",
    "chromium": "chromium",
}
BLOCK_DURATION = "54h"
"""promtool reads the whole text once per block: few large blocks are fast."""


class ServerError(RuntimeError):
    """A test server is missing, does not start, or refuses its data."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: base URL without a final slash, data directory, its process and its log."""

    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach a server that asks for a login or speaks TLS; also used to wait until it is ready."""

    basic_auth: tuple[str, str] | None = None
    ca_file: Path | None = None
    """Set: the server speaks TLS with a certificate for 127.0.0.1 that this CA signed."""
    client_cert: tuple[str, str] | None = None


OPEN = Access()


def binary(name: str) -> str:
    """Full path of a server's program, or an error that names its Debian package."""
    path = shutil.which(name)
    if path is None:
        package = DEBIAN_PACKAGES[name]
        raise ServerError(f"{name} is not installed: the live tests need it.\nRun: apt-get install {package}")
    return path


def free_port() -> int:
    """A TCP port that nobody listens on at 127.0.0.1."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def prometheus(
    *,
    blocks: Callable[[Path], None] | None = None,
    flags: Sequence[str] = (),
    scrape_configs: Sequence[dict[str, Any]] = (),
    web_config: Path | None = None,
    access: Access = OPEN,
    late: str = "30d",
    retention: str = "10y",
    external_labels: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run Prometheus with remote write and, by default, no end of retention.

    Parameters
    ----------
    blocks
        Called with the empty data directory before the start, e.g. to `load_blocks` into it.
    flags
        More flags, e.g. `("--query.max-samples=1000",)`.
    scrape_configs
        As in `prometheus.yml`.
    web_config
        Value of `--web.config.file`; say in `access` how to get in then.
    retention
        How long samples are kept.
    late
        `out_of_order_time_window`: how much older than the newest sample a written one may be.
    external_labels
        What it calls itself towards others; its queries do not show them.

    Raises
    ------
    ServerError
        When the program is missing or does not become ready.
    """
    with tempfile.TemporaryDirectory(prefix="prometheus-") as directory:
        home = Path(directory)
        data = home / "data"
        data.mkdir()
        if blocks is not None:
            blocks(data)
        config = home / "prometheus.yml"  # JSON is YAML
        config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "15s", "external_labels": dict(external_labels or {})},
                    "scrape_configs": list(scrape_configs),
                    "storage": {"tsdb": {"out_of_order_time_window": late}},
                }
            )
        )
        command = [
            binary("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            f"--storage.tsdb.retention.time={retention}",
            # A day or more stays in the head, so that a test can write it in any order at once.
            "--storage.tsdb.min-block-duration=72h",
            "--web.enable-remote-write-receiver",
            "--log.level=warn",
            *([f"--web.config.file={web_config}"] if web_config else []),
            *flags,
        ]
        with _running(command, "--web.listen-address={address}", "/-/ready", home, access) as server:
            yield server


@contextmanager
def pushgateway(
    *, flags: Sequence[str] = (), web_config: Path | None = None, access: Access = OPEN
) -> Iterator[Server]:
    """Run a Pushgateway that keeps its groups in memory only."""
    with tempfile.TemporaryDirectory(prefix="pushgateway-") as directory:
        web = [f"--web.config.file={web_config}"] if web_config else []
        # Debian's keeps its groups in /var/lib without the empty flag.
        command = [binary("prometheus-pushgateway"), "--log.level=warn", "--persistence.file=", *web, *flags]
        listen = "--web.listen-address={address}"
        with _running(command, listen, "/-/ready", Path(directory), access) as server:
            yield server


@contextmanager
def victoria_metrics(*, flags: Sequence[str] = ()) -> Iterator[Server]:
    """Run a single-node VictoriaMetrics without end of retention."""
    with tempfile.TemporaryDirectory(prefix="victoria-") as directory:
        command = [
            binary("victoria-metrics"),
            f"-storageDataPath={directory}/data",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
            "-loggerLevel=WARN",
            # Its caches are sized after the machine, which it shares with the other servers.
            "-memory.allowedBytes=512MB",
            *flags,
        ]
        listen = "-httpListenAddr={address}"
        with _running(command, listen, "/health", Path(directory), OPEN) as server:
            yield server


@contextmanager
def s3() -> Iterator[Server]:
    """Run an S3 server that keeps its buckets in memory; `PUT /name` makes one."""
    with tempfile.TemporaryDirectory(prefix="s3-") as directory:
        command = [sys.executable, "-m", "moto.server"]
        listen = "-H 127.0.0.1 -p {port}"
        with _running(command, listen, "/moto-api/data.json", Path(directory), OPEN) as server:
            yield server


@contextmanager
def azurite(program: str) -> Iterator[Server]:
    """Run Microsoft's emulator of Azure Blob Storage, in memory."""
    with tempfile.TemporaryDirectory(prefix="azurite-") as directory:
        command = [program, "--inMemoryPersistence", "--skipApiVersionCheck", "--silent"]
        listen = "--blobHost 127.0.0.1 --blobPort {port}"
        # It has no health page: a refusal is an answer.
        with _running(command, listen, "/", Path(directory), OPEN, ready=400) as server:
            yield server


@contextmanager
def google_storage(program: str) -> Iterator[Server]:
    """Run an emulator of Google Cloud Storage, in memory."""
    with tempfile.TemporaryDirectory(prefix="google-") as directory:
        command = [program, "start", "--in-memory"]
        listen = "--host=127.0.0.1 --port={port}"
        with _running(command, listen, "/storage/v1/b", Path(directory), OPEN) as server:
            yield server


@contextmanager
def _running(
    command: list[str], listen: str, health: str, home: Path, access: Access, *, ready: int = 200
) -> Iterator[Server]:
    """Start a server on a free port, wait until it is ready, and end it whatever happens.

    `listen` are its flags, with `{address}` or `{port}`; `ready` is the HTTP status of its health page.
    """
    for last_try in (False,) * (START_TRIES - 1) + (True,):
        port = free_port()
        address = f"127.0.0.1:{port}"
        log = home / "server.log"
        with log.open("wb") as output:
            flags = listen.format(address=address, port=port).split()
            full = [*_dies_with_us(), *command, *flags]
            process = subprocess.Popen(
                full, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        scheme = "https" if access.ca_file else "http"
        server = Server(f"{scheme}://{address}", home / "data", process, log)
        try:
            if _becomes_ready(server, health, access, ready):
                yield server
                return
        finally:
            _stop(process)
        text = log.read_text(errors="replace")
        if last_try or "address already in use" not in text:
            raise ServerError(f"{command[0]} did not become ready:\n{text[-2000:]}")


def _dies_with_us() -> list[str]:
    """Have the kernel end the server when this process is killed before it can."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _becomes_ready(server: Server, health: str, access: Access, ready: int) -> bool:
    """Poll the health page; False when the process ends or the time is up."""
    deadline = time.monotonic() + READY_SECONDS
    with requests.Session() as session:
        session.trust_env = False
        while time.monotonic() < deadline and server.process.poll() is None:
            try:
                answer = session.get(
                    server.url + health,
                    auth=access.basic_auth,
                    verify=str(access.ca_file) if access.ca_file else True,
                    cert=access.client_cert,
                    timeout=5,
                )
            except requests.ConnectionError:
                time.sleep(0.05)
                continue
            if answer.status_code == ready:
                return True
            time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End one process, politely first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(found: Callable[[], object]) -> None:
    """Ask again until there is something.

    Raises
    ------
    ServerError
        When nothing comes.
    """
    deadline = time.monotonic() + READY_SECONDS
    while not found():
        if time.monotonic() > deadline:
            raise ServerError("the server does not show what was sent to it")
        time.sleep(0.1)


def load_blocks(openmetrics: Path, data_dir: Path) -> None:
    """Make TSDB blocks in a data directory from OpenMetrics text, before the server starts.

    The text needs a time on every sample, rising times in each series, and `# EOF` at the end.

    Raises
    ------
    ServerError
        With promtool's own words.
    """
    command = [binary("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    command += [f"--max-block-duration={BLOCK_DURATION}", str(openmetrics), str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerError(f"promtool refused {openmetrics.name}: {done.stderr.strip()}")


def load_remote_write(url: str, bodies: Iterable[bytes], *, access: Access = OPEN) -> None:
    """Send remote-write bodies (`simulator.remote_write_bodies`) to Prometheus or VictoriaMetrics."""
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    verify = str(access.ca_file) if access.ca_file else True
    for body in bodies:
        answer = requests.post(
            f"{url}/api/v1/write",
            data=body,
            headers=headers,
            auth=access.basic_auth,
            verify=verify,
            cert=access.client_cert,
            timeout=120,
        )
        _accepted(answer, "remote write")


def load_victoria(url: str, json_lines: Path) -> None:
    """Import JSON lines into VictoriaMetrics and make them visible to queries."""
    with json_lines.open("rb") as lines:
        _accepted(requests.post(f"{url}/api/v1/import", data=lines, timeout=300), "/api/v1/import")
    flush_victoria(url)


def flush_victoria(url: str) -> None:
    """Make everything written so far visible to queries, and forget cached answers."""
    _accepted(requests.get(f"{url}/internal/force_flush", timeout=120), "force_flush")
    _accepted(requests.get(f"{url}/internal/resetRollupResultCache", timeout=30), "resetRollupResultCache")


def _accepted(answer: requests.Response, what: str) -> None:
    if answer.status_code not in (200, 204):
        raise ServerError(f"{what}: {answer.status_code} {answer.text[:500]}")
