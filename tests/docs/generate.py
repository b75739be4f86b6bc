"""Write the generated parts of the documents: `make docs`. A test holds them to the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

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
    (str(errors.LockedError.exit_code), "another run is at work on the same state; nothing was done", "wait"),
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
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCI_BATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", *DEMO.replace("sci-batch", "sci_batch", 1).split(), "-o", "table"],
        capture_output=True, text=True, check=False,
        env=clean | {"SCI_BATCH_NOW": NOW, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)
    text = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    return f"```\n$ {DEMO}\n{text}\n```"


def sources() -> str:
    head, *rows = (HEAD, *KINDS)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join([f"`{row[0]}`", *row[1:]]) + " |" for row in rows)])


PARTS = {
    "README.md": {"demo": demo, "sources": sources, "columns": columns, "exit codes": exit_codes},
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
