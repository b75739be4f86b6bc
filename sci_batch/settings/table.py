"""Every option of the tool, once: flag, environment variable, key in the file, default, help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sci_batch import gate
from sci_batch.prometheus.http import parse_headers
from sci_batch.settings import factors, values, work
from sci_batch.settings.factors import Chain, Spec
from sci_batch.settings.option import option, switch
from sci_batch.settings.values import Output
from sci_batch.settings.work import FunctionalUnit
from sci_batch.windows import check_window, parse_duration, parse_lifespan, time_zone

SOURCE, CONNECTION, TIME, SELECTION = "Source", "Connection", "Time", "Selection"
ENERGY, CARBON, SCORE, OUTPUT, CHECKS, TERMINAL = "Energy", "Carbon", "Score", "Output", "Checks", "Terminal"
PUBLISHING, SCHEDULE = "Publishing", "Schedule"

_COMPUTE = ("compute", "backfill", "doctor", "explain")
"""The others take the flags of `compute`, so that the same command line can be checked and explained."""
_STORED = ("push", "report")
_WHAT_IF = ("what-if",)
_CHANGES = ("diff", *_WHAT_IF)
_GATED = (*_COMPUTE, "diff")
_PUBLISHING = (*_COMPUTE, *_STORED)
_WRITING = (*_PUBLISHING, *_CHANGES)
_FILES = (*_COMPUTE, "report", *_CHANGES)
_ALL = (*_COMPUTE, "record", "queries", *_STORED)
_EVERY = (*_ALL, *_CHANGES)
_PLACES = (*_COMPUTE, "record", "queries", *_WHAT_IF)


def _tz(name: str) -> str:
    return time_zone(name).key


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Checked settings of a run. Durations are in seconds; unset is None, or () where many are possible."""

    prometheus_url: str | None = option(
        "prometheus-url", short="-p", panel=SOURCE, metavar="URL", parse=values.url,
        other_environment=("PROMETHEUS_URL",),
        help="Server to ask; Prometheus 2 or 3, VictoriaMetrics, Thanos, Mimir.",
    )  # fmt: skip
    demo: bool = switch(
        "demo", panel=SOURCE,
        help="The bundled recording, with its hourly grid intensity, hardware and units of work: no server "
        "and no other flag needed.",
    )  # fmt: skip
    snapshot: Path | None = option(
        "snapshot", panel=SOURCE, metavar="DIR", parse=values.path,
        help="A recording made by `sci-batch record`: no server needed.",
    )  # fmt: skip
    out: Path | None = option(
        "out", panel=SOURCE, metavar="DIR", parse=values.path, commands=("record",),
        help="Folder for the recording.",
    )  # fmt: skip
    from_file: str | None = option(
        "from", panel=SOURCE, metavar="RESULT", parse=values.stored, commands=("push", "explain"),
        help="A stored result, written with -o parquet=FILE, DIR/ or s3://..., json=FILE or csv=FILE.",
    )  # fmt: skip
    unit_name: str | None = option(
        "unit-name", panel=SOURCE, metavar="NAME", parse=values.text, commands=(*_STORED, "explain"),
        help="Name of the first functional unit of a stored CSV file, which does not hold it.",
    )  # fmt: skip

    timeout_seconds: int = option(
        "timeout", panel=CONNECTION, metavar="TIME", parse=parse_duration, default="60s",
        commands=_ALL,
        help="Longest wait for one answer.",
    )  # fmt: skip
    retries: int = option(
        "retries", panel=CONNECTION, metavar="N", parse=values.whole(0, 100), default="5",
        commands=_ALL,
        help="Further tries after a failure that may pass.",
    )  # fmt: skip
    concurrency: int = option(
        "concurrency", panel=CONNECTION, metavar="N", parse=values.whole(1, 64), default="2",
        help="Queries at the same time.",
    )  # fmt: skip
    bearer_token_file: Path | None = option(
        "bearer-token-file", panel=CONNECTION, metavar="FILE", parse=values.path,
        help="File with a bearer token, read again when it changes.",
    )  # fmt: skip
    basic_auth_file: Path | None = option(
        "basic-auth-file", panel=CONNECTION, metavar="FILE", parse=values.path,
        help="File with `user:password` in its first line.",
    )  # fmt: skip
    ca_file: Path | None = option(
        "ca-file", panel=CONNECTION, metavar="FILE", parse=values.path,
        help="Certificate authority of the server, PEM.",
    )  # fmt: skip
    cert_file: Path | None = option(
        "cert-file", panel=CONNECTION, metavar="FILE", parse=values.path, help="Client certificate, PEM.",
    )  # fmt: skip
    key_file: Path | None = option(
        "key-file", panel=CONNECTION, metavar="FILE", parse=values.path,
        help="Key of the client certificate, PEM.",
    )  # fmt: skip
    insecure_skip_verify: bool = switch(
        "insecure-skip-verify", panel=CONNECTION, help="Do not check the server's certificate.",
    )  # fmt: skip
    header_file: Path | None = option(
        "header-file", panel=CONNECTION, metavar="FILE", parse=values.path,
        help="File with HTTP headers for every request, one `Name: value` a line; the variable "
        "SCI_BATCH_HEADERS takes the same text.",
    )  # fmt: skip
    headers: tuple[tuple[str, str], ...] = option(
        "headers", panel=CONNECTION, parse=parse_headers, combine=values.flat, repeatable=True, split="\n",
        secret=True, help="HTTP headers for every request, one `Name: value` a line.",
    )  # fmt: skip
    org_id: str | None = option(
        "org-id", panel=CONNECTION, metavar="TENANT", parse=values.text,
        help="Tenant of Mimir, Cortex or Loki-like servers: header X-Scope-OrgID.",
    )  # fmt: skip
    http_config_file: Path | None = option(
        "http-config-file", panel=CONNECTION, metavar="FILE", parse=values.path,
        aliases=("--http.config.file",),
        help="Login and TLS in the form of promtool's --http.config.file.",
    )  # fmt: skip
    compression: bool = switch(
        "compression", panel=CONNECTION,
        help="Ask for compressed answers: for slow lines, costs the server time.",
    )  # fmt: skip
    allow_partial: bool = switch(
        "allow-partial", panel=CONNECTION, help="Accept answers that the server itself calls partial.",
    )  # fmt: skip
    extra_param: tuple[tuple[str, str], ...] = option(
        "extra-param", panel=CONNECTION, metavar="KEY=VALUE", parse=values.pair, repeatable=True,
        help="Parameter added to every query, such as dedup=true.",
    )  # fmt: skip

    since_seconds: int | Literal["last-run"] | None = option(
        "since", panel=TIME, metavar="TIME", parse=values.since,
        commands=("compute", "doctor", "explain", "record", "queries"),
        help="The last whole windows before now (a snapshot: before its end), such as 24h or 7d; "
        "24h when no range is given. last-run (compute): from where the last successful run ended.",
    )  # fmt: skip
    start: str | None = option(
        "start", panel=TIME, metavar="TIME", parse=values.instant,
        help="First instant: 2026-03-01T00:00:00Z, Unix seconds, now-2d or now-1d/d; down to a whole window.",
    )  # fmt: skip
    end: str | None = option(
        "end", panel=TIME, metavar="TIME", parse=values.instant,
        help="End, not included; down to a whole window; now without it.",
    )  # fmt: skip
    settle_seconds: int | None = option(
        "settle", panel=TIME, metavar="TIME", parse=values.pause,
        help="No window ends later than this before now, so that late scrapes are in; 2m without --end, 0 "
        "with it.",
    )  # fmt: skip
    window: str = option(
        "window", panel=TIME, metavar="TIME", parse=check_window, default="1h",
        help="Length of one result row, such as 15m, 1h or 1d; `all` is one window. explain: a time as well, "
        "which is --at.",
    )  # fmt: skip
    at: str | None = option(
        "at", panel=TIME, metavar="TIME", parse=values.instant, commands=("explain",),
        help="A time in the window to explain; the newest window without it.",
    )  # fmt: skip
    tz: str = option(
        "tz", panel=TIME, metavar="ZONE", parse=_tz, default="UTC",
        help="Time zone that cuts days, such as Europe/Paris.",
    )  # fmt: skip

    namespace: tuple[str, ...] = option(
        "namespace", short="-n", panel=SELECTION, metavar="GLOB", parse=values.text, repeatable=True,
        help="Only these namespaces; `shop-*` works.",
    )  # fmt: skip
    cluster_label: tuple[str, str] | None = option(
        "cluster-label", panel=SELECTION, metavar="LABEL=VALUE", parse=values.cluster_label,
        commands=_ALL,
        help="Label that tells clusters apart on a shared server; goes into every query.",
    )  # fmt: skip
    group_by: tuple[str, ...] = option(
        "group-by", panel=SELECTION, metavar="KEYS", parse=values.group_by, default="namespace,workload",
        commas=True, commands=(*_COMPUTE, "record", "queries", "push"),
        help="Any of cluster,node,namespace,workload,pod and label:KEY.",
    )  # fmt: skip

    power_domains: tuple[str, ...] = option(
        "power-domains", panel=ENERGY, metavar="NAMES", parse=values.power_domains, default="package,dram",
        commas=True,
        help="RAPL domains to add up; those that overlap are refused.",
    )  # fmt: skip
    pull: str = option(
        "pull", panel=ENERGY, metavar="edges|raw", parse=values.one_of("edges", "raw"), default="edges",
        help="What is fetched: the values at the edges of windows, or every sample.",
    )  # fmt: skip
    max_gap_seconds: int = option(
        "max-gap", panel=ENERGY, metavar="TIME", parse=parse_duration, default="3m",
        help="A longer silence of a node's Kepler lowers coverage and is flagged.",
    )  # fmt: skip
    max_node_watts: float = option(
        "max-node-watts", panel=ENERGY, metavar="WATTS", parse=values.number(0, 1e9, above=True),
        default="10000",
        help="No node draws more: a faster rise of a counter is clamped and flagged.",
    )  # fmt: skip
    node_energy: str = option(
        "node-energy", panel=ENERGY, metavar="rapl|platform", parse=values.one_of("rapl", "platform"),
        default="rapl",
        help="What a node used: its RAPL counters, or what its power supply shows (Redfish), where it does.",
    )  # fmt: skip
    overhead_ratio: float = option(
        "overhead-ratio", panel=ENERGY, metavar="RATIO", parse=values.number(0, 10), default="0",
        help="Power supply, fans and disks, which RAPL does not see, as a share of the node's energy.",
    )  # fmt: skip
    unattributed: str = option(
        "unattributed", panel=ENERGY, metavar="POLICY", default="by-energy",
        parse=values.one_of("by-energy", "by-request", "even", "separate", "drop"),
        help="Who carries node energy of no pod (idle, host): by-energy, by-request, even, separate, drop.",
    )  # fmt: skip
    kepler_label: tuple[tuple[str, str], ...] = option(
        "kepler-label", panel=ENERGY, metavar="OUR=THEIRS", parse=values.renamed(*values.KEPLER_LABELS),
        repeatable=True, combine=values.each_key_once,
        help="Renamed label of Kepler; ours: " + ", ".join(values.KEPLER_LABELS) + ".",
    )  # fmt: skip
    kube_label: tuple[tuple[str, str], ...] = option(
        "kube-label", panel=ENERGY, metavar="OUR=THEIRS", parse=values.renamed(*values.KUBE_LABELS),
        repeatable=True, combine=values.each_key_once,
        help="Renamed label of kube-state-metrics; ours: " + ", ".join(values.KUBE_LABELS) + ".",
    )  # fmt: skip

    intensity: Spec | None = option(
        "intensity", panel=CARBON, commands=_PLACES, metavar="KIND:ARG", parse=factors.intensity,
        help="Grid carbon intensity: a number such as 380 (gCO2e/kWh), zone:DE, region:aws:eu-west-1, "
        "region:auto, file:ci.csv, prometheus:QUERY, electricitymaps:DE, uk:national, energy-charts:DE, "
        "carbon-aware-sdk:URL,LOCATION, watttime:REGION (`sci-batch factors list`); required but "
        "for --demo, there is no hidden default.",
    )  # fmt: skip
    also_intensity: tuple[Spec, ...] = option(
        "also-intensity", panel=CARBON, metavar="KIND:ARG", parse=factors.intensity, repeatable=True,
        help="A further column with the operational carbon by this source: how much does the choice matter?",
    )  # fmt: skip
    intensity_fallback: tuple[Spec, ...] = option(
        "intensity-fallback", panel=CARBON, commands=_PLACES, metavar="KIND:ARG", parse=factors.intensity,
        repeatable=True,
        help="Source for times that --intensity has no figure for, flagged; several are asked in order.",
    )  # fmt: skip
    intensity_gap: Literal["error", "fallback", "interpolate"] | None = option(
        "intensity-gap", panel=CARBON, commands=_PLACES, metavar="error|fallback|interpolate",
        parse=values.one_of("error", "fallback", "interpolate"),
        help="What to do where --intensity has none: interpolate draws a line over at most 2 h, flagged. "
        "Without it fallback where there is one, else error.",
    )  # fmt: skip
    intensity_kind: Literal["average", "marginal"] | None = option(
        "intensity-kind", panel=CARBON, commands=_PLACES, metavar="average|marginal",
        parse=values.one_of("average", "marginal"),
        help="Which kind of intensity is wanted; average without it. The two are never mixed.",
    )  # fmt: skip
    intensity_basis: Literal["lifecycle", "direct"] | None = option(
        "intensity-basis", panel=CARBON, commands=_PLACES, metavar="lifecycle|direct",
        parse=values.one_of("lifecycle", "direct"),
        help="Which emission factors are wanted, where a source has both. The two are never mixed.",
    )  # fmt: skip
    allow_world_average: bool = switch(
        "allow-world-average", panel=CARBON, commands=_PLACES,
        help="Take the world's mean intensity for regions without a figure, which may be far off.",
    )  # fmt: skip
    offline: bool = switch(
        "offline", panel=CARBON, commands=_PLACES,
        help="Call nothing but Prometheus: grid data comes from files and the cache.",
    )  # fmt: skip
    cache_dir: Path | None = option(
        "cache-dir", panel=CARBON, commands=_PLACES, metavar="DIR", parse=values.path,
        help="Where answers of grid data servers are kept; without it, in the user's cache.",
    )  # fmt: skip
    pue: str = option(
        "pue", panel=CARBON, commands=_PLACES, metavar="FACTOR|PLACE", parse=factors.pue, default="1.0",
        help="Power usage effectiveness of the data centre, which multiplies operational carbon: a number, a "
        "place of the shipped table such as aws or gcp:europe-west4, or auto (by each node's region).",
    )  # fmt: skip
    embodied: Chain | None = option(
        "embodied", panel=CARBON, commands=_PLACES, metavar="KIND:ARG,...", parse=factors.embodied,
        help="Embodied carbon of the nodes: kg:1200 (kgCO2e, each), catalogue (by cloud instance type), "
        "file:nodes.csv or .toml, model (by memory, sockets, GPUs), boavizta:URL, or a chain, such as "
        "file:nodes.toml,catalogue,model: the first that knows a node wins. kg:1216, flagged, without it.",
    )  # fmt: skip
    share: str = option(
        "share", panel=CARBON, metavar="cpu|memory|mean", parse=values.one_of("cpu", "memory", "mean"),
        default="cpu",
        help="What a pod reserves of its node's hardware: cores (request or use, the larger), memory "
        "(request), or half of each.",
    )  # fmt: skip
    lifespan_seconds: int = option(
        "lifespan", panel=CARBON, commands=_PLACES, metavar="TIME", parse=parse_lifespan, default="4y",
        help="Life of a node over which its embodied carbon is spread.",
    )  # fmt: skip

    shift_seconds: int | None = option(
        "shift", panel=CARBON, metavar="TIME", parse=values.shift, commands=_WHAT_IF,
        help="The same work that much later (3h) or earlier (-3h), at the --intensity of that time.",
    )  # fmt: skip
    flexible: tuple[str, ...] = option(
        "flexible", panel=CARBON, metavar="GLOB", parse=values.text, repeatable=True, commands=_WHAT_IF,
        help="Workloads that may wait, by kind or name: CronJob, nightly-*. Each window of them moves to the "
        "start within --within that has the lowest --intensity.",
    )  # fmt: skip
    within_seconds: int | None = option(
        "within", panel=CARBON, metavar="TIME", parse=parse_duration, commands=_WHAT_IF,
        help="How long --flexible workloads may wait.",
    )  # fmt: skip

    functional_unit: tuple[FunctionalUnit, ...] = option(
        "functional-unit", panel=SCORE, metavar="NAME=SOURCE", parse=work.functional_unit,
        repeatable=True, combine=work.functional_units, split=work.UNITS_SPLIT,
        help="Unit of work R, without which there is no score: NAME=NUMBER per row; "
        "NAME=prometheus:PROMQL, such as 'request=prometheus:sum by (namespace, workload) "
        "(increase(http_requests_total[{window}]))'; NAME=file:PATH, CSV or Parquet with start_utc, end_utc "
        "(or window_start), labels, functional_units; NAME=job-run, finished Jobs; NAME=preset:PRESET, or "
        "just http, istio, ... (`sci-batch functional-units`). A second one, NAME, has columns of its own, "
        "functional_units:NAME and sci_gco2e_per_unit:NAME.",
    )  # fmt: skip

    output: tuple[Output, ...] = option(
        "output", short="-o", panel=OUTPUT, metavar="FORMAT[=PATH]", parse=values.output,
        combine=values.outputs, repeatable=True, commands=_WRITING,
        help="table, wide, csv, json, jsonl, parquet, markdown, html (a page for people), openmetrics, "
        "textfile, impact-framework (a manifest for if-run), sci-yaml (SCI disclosure); no path: standard "
        "output. parquet=DIR/, s3://BUCKET/PREFIX, gs:// or az://: a data set by day and cluster. "
        "pushgateway=URL (newest window), remote-write=URL (every window). junit=FILE: the limits of "
        "--fail-on as test cases. diff and what-if: table, csv, json, markdown. "
        "Default: table on a terminal, csv in a pipe. The doctor prints a table or json, writes no file, and "
        "looks whether files could be written.",
    )  # fmt: skip
    top: int | None = option(
        "top", panel=OUTPUT, metavar="N", parse=values.whole(1), commands=_FILES,
        help="Tables show the N rows with the most carbon, and what the others add up to.",
    )  # fmt: skip
    no_clobber: bool = switch(
        "no-clobber", panel=OUTPUT, commands=("record", *_FILES),
        help="Never replace a file that exists.",
    )  # fmt: skip

    disclose: tuple[tuple[str, str], ...] = option(
        "disclose", panel=OUTPUT, metavar="KEY=VALUE", parse=values.disclosed, combine=values.each_key_once,
        repeatable=True, commands=_PUBLISHING,
        help="What only you can say in -o sci-yaml and -o html: " + ", ".join(values.DISCLOSED) + ".",
    )  # fmt: skip

    push_group: str | None = option(
        "push-group", panel=PUBLISHING, metavar="NAME", parse=values.push_group, commands=_PUBLISHING,
        help="Label `group` of everything published: what a push replaces as a whole. Without it the keys of "
        "--group-by, such as namespace_workload.",
    )  # fmt: skip
    push_max_series: int = option(
        "push-max-series", panel=PUBLISHING, metavar="N", parse=values.whole(1), default="10000",
        commands=_PUBLISHING, help="Publish nothing rather than more series than this.",
    )  # fmt: skip
    push_bearer_token_file: Path | None = option(
        "push-bearer-token-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=_PUBLISHING,
        help="File with a bearer token for the servers of -o pushgateway and remote-write.",
    )  # fmt: skip
    push_basic_auth_file: Path | None = option(
        "push-basic-auth-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=_PUBLISHING,
        help="File with `user:password` for them.",
    )  # fmt: skip
    push_ca_file: Path | None = option(
        "push-ca-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=_PUBLISHING,
        help="Certificate authority of these servers, PEM.",
    )  # fmt: skip
    push_cert_file: Path | None = option(
        "push-cert-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=_PUBLISHING,
        help="Client certificate for them, PEM.",
    )  # fmt: skip
    push_key_file: Path | None = option(
        "push-key-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=_PUBLISHING,
        help="Key of that client certificate, PEM.",
    )  # fmt: skip
    push_header_file: Path | None = option(
        "push-header-file", panel=PUBLISHING, metavar="FILE", parse=values.path, commands=_PUBLISHING,
        help="File with HTTP headers for them, one `Name: value` a line; the variable "
        "SCI_BATCH_PUSH_HEADERS takes the same text.",
    )  # fmt: skip
    push_headers: tuple[tuple[str, str], ...] = option(
        "push-headers", panel=PUBLISHING, parse=parse_headers, combine=values.flat, repeatable=True,
        split="\n", secret=True, help="HTTP headers for them, one `Name: value` a line.",
    )  # fmt: skip
    push_org_id: str | None = option(
        "push-org-id", panel=PUBLISHING, metavar="TENANT", parse=values.text, commands=_PUBLISHING,
        help="Tenant to write to: header X-Scope-OrgID.",
    )  # fmt: skip
    delete: bool = switch(
        "delete", panel=PUBLISHING, commands=("push",),
        help="Delete a group from the Pushgateway; --cluster-label and --push-group (or --group-by) name it.",
    )  # fmt: skip

    state: Path | None = option(
        "state", panel=SCHEDULE, metavar="FILE", parse=values.path, commands=_COMPUTE,
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
        "health-file", panel=SCHEDULE, metavar="FILE", parse=values.path, commands=_COMPUTE,
        help="JSON with the last success and the last failure, replaced at the end of each run.",
    )  # fmt: skip

    if_run: Path | None = option(
        "if-run", panel=CHECKS, metavar="PATH", parse=values.path, commands=("verify-if",),
        help="The Impact Framework's program for `sci-batch verify-if`; without it `if-run` on the PATH.",
    )  # fmt: skip
    min_coverage: float | None = option(
        "min-coverage", panel=CHECKS, metavar="0..1", parse=values.number(0, 1), commands=_COMPUTE,
        help="Exit 5 when the meters were seen for less of the time.",
    )  # fmt: skip
    strict: bool = switch(
        "strict", panel=CHECKS, commands=_COMPUTE,
        help="Exit 5 when the books of a node do not close (doctor: at a warning).",
    )  # fmt: skip
    fail_on: tuple[gate.Gate, ...] = option(
        "fail-on", panel=CHECKS, metavar="LIMIT", parse=gate.parse, repeatable=True, commands=_GATED,
        help="Exit 3 when a limit is passed: 'sci>0.5', 'carbon_gco2e>1000', 'coverage<0.95' on the total, "
        "'row.sci>0.5' on any row, 'sci:user>0.1' for the functional unit of that name. Only in diff: "
        "'increase>10%' (of SCI, without one of carbon), 'increase:carbon_gco2e>10%', 'row.increase>10%'.",
    )  # fmt: skip
    warn_only: bool = switch(
        "warn-only", panel=CHECKS, commands=_GATED, help="A passed limit is a warning, not exit 3.",
    )  # fmt: skip

    allow_method_change: bool = switch(
        "allow-method-change", panel=CHECKS, commands=("diff",),
        help="Compare results that were made by different methods; what differs is told.",
    )  # fmt: skip

    quiet: bool = switch(
        "quiet",
        short="-q",
        panel=TERMINAL,
        commands=_EVERY,
        help="Only errors and warnings on standard error.",
    )
    verbose: bool = switch(
        "verbose", short="-v", panel=TERMINAL, commands=_ALL, help="Say each step on standard error."
    )
    log_format: str = option(
        "log-format", panel=TERMINAL, metavar="text|json", parse=values.one_of("text", "json"),
        default="text", commands=_EVERY,
        help="Standard error as lines for people, or as one JSON object a line.",
    )  # fmt: skip
    color: str = option(
        "color", panel=TERMINAL, metavar="auto|always|never", parse=values.one_of("auto", "always", "never"),
        default="auto", commands=_FILES, help="Colours in tables; NO_COLOR is honoured.",
    )  # fmt: skip
