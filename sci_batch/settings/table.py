"""Every option of the tool, once: flag, environment variable, key in the file, default, help.

Here stand those of where results go and how a run behaves, below those of what is read (`measurement.py`)
and what is made of it (`accounting.py`), in the order of the help.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sci_batch import gate
from sci_batch.prometheus.http import parse_headers
from sci_batch.settings import values
from sci_batch.settings.accounting import Accounting
from sci_batch.settings.option import option, switch
from sci_batch.settings.panels import (
    ALL,
    CHECKS,
    COMPUTING,
    EVERY,
    FILES,
    GATED,
    OF_PUBLISHING,
    OUTPUT,
    PUBLISHING,
    SCHEDULE,
    TERMINAL,
    WRITING,
)
from sci_batch.settings.values import Output
from sci_batch.windows import parse_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Accounting):
    """Checked settings of a run. Durations are in seconds; unset is None, or () where many are possible."""

    output: tuple[Output, ...] = option(
        "output", short="-o", panel=OUTPUT, metavar="FORMAT[=PATH]", parse=values.output,
        combine=values.outputs, repeatable=True, commands=WRITING,
        help="table, wide, csv, json, jsonl, parquet, markdown, html (a page for people), openmetrics, "
        "textfile, impact-framework (a manifest for if-run), sci-yaml (SCI disclosure); no path: standard "
        "output. parquet=DIR/, s3://BUCKET/PREFIX, gs:// or az://: a data set by day and cluster. "
        "pushgateway=URL (newest window), remote-write=URL (every window). junit=FILE: the limits of "
        "--fail-on as test cases. diff and what-if: table, csv, json, markdown. "
        "Default: table on a terminal, csv in a pipe. The doctor prints a table or json, writes no file, and "
        "looks whether files could be written.",
    )  # fmt: skip
    top: int | None = option(
        "top", panel=OUTPUT, metavar="N", parse=values.whole(1), commands=FILES,
        help="Tables show the N rows with the most carbon, and what the others add up to.",
    )  # fmt: skip
    no_clobber: bool = switch(
        "no-clobber", panel=OUTPUT, commands=("record", *FILES),
        help="Never replace a file that exists.",
    )  # fmt: skip

    disclose: tuple[tuple[str, str], ...] = option(
        "disclose", panel=OUTPUT, metavar="KEY=VALUE", parse=values.disclosed, combine=values.each_key_once,
        repeatable=True, commands=OF_PUBLISHING,
        help="What only you can say in -o sci-yaml and -o html: " + ", ".join(values.DISCLOSED) + ".",
    )  # fmt: skip

    push_group: str | None = option(
        "push-group", panel=PUBLISHING, metavar="NAME", parse=values.push_group, commands=OF_PUBLISHING,
        help="Label `group` of everything published: what a push replaces as a whole. Without it the keys of "
        "--group-by, such as namespace_workload.",
    )  # fmt: skip
    push_max_series: int = option(
        "push-max-series", panel=PUBLISHING, metavar="N", parse=values.whole(1), default="10000",
        commands=OF_PUBLISHING, help="Publish nothing rather than more series than this.",
    )  # fmt: skip
    push_bearer_token_file: Path | None = option(
        "push-bearer-token-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=OF_PUBLISHING,
        help="File with a bearer token for the servers of -o pushgateway and remote-write.",
    )  # fmt: skip
    push_basic_auth_file: Path | None = option(
        "push-basic-auth-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=OF_PUBLISHING,
        help="File with `user:password` for them.",
    )  # fmt: skip
    push_ca_file: Path | None = option(
        "push-ca-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=OF_PUBLISHING,
        help="Certificate authority of these servers, PEM.",
    )  # fmt: skip
    push_cert_file: Path | None = option(
        "push-cert-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=OF_PUBLISHING,
        help="Client certificate for them, PEM.",
    )  # fmt: skip
    push_key_file: Path | None = option(
        "push-key-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=OF_PUBLISHING,
        help="Key of that client certificate, PEM.",
    )  # fmt: skip
    push_header_file: Path | None = option(
        "push-header-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=OF_PUBLISHING,
        help="File with HTTP headers for them, one `Name: value` a line; the variable "
        "SCI_BATCH_PUSH_HEADERS takes the same text.",
    )  # fmt: skip
    push_headers: tuple[tuple[str, str], ...] = option(
        "push-headers", panel=PUBLISHING, parse=parse_headers, combine=values.flat, repeatable=True,
        split="\n", secret=True, help="HTTP headers for them, one `Name: value` a line.",
    )  # fmt: skip
    push_org_id: str | None = option(
        "push-org-id", panel=PUBLISHING, metavar="TENANT", parse=values.text, commands=OF_PUBLISHING,
        help="Tenant to write to: header X-Scope-OrgID.",
    )  # fmt: skip
    push_sigv4_region: str | None = option(
        "push-sigv4-region", panel=PUBLISHING, metavar="REGION", parse=values.text, commands=OF_PUBLISHING,
        help="Sign what -o remote-write sends to Amazon Managed Service for Prometheus in this region.",
    )  # fmt: skip
    push_sigv4_profile: str | None = option(
        "push-sigv4-profile", panel=PUBLISHING, metavar="NAME", parse=values.text, commands=OF_PUBLISHING,
        help="Profile of AWS's own files to take the keys from.",
    )  # fmt: skip
    push_sigv4_role_arn: str | None = option(
        "push-sigv4-role-arn", panel=PUBLISHING, metavar="ARN", parse=values.text, commands=OF_PUBLISHING,
        help="Role to take on with these keys before signing.",
    )  # fmt: skip
    delete: bool = switch(
        "delete", panel=PUBLISHING, commands=("push",),
        help="Delete a group from the Pushgateway; --cluster-label and --push-group (or --group-by) name it.",
    )  # fmt: skip

    state: Path | None = option(
        "state", panel=SCHEDULE, metavar="FILE", parse=values.path, commands=COMPUTING,
        help="File that remembers what is done, for --since last-run and for backfill.",
    )  # fmt: skip
    first_since_seconds: int = option(
        "first-since", panel=SCHEDULE, metavar="TIME", parse=parse_duration, default="24h",
        commands=("compute", "doctor"),
        help="With --since last-run: where the very first run starts, before now.",
    )  # fmt: skip
    max_catch_up_seconds: int = option(
        "max-catch-up", panel=SCHEDULE, metavar="TIME", parse=parse_duration, default="7d",
        commands=("compute", "doctor"),
        help="With --since last-run: how much is done at once after runs that did not happen.",
    )  # fmt: skip
    every: str = option(
        "every", panel=SCHEDULE, metavar="TIME", parse=values.every, default="1d", commands=("backfill",),
        help="Length of one step.",
    )  # fmt: skip
    index: int | None = option(
        "index", panel=SCHEDULE, metavar="N", parse=values.whole(0), commands=("backfill",),
        other_environment=("JOB_COMPLETION_INDEX",),
        help="Do this step alone, from 0: a pod of an Indexed Job.",
    )  # fmt: skip
    health_file: Path | None = option(
        "health-file", panel=SCHEDULE, metavar="FILE", parse=values.path, commands=COMPUTING,
        help="JSON with the last success and the last failure, replaced at the end of each run.",
    )  # fmt: skip

    engine: str = option(
        "engine", panel=SCHEDULE, metavar="process|dask", parse=values.one_of("process", "dask"),
        default="process", commands=("compute", "backfill"),
        help="Who does the work: this process, or the workers of a Dask cluster (extra sci-batch[dask]). The "
        "numbers are the same. Workers share --concurrency, and each has one request at a time at least.",
    )  # fmt: skip
    scheduler: str | None = option(
        "scheduler", panel=SCHEDULE, metavar="ADDRESS", parse=values.text, commands=("compute", "backfill"),
        help="Address of a Dask scheduler, such as tcp://dask-scheduler:8786; without it --engine dask "
        "starts workers on this machine. tls:// takes the certificates of Dask's own settings.",
    )  # fmt: skip
    workers: int | None = option(
        "workers", panel=SCHEDULE, metavar="N", parse=values.whole(1, 1000), commands=("compute", "backfill"),
        help="With --engine dask: workers to start on this machine (one for each core), or to wait for at "
        "--scheduler (1).",
    )  # fmt: skip
    checkpoint: Path | None = option(
        "checkpoint", panel=SCHEDULE, metavar="DIR", parse=values.path, commands=("compute",),
        help="Folder, of this run alone, that keeps what was read: a run that was stopped goes on there. "
        "It is removed when every output is written.",
    )  # fmt: skip

    if_run: Path | None = option(
        "if-run", panel=CHECKS, metavar="PATH", parse=values.path, commands=("verify-if",),
        help="The Impact Framework's program for `sci-batch verify-if`; without it `if-run` on the PATH.",
    )  # fmt: skip
    min_coverage: float | None = option(
        "min-coverage", panel=CHECKS, metavar="0..1", parse=values.number(0, 1), commands=COMPUTING,
        help="Exit 5 when the meters were seen for less of the time.",
    )  # fmt: skip
    strict: bool = switch(
        "strict", panel=CHECKS, commands=COMPUTING,
        help="Exit 5 when the books of a node do not close (doctor: at a warning).",
    )  # fmt: skip
    fail_on: tuple[gate.Gate, ...] = option(
        "fail-on", panel=CHECKS, metavar="LIMIT", parse=gate.parse, repeatable=True, commands=GATED,
        help="Exit 3 when a limit is passed: 'sci>0.5', 'carbon_gco2e>1000', 'coverage<0.95' on the total, "
        "'row.sci>0.5' on any row, 'sci:user>0.1' for the functional unit of that name. Only in diff: "
        "'increase>10%' (of SCI, without one of carbon), 'increase:carbon_gco2e>10%', 'row.increase>10%'.",
    )  # fmt: skip
    warn_only: bool = switch(
        "warn-only", panel=CHECKS, commands=GATED, help="A passed limit is a warning, not exit 3.",
    )  # fmt: skip

    allow_method_change: bool = switch(
        "allow-method-change", panel=CHECKS, commands=("diff",),
        help="Compare results that were made by different methods; what differs is told.",
    )  # fmt: skip

    quiet: bool = switch(
        "quiet",
        short="-q",
        panel=TERMINAL,
        commands=EVERY,
        help="Only errors and warnings on standard error.",
    )
    verbose: bool = switch(
        "verbose", short="-v", panel=TERMINAL, commands=ALL, help="Say each step on standard error."
    )
    log_format: str = option(
        "log-format", panel=TERMINAL, metavar="text|json", parse=values.one_of("text", "json"),
        default="text", commands=EVERY,
        help="Standard error as lines for people, or as one JSON object a line.",
    )  # fmt: skip
    color: str = option(
        "color", panel=TERMINAL, metavar="auto|always|never", parse=values.one_of("auto", "always", "never"),
        default="auto", commands=FILES, help="Colours in tables; NO_COLOR is honoured.",
    )  # fmt: skip
