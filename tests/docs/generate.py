"""Write the generated parts of the documents: `make docs`. A test holds them to the code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sci_batch import errors
from sci_batch.cli.schema import markdown
from sci_batch.doctor import diagnose, table
from sci_batch.intensity.kinds import HEAD, KINDS
from sci_batch.schema import FLAGS, result_columns
from sci_batch.settings import load
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.metrics import METRICS
from tests.hostile import document as hostile
from tests.impact_framework import IF_RUN
from tests.live.cluster import served, small
from tests.simulator import scenario, simulate

ROOT = Path(__file__).parents[2]
DEMO = "sci-batch compute --demo --since 24h"
NOW = "1795507200"
"""2026-11-24T00:00:00Z: the recording is moved to end there."""
QUIET = " --quiet"
"""Left out of transcripts, which show standard output alone."""

EXIT_CODES = (
    ("0", "done", ""),
    ("1", "unexpected error, traceback kept", "report it"),
    (str(errors.UsageError.exit_code), "a flag, the configuration or an input file is wrong",
     "fix the manifest"),
    (str(errors.GateBreached.exit_code), "a limit of `--fail-on` was passed", "look at the change"),
    (str(errors.NoDataError.exit_code), "no data in the range", "check selection and retention"),
    (str(errors.PartialError.exit_code),
     "coverage below `--min-coverage`, open books under `--strict` (doctor: a warning), an answer the "
     "server calls partial, or `verify-if` found other numbers",
     "investigate"),
    (str(errors.AuthError.exit_code), "login or permission refused", "fix the secret"),
    (str(errors.SourceError.exit_code),
     "source unreachable, query rejected, `if-run` failed, or no room for temporary files",
     "retry"),
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


def told(command: str, folder: str | Path = ROOT, *, code: int = 0, errors: bool = False) -> str:
    """What a command prints on standard output (with `errors`, then on standard error), 100 columns wide."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCI_BATCH_")}
    settings = {
        "SCI_BATCH_NOW": NOW, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT),
        "PATH": os.pathsep.join([str(IF_RUN.parent), clean["PATH"]]),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "sci_batch", *shlex.split(command)[1:]],
        capture_output=True, text=True, check=False, env=clean | settings, cwd=folder,
    )  # fmt: skip
    if done.returncode != code:
        raise RuntimeError(done.stderr)
    shown = done.stdout + done.stderr if errors else done.stdout
    return "\n".join(line.rstrip() for line in shown.splitlines())


def printed(*commands: str, folder: Path = ROOT) -> str:
    """A transcript: the commands, and what each prints on standard output."""
    lines = ["```"]
    for command in commands:
        lines += [f"$ {command.removesuffix(QUIET)}", *filter(None, [told(command, folder)])]
    return "\n".join([*lines, "```"])


def demo() -> str:
    return printed(f"{DEMO} -o table").replace(" -o table", "", 1)


def verified() -> str:
    """The demo's manifest, calculated by the Impact Framework."""
    with tempfile.TemporaryDirectory() as folder:
        return printed(
            f"{DEMO} -o impact-framework=if.yaml{QUIET}", "sci-batch verify-if if.yaml", folder=Path(folder)
        )


def imported() -> str:
    return printed("sci-batch import-if fixtures/impact_framework/kepler-importer-old.yml")


def disclosed() -> str:
    return printed(f"{DEMO} -o sci-yaml --disclose name=shop --disclose contact-name='Ada Lovelace'{QUIET}")


def explained() -> str:
    """One row of the demo; the PromQL at its end is left to the reader's own run."""
    text = printed("sci-batch explain shop/payments --demo --window 6h")
    page, _, queries = text.partition("\nPromQL: everything that was asked\n")
    return f"{page}\nPromQL: everything that was asked\n{queries.splitlines()[0]}\n...\n```"


DAY = "compute --demo --since 24h -q -o parquet=day.parquet"
HALVES = (
    "compute --demo --start now-24h --end now-12h -q -o parquet=base.parquet",
    "compute --demo --start now-12h --end now -q -o parquet=now.parquet",
)


def diff() -> str:
    """Two halves of the demo's day: stored, compared, and limited."""
    shown = "diff base.parquet now.parquet"
    limited = f"{shown} --fail-on 'increase>5%' -o junit=limits.xml"
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"$ sci-batch {command}" for command in HALVES]
        for command in HALVES:
            told(f"sci-batch {command}", folder)
        lines += [f"$ sci-batch {shown}", told(f"sci-batch {shown} -o table", folder)]
        lines += [f"$ sci-batch {limited}", told(f"sci-batch {limited}", folder, code=3, errors=True)]
        lines += ["$ cat limits.xml", (Path(folder) / "limits.xml").read_text(encoding="utf-8").rstrip()]
    return "\n".join(["```", *lines, "```"])


def reported() -> str:
    """A stored day as a page, and what the other forms print; the end of the JSON is left out."""
    page = "report day.parquet -o html=report.html -o markdown=summary.md --disclose name=shop"
    shown = "report day.parquet -o markdown --top 2"
    document = "report day.parquet -o json"
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"$ sci-batch {DAY}", f"$ sci-batch {page}"]
        told(f"sci-batch {DAY}", folder)
        lines.append(told(f"sci-batch {page}", folder, errors=True))
        lines += [f"$ sci-batch {shown}", told(f"sci-batch {shown}", folder)]
        lines += [f"$ sci-batch {document}", f"{told(f'sci-batch {document}', folder)[:97]}..."]
    return "\n".join(["```", *lines, "```"])


def what_if() -> str:
    """The demo's day elsewhere, on hardware that lives longer, and on other hardware."""
    commands = (
        "what-if day.parquet --intensity zone:FR --pue 1.2 --top 3",
        "what-if day.parquet --lifespan 6y --top 1",
    )
    with tempfile.TemporaryDirectory() as folder:
        told(f"sci-batch {DAY}", folder)
        lines = [f"$ sci-batch {DAY}"]
        for command in commands:
            lines += [f"$ sci-batch {command}", told(f"sci-batch {command} -o table -q", folder)]
        stored = f"{DAY.replace('day.parquet', 'nodes.parquet')} --group-by namespace,workload,node"
        lines += [f"$ sci-batch {stored}", *filter(None, [told(f"sci-batch {stored}", folder)])]
        command = "what-if nodes.parquet --embodied kg:800 --top 1"
        lines += [f"$ sci-batch {command}", told(f"sci-batch {command} -o table -q", folder)]
    return "\n".join(["```", *lines, "```"])


def sources() -> str:
    head, *rows = (HEAD, *KINDS)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join([f"`{row[0]}`", *row[1:]]) + " |" for row in rows)])


def metrics() -> str:
    rows = [("metric", "further labels", "meaning")]
    rows += [(item.name, ", ".join(item.labels), item.meaning) for item in METRICS]
    return "\n".join(markdown(rows))


def doctor_demo() -> str:
    command = "sci-batch doctor --demo --since 24h"
    return f"```\n$ {command}\n{_doctor({'demo': True, 'since_seconds': '24h'})}\n```"


def doctor_cluster() -> str:
    """A small simulated cluster with an upgrade of Kepler, and a kube-state-metrics that hides labels."""
    start, hours = scenario("upgrade").start, 3
    flags = {
        "start": f"{start}", "end": f"{start + hours * 3600}", "intensity": "region:auto",
        "embodied": "catalogue,model", "group_by": "namespace,label:team",
    }  # fmt: skip
    made = simulate(small("upgrade", upgrade_at=5400.0, domains=("package", "core")))
    hidden = ("label_team", "label_topology_kubernetes_io_region", "label_topology_kubernetes_io_zone")
    series = []
    for one in made.series:
        labels = {name: text for name, text in one.labels.items() if name not in hidden}
        if "provider_id" in labels:
            labels["provider_id"] = "kind://docker/here"
        series.append(replace(one, labels=labels))
    with served(replace(made, series=series)) as url:
        text = _doctor({"prometheus_url": url, **flags}).replace(url, "http://prometheus:9090")
    text = re.sub(r"answers in \d+ ms", "answers in 4 ms", text)
    text = re.sub(r"Prometheus \d+\.\d+\.\d+\S*", "Prometheus 2.42.0", text)  # whatever runs here
    command = (
        "sci-batch doctor -p http://prometheus:9090 --start 2026-03-02T00:00:00Z --end 2026-03-02T03:00Z \\\n"
        "    --intensity region:auto --embodied catalogue,model --group-by namespace,label:team"
    )
    return f"```\n$ {command}\n{text}\n```"


def _doctor(flags: dict[str, object]) -> str:
    """What the doctor prints on a terminal of 100 columns."""
    settings = load(flags, {}, "doctor").settings
    now_ms = int(NOW) * 1000
    diagnosis = diagnose(settings, now_ms=now_ms, progress=lambda _words, _share: None)
    return table.page(diagnosis, SinkOptions(width=100), strict=False).text().rstrip("\n")


PARTS = {
    "README.md": {"demo": demo, "sources": sources, "columns": columns, "exit codes": exit_codes},
    "docs/changes.md": {"diff": diff, "what-if": what_if},
    "docs/html.md": {"report": reported},
    "docs/method.md": {"flags": flags},
    "docs/publish.md": {"metrics": metrics},
    "docs/impact-framework.md": {"import": imported, "disclosure": disclosed},
    "docs/explain.md": {"demo": explained},
    "docs/hostile.md": {"counts": hostile.counts, "scenarios": hostile.table},
    "docs/doctor.md": {"cluster": doctor_cluster, "demo": doctor_demo},
}
LIVE_PARTS = {"docs/impact-framework.md": {"verify": verified}}
"""Those that need `make if-run`."""


def filled(document: str, text: str, parts: Mapping[str, Mapping[str, Callable[[], str]]] = PARTS) -> str:
    """The document with its generated parts as the code has them now."""
    for name, part in parts.get(document, {}).items():
        pattern = re.compile(rf"(<!-- begin: {name} -->\n).*?(<!-- end: {name} -->)", re.DOTALL)
        content = part()
        text, count = pattern.subn(lambda found, new=content: f"{found[1]}{new}\n{found[2]}", text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{document} has {count} places for {name}")
    return text


if __name__ == "__main__":
    for document in PARTS:
        path = ROOT / document
        text = filled(document, path.read_text(encoding="utf-8"))
        path.write_text(filled(document, text, LIVE_PARTS), encoding="utf-8")
