"""Manifests that are not handed to the Impact Framework, and numbers that differ."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sci_batch.errors import SourceError, UsageError
from sci_batch.impact import if_run
from sci_batch.impact.verification import check, compared
from sci_batch.impact.yaml_file import mapping, text_of
from sci_batch.sinks import SINKS, SinkOptions
from tests.cli import handmade

Document = dict[str, Any]


@pytest.fixture
def manifest(tmp_path: Path) -> Document:
    path = tmp_path / "if.yaml"
    SINKS["impact-framework"](handmade.report(), path, SinkOptions())
    found: Document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def plugin(manifest: Document, name: str) -> Document:
    found: Document = manifest["initialize"]["plugins"][name]
    return found


def first_row(manifest: Document) -> Document:
    row: Document = manifest["tree"]["children"]["shop/web"]["inputs"][0]
    return row


def test_our_own_manifest_is_accepted(manifest: Document) -> None:
    check(manifest, "if.yaml")


CHANGES: list[tuple[Callable[[Document], Any], str]] = [
    (lambda m: m.pop("tree"), "no tree of components"),
    (lambda m: m["initialize"].pop("plugins"), "no tree of components"),
    (lambda m: m["tree"].pop("sci-batch"), "no numbers of sci-batch"),
    (lambda m: plugin(m, "sci").update(path="./evil.js"), "plugin sci is none"),
    (lambda m: plugin(m, "sci").update(method="Shell"), "plugin sci is none"),
    (lambda m: plugin(m, "sci").update(mapping={"a": "b"}), "plugin sci is none"),
    (lambda m: plugin(m, "sci")["config"].update(x="=process.exit()"), "plugin sci is none"),
    (lambda m: plugin(m, "carbon")["config"].update(x=[{"a": 1}]), "plugin carbon is none"),
    (lambda m: m["initialize"]["plugins"].update(sh={"path": "builtin", "method": "Shell"}), "plugin sh"),
    (lambda m: m["tree"]["defaults"].update(energy="=1+1"), "the defaults has an input 'energy'"),
    (lambda m: first_row(m).update(energy="1-7"), "input 'energy' that is no number"),
    (lambda m: first_row(m).update(energy=True), "input 'energy' that is no number"),
    (lambda m: first_row(m).update(energy=math.inf), "input 'energy' that is no number"),
    (lambda m: first_row(m).update(energy=10**400), "input 'energy' that is no number"),
    (lambda m: first_row(m).update(timestamp="=1"), "input 'timestamp' that is no number"),
    (lambda m: m["tree"]["children"]["shop/web"].update(children={}), "components of its own"),
    (lambda m: m["tree"]["children"]["shop/web"].update(inputs="x"), "has no rows of inputs"),
    (lambda m: m["tree"]["children"].update(x=None), "x has no rows of inputs"),
    (lambda m: m["tree"]["children"]["shop/web"]["sci-batch"].update(carbon=[1]), "no numbers of sci-batch"),
    (lambda m: m["tree"]["children"]["shop/web"]["sci-batch"].update(sci=["a", 1]), "no scores of sci-batch"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), CHANGES, ids=[words for _, words in CHANGES])
def test_what_could_run_something_else_is_refused(
    manifest: Document, change: Callable[[Document], Any], words: str
) -> None:
    change(manifest)
    with pytest.raises(UsageError) as caught:
        check(manifest, "if.yaml")
    assert words in caught.value.what
    assert "-o impact-framework=FILE" in caught.value.cure


def test_a_manifest_with_nothing_to_compare_is_not_verified(manifest: Document) -> None:
    for child in manifest["tree"]["children"].values():
        child["sci-batch"]["carbon"] = [None, None]
    with pytest.raises(UsageError, match="no numbers of sci-batch to compare with"):
        check(manifest, "if.yaml")


def test_more_rows_than_if_can_take(manifest: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sci_batch.impact.verification.MAX_ROWS", 3)
    with pytest.raises(UsageError, match="more than 3 rows"):
        check(manifest, "if.yaml")


def computed(manifest: Document) -> Document:
    """What IF would make of it, as far as it is compared."""
    found = copy.deepcopy(manifest)
    for child in found["tree"]["children"].values():
        scores = child["sci-batch"].get("sci", [None] * len(child["inputs"]))
        child["outputs"] = [
            {**row, "carbon": carbon, "sci": score}
            for row, carbon, score in zip(child["inputs"], child["sci-batch"]["carbon"], scores, strict=True)
        ]
    found["tree"]["aggregated"] = {"carbon": 2000.0, "sci-total": 1.0}
    return found


def test_equal_numbers_agree(manifest: Document) -> None:
    found = {each.what: each for each in compared(manifest, computed(manifest))}
    assert {what: each.count for what, each in found.items()} == {
        "carbon per window [gCO2e]": 4, "SCI per window [gCO2e/request]": 2, "part of C that is rounding": 4,
        "carbon in total [gCO2e]": 1, "SCI in total [gCO2e/request]": 1,
    }  # fmt: skip
    assert all(each.agrees and each.same == each.count for each in found.values())


def outputs(document: Document) -> Document:
    row: Document = document["tree"]["children"]["shop/web"]["outputs"][1]
    return row


DIFFERENCES: list[tuple[Callable[[Document], Any], str]] = [
    (lambda c: outputs(c).update(carbon=math.nextafter(1200.0, 0)), "carbon per window [gCO2e]"),
    (lambda c: outputs(c).update(sci=math.nextafter(1.2, 2)), "SCI per window [gCO2e/request]"),
    (lambda c: outputs(c).pop("carbon"), "carbon per window [gCO2e]"),
    (lambda c: outputs(c).update(carbon=math.nan), "carbon per window [gCO2e]"),
    (lambda c: c["tree"]["children"].pop("shop/db"), "carbon per window [gCO2e]"),
    (lambda c: c["tree"]["children"]["shop/db"].pop("outputs"), "carbon per window [gCO2e]"),
    (lambda c: c["tree"]["aggregated"].update(carbon=2000.0 * (1 + 3e-12)), "carbon in total [gCO2e]"),
    (lambda c: c["tree"].pop("aggregated"), "carbon in total [gCO2e]"),
    (lambda c: c["tree"]["aggregated"].update({"sci-total": 1.1}), "SCI in total [gCO2e/request]"),
]


@pytest.mark.parametrize(("change", "what"), DIFFERENCES)
def test_one_other_bit_in_a_window_or_another_total_is_seen(
    manifest: Document, change: Callable[[Document], Any], what: str
) -> None:
    theirs = computed(manifest)
    change(theirs)
    found = {each.what: each for each in compared(manifest, theirs)}
    assert not found[what].agrees
    assert found[what].same < found[what].count


def test_totals_may_differ_in_the_last_digits(manifest: Document) -> None:
    theirs = computed(manifest)
    theirs["tree"]["aggregated"]["carbon"] = math.nextafter(2000.0, 0)
    assert all(each.agrees for each in compared(manifest, theirs))


def test_rounding_that_is_none_is_seen(manifest: Document) -> None:
    """Without it any number of ours could be made to come out."""
    first_row(manifest)["carbon-rounding"] = 4.0
    found = {each.what: each for each in compared(manifest, computed(manifest))}
    rounding = found["part of C that is rounding"]
    assert not rounding.agrees
    assert rounding.furthest == pytest.approx(4 / 404)
    assert rounding.where == "shop/web at 2026-03-01T00:00:00Z"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: b: c", "is not YAML (line 1)"),
        (b"[1]", "holds no mapping"),
        (b"", "holds no mapping"),
        (b"\xff", "is not UTF-8"),
        (b"a: !!python/object/apply:os.system ['true']", "is not YAML"),
        (b"a: &x [1]\nb: *x", "has aliases"),
        (b"a: 2024-13-45", "holds a value that is none"),
        (b"? [1]\n: 2", "not YAML"),
        (b"a: " + b"[" * 100_000, "nested too deeply"),
        (b"{a: " * 5_000, "nested too deeply"),
        (b"a: " + b"x" * 2_000, "larger than 0.001 MB"),
    ],
)
def test_junk_gets_a_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "junk.yml"
    path.write_bytes(content)
    limit = 1_000 if b"xxx" in content else 1_000_000
    with pytest.raises(UsageError) as caught:
        mapping(text_of(path, max_bytes=limit), path)
    assert words in caught.value.what


def program(folder: Path, script: str) -> Path:
    """A program that stands for if-run."""
    path = folder / "pretended"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 0", "wrote no output and said nothing"),
        ("echo 'Cannot find module x' >&2; exit 1", "failed: Cannot find module x"),
        ("printf '\\033[31mred\\033[0m words\\n'", "failed: red words"),
        (
            "echo 'execution: {status: fail, error: carbon is below 0}' > out.yaml",
            "failed: carbon is below 0",
        ),
        ("echo 'execution: {status: odd}' > out.yaml", "failed: odd"),
        ("echo 'tree: {}' > out.yaml", "failed: no status"),
        ("echo 'execution: success' > out.yaml", "failed: no status"),
    ],
)
def test_a_failure_is_seen_whatever_the_exit_code(script: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        if_run.outputs(program(tmp_path, script), "tree: {}")
    assert words in caught.value.what


def test_a_program_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(if_run, "LONGEST_SECONDS", 0.2)
    with pytest.raises(SourceError, match="took more than"):
        if_run.outputs(program(tmp_path, "sleep 600 & sleep 600"), "tree: {}")


def test_the_program_gets_none_of_our_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCI_BATCH_HEADERS", "Authorization: secret")
    monkeypatch.setenv("CURRENT_DIR", "/nowhere")
    script = (
        "printf 'execution: {status: success}\\nfound: ' > out.yaml\n"
        "env | grep -c -e secret -e nowhere >> out.yaml"
    )
    assert if_run.outputs(program(tmp_path, script), "tree: {}")["found"] == 0


def test_a_program_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="if-run is not installed here") as caught:
        if_run.program(None)
    assert "npm install -g @grnsft/if@1.1.0" in caught.value.cure
    assert "--if-run PATH" in caught.value.cure
    with pytest.raises(UsageError, match=r"none/if-run is no program"):
        if_run.program(Path("none/if-run"))
