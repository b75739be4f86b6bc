"""`make bench`, or `python -m tests.bench [--quick] [--runs N] [--only NAME ...]`.

Everything is measured beside something else in the same run: only the ratios mean something elsewhere.

edges, raw, raw-json: a real Prometheus holds 24 h of 1,000 pods x 2 power domains at 30 s. `sci-batch
compute` reads them, as a whole process with a table and a Parquet file, and `curl` sends the same queries,
one after the other, and throws the answers away; in turn, so that a busy machine is busy for both. The bars
are beside that; what curl takes with two requests at once, as the tool sends them, is told as well. `raw`
reads remotely, `raw-json` as where the server has no remote read; both stand beside curl with the queries in
JSON. peers: other libraries pull the same samples into DataFrames. if-run: the Impact Framework with the same
rows. stream, growth: 10,000 pods for 30 days from a server that streams. startup: beside a small program.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench import bars, data
from tests.bench import streaming as streams
from tests.bench.bars import Finding
from tests.bench.cluster import START_SECONDS, Size
from tests.bench.measure import Cost, cost
from tests.bench.observations import Observed, observations
from tests.bench.peers import peers
from tests.bench.recording import AT_ONCE, recording
from tests.bench.result import Compared, table
from tests.bench.startup import startup
from tests.bench.streaming import streaming
from tests.servers import ServerError

OUT = Path("out")
PULLS = ("edges", "raw", "raw-json")
NAMES = (*PULLS, "peers", "if-run", "stream", "growth", "startup")
RUN = "from sci_batch.cli.main import run; run()"
WITHOUT_REMOTE_READ = "from sci_batch.prometheus import remote_offer; remote_offer.NEEDED = ('no.such',); "
FULL, QUICK = Size(), Size(pods=200, nodes=6, hours=6)


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write `out/bench.json`."""
    chosen = _arguments(argv)
    size = QUICK if chosen.quick else FULL
    runs = chosen.runs or (2 if chosen.quick else 5)
    only = {*(chosen.only or ()), *(chosen.pull or ())} or set(NAMES)
    found = list(_findings(only, size, runs, quick=chosen.quick))
    print("\n" + bars.table(found))
    if chosen.quick:
        print("quick: it works; the bars are for the full sizes")
    report = OUT / "bench.json"
    report.write_text(json.dumps(_document(size, found), indent=2) + "\n")
    print(f"written: {report}")
    return 0


def _findings(only: set[str], size: Size, runs: int, *, quick: bool) -> Iterator[Finding]:
    """Each comparison that is asked for."""
    if "startup" in only:
        yield _told(startup(3 if quick else 15))
    if "if-run" in only:
        small = Observed(workloads=10, minutes=120)
        yield _told(observations(small if quick else Observed(), 1 if quick else min(runs, 3)))
    pulls = [pull for pull in PULLS if pull in only]
    curl = shutil.which("curl")
    if pulls and curl is None:
        raise ServerError("curl is not installed: it is what is compared with.\nRun: apt-get install curl")
    if pulls or "peers" in only:
        with data.server(size, OUT / "bench-data") as server:
            found = [compare(pull, server.url, size, runs, str(curl)) for pull in pulls]
            if found:
                print(table(size, found))
            yield from (one.finding() for one in found)
            if "peers" in only:
                yield _told(_peers(server.url, size))
    if only & {"stream", "growth"}:
        for finding in streaming(streams.QUICK if quick else streams.FULL, 1 if quick else 7):
            yield _told(finding)


def _peers(url: str, size: Size) -> Finding:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return peers(url, size, {pull: _compute(pull, url, size, Path(folder)) for pull in ("edges", "raw")})


def _told(finding: Finding) -> Finding:
    print("\n".join([f"{finding.name}:", *finding.lines]), flush=True)
    return finding


def compare(pull: str, url: str, size: Size, runs: int, curl: str) -> Compared:
    """Record a run's queries, then measure the tool and curl in turn."""
    print(f"measuring --pull {pull}: {runs} runs of sci-batch and of curl", flush=True)
    tool: list[Cost] = []
    floor: list[Cost] = []
    at_once: list[Cost] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with recording(url) as kept:  # it also warms up the disk cache and Python's compiled files
            cost(_compute(pull, kept.url, size, Path(folder)))
        one, several = (kept.curl_config(url, Path(folder), many) for many in (1, AT_ONCE))
        for _ in range(runs):
            floor.append(cost([curl, "--config", str(one)]))
            tool.append(cost(_compute(pull, url, size, Path(folder))))
            at_once.append(cost([curl, "--config", str(several)]))
    return Compared(
        pull=pull, tool=tool, floor=floor, at_once=at_once,
        requests=len(kept.requests), answer_bytes=kept.answer_bytes,
    )  # fmt: skip


def _compute(pull: str, url: str, size: Size, folder: Path) -> list[str]:
    method, _, in_json = pull.partition("-")
    return [
        sys.executable, "-c", f"{WITHOUT_REMOTE_READ if in_json else ''}{RUN}",
        "compute", "--pull", method, "-p", url, "--intensity", "380",
        "--start", str(START_SECONDS), "--end", str(size.end_seconds), "--quiet",
        "-o", "table", "-o", f"parquet={folder / 'result.parquet'}",
    ]  # fmt: skip


def _document(size: Size, found: list[Finding]) -> dict[str, Any]:
    return {
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "load_average": os.getloadavg(),
        },
        "data": {**asdict(size), "pod_samples": size.pod_samples},
        "results": {one.name: one.document() for one in found},
    }


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small cluster and 2 runs: does it work?")
    parser.add_argument("--runs", type=int, help="how often each side runs (default 5, quick: 2)")
    parser.add_argument("--pull", action="append", choices=PULLS, help="only this pull method")
    parser.add_argument("--only", action="append", choices=NAMES, help="only this comparison; repeatable")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
