"""Options of what is read: source, connection, time, selection, energy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sci_batch.prometheus.http import parse_headers
from sci_batch.settings import values
from sci_batch.settings.option import option, switch
from sci_batch.settings.panels import ALL, COMPUTING, CONNECTION, ENERGY, OF_STORED, SELECTION, SOURCE, TIME
from sci_batch.windows import check_window, parse_duration, time_zone


def _tz(name: str) -> str:
    return time_zone(name).key


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Where the counters are read, which time, and whose."""

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
        "unit-name", panel=SOURCE, metavar="NAME", parse=values.text, commands=(*OF_STORED, "explain"),
        help="Name of the first functional unit of a stored CSV file, which does not hold it.",
    )  # fmt: skip

    timeout_seconds: int = option(
        "timeout", panel=CONNECTION, metavar="TIME", parse=parse_duration, default="60s",
        commands=ALL,
        help="Longest wait for the next part of an answer; all of it may take five times as long.",
    )  # fmt: skip
    retries: int = option(
        "retries", panel=CONNECTION, metavar="N", parse=values.whole(0, 100), default="5",
        commands=ALL,
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
    sigv4_region: str | None = option(
        "sigv4-region", panel=CONNECTION, metavar="REGION", parse=values.text,
        help="Sign requests for Amazon Managed Service for Prometheus in this region (extra `aws`).",
    )  # fmt: skip
    sigv4_profile: str | None = option(
        "sigv4-profile", panel=CONNECTION, metavar="NAME", parse=values.text,
        help="Profile of AWS's own files to take the keys from; else they come from the usual places.",
    )  # fmt: skip
    sigv4_role_arn: str | None = option(
        "sigv4-role-arn", panel=CONNECTION, metavar="ARN", parse=values.text,
        help="Role to take on with these keys before signing.",
    )  # fmt: skip
    google: bool = switch(
        "google", panel=CONNECTION,
        help="Log in to Google Managed Prometheus by application default credentials (extra `google`).",
    )  # fmt: skip
    azure: bool = switch(
        "azure", panel=CONNECTION,
        help="Log in to an Azure Monitor workspace by workload or managed identity, environment or az login "
        "(extra `azure`).",
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
        commands=ALL,
        help="Label that tells clusters apart on a shared server; goes into every query.",
    )  # fmt: skip
    group_by: tuple[str, ...] = option(
        "group-by", panel=SELECTION, metavar="KEYS", parse=values.group_by, default="namespace,workload",
        commas=True, commands=(*COMPUTING, "record", "queries", "push"),
        help="Any of cluster,node,namespace,workload,pod and label:KEY.",
    )  # fmt: skip

    power_domains: tuple[str, ...] = option(
        "power-domains", panel=ENERGY, metavar="NAMES", parse=values.power_domains,
        default=",".join(values.USUAL_POWER_DOMAINS),
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
