"""The manifest for the Impact Framework: what stands in it, worked out by hand."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sci_batch.errors import SinkError
from sci_batch.impact import manifest
from sci_batch.report import Report
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.sinks.impact_framework import recomputable
from tests.cli import handmade

WINDOWS = ["2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z"]


def text_of(report: Report, folder: Path) -> str:
    path = folder / "if.yaml"
    SINKS["impact-framework"](report, path, SinkOptions())
    return path.read_text(encoding="utf-8")


def tree(report: Report, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text_of(report, folder))["tree"]
    return found


def changed(**columns: list[Any]) -> Report:
    """The report made by hand with other columns, and the intensity that fits them."""
    frame = handmade.result().assign(**columns)
    return handmade.report(frame=frame.astype({name: "str" for name in columns if name == "workload"}))


def test_a_component_by_hand(tmp_path: Path) -> None:
    text = text_of(handmade.report(), tmp_path)
    assert text.endswith(
        """\
    shop/web:
      sci-batch:
        workload-kind:
        - Deployment
        energy-source:
        - rapl
        intensity-source:
        - constant
        embodied-source:
        - kg:1216
        lowest-coverage: 0.5
        flags:
        - gap
        - inferred-owner
        carbon: [400.0, 1200.0]
        sci: [0.4, 1.2]
      inputs:
        - timestamp: '2026-03-01T00:00:00Z'
          duration: 3600
          energy: 1.0
          grid/carbon-intensity: 380.0
          carbon-embodied: 20.0
          functional-units: 1000.0
        - timestamp: '2026-03-01T01:00:00Z'
          duration: 3600
          energy: 3.0
          grid/carbon-intensity: 380.0
          carbon-embodied: 60.0
          functional-units: 1000.0
"""
    )


def test_the_head_by_hand(tmp_path: Path) -> None:
    found = yaml.safe_load(text_of(handmade.report(), tmp_path))
    assert list(found) == ["name", "description", "aggregation", "initialize", "tree"]
    assert found["aggregation"] == {
        "metrics": ["energy", "carbon-operational", "carbon-embodied", "carbon", "sci-total"], "type": "both",
    }  # fmt: skip
    plugins = found["initialize"]["plugins"]
    assert {name: plugin["method"] for name, plugin in plugins.items()} == {
        "operational-carbon": "Multiply", "carbon": "Sum", "share-of-total-sci": "Divide", "sci": "Sci",
    }  # fmt: skip
    assert {plugin["path"] for plugin in plugins.values()} == {"builtin"}
    assert plugins["share-of-total-sci"]["config"]["denominator"] == 2000.0
    described = {
        name
        for plugin in plugins.values()
        for side in plugin["parameter-metadata"].values()
        for name, told in side.items()
        if told["unit"] and told["description"] and set(told["aggregation-method"]) == {"time", "component"}
    }
    used = {key for child in found["tree"]["children"].values() for row in child["inputs"] for key in row}
    computed = {*found["aggregation"]["metrics"], "sci", *found["tree"]["defaults"]}
    assert (used | computed) - described == {"timestamp", "duration"}
    total = found["tree"]["sci-batch"]["total"]
    assert total == {"carbon": 2000.0, "functional-units": 2000.0, "sci": 1.0}
    assert found["tree"]["sci-batch"]["method-fingerprint"] == "0123456789abcdef"


def test_groups_without_units_get_no_score_and_count_in_the_total(tmp_path: Path) -> None:
    child = tree(handmade.report(), tmp_path)["children"]["shop/db"]
    assert child["pipeline"] == {"compute": ["operational-carbon", "carbon", "share-of-total-sci"]}
    assert child["sci-batch"]["carbon"] == [200.0, 200.0]
    assert "sci" not in child["sci-batch"]
    assert all("functional-units" not in row for row in child["inputs"])


def test_windows_with_and_without_units_are_two_components(tmp_path: Path) -> None:
    report = changed(
        functional_units=[1000.0, math.nan, 0.0, math.nan],
        sci_gco2e_per_unit=[0.4, math.nan, math.nan, math.nan],
    )
    children = tree(report, tmp_path)["children"]
    assert list(children) == ["shop/db", "shop/web", "shop/web (windows without R)"]
    scored, rest = children["shop/web"], children["shop/web (windows without R)"]
    assert scored["sci-batch"]["carbon"] == [400.0, None]
    assert scored["sci-batch"]["sci"] == [0.4, None]
    assert rest["sci-batch"]["carbon"] == [None, 1200.0]
    assert "pipeline" in rest
    assert [row["energy"] for row in scored["inputs"] + rest["inputs"]] == [1.0, 0.0, 0.0, 3.0]
    assert [row["timestamp"] for row in rest["inputs"]] == WINDOWS


def test_a_group_that_is_missing_in_a_window_has_zeros_there(tmp_path: Path) -> None:
    frame = handmade.result().drop(index=[0]).reset_index(drop=True)
    child = tree(handmade.report(frame=frame), tmp_path)["children"]["shop/web"]
    assert child["sci-batch"]["carbon"] == [None, 1200.0]
    assert child["inputs"][0] == {
        "timestamp": WINDOWS[0], "duration": 3600, "energy": 0.0, "grid/carbon-intensity": 0.0,
        "carbon-embodied": 0.0, "functional-units": 0.0,
    }  # fmt: skip


def test_unknown_carbon_is_null_and_counted(tmp_path: Path) -> None:
    report = changed(
        operational_gco2e=[380.0, math.nan, 1140.0, 190.0], carbon_gco2e=[400.0, math.nan, 1200.0, 200.0]
    )
    found = tree(report, tmp_path)
    assert found["children"]["shop/db"]["sci-batch"]["carbon"] == [None, 200.0]
    assert found["sci-batch"]["rows-with-unknown-carbon"] == 1


def test_without_a_functional_unit_there_is_carbon_and_no_score(tmp_path: Path) -> None:
    unknown = [math.nan] * 4
    frame = handmade.result().assign(functional_units=unknown, sci_gco2e_per_unit=unknown)
    report = handmade.report(frame=frame, unit=None, functional_units=None, sci_gco2e_per_unit=None)
    found = yaml.safe_load(text_of(report, tmp_path))
    assert list(found["initialize"]["plugins"]) == ["operational-carbon", "carbon"]
    assert "sci-total" not in found["aggregation"]["metrics"]
    assert "no score" in found["description"]
    assert found["tree"]["sci-batch"]["total"]["sci"] is None


def test_names_of_groups(tmp_path: Path) -> None:
    frame = handmade.result().assign(
        namespace=pd.Series(["shop", "shop", "", ""], dtype="str"),
        workload=pd.Series(["web", "web", "worker-1", "worker-1"], dtype="str"),
        workload_kind=pd.Series(["Deployment", "Job", "Unattributed", "Job"], dtype="str"),
    )
    names = list(tree(handmade.report(frame=frame), tmp_path)["children"])
    assert names == [
        "-/worker-1 (Job)",
        "-/worker-1 (Unattributed)",
        "shop/web (Deployment)",
        "shop/web (Job)",
    ]


def test_a_pue_that_differs_by_row_stands_in_the_row(tmp_path: Path) -> None:
    report = changed(
        operational_gco2e=[760.0, 190.0, 1140.0, 190.0], carbon_gco2e=[780.0, 200.0, 1200.0, 200.0]
    )
    child = tree(report, tmp_path)["children"]["shop/web"]
    assert child["inputs"][0]["power-usage-effectiveness"] == 2.0
    assert "power-usage-effectiveness" not in child["inputs"][1]
    method = {**report.provenance.method, "pue": "aws, mean of the provider: 1.15"}
    made = dataclasses.replace(report, provenance=dataclasses.replace(report.provenance, method=method))
    assert tree(made, tmp_path)["defaults"]["power-usage-effectiveness"] == 1.15


def test_names_that_yaml_reads_as_something_else_stay_names(tmp_path: Path) -> None:
    frame = handmade.result().assign(
        namespace=pd.Series(["yes", "null", "1e5", "{a: b}"], dtype="str"), workload_kind="Deployment"
    )
    report = handmade.report(frame=frame.drop(columns="workload").astype({"workload_kind": "str"}))
    report = dataclasses.replace(
        report, provenance=dataclasses.replace(report.provenance, group_by=("namespace",))
    )
    assert sorted(tree(report, tmp_path)["children"]) == ["1e5", "null", "yes", "{a: b}"]


def test_too_many_rows_are_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sci_batch.sinks.impact_framework.MAX_ROWS", 3)
    with pytest.raises(SinkError, match="4 rows are more") as caught:
        text_of(handmade.report(), tmp_path)
    assert "--window 1d" in caught.value.cure
    assert list(tmp_path.iterdir()) == []


def test_no_input_is_a_text_but_the_timestamp(tmp_path: Path) -> None:
    """IF calculates texts: `intensity-source: file=ci.csv` among inputs would end it."""
    found = tree(handmade.report(), tmp_path)
    kinds = {type(value) for child in found["children"].values() for row in child["inputs"]
             for key, value in row.items() if key != "timestamp"}  # fmt: skip
    assert kinds == {int, float}


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_back_with_all_bits(value: float) -> None:
    found = yaml.safe_load(manifest.number(value))
    assert isinstance(found, float)
    assert found == value


FLOATS = st.floats(1e-9, 1e9)


@given(
    rows=st.lists(st.tuples(FLOATS, FLOATS, FLOATS), min_size=4, max_size=4),
    pue=st.floats(1, 3),
    noise=st.lists(st.integers(-8, 8), min_size=8, max_size=8),
)
def test_what_if_calculates_has_the_bits_of_our_carbon(
    rows: list[tuple[float, float, float]], pue: float, noise: list[int]
) -> None:
    """IF's own arithmetic, in Python: ((1 x E) x PUE) x I, then ((0 + O) + M) + rounding."""
    kwh, intensity, embodied = (np.array(column) for column in zip(*rows, strict=True))
    operational = kwh * pue * intensity
    operational *= 1 + np.array(noise[:4]) * 2.0**-52  # as a sum of products differs from a product of sums
    carbon = (operational + embodied) * (1 + np.array(noise[4:]) * 2.0**-52)
    frame = handmade.result().assign(
        energy_kwh=kwh, intensity_gco2e_per_kwh=intensity, embodied_gco2e=embodied,
        operational_gco2e=operational, carbon_gco2e=carbon,
    )  # fmt: skip
    for row in recomputable(frame, pue).itertuples():
        product = 1.0
        for factor in (row.energy_kwh, row.pue, row.intensity_gco2e_per_kwh):
            product *= float(factor)  # type: ignore[arg-type]
        total = 0.0
        for part in (product, row.embodied_gco2e, row.rounding_gco2e):
            total += float(part)  # type: ignore[arg-type]
        assert total == row.carbon_gco2e
        assert abs(float(row.rounding_gco2e)) <= 1e-12 * float(row.carbon_gco2e)  # type: ignore[arg-type]
