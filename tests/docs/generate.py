"""Write the generated parts of the documents: `make docs`. A test holds them to the code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sci_batch import errors
from sci_batch.cli.schema import markdown
from sci_batch.intensity.kinds import HEAD, KINDS
from sci_batch.schema import FLAGS, result_columns

ROOT = Path(__file__).parents[2]
DEMO = "sci-batch compute --demo --since 24h"
NOW = "1795507200"
"""2026-11-24T00:00:00Z: the recording is moved to end there."""

EXIT_CODES = (
    ("0", "done", ""),
    ("1", "unexpected error, traceback kept", "report it"),
    (str(errors.UsageError.exit_code), "a flag, the configuration or an input file is wrong",
     "fix the manifest"),
    (str(errors.GateBreached.exit_code), "a limit of `--fail-on` was passed", "look at the change"),
    (str(errors.NoDataError.exit_code), "no data in the range", "check selection and retention"),
    (str(errors.PartialError.exit_code),
     "coverage below `--min-coverage`, open books under `--strict`, or an answer the server calls partial",
     "investigate"),
    (str(errors.AuthError.exit_code), "login or permission refused", "fix the secret"),
    (str(errors.SourceError.exit_code), "source unreachable, or query rejected", "retry"),
    (str(errors.SinkError.exit_code), "an output failed, the others are written", "retry"),
    ("130, 143", "interrupted, terminated", ""),
)  # fmt: skip


def columns() -> str:
    rows = [("column", "type", "unit", "null", "meaning")]
    for item in result_columns(("namespace", "workload")):
        rows.append((item.name, item.dtype, item.unit, "yes" if item.nullable else "", item.meaning))
    return "\n".join(markdown(rows))


def flags() -> str:
    return "\n".join(markdown([("flag", "meaning"), *FLAGS.items()]))


def exit_codes() -> str:
    head = "| code | meaning | in a CronJob |\n|---|---|---|\n"
    return head + "\n".join(f"| {code} | {meaning} | {reaction} |" for code, meaning, reaction in EXIT_CODES)


def demo() -> str:
    """What the command prints on standard output, 100 columns wide."""
    return f"```\n$ {DEMO}\n{printed(f'{DEMO} -o table')}\n```"


def printed(command: str, folder: str | None = None, *, code: int = 0, errors: bool = False) -> str:
    """What a command prints on standard output (with `errors`, then on standard error), in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCI_BATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "sci_batch", *shlex.split(command)[1:]],
        capture_output=True, text=True, check=False, cwd=folder,
        env=clean | {"SCI_BATCH_NOW": NOW, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"},
    )  # fmt: skip
    if done.returncode != code:
        raise RuntimeError(done.stderr)
    shown = done.stdout + done.stderr if errors else done.stdout
    return "\n".join(line.rstrip() for line in shown.splitlines())


DAY = "compute --demo --since 24h -q -o parquet=day.parquet"
HALVES = (
    "compute --demo --start now-24h --end now-12h -q -o parquet=base.parquet",
    "compute --demo --start now-12h --end now -q -o parquet=now.parquet",
)


def diff() -> str:
    """Two halves of the demo's day: stored, compared, and limited."""
    shown = "diff base.parquet now.parquet"
    limited = f"{shown} --fail-on 'increase>5%' -o junit=limits.xml"
    with TemporaryDirectory() as folder:
        lines = [f"$ sci-batch {command}" for command in HALVES]
        for command in HALVES:
            printed(f"sci-batch {command}", folder)
        lines += [f"$ sci-batch {shown}", printed(f"sci-batch {shown} -o table", folder)]
        lines += [f"$ sci-batch {limited}", printed(f"sci-batch {limited}", folder, code=3, errors=True)]
    return "\n".join(["```", *lines, "```"])


def what_if() -> str:
    """The demo's day elsewhere, and on hardware that lives longer."""
    commands = (
        "what-if day.parquet --intensity zone:FR --pue 1.2 --top 3",
        "what-if day.parquet --lifespan 6y --top 1",
    )
    with TemporaryDirectory() as folder:
        printed(f"sci-batch {DAY}", folder)
        lines = [f"$ sci-batch {DAY}"]
        for command in commands:
            lines += [f"$ sci-batch {command}", printed(f"sci-batch {command} -o table -q", folder)]
    return "\n".join(["```", *lines, "```"])


def sources() -> str:
    head, *rows = (HEAD, *KINDS)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join([f"`{row[0]}`", *row[1:]]) + " |" for row in rows)])


PARTS = {
    "README.md": {"demo": demo, "sources": sources, "columns": columns, "exit codes": exit_codes},
    "docs/changes.md": {"diff": diff, "what-if": what_if},
    "docs/method.md": {"flags": flags},
}


def filled(document: str, text: str) -> str:
    """The document with its generated parts as the code has them now."""
    for name, part in PARTS[document].items():
        pattern = re.compile(rf"(<!-- begin: {name} -->\n).*?(<!-- end: {name} -->)", re.DOTALL)
        content = part()
        text, count = pattern.subn(lambda found, new=content: f"{found[1]}{new}\n{found[2]}", text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{document} has {count} places for {name}")
    return text


if __name__ == "__main__":
    for document in PARTS:
        path = ROOT / document
        path.write_text(filled(document, path.read_text(encoding="utf-8")), encoding="utf-8")
