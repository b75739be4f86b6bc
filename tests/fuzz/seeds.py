"""Where the search starts: good inputs of each kind, and words that are nonsense in most places."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from sci_batch import snapshot
from sci_batch.inputs import Kube
from sci_batch.settings.document import template
from sci_batch.sinks import SINKS, SinkOptions, day_file, runs
from tests.cli import handmade
from tests.fuzz.judged import file_of

FIXTURES = Path(__file__).parents[2] / "fixtures"
NONSENSE: Sequence[bytes] = (
    b"nan",
    b"NaN",
    b"inf",
    b"-Infinity",
    b"-1",
    b"-0.0",
    b"1e400",
    b"1e-400",
    b"1_000",
    b"0x10",
    b"1,5",
    b"1.5.2",
    b"1e",
    "١٢".encode(),
    "²".encode(),
    "½".encode(),
    "\uff11".encode(),
    b"9" * 30,
    b"9" * 5_000,
    b"true",
    b"null",
    b"None",
    b"2026-02-30",
    b"2026-02-30T00:00:00Z",
    b"2026-13-01T25:61:00Z",
    b"0000-00-00T00:00:00Z",
    b"9999-12-31T23:59:59-23:59",
    b"0001-01-01T00:00:00+23:59",
    b"1677-09-21T00:12:43Z",
    b"2262-04-12T00:00:00Z",
    b"now-1000w",
    b"now/d",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\x1b[31m",
    b"\xc2\x9b31m",
    "\u202e".encode(),
    "\u2028".encode(),
    b"=1+1",
    b"@x",
    b"\t",
    b";",
    b",",
    b'"',
    b'""',
    b"'",
    b"]]>",
    b"<script>",
    b"{start}",
    b"{",
    b"}",
    b"{{}}",
    b"{x}",
    b"../../",
    b"/",
    b"~",
    b"~nobody/x",
    b"%2e%2e%2f",
    b"C:\\",
    b"*a",
    b"&a [*a]",
    b"!!python/object",
    b"? {a: b}",
    b"[" * 40,
    b'{"a":' * 40,
    b"[[",
    b"]]}",
    b'"],[',
    b'{"metric":',
    b',"values":[[',
    b'"result":[',
    b"http://[::1",
    b"http://a:b@c",
    b"s3://",
    b"=",
    b":",
    b"#",
    b" ",
    b"-",
    b"+",
    b"0",
    b"1",
)

DURATIONS = (b"15m", b"1h30m", b"4y", b"last-run", b"-3h")
TIMES = (b"2026-03-01T00:00:00Z", b"1772323200.5", b"now-1d/d", b"2026-03-01 00:00:00.123+01:00")
ZONES = (b"Europe/Berlin", b"UTC")
NUMBERS = (b"1", b"1.5", b"1e3", b"1200,5", b"aws", b"gcp:europe-west4")
INTENSITIES = (
    b"380",
    b"constant:1e2",
    b"zone:DE",
    b"file:ci.csv#DE",
    b"file:a,b.toml,catalogue,model:ssd=1",
    b"kg:1200",
    b"boavizta:http://b:5000",
)
UNITS_OF_WORK = (
    b"request=1000",
    b'r=prometheus:sum by (a) (increase(x{b="c"}[{window}]))',
    b"http",
    b"user=file:x.csv",
    b"job-run",
    b"visit=preset:istio",
)
LIMITS = (b"sci>0.5", b"row.sci:user >= 1e-3", b"increase>10%", b"row.increase:carbon_gco2e:x<5 %")
OUTPUTS = (
    b"csv=out/{date}.csv",
    b"parquet=s3://bucket/prefix",
    b"json=-",
    b"textfile=a.prom",
    b"parquet=out/",
    b"remote-write=http://h:9090/api/v1/write",
    b"table",
)
HEADERS = (b"X-Scope-OrgID: team-a\n# x\nA: b\n",)
WORDS = (
    b"a=b",
    b"namespace,workload",
    b"package,dram",
    b"node=instance",
    b"guid=1",
    b"http://h",
    b"true",
    b"1h",
    b"table",
)

SAMPLES = [
    {"metric": {"__name__": "j", "pod": "a"}, "values": [[1700000000, "1.5"], [1700000030.123, "2e+06"]]},
    {"metric": {"__name__": "j", "zone": "dram"}, "values": [[1700000000.001, "NaN"]], "histograms": []},
]
PROMETHEUS = tuple(
    json.dumps(
        {"status": "success", "data": {"resultType": kind, "result": result}, "warnings": ["w"]},
        separators=(",", ":"),
    ).encode()
    for kind, result in (
        ("matrix", SAMPLES),
        ("matrix", SAMPLES[:1]),
        ("matrix", []),
        ("scalar", [2, "42"]),
        ("string", [2, "x"]),
        ("vector", [{"metric": {"a": "1"}, "value": [1.5, "3"]}, {"metric": {}, "histogram": [1, {}]}]),
    )
)
REFUSALS = (
    b'{"status":"error","errorType":"timeout","error":"query timed out"}',
    b"<html><title>Log in</title></html>",
    b"too many samples",
    b"Wed, 21 Oct 2026 07:28:00 GMT",
    b"120",
)
STATES = (
    b'{"schema_version":1,"kind":"last-run","end":"2026-03-01T00:00:00Z","cluster":"eu"}',
    b'{"schema_version":1,"kind":"health","status":"ok","last_success":{"finished":"x"},"last_failure":null}',
    b'{"schema_version":1,"kind":"backfill","settings":{"every":"1d"},"done":["a/b"]}',
)
HTTP = (
    b"basic_auth:\n  username: a\n  password_file: b\ntls_config:\n  ca_file: c\n",
    b"oauth2:\n  client_id: a\n  client_secret: b\n  token_url: http://t\n  scopes: [x]\n",
    b"authorization: {type: Bearer, credentials: x}\nhttp_headers:\n  A: {values: [b], files: [c]}\n",
)
CSV_OF_INTENSITY = (
    b"zone,start_utc,end_utc,gco2e_per_kwh,kind,basis,estimated,source\n"
    b"DE,2026-03-01T00:00:00Z,2026-03-01T01:00:00Z,380.5,average,lifecycle,false,x\n"
    b"DE,2026-03-01T01:00:00Z,2026-03-01T02:00:00Z,390,average,lifecycle,true,x\n"
)
CSV_OF_UNITS = (
    b"start_utc;end_utc;namespace;functional_units\n"
    b"2026-03-01T00:00:00Z;2026-03-01T01:00:00Z;shop;1000\n2026-03-01T01:00:00Z;2026-03-01T02:00:00Z;shop;1.5\n"
)


def _fixtures(*names: str) -> tuple[bytes, ...]:
    return tuple((FIXTURES / name).read_bytes() for name in names)


def _parquet(text: bytes, separator: str = ",") -> bytes:
    stream = io.BytesIO()
    pd.read_csv(io.BytesIO(text), sep=separator).to_parquet(stream, index=False)
    return stream.getvalue()


def _written(name: str) -> bytes:
    path = file_of(b"", f"seed.{name}")
    SINKS[name](handmade.report(), path, SinkOptions())
    return path.read_bytes()


@cache
def intensity_csv() -> tuple[bytes, ...]:
    """Our own form and that of the portal."""
    return CSV_OF_INTENSITY, *_fixtures("intensity/portal-hourly.csv")


@cache
def intensity_parquet() -> tuple[bytes, ...]:
    """The same as Parquet, times as texts."""
    return (_parquet(CSV_OF_INTENSITY),)


@cache
def embodied_csv() -> tuple[bytes, ...]:
    """As a spreadsheet writes it."""
    return _fixtures("embodied/nodes.csv")


@cache
def embodied_toml() -> tuple[bytes, ...]:
    """The same as TOML."""
    return _fixtures("embodied/nodes.toml")


@cache
def units_csv() -> tuple[bytes, ...]:
    """Spans, and windows by their start."""
    return CSV_OF_UNITS, *_fixtures("units/orders-per-day.csv", "units/users-from-a-spreadsheet.csv")


@cache
def units_parquet() -> tuple[bytes, ...]:
    """The same as Parquet."""
    return (_parquet(CSV_OF_UNITS, ";"),)


@cache
def stored_result() -> tuple[bytes, ...]:
    """The report made by hand, in each form that is read back."""
    return tuple(map(_written, ("parquet", "json", "csv")))


@cache
def day_of_data_set() -> tuple[bytes, ...]:
    """A day with one run."""
    return (day_file.written(next(runs.by_day(handmade.report()))[1]),)


@cache
def settings_toml() -> tuple[bytes, ...]:
    """The commented template with every key, and a short file."""
    lines = [line.removeprefix("#") for line in template().splitlines() if " = " in line]
    text = "\n".join(line for line in lines if '""' not in line)
    return (
        text.encode(),
        b'window = "1h"\nintensity = 380\nfail-on = ["sci>0.5"]\nstart = 2026-03-01T00:00:00Z\n',
    )


@cache
def recording() -> tuple[bytes, ...]:
    """The bundled recording's manifest, of the tables that are small."""
    facts = json.loads((snapshot.DEMO / snapshot.MANIFEST).read_text(encoding="utf-8"))
    small = set(Kube.tables()) | {"intensity"}
    facts["files"] = {
        name: seal for name, seal in facts["files"].items() if name.removesuffix(".parquet") in small
    }
    return (json.dumps({**facts, "queries": facts["queries"][:2]}).encode(),)


@cache
def manifests() -> tuple[bytes, ...]:
    """Two of kepler-importer, and one of ours."""
    old = _fixtures("impact_framework/kepler-importer-old.yml", "impact_framework/kepler-importer-new.yml")
    return *old, _written("impact-framework")
