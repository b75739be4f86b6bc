"""A campaign over every kind of input: `make fuzz`, `make fuzz FUZZ_ARGS="--seconds 60 prometheus-json"`.

Prints how many inputs each had and what was found; exit code 1 when there are findings. They lie in
`out/fuzz/NAME/finding-*`, each with its traceback beside it, and the corpus is kept for the next campaign.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets import TARGETS

OUT = Path("out") / "fuzz"
_RUNS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")


def main(argv: Sequence[str] | None = None) -> int:
    """Search all kinds, or those that are named."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=30, help="for each kind (30)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at the same time (2)")
    given = parser.parse_args(argv)
    names = given.names or list(TARGETS)
    if unknown := sorted(set(names) - set(TARGETS)):
        parser.error(f"no kind of input: {', '.join(unknown)}")
    with ThreadPoolExecutor(given.jobs) as pool:
        done = list(pool.map(lambda name: _searched(name, given.seconds), names))
    print(f"{'kind of input':<20}{'inputs':>12}  findings")
    for name, (inputs, found) in zip(names, done, strict=True):
        print(f"{name:<20}{inputs:>12,}  {', '.join(found) or '-'}")
    print(f"{'total':<20}{sum(inputs for inputs, _ in done):>12,}")
    return int(any(found for _, found in done))


def _searched(name: str, seconds: int) -> tuple[int, list[str]]:
    """How many inputs were tried, and the names of the findings."""
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("finding-*"), *folder.glob("hang-*")]:
        old.unlink()
    command = [sys.executable, "-m", "tests.fuzz.drive", name, str(seconds), str(folder)]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=seconds + 300)
    words = ended.stderr.decode(errors="replace")
    (folder / "log.txt").write_text(words)
    counted = _RUNS.search(words)
    found = [path.name for path in sorted(folder.glob("finding-*")) if path.suffix != ".txt"]
    found += [path.name for path in sorted(folder.glob("hang-*"))]
    if ended.returncode and not found:
        found = [f"it ended with {ended.returncode}: see {folder / 'log.txt'}"]
    return int(counted[1]) if counted else 0, found


if __name__ == "__main__":
    sys.exit(main())
