"""Every scenario of the table: the right number, or the right exit code, a sentence, a cure and no file."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from sci_batch.cli.main import main
from sci_batch.prometheus import bounds, problems
from sci_batch.prometheus.http import HttpSettings
from sci_batch.settings import http_settings
from tests import servers
from tests.hostile import faults, remote
from tests.hostile.content import HOSTILE_NAME
from tests.hostile.proxy import Proxy, proxy
from tests.hostile.scenario import START, Scenario
from tests.hostile.scenarios import TABLE
from tests.live.cluster import HOUR, small
from tests.simulator import Node, Workload, remote_write_bodies, simulate

pytestmark = pytest.mark.live

CANARY = "canary-5ecret"
UNDISTURBED = "undisturbed"
CLUSTER = small(
    range_seconds=2 * HOUR,
    nodes=(Node(name="n1", cores=8), Node(name="n2", cores=8)),
    workloads=(
        Workload(namespace="shop", name="web", replicas=2, watts=6.0, team="web"),
        Workload(namespace="ops", name="tidy", kind="CronJob", watts=4.0, every_seconds=1200.0,
                 life_seconds=(120.0, 300.0), linger_seconds=900.0),
    ),
)  # fmt: skip
assert CLUSTER.start == START
LARGEST_BYTES = 4 << 20
"""In these tests: more than any answer here, less than what never ends."""


@contextmanager
def _prometheus() -> Iterator[tuple[str, _Restart]]:
    with servers.prometheus() as server:
        servers.load_remote_write(server.url, remote_write_bodies(simulate(CLUSTER).series))
        restart = _Restart(server)
        try:
            yield server.url, restart
        finally:
            restart.end()


@dataclass(slots=True)
class _Restart:
    """Kills Prometheus, as the kernel does for want of memory, and starts it again on the same data."""

    server: servers.Server
    process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        self.end(signal.SIGKILL)
        command = [str(word) for word in self.server.process.args]  # type: ignore[union-attr]
        if "--pdeathsig" in command:  # it would end with this thread, which serves one connection
            command = command[3:]
        with self.server.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        servers.wait_for(self._ready)

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.server.url}/-/ready", timeout=5).ok
        except requests.ConnectionError:
            return False

    def end(self, how: int = signal.SIGTERM) -> None:
        running = self.process or self.server.process
        running.send_signal(how)
        running.wait()


@pytest.fixture(scope="module")
def hostile() -> Iterator[Proxy]:
    known = {scenario.name: scenario.fault for scenario in TABLE}
    with ExitStack() as stack:
        url, restart = stack.enter_context(_prometheus())
        yield stack.enter_context(proxy(url, restart, {**known, UNDISTURBED: faults.true}))


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run left behind."""

    code: int
    stderr: str
    text: str | None
    """The file; None: there is none."""
    waits: list[float]


class Tool:
    """The command line in this process, with small limits, and without waiting before it tries again."""

    def __init__(
        self, hostile: Proxy, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self._hostile, self._folder, self._capture = hostile, folder, capture
        self._waits: list[float] = []
        self._timeout_seconds = 60.0
        self._patch = patch
        patch.setattr(bounds, "LARGEST_BYTES", LARGEST_BYTES)
        patch.setattr(bounds, "LARGEST_REFUSAL_BYTES", 1 << 16)
        patch.setattr(bounds, "WHOLE_ANSWER", 2)
        patch.setattr(problems, "wait_seconds", self._wait_seconds)
        given = http_settings
        for place in ("sci_batch.source.live", "sci_batch.asking.early"):
            patch.setattr(f"{place}.http_settings", lambda settings: self._impatient(given(settings)))
        for name in [name for name in os.environ if name.startswith("SCI_BATCH_") or "PROXY" in name.upper()]:
            patch.delenv(name)

    def _wait_seconds(self, asked: float | None, _tried: int, _jitter: float) -> float:
        if asked is not None:
            self._waits.append(asked)
        return 0.0

    def _impatient(self, given: HttpSettings) -> HttpSettings:
        return replace(given, timeout_seconds=self._timeout_seconds)

    def run(self, scenario: Scenario) -> Ended:
        """Compute two hours from the server of a scenario, with a login, to one file."""
        self._waits.clear()
        self._timeout_seconds = scenario.timeout_seconds
        folder = self._folder / scenario.name
        folder.mkdir()
        token = self._folder / "token"
        token.write_text(CANARY)
        start, end = CLUSTER.start, CLUSTER.start + 2 * HOUR
        span = ["--start", str(start), "--end", str(end)]
        if scenario.name == "our-clock-ahead":
            self._patch.setenv("SCI_BATCH_NOW", str(end + 2 * HOUR + 600))
            span = ["--since", "1h"]
        url = f"{self._hostile.url}/{scenario.name}"
        words = [
            "compute", "-p", url, "--intensity", "380", "--embodied", "kg:1000", *span,
            "--bearer-token-file", str(token), "-o", f"csv={folder / 'out.csv'}",
            *(scenario.flags if "--pull" in scenario.flags else ("--pull", "raw", *scenario.flags)),
        ]  # fmt: skip
        code = main(words)
        told = self._capture.readouterr()
        assert told.out == ""
        left = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
        assert set(left) <= {"out.csv"}
        return Ended(code, told.err, left.get("out.csv"), list(self._waits))


@pytest.fixture
def tool(
    hostile: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tool:
    return Tool(hostile, tmp_path, monkeypatch, capsys)


_KNOWN: dict[tuple[str, ...], str] = {}


def _undisturbed(tool: Tool, flags: tuple[str, ...]) -> str:
    pull = flags if "--pull" in flags else ()
    if pull not in _KNOWN:
        ended = tool.run(Scenario(group="", name=UNDISTURBED, what="", fault=faults.true, flags=pull))
        assert (ended.code, ended.waits) == (0, [])
        assert ended.text is not None
        assert len(ended.text.splitlines()) == 5
        _KNOWN[pull] = ended.text
    return _KNOWN[pull]


@pytest.mark.parametrize("scenario", TABLE, ids=lambda scenario: scenario.name)
def test_the_right_number_or_the_right_refusal(scenario: Scenario, tool: Tool, hostile: Proxy) -> None:
    right = _undisturbed(tool, scenario.flags)
    ended = tool.run(scenario)
    assert ended.code == scenario.ends, ended.stderr
    assert hostile.asked[scenario.name]
    assert faults.ELSEWHERE not in hostile.asked, "the login was taken to another host"
    assert scenario.words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert CANARY not in ended.stderr + (ended.text or "")
    assert all(char.isprintable() or char == "\n" for char in ended.stderr), ended.stderr
    if scenario.waits is not None:
        assert tuple(ended.waits) == scenario.waits
    if scenario.ends:
        error, cure = ended.stderr.splitlines()[-2:]
        assert error.startswith("error: ")
        assert cure.startswith("  ")
        assert cure.strip()
        assert (ended.text is not None) == scenario.writes
    else:
        assert ended.text is not None
        _assert_right(ended.text, right, scenario.rows)


def _assert_right(found: str, right: str, rows: str) -> None:
    if rows == "all":
        assert found == right
        return
    read, known = (list(csv.reader(io.StringIO(text, newline=""))) for text in (found, right))
    if rows == "renamed":  # a spreadsheet would take the name for a formula without the quote
        known = [[f"'{HOSTILE_NAME}" if cell == "shop" else cell for cell in row] for row in known]
        assert [_rounded(row) for row in sorted(read)] == [_rounded(row) for row in sorted(known)]
        return
    start = known[-1][0]
    assert [row for row in read if row[0] == start] == [row for row in known if row[0] == start]
    assert all(row[-1] and float(row[known[0].index("coverage")]) < 1 for row in read[1:] if row[0] < start)


def _rounded(row: list[str]) -> list[str]:
    """Other names are summed in another order."""
    return [f"{float(cell):.12g}" if cell[:1].isdigit() and "-" not in cell[:8] else cell for cell in row]


@pytest.mark.parametrize(
    ("name", "flags", "told"),
    [
        ("remote-read", (), 0),
        ("remote-read-missing", (), 0),
        ("remote-read-missing", ("--verbose",), 1),
        ("remote-read-bit", ("--quiet",), 0),
        ("remote-read-bit", ("--log-format", "json"), 1),
    ],
)
def test_a_detour_is_told_once_where_it_is_a_fault(
    name: str, flags: tuple[str, ...], told: int, tool: Tool
) -> None:
    scenario = next(scenario for scenario in TABLE if scenario.name == name)
    ended = tool.run(replace(scenario, flags=flags))
    lines = [line for line in ended.stderr.splitlines() if remote.SAID in line]
    assert (ended.code, len(lines)) == (0, told), ended.stderr
    for line in lines:
        if "json" in flags:
            assert json.loads(line)["level"] == "info"
            assert json.loads(line)["msg"].startswith(remote.SAID)
        else:
            assert line.startswith(f"note: {remote.SAID}")


def test_names_are_unique() -> None:
    names = [scenario.name for scenario in TABLE]
    assert len(set(names)) == len(names)
    assert len(names) >= 60
