"""`make mutate`: break the arithmetic in small ways, one at a time, and count what the tests notice.

Of each module a sample is tried, the same in every run; `--each 0` tries every mutant, which takes hours.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MUTANTS = ROOT / "mutants"
SEED = 7
SURVIVED, UNTESTED = 0, 33
"""Exit codes that mutmut keeps of a mutant: the tests passed; no test runs its function. Others: killed."""


def known() -> dict[str, dict[str, int | None]]:
    """Of each module the mutants and how the tests ended with them (`None`: not tried)."""
    found = {}
    for file in sorted(MUTANTS.rglob("*.py.meta")):
        if kept := json.loads(file.read_text(encoding="utf-8")).get("exit_code_by_key"):
            found[file.relative_to(MUTANTS).as_posix().removesuffix(".meta")] = kept
    return found


def sample(modules: dict[str, dict[str, int | None]], each: int, part: str) -> list[str]:
    """Names of mutants: `each` of every module whose path has `part` in it; 0: all."""
    chance = random.Random(SEED)
    chosen: list[str] = []
    for module, mutants in modules.items():
        names = sorted(mutants)
        drawn = chance.sample(names, min(each or len(names), len(names)))
        chosen += drawn if part in module else []
    return chosen


def table(modules: dict[str, dict[str, int | None]]) -> str:
    """Markdown: killed, survived and not run by any test, of those tried, per module."""
    lines = ["| module | mutants | tried | killed | survived | no test |", "|---|--:|--:|--:|--:|--:|"]
    sums = [0] * 5
    for module, mutants in modules.items():
        codes = [code for code in mutants.values() if code is not None]
        survived, untested = codes.count(SURVIVED), codes.count(UNTESTED)
        counts = [len(mutants), len(codes), len(codes) - survived - untested, survived, untested]
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        lines.append(f"| {module} | " + " | ".join(map(str, counts)) + " |")
    lines.append("| all | " + " | ".join(map(str, sums)) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", default="", help="modules with this in their path")
    parser.add_argument("--each", type=int, default=14, help="mutants of each module; 0: all")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    run = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(arguments.processes)]
    if not known():  # one mutant: all of them are written, one is tried
        subprocess.run([*run, "sci_batch.carbon.*__mutmut_1"], cwd=ROOT, check=True)
    subprocess.run([*run, *sample(known(), arguments.each, arguments.part)], cwd=ROOT, check=True)
    print(table(known()))
    print("survivors: mutmut results; one of them: mutmut show NAME")


if __name__ == "__main__":
    main()
