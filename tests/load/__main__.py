"""`make load`, or `python -m tests.load [--pods N --nodes N --namespaces N --hours N --max-samples N]`.

A real Prometheus that works on two queries at a time, and refuses those that touch too many samples, holds a
day of 10,000 pods with 100,000 counters, 500 nodes, 5,000 namespaces and 60 labels of 40 letters.
`sci-batch compute` reads it through a proxy that counts, as a whole process. What comes out is compared with
exact sums.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path

import pyarrow.parquet as pq

from tests import servers
from tests.bench.measure import cost
from tests.load.counting import counting
from tests.load.world import START_SECONDS, Size, Sums, cluster
from tests.simulator.series import remote_write_bodies

JOULES_PER_KWH = 3_600_000


def main(argv: list[str] | None = None) -> int:
    """Fill, measure, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    for item in fields(Size):
        parser.add_argument(f"--{item.name}", type=int, default=item.default)
    parser.add_argument("--max-samples", type=int, default=1_000_000)
    parser.add_argument("--pull", choices=("edges", "raw"), default="edges")
    chosen = parser.parse_args(argv)
    size = Size(**{item.name: getattr(chosen, item.name) for item in fields(Size)})
    flags = (f"--query.max-samples={chosen.max_samples}", "--query.max-concurrency=2")
    with tempfile.TemporaryDirectory(prefix="load-") as folder, servers.prometheus(flags=flags) as server:
        sums, began = Sums(), time.monotonic()
        servers.load_remote_write(server.url, remote_write_bodies(cluster(size, sums)))
        print(f"filled: {size.pod_series:,} counters of pods in {time.monotonic() - began:.0f} s", flush=True)
        result = Path(folder) / "result.parquet"
        with counting(server.url) as seen:
            took = cost([
                sys.executable, "-m", "sci_batch", "compute", "-q", "-p", seen.url, "--intensity", "380",
                "--start", str(START_SECONDS), "--end", str(size.end_seconds), "--pull", chosen.pull,
                "--group-by", "namespace,workload", "-o", f"parquet={result}",
            ])  # fmt: skip
        table = pq.read_table(result, columns=["namespace", "active_kwh", "energy_kwh"]).to_pandas()
    print(f"compute --pull {chosen.pull}: {took.wall_seconds:.0f} s, CPU {took.cpu_seconds:.0f} s, "
          f"peak {took.peak_mib:.0f} MiB, {len(table):,} rows")  # fmt: skip
    mib, largest = (count / 2**20 for count in (seen.answer_bytes, seen.largest_bytes))
    print(f"requests: {dict(seen.statuses)} by status, at most {seen.most_under_way} under way; answers "
          f"{mib:.0f} MiB, the largest {largest:.1f} MiB")  # fmt: skip
    found = table.groupby("namespace")["active_kwh"].sum() * JOULES_PER_KWH
    worst = max(abs(found.get(name, 0.0) / joules - 1) for name, joules in sums.pods.items())
    whole = table["energy_kwh"].sum() * JOULES_PER_KWH / sums.nodes - 1
    print(f"{len(found):,} of {len(sums.pods):,} namespaces; the worst is off by {worst:.1e}, all energy of "
          f"{sums.nodes:,} J by {whole:.1e}")  # fmt: skip
    return int(worst > 1e-9 or abs(whole) > 1e-9 or len(found) != len(sums.pods))


if __name__ == "__main__":
    sys.exit(main())
