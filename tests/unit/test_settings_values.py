"""Each text that a flag takes, and those it does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sci_batch.errors import UsageError
from sci_batch.settings import OPTIONS, factors, values, work
from sci_batch.settings.factors import Chain, Spec
from sci_batch.settings.values import Output
from sci_batch.settings.work import FunctionalUnit


@pytest.mark.parametrize("text", ["http://h", "https://h:9090", "http://h/prefix", "http://[::1]:9090"])
def test_addresses(text: str) -> None:
    assert values.url(text) == text


@pytest.mark.parametrize("text", ["h:9090", "ftp://h", "http://", "http://h:port", "", "http://h:99999"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        values.url(text)
    assert "http://prometheus:9090" in caught.value.cure


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("namespace,workload", ("namespace", "workload")),
        ("cluster, node ,pod", ("cluster", "node", "pod")),
        ("label:app.kubernetes.io/name", ("label:app.kubernetes.io/name",)),
    ],
)
def test_group_keys(text: str, expected: tuple[str, ...]) -> None:
    assert values.group_by(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("namespce", "Did you mean namespace?"),
        ("label:", "label:KEY"),
        ("team", "Known: cluster, node, namespace, workload, pod, label:KEY."),
        ("node,node", "'node' stands twice"),
        ("node,", "empty name"),
        ("", "empty name"),
    ],
)
def test_what_is_no_group_key(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        values.group_by(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text", ["package,dram", "package", "psys", "core,uncore", "dram", "package,gpu", "cpu_thermal"]
)
def test_power_domains_that_add_up(text: str) -> None:
    assert values.power_domains(text) == tuple(text.split(","))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("package,core", "package holds core"),
        ("uncore,dram,package", "package holds uncore"),
        ("package,pp0", "package holds pp0"),
        ("package,pp1", "package holds pp1"),
        ("psys,dram", "psys holds the other domains"),
        ("package,psys", "psys holds the other domains"),
        ("pacakge", "Did you mean package?"),
        ("dram,dram", "stands twice"),
        ("pack age", "no power domain"),
        ("", "empty name"),
    ],
)
def test_power_domains_that_do_not(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        values.power_domains(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("380", Spec("constant", "380")),
        ("0", Spec("constant", "0")),
        ("56.7", Spec("constant", "56.7")),
        ("constant:1e2", Spec("constant", "1e2")),
        ("zone:DE", Spec("zone", "DE")),
        ("region:aws:eu-west-1", Spec("region", "aws:eu-west-1")),
        ('prometheus:ci{location="IE"}', Spec("prometheus", 'ci{location="IE"}')),
        ("uk", Spec("uk", "national")),
    ],
)
def test_intensities(text: str, spec: Spec) -> None:
    assert factors.intensity(text) == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-1", "at least 0"),
        ("nan", "KIND:ARGUMENT"),
        ("380g", "KIND:ARGUMENT"),
        ("constant:", "not a number"),
        ("constant:inf", "not a number"),
        ("constnt:3", "Did you mean constant?"),
        ("electrcitymaps:FR", "Did you mean electricitymaps?"),
        ("zone:", "no argument"),
        ("DE", "zone:DE"),
        ("market:contract", "SCI 1.1 excludes"),
        ("1,5", "KIND:ARGUMENT"),
    ],
)
def test_what_is_no_intensity(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        factors.intensity(text)
    assert words in str(caught.value)


def test_embodied() -> None:
    assert factors.embodied("kg:1200") == Chain((Spec("kg", "1200"),))
    chain = factors.embodied("file:a,b.toml,catalogue,model:ssd=1,gpu_kgco2e=318,boavizta:http://b:5000")
    assert chain.pairs == (
        ("file", "a,b.toml"),
        ("catalogue", ""),
        ("model", "ssd=1,gpu_kgco2e=318"),
        ("boavizta", "http://b:5000"),
    )
    for text in ("catalogue", "file:x.csv,kg:5", "model,kg:1.5"):
        assert str(factors.embodied(text)) == text
    for text, words in {
        "catalogue,modle": "Did you mean model?", "file:nodes.xlsx": "neither .csv nor .toml",
        "catalogue:aws": "takes no argument", "boavizta:http://u:secret@b": "without login",
        "boavizta:b": "http",
    }.items():  # fmt: skip
        with pytest.raises(UsageError) as caught:
            factors.embodied(text)
        assert words in str(caught.value)
        assert "secret" not in str(caught.value)
    for text in ("1200", "kg:", "kg:-1", "kilo:1200", "kg", "kg:0"):
        with pytest.raises(UsageError) as caught:
            factors.embodied(text)
        assert "kg:1200" in caught.value.cure


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("request=1000", FunctionalUnit("request", "constant", "1000")),
        ("order line=0.5", FunctionalUnit("order line", "constant", "0.5")),
        ("r=prometheus:sum(a)", FunctionalUnit("r", "prometheus", "sum(a)")),
        ("r = prometheus: a == 1 ", FunctionalUnit("r", "prometheus", "a == 1")),
        ("user=file:~/users 2026.csv", FunctionalUnit("user", "file", "~/users 2026.csv")),
        ("run=job-run", FunctionalUnit("run", "job-run", "")),
        ("job-run", FunctionalUnit("job", "job-run", "")),
        ("visit=preset:istio", FunctionalUnit("visit", "preset", "istio")),
        ("visit=istio", FunctionalUnit("visit", "preset", "istio")),
        ("preset:kafka", FunctionalUnit("message", "preset", "kafka")),
        ("nginx-ingress", FunctionalUnit("request", "preset", "nginx-ingress")),
    ],
)
def test_functional_units(text: str, unit: FunctionalUnit) -> None:
    assert work.functional_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("request", "not NAME=VALUE"),
        ("=5", "not NAME=VALUE"),
        ("request=", "not NAME=VALUE"),
        ("5=5", "not NAME=VALUE"),
        ("request=sum(x)", "neither a number nor prometheus:PROMQL"),
        ("request=prometheus:", "neither a number"),
        ("request=file:", "neither a number"),
        ("request=job-run:x", "neither a number"),
        ("request=preset:htpp", "'htpp' is no preset"),
        ("htpp", "or a preset"),
        ("request=0", "no score"),
        ("request=-3", "no score"),
    ],
)
def test_what_is_no_functional_unit(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        work.functional_unit(text)
    assert words in caught.value.what
    assert "htpp" not in text or "Did you mean http?" in caught.value.cure


def test_presets_stand_for_a_query_with_the_clusters_matcher() -> None:
    made = work.functional_unit("kafka").resolved(('cluster="eu"',))
    assert made == FunctionalUnit(
        "message", "prometheus",
        "sum by (namespace) (increase("
        'kafka_server_brokertopicmetrics_messagesin_total{cluster="eu",topic!=""}[{window}]))',
    )  # fmt: skip
    assert work.functional_unit("http").resolved().argument == (
        "sum by (namespace, pod) (increase(http_requests_total[{window}]))"
    )
    assert work.functional_unit("run=jobs").resolved() == FunctionalUnit("run", "job-run", "")
    assert str(work.functional_unit("run=preset:jobs")) == "run=preset:jobs"
    assert str(work.functional_unit("run=job-run")) == "run=job-run"


def test_units_in_one_variable_are_told_apart_from_promql() -> None:
    """A query of several lines, with `;` in it, between others."""
    query = 'label_join(\nx{a="b",\n c="d"}, "e", ";", "f")'
    for parts in (
        [f"r=prometheus:{query}", "user=12.5", "http"],
        ["http", f"my unit=prometheus:{query}"],
        ["a=job-run", "b=file:x.csv", "c=istio", "job-run", "d=preset:kafka"],
    ):
        for separator in (";", "\n", ";\n  "):
            found = re.split(work.UNITS_SPLIT, separator.join(parts))
            assert [part.strip() for part in found if part.strip()] == parts


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("table", Output("table", None)),
        ("csv=-", Output("csv", None)),
        ("csv=", Output("csv", None)),
        ("json=a=b.json", Output("json", Path("a=b.json"))),
        ("csv=~/x.csv", Output("csv", Path.home() / "x.csv")),
    ],
)
def test_outputs(text: str, output: Output) -> None:
    assert values.output(text) == output


def test_what_is_no_output() -> None:
    with pytest.raises(UsageError) as caught:
        values.output("parket=x")
    assert caught.value.cure == "Did you mean parquet?"
    with pytest.raises(UsageError, match="standard output"):
        values.outputs([Output("csv", None), Output("table", None)])
    with pytest.raises(UsageError, match=r"go to a\.csv"):
        values.outputs([Output("csv", Path("a.csv")), Output("json", Path("./a.csv"))])


@pytest.mark.parametrize(
    ("parse", "good", "bad"),
    [
        (values.whole(1), {"1": 1, "12": 12}, ["0", "-1", "1.0", "", "x", "1e3", "9" * 13]),
        (values.whole(0, 3), {"0": 0, "3": 3}, ["4"]),
        (
            values.number(1),
            {"1": 1.0, "1.5": 1.5, "1e1": 10.0},
            ["0.99", "nan", "inf", "1,5", "", "1_0", "x"],
        ),
        (values.number(0, 1), {"0": 0.0, "1": 1.0, ".5": 0.5}, ["1.01", "-0.1", "95%"]),
        (values.number(0, above=True), {"0.1": 0.1}, ["0", "1e999"]),
        (values.yes_no, {"1": True, "Yes": True, "on": True, "FALSE": False, "0": False}, ["2", "maybe"]),
        (values.pair, {"a=b": ("a", "b"), "a=": ("a", ""), "a=b=c": ("a", "b=c")}, ["a", "=b", ""]),
        (values.cluster_label, {"cluster=eu 1": ("cluster", "eu 1")}, ["a-b=c", "x"]),
        (
            values.renamed("node", "pod"),
            {"node=instance": ("node", "instance")},
            ["nod=x", "node=a-b", "node="],
        ),
        (values.one_of("edges", "raw"), {"raw": "raw"}, ["edge", ""]),
        (values.text, {"a": "a"}, ["", " "]),
    ],
)
def test_simple_values(parse: Callable[[str], Any], good: dict[str, Any], bad: list[str]) -> None:
    for text, expected in good.items():
        assert parse(text) == expected
    for text in bad:
        with pytest.raises(UsageError) as caught:
            parse(text)
        assert caught.value.cure, text


def test_a_label_is_renamed_once() -> None:
    with pytest.raises(UsageError, match="node is given twice"):
        values.each_key_once([("node", "a"), ("node", "b")])


@pytest.mark.parametrize(
    "text", ["0", "-1", "-0.5", "inf", "nan", "1e999", "1e308", "1.1e24", "9e-13", "1e-320"]
)
def test_units_of_work_that_cannot_be(text: str) -> None:
    with pytest.raises(UsageError):
        work.functional_unit(f"u={text}")


@pytest.mark.parametrize("text", ["1e24", "1e-12", "0.5"])
def test_units_of_work_that_can_be(text: str) -> None:
    assert work.functional_unit(f"u={text}").argument == text


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("pue", "10", "10.1"),
        ("overhead_ratio", "10", "1e308"),
        ("max_node_watts", "1e9", "1e308"),
    ],
)
def test_numbers_that_overflow_are_refused(name: str, good: str, bad: str) -> None:
    parse = OPTIONS[name].parse
    assert float(parse(good)) == float(good)
    with pytest.raises(UsageError):
        parse(bad)
