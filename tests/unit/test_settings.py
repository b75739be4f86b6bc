"""Precedence, origins, requirements, and messages that name the place and the cure."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from sci_batch.errors import UsageError
from sci_batch.settings import OPTIONS, FunctionalUnit, Loaded, Output, Settings, Spec, http_settings, load
from sci_batch.settings.document import effective, template
from sci_batch.settings.factors import Chain

NEEDED = {"demo": True, "intensity": "380"}
SERVER = {"prometheus_url": "http://h:9090", "intensity": "380"}


def loaded(
    flags: dict[str, object] | None = None, environ: dict[str, str] | None = None, config: Path | None = None
) -> Loaded:
    return load({**NEEDED, **(flags or {})}, environ or {}, "compute", str(config) if config else None)


def problem(
    flags: Mapping[str, object], environ: dict[str, str] | None = None, config: Path | None = None
) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(flags, environ or {}, "compute", str(config) if config else None)
    return caught.value


def toml(folder: Path, text: str) -> Path:
    path = folder / "sci-batch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults() -> None:
    made = loaded().settings
    assert made == Settings(demo=True, intensity=Spec("constant", "380"))
    assert (made.timeout_seconds, made.retries, made.concurrency) == (60, 5, 2)
    assert (made.window, made.tz, made.pull, made.unattributed) == ("1h", "UTC", "edges", "by-energy")
    assert (made.max_gap_seconds, made.max_node_watts, made.pue) == (180, 10_000.0, "1.0")
    assert made.lifespan_seconds == 126_144_000
    assert made.group_by == ("namespace", "workload")
    assert made.power_domains == ("package", "dram")
    assert made.embodied is None
    assert made.functional_unit == ()
    assert (made.output, made.namespace, made.fail_on) == ((), (), ())
    assert made.since_seconds is None


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().pue = "2.0"  # type: ignore[misc]


def test_every_flag_reaches_its_field() -> None:
    made = load(
        {
            "prometheus_url": "http://prometheus:9090/prefix",
            "timeout_seconds": "2m",
            "retries": "0",
            "concurrency": "4",
            "bearer_token_file": "/run/token",
            "ca_file": "ca.pem",
            "cert_file": "cert.pem",
            "key_file": "key.pem",
            "org_id": "team-a",
            "compression": True,
            "allow_partial": True,
            "extra_param": ["dedup=true", "a=b=c"],
            "start": "2026-03-01T00:00:00Z",
            "end": "now",
            "window": "1d",
            "tz": "Europe/Paris",
            "namespace": ["shop-*", "kube-system"],
            "cluster_label": "cluster=production",
            "group_by": "label:team, workload",
            "power_domains": "psys",
            "pull": "raw",
            "max_gap_seconds": "5m",
            "max_node_watts": "1.5e3",
            "kepler_label": ["node=instance", "pod_id=uid"],
            "kube_label": ["namespace=exported_namespace"],
            "unattributed": "separate",
            "intensity": "constant:56.7",
            "pue": "1.2",
            "embodied": "kg:1200",
            "lifespan_seconds": "35040h",
            "functional_unit": 'request=prometheus:sum by (pod) (increase(x{a="b"}[{window}]))',
            "output": ["wide", "csv=out/a.csv", "parquet=b.parquet"],
            "top": "3",
            "no_clobber": True,
            "min_coverage": "0.95",
            "strict": True,
            "fail_on": ["sci>0.5", "row.coverage<0.9"],
            "warn_only": True,
            "quiet": True,
            "color": "never",
        },
        {},
        "compute",
    ).settings
    assert made.prometheus_url == "http://prometheus:9090/prefix"
    assert (made.timeout_seconds, made.retries, made.concurrency) == (120, 0, 4)
    assert made.bearer_token_file == Path("/run/token")
    assert (made.ca_file, made.cert_file, made.key_file) == (
        Path("ca.pem"),
        Path("cert.pem"),
        Path("key.pem"),
    )
    assert made.extra_param == (("dedup", "true"), ("a", "b=c"))
    assert (made.start, made.end, made.window, made.tz) == (
        "2026-03-01T00:00:00Z",
        "now",
        "1d",
        "Europe/Paris",
    )
    assert made.namespace == ("shop-*", "kube-system")
    assert made.cluster_label == ("cluster", "production")
    assert made.group_by == ("label:team", "workload")
    assert made.power_domains == ("psys",)
    assert (made.pull, made.max_gap_seconds, made.max_node_watts) == ("raw", 300, 1500.0)
    assert made.kepler_label == (("node", "instance"), ("pod_id", "uid"))
    assert made.kube_label == (("namespace", "exported_namespace"),)
    assert (made.intensity, made.pue) == (Spec("constant", "56.7"), "1.2")
    assert made.embodied == Chain((Spec("kg", "1200"),))
    assert made.lifespan_seconds == 4 * 365 * 86_400
    assert made.functional_unit == (
        FunctionalUnit("request", "prometheus", 'sum by (pod) (increase(x{a="b"}[{window}]))'),
    )
    assert made.output == (
        Output("wide", None),
        Output("csv", Path("out/a.csv")),
        Output("parquet", Path("b.parquet")),
    )
    assert (made.top, made.min_coverage) == (3, 0.95)
    assert [limit.text for limit in made.fail_on] == ["sci>0.5", "row.coverage<0.9"]
    assert (
        made.compression
        and made.allow_partial
        and made.no_clobber
        and made.strict
        and made.warn_only
        and made.quiet
    )
    assert made.color == "never"


def test_flag_over_environment_over_file_over_default(tmp_path: Path) -> None:
    path = toml(tmp_path, 'window = "1d"\npue = 1.4\nretries = 7\n')
    found = loaded({"window": "15m"}, {"SCI_BATCH_WINDOW": "2h", "SCI_BATCH_PUE": "1.3"}, path)
    assert (found.settings.window, found.settings.pue, found.settings.retries) == ("15m", "1.3", 7)
    assert found.settings.concurrency == 2
    assert found.origins["window"] == "--window"
    assert found.origins["pue"] == "SCI_BATCH_PUE"
    assert found.origins["retries"] == f"retries in {path}"
    assert found.origins["concurrency"] == "default"


def test_a_flag_can_switch_off_what_the_file_switches_on(tmp_path: Path) -> None:
    path = toml(tmp_path, "strict = true\ncompression = true\n")
    found = loaded({"strict": False}, {"SCI_BATCH_COMPRESSION": "no"}, path).settings
    assert not found.strict
    assert not found.compression


def test_every_option_has_an_environment_variable() -> None:
    samples = {
        "prometheus_url": "http://h:1",
        "snapshot": "d",
        "cluster_label": "a=b",
        "kepler_label": "node=x",
        "kube_label": "uid=x",
        "extra_param": "a=b",
        "start": "now-1d",
        "end": "now",
        "since_seconds": "1d",
        "settle_seconds": "1m",
        "index": "3",
        "intensity": "1",
        "also_intensity": "zone:DE",
        "intensity_fallback": "2",
        "intensity_gap": "fallback",
        "intensity_kind": "marginal",
        "intensity_basis": "direct",
        "embodied": "kg:1",
        "functional_unit": "r=1",
        "output": "csv=f",
        "disclose": "name=x",
        "top": "1",
        "min_coverage": "1",
        "fail_on": "coverage<1",
        "shift_seconds": "-3h",
        "within_seconds": "6h",
        "namespace": "n",
        "headers": "A: b",
        "push_headers": "A: b",
        "at": "now-1d",
        "workers": "2",
    }
    for name, item in OPTIONS.items():
        text = "true" if item.switch else samples.get(name) or item.default or "some-file"
        flags: dict[str, object] = {} if name in ("prometheus_url", "demo", "snapshot") else {"demo": True}
        if name == "end":
            flags["start"] = "now-2d"
        if name == "state":
            flags = {"prometheus_url": "http://h:1", "since_seconds": "last-run"}
        found = load(
            {"intensity": None if name == "intensity" else "1", **flags}, {item.environment: text}, "compute"
        )
        assert found.origins[name] == item.environment, name
        assert found.warnings == ()


def test_repeatable_options_take_semicolons_or_lines_in_the_environment() -> None:
    found = loaded(
        {}, {"SCI_BATCH_NAMESPACE": "a; b\nc;", "SCI_BATCH_OUTPUT": "csv=a.csv;json=b.json"}
    ).settings
    assert found.namespace == ("a", "b", "c")
    assert found.output == (Output("csv", Path("a.csv")), Output("json", Path("b.json")))


def test_headers_come_from_the_environment_alone_and_are_never_shown(tmp_path: Path) -> None:
    environ = {"SCI_BATCH_HEADERS": "Cookie: a=1; b=2\nX-Key: hunter2"}
    found = loaded({}, environ)
    assert found.settings.headers == (("Cookie", "a=1; b=2"), ("X-Key", "hunter2"))
    assert "hunter2" not in repr(found.settings)
    assert "hunter2" not in effective(found)
    assert "# headers: 2 set, hidden" in effective(found)
    error = problem(NEEDED, {"SCI_BATCH_HEADERS": "hunter2"})
    assert "hunter2" not in str(error)
    error = problem(NEEDED, {}, toml(tmp_path, 'headers = "X: hunter2"\n'))
    assert "header-file" in error.cure
    assert "hunter2" not in str(error)


def test_a_blank_variable_is_not_set() -> None:
    found = loaded({}, {"SCI_BATCH_WINDOW": "", "SCI_BATCH_ORG_ID": " ", "SCI_BATCH_CONFIG": ""})
    assert found.settings.window == "1h"
    assert found.settings.org_id is None


def test_prometheus_url_of_other_tools_comes_after_ours(tmp_path: Path) -> None:
    path = toml(tmp_path, 'prometheus-url = "http://file:1"\n')
    environ = {"PROMETHEUS_URL": "http://theirs:1"}
    both = {**environ, "SCI_BATCH_PROMETHEUS_URL": "http://ours:1"}
    assert load({"intensity": "1"}, both, "compute").settings.prometheus_url == "http://ours:1"
    theirs = load({"intensity": "1"}, environ, "compute", str(path))
    assert theirs.settings.prometheus_url == "http://theirs:1"
    assert theirs.origins["prometheus_url"] == "PROMETHEUS_URL"


def test_the_stronger_source_wins() -> None:
    found = loaded({}, {"PROMETHEUS_URL": "http://theirs:1", "SCI_BATCH_SNAPSHOT": "d"})
    assert found.settings.demo
    assert found.settings.prometheus_url is None
    assert found.settings.snapshot is None
    assert found.origins["prometheus_url"] == "default (PROMETHEUS_URL set aside)"


def test_the_stronger_range_wins(tmp_path: Path) -> None:
    path = toml(tmp_path, 'start = "now-7d"\nend = "now"\n')
    found = loaded({"since_seconds": "24h"}, {}, path).settings
    assert (found.since_seconds, found.start, found.end) == (86_400, None, None)
    found = loaded({"start": "now-1d"}, {"SCI_BATCH_SINCE": "7d"}).settings
    assert (found.since_seconds, found.start) == (None, "now-1d")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({**NEEDED, "snapshot": "d"}, "--demo and --snapshot exclude each other"),
        ({**NEEDED, "since_seconds": "1d", "end": "now"}, "--since and --end exclude each other"),
        ({**NEEDED, "quiet": True, "verbose": True}, "--quiet and --verbose exclude each other"),
        ({**NEEDED, "end": "now"}, "--end is given without --start"),
        ({**SERVER, "fail_on": ["sci>0.5"]}, "--fail-on sci>0.5 needs a score"),
        ({**SERVER, "fail_on": ["row.functional_units<1"]}, "needs a score"),
        ({**SERVER, "fail_on": ["sci:user>1"]}, "--fail-on sci:user>1 needs a score"),
        ({**SERVER, "functional_unit": ["a=1", "b=2", "a=3"]}, "two functional units are called a"),
        (
            {**SERVER, "functional_unit": ["request=1", "user=2"], "fail_on": ["sci:usr>1"]},
            "there is no functional unit usr",
        ),
    ],
)
def test_settings_that_contradict_each_other(flags: dict[str, object], words: str) -> None:
    assert words in problem(flags).what


def test_the_connection_is_checked_as_a_whole() -> None:
    error = problem(
        {
            "prometheus_url": "http://h",
            "intensity": "1",
            "bearer_token_file": "a",
            "basic_auth_file": "b",
            "key_file": "k",
        }
    )
    assert "--bearer-token-file and --basic-auth-file" in error.what
    assert "--key-file needs --cert-file" in error.what


def test_no_intensity() -> None:
    error = problem({"prometheus_url": "http://h:9090"})
    assert "grid carbon intensity" in error.what
    assert "--intensity 380" in error.cure
    assert "no hidden default" in error.cure


def test_no_source() -> None:
    error = problem({"intensity": "1"})
    assert "no source" in error.what
    for way in ("--prometheus-url", "SCI_BATCH_PROMETHEUS_URL", "PROMETHEUS_URL", "--snapshot", "--demo"):
        assert way in error.cure


def test_what_other_commands_need() -> None:
    assert load({}, {}, "queries").settings == Settings()
    assert load({}, {}, "show").settings == Settings()
    assert load({"demo": True, "out": "d"}, {}, "record").settings.out == Path("d")
    with pytest.raises(UsageError, match="2 settings are wrong") as caught:
        load({}, {}, "record")
    assert "--out DIR" in caught.value.what
    assert "--demo" in caught.value.what


def test_the_demo_brings_its_own_unit_of_work() -> None:
    assert loaded({"fail_on": ["sci>1"]}).settings.fail_on[0].text == "sci>1"


def test_a_limit_of_an_unknown_unit_of_work_is_a_mistake_of_compute_alone() -> None:
    flags = {**SERVER, "functional_unit": ["request=1", "user=2"], "fail_on": ["sci:reqest>1"]}
    error = problem(flags)
    assert error.what == "--fail-on sci:reqest>1: there is no functional unit reqest"
    assert error.cure == "Did you mean request?"
    assert load({**flags, "out": "d"}, {}, "record").settings.fail_on[0].unit == "reqest"


def test_a_shared_file_may_hold_what_only_compute_needs(tmp_path: Path) -> None:
    path = toml(tmp_path, 'demo = true\nout = "d"\nfail-on = ["sci>1"]\n')
    assert load({}, {}, "record", str(path)).settings.fail_on[0].text == "sci>1"


def test_everything_wrong_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    path = toml(tmp_path, 'pue = 0.9\nretires = 3\nstrict = "yes"\n')
    flags = {"prometheus_url": "http://h:9090", "window": "0h", "top": "0"}
    error = problem(flags, {"SCI_BATCH_PULL": "rwa"}, path)
    lines = error.what.splitlines()
    assert lines[0] == "7 settings are wrong:"
    text = "\n".join(lines[1:])
    for words in (
        "--window: '0h' is no time at all",
        "--top: '0' is not a whole number of at least 1",
        "SCI_BATCH_PULL: 'rwa' is not known here. Did you mean raw?",
        f"pue in {path}: not a PUE: 0.9",
        f"retires in {path}: there is no such key. Did you mean retries?",
        f"strict in {path}: the value has the wrong type. Give true or false.",
        "no grid carbon intensity is given",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ('[compute]\nsince = "24h"', "A file has no sections: write the settings of compute at its top."),
        ('[[compute]]\nsince = "24h"', "A file has no sections: write the settings of compute at its top."),
        ('config = "other.toml"', "A file names no other file."),
        ('[headers]\nX-Token = "secret"', "Headers are secret: set SCI_BATCH_HEADERS, or header-file."),
        ('power.domains = "dram"', "Did you mean power-domains?"),
        ("windw = {a = 1}", "Did you mean window?"),
    ],
)
def test_what_a_file_cannot_have_is_told_with_what_it_can(tmp_path: Path, text: str, cure: str) -> None:
    error = problem(SERVER, {}, toml(tmp_path, f"intensity = 380\n{text}\n"))
    assert "there is no such key" in error.what
    assert error.cure == cure


@pytest.mark.parametrize("flags", [{}, {"fail_on": ["sci>1"]}])
def test_a_bad_demo_is_not_also_a_missing_intensity_or_unit_of_work(flags: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        load(flags, {"SCI_BATCH_DEMO": "maybe"}, "compute")
    assert caught.value.what == "SCI_BATCH_DEMO: 'maybe' is neither yes nor no"


def test_a_demo_that_is_set_aside_is_no_mistake_and_brings_nothing() -> None:
    with pytest.raises(UsageError, match="no grid carbon intensity"):
        load({"prometheus_url": "http://h:9090"}, {"SCI_BATCH_DEMO": "yes"}, "compute")
    environ = {"SCI_BATCH_SNAPSHOT": "d", "SCI_BATCH_KEY_FILE": "k"}
    with pytest.raises(UsageError, match="--key-file needs --cert-file"):
        load(SERVER, environ, "compute")


def test_a_bad_intensity_is_not_also_a_missing_one() -> None:
    error = problem({"demo": True, "intensity": "grid:FR"})
    assert error.what == "--intensity: 'grid' is no known kind"
    assert "constant" in error.cure


def test_the_file_takes_the_types_of_toml(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        """
        demo = true
        intensity = 380
        pue = 1.25
        retries = 3
        window = "1d"
        start = 2026-03-01T00:00:00Z
        group-by = ["namespace", "label:team"]
        power-domains = "package"
        namespace = ["a", "b"]
        output = "csv=x.csv"
        functional-unit = "request=1000"
        """,
    )
    made = load({}, {}, "compute", str(path)).settings
    assert made.intensity == Spec("constant", "380")
    assert (made.pue, made.retries, made.window) == ("1.25", 3, "1d")
    assert made.start == "2026-03-01T00:00:00+00:00"
    assert made.group_by == ("namespace", "label:team")
    assert made.power_domains == ("package",)
    assert made.namespace == ("a", "b")
    assert made.output == (Output("csv", Path("x.csv")),)
    assert made.functional_unit == (FunctionalUnit("request", "constant", "1000"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("window = 1h", "is not TOML"),
        ("window = true", "wrong type"),
        ('window = ["1h"]', "wrong type"),
        ('[window]\nlength = "1h"', "wrong type"),
        ("namespace = [1, true]", "wrong type"),
        ('group_by = "node"', "Did you mean group-by?"),
        ('Window = "1h"', "Did you mean window?"),
        ('zzz = "1h"', "config init"),
        ("start = 2026-03-01T00:00:00", "no time zone"),
        ("start = 2026-03-01", "does not say when the day starts"),
    ],
)
def test_what_the_file_may_not_hold(tmp_path: Path, text: str, words: str) -> None:
    assert words in str(problem(NEEDED, {}, toml(tmp_path, text)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    error = problem(NEEDED, {}, tmp_path / "none.toml")
    assert "none.toml cannot be read: No such file" in error.what
    assert "--config" in error.cure


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    assert "is not TOML" in problem(NEEDED, {}, tmp_path / "a.toml").what


def test_the_file_can_be_named_in_the_environment(tmp_path: Path) -> None:
    path = toml(tmp_path, 'window = "1d"')
    assert loaded({}, {"SCI_BATCH_CONFIG": str(path)}).settings.window == "1d"


def test_a_file_in_the_current_folder_is_not_read_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml(tmp_path, 'window = "1d"')
    monkeypatch.chdir(tmp_path)
    assert loaded().settings.window == "1h"


def test_unknown_variables_are_warned_about() -> None:
    found = loaded({}, {"SCI_BATCH_INTENSTY": "3", "SCI_BATCH_ZZZ": "", "OTHER": "x", "SCI_BATCH_NOW": "1"})
    assert found.warnings == (
        "environment variable SCI_BATCH_INTENSTY is not known and has no effect: "
        "did you mean SCI_BATCH_INTENSITY?",
        "environment variable SCI_BATCH_ZZZ is not known and has no effect",
    )


def test_variables_that_kubernetes_sets_for_a_service_are_no_slips() -> None:
    environ = {
        "SCI_BATCH_SERVICE_HOST": "10.0.0.1",
        "SCI_BATCH_SERVICE_PORT": "80",
        "SCI_BATCH_SERVICE_PORT_HTTP": "80",
        "SCI_BATCH_PORT": "tcp://10.0.0.1:80",
        "SCI_BATCH_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert loaded({}, environ).warnings == ()


def test_an_unchecked_certificate_is_warned_about() -> None:
    found = load(
        {"prometheus_url": "https://h", "intensity": "1", "insecure_skip_verify": True}, {}, "compute"
    )
    assert any("--insecure-skip-verify" in warning for warning in found.warnings)


def test_a_check_that_the_http_config_file_switches_off_is_warned_of(tmp_path: Path) -> None:
    config = tmp_path / "http.yml"
    given = {"prometheus_url": "https://h", "intensity": "1", "http_config_file": str(config)}
    for text, words in (
        ("tls_config: {insecure_skip_verify: true}", ["insecure_skip_verify in --http-config-file: whoever"]),
        ("tls_config: {insecure_skip_verify: false}", []),
        ("no mapping", []),
    ):
        config.write_text(text, encoding="utf-8")
        warnings = load(dict(given), {}, "compute").warnings
        assert [warning.partition(" is in")[0] for warning in warnings] == words


def test_the_connection_of_the_client(tmp_path: Path) -> None:
    header_file = tmp_path / "headers"
    header_file.write_text("# ours\nX-A: 1\n", encoding="utf-8")
    made = load(
        {
            "prometheus_url": "http://h:9090",
            "intensity": "1",
            "header_file": str(header_file),
            "org_id": "t",
            "extra_param": ["dedup=true"],
            "timeout_seconds": "5s",
            "ca_file": "ca.pem",
        },
        {"SCI_BATCH_HEADERS": "X-B: 2"},
        "compute",
    ).settings
    http = http_settings(made)
    assert (http.url, http.timeout_seconds, http.org_id, http.ca_file) == (
        "http://h:9090",
        5.0,
        "t",
        "ca.pem",
    )
    assert http.free_headers() == (("X-A", "1"), ("X-B", "2"))
    assert http.extra_params == (("dedup", "true"),)


def test_a_header_file_that_is_wrong(tmp_path: Path) -> None:
    flags = {"prometheus_url": "http://h", "intensity": "1", "header_file": str(tmp_path / "none")}
    assert "--header-file" in problem(flags).what
    (tmp_path / "none").write_text("hunter2", encoding="utf-8")
    error = problem(flags)
    assert "Line 1" in error.what
    assert "hunter2" not in str(error)


def test_no_server_no_connection() -> None:
    with pytest.raises(UsageError, match="no Prometheus"):
        http_settings(Settings())


def test_a_login_in_the_address_is_not_shown() -> None:
    found = load({"prometheus_url": "http://me:hunter2@h:9090", "intensity": "1"}, {}, "compute")
    assert found.settings.prometheus_url == "http://me:hunter2@h:9090"
    assert "hunter2" not in effective(found)
    assert "http://***@h:9090" in effective(found)
    keys: dict[str, object] = {
        "prometheus_url": "http://h:9090/x?key=hunter2",
        "output": ["remote-write=https://me:hunter2@h/?key=hunter2"],
        "extra_param": ["dedup=true", "key=hunter2hunter2"],
        "intensity": "1",
    }
    text = effective(load(keys, {}, "compute"))
    assert "hunter2" not in text
    assert '"http://h:9090/x?***"' in text
    assert '["remote-write=https://h"]' in text
    assert '["dedup=true", "key=***"]' in text
    assert "hunter2" not in str(problem({"prometheus_url": "ftp://me:hunter2@h", "intensity": "1"}))


def test_the_effective_settings_load_to_the_same_settings(tmp_path: Path) -> None:
    flags: dict[str, object] = {
        "since_seconds": "90m",
        "lifespan_seconds": "4y",
        "group_by": "label:a,node",
        "namespace": ["a*", 'b"\\'],
        "functional_unit": 'r=prometheus:sum(x{a="\\\\d"})',
        "output": ["csv=a b.csv"],
        "kepler_label": ["node=x"],
        "cluster_label": "a=b",
        "fail_on": ["coverage<1"],
        "pue": "1.1",
        "strict": True,
        "max_node_watts": "1e3",
    }
    first = loaded(flags)
    text = effective(first)
    assert 'since = "90m"  # --since' in text
    again = load({}, {}, "compute", str(toml(tmp_path, text)))
    assert again.settings == first.settings


def test_the_template_names_every_key_and_loads(tmp_path: Path) -> None:
    text = template()
    assert load({}, {}, "show", str(toml(tmp_path, text))).settings == Settings()
    set_lines = "\n".join(
        line[1:] for line in text.splitlines() if line.startswith("#") and line[1:2].isalpha()
    )
    keys = tomllib.loads(set_lines).keys()
    assert set(keys) == {item.name for item in OPTIONS.values()} - {"headers", "push-headers"}


def test_the_defaults_of_the_template_are_the_defaults(tmp_path: Path) -> None:
    lines = [line[1:] for line in template().splitlines() if line.startswith("#") and line[1:2].isalpha()]
    given = "\n".join(line for line in lines if not line.endswith(('""', '[""]')))
    assert load({}, {}, "show", str(toml(tmp_path, given))).settings == Settings()
