"""The shipped tables, and how a place finds its grid."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sci_batch.errors import UsageError
from sci_batch.intensity import SOURCES, Request, load
from sci_batch.intensity.kinds import KINDS
from sci_batch.intensity.places import find_region, node_regions
from sci_batch.intensity.region import choose
from sci_batch.intensity.tables import ATTRIBUTION, FOLDER, regions, zones
from sci_batch.settings.factors import INTENSITY_KINDS, Spec

DAY = Request(start_ms=1_768_003_200_000, end_ms=1_768_089_600_000)


def value(kind: str, argument: str, request: Request = DAY) -> float:
    """The one figure of a constant source."""
    found = load(kind, argument, request)
    assert found.step_ms is None
    (row,) = found.slots.to_dict("records")
    assert (row["start_ms"], row["end_ms"], row["flags"]) == (request.start_ms, request.end_ms, 0)
    return float(row["gco2e_per_kwh"])


def refusal(kind: str, argument: str, request: Request = DAY) -> str:
    with pytest.raises(UsageError) as caught:
        load(kind, argument, request)
    assert caught.value.cure
    return str(caught.value)


def nodes(*places: tuple[str, str, str]) -> Request:
    return replace(
        DAY, node_regions=pd.DataFrame(places, columns=["node", "provider", "region"], dtype="str")
    )


def test_the_kinds_of_the_settings_the_sources_and_the_list_are_the_same() -> None:
    assert tuple(SOURCES) == INTENSITY_KINDS
    assert tuple(row[0] for row in KINDS) == INTENSITY_KINDS


def test_the_tables_are_whole_and_their_figures_possible() -> None:
    assert (len(zones()), len(regions())) == (295, 195)
    assert all(0 < zone.gco2e_per_kwh <= 2000 and zone.kind == "average" for zone in zones().values())
    assert {zone.basis for zone in zones().values()} == {"lifecycle", "direct"}
    assert {zone.licence for zone in zones().values()} == {"CC-BY-4.0", "US public domain"}
    with (FOLDER / "grid-intensity.csv").open(encoding="utf-8") as lines:
        plain = {row["zone"]: float(row["gco2e_per_kwh"]) for row in csv.DictReader(lines)}
    assert plain == {zone.zone: zone.gco2e_per_kwh for zone in zones().values()}


def test_the_attribution_stands_beside_the_data() -> None:
    text = " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())
    assert ATTRIBUTION in text
    assert {path.name for path in Path(FOLDER).iterdir()} == {
        "README.md",
        "cloud-regions.csv",
        "grid-intensity.csv",
    }


def test_every_region_has_a_row_where_its_country_has_one() -> None:
    found = {key: choose(row, DAY)[0] for key, row in regions().items() if row.country in zones()}
    assert len(found) > 180
    assert all(zone.zone[:2] == regions()[key].country for key, zone in found.items())


def test_zones() -> None:
    assert value("zone", "DE") == 342.06
    assert value("zone", " us-egrid-srvc ") == 270.489
    found = load("zone", "NA", DAY)
    assert found.zones == ("NA",)
    assert "Namibia" in found.notes[0]
    assert found.slots["source"].tolist() == ["zone:NA (2023, lifecycle, average)"]
    assert (found.kind, found.basis, found.zone_of_node) == ("average", "lifecycle", {})


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("germany", "Did you mean DE (Germany)?"),
        ("CA-QC", "zone:CA is the mean of Canada"),
        ("US-EGRID-SRVD", "zone:US is the mean of United States"),
        ("??", "factors list --zones"),
        ("WORLD", "--allow-world-average"),
    ],
)
def test_zones_that_are_not_there(argument: str, words: str) -> None:
    assert words in refusal("zone", argument)


def test_the_world_is_taken_when_it_is_allowed() -> None:
    assert value("zone", "WORLD", replace(DAY, allow_world_average=True)) == 472.94


def test_the_table_has_no_marginal_figures() -> None:
    for kind, argument in (("zone", "DE"), ("region", "aws:eu-west-1")):
        assert "not marginal" in refusal(kind, argument, replace(DAY, kind="marginal"))


def test_the_basis_is_as_asked_for_or_refused() -> None:
    assert "--intensity-basis direct" in refusal("zone", "US-EGRID-SRVC", replace(DAY, basis="lifecycle"))
    assert value("region", "aws:us-east-1") == 270.489
    assert value("region", "aws:us-east-1", replace(DAY, basis="lifecycle")) == 383.55
    assert "with direct factors" in refusal("region", "aws:eu-west-1", replace(DAY, basis="direct"))


@pytest.mark.parametrize(
    ("argument", "zone", "level"),
    [
        ("aws:eu-west-1", "IE", "exact zone of aws:eu-west-1"),
        ("AWS:EU-WEST-1A", "IE", "exact zone"),
        ("gcp:europe-west1-b", "BE", "exact zone"),
        ("gce:europe-west1", "BE", "exact zone"),
        ("aws:us-east-1", "US-EGRID-SRVC", "eGRID subregion"),
        ("aws:us-west-2", "US-EGRID-NWPP", "eGRID subregion"),  # its grid zone is not certain
        ("aws:ca-central-1", "CA", "country mean"),  # Quebec is not in the table
        ("azure:West Europe", "NL", "exact zone"),
        ("ovh:GRA11", "FR", "exact zone"),
        ("scaleway:fr-par-2", "FR", "exact zone"),
        ("scaleway:par1", "FR", "exact zone"),
    ],
)
def test_regions(argument: str, zone: str, level: str) -> None:
    found = load("region", argument, DAY)
    assert (found.zones, found.zone_of_node) == ((zone,), {})
    assert level in found.notes[0]
    assert found.slots["gco2e_per_kwh"].tolist() == [zones()[zone].gco2e_per_kwh]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("eu-west-1", "PROVIDER:REGION"),
        ("aws:eu-west-9", "Did you mean aws:eu-west-"),
        ("hetzner:fsn1", "Providers known: aws, azure, gcp, ovh, scaleway"),
        ("ovh:hnc", "--allow-world-average"),
    ],
)
def test_regions_that_are_not_there(argument: str, words: str) -> None:
    assert words in refusal("region", argument)


def test_the_world_stands_for_a_region_only_when_allowed() -> None:
    found = load("region", "ovh:hnc", replace(DAY, allow_world_average=True))
    assert found.zones == ("WORLD",)
    assert "world average of ovh:hnc" in found.notes[0]


def test_one_cluster_on_two_grids() -> None:
    request = nodes(("a", "aws", "eu-west-1"), ("b", "gcp", "europe-west1"), ("c", "aws", "eu-west-1"))
    found = load("region", "auto", request)
    assert found.zone_of_node == {"a": "IE", "b": "BE", "c": "IE"}
    assert found.zones == ("BE", "IE")
    figures = dict(zip(found.slots["grid_zone"], found.slots["gco2e_per_kwh"], strict=True))
    assert figures == {zone: zones()[zone].gco2e_per_kwh for zone in ("BE", "IE")}


def test_a_node_without_a_region_is_named() -> None:
    request = nodes(("a", "aws", "eu-west-1"), ("lost", "", ""))
    assert "1 of 2 nodes is not known or not in the shipped table (lost" in refusal("region", "auto", request)
    assert "region of each node" in refusal("region", "auto")


def test_lifecycle_and_direct_are_not_mixed_over_the_nodes() -> None:
    request = nodes(("a", "aws", "eu-west-1"), ("b", "aws", "us-east-1"))
    words = refusal("region", "auto", request)
    assert "lifecycle and direct" in words
    assert "--intensity-basis lifecycle" in words
    found = load("region", "auto", replace(request, basis="lifecycle"))
    assert (found.zone_of_node, found.basis) == ({"a": "IE", "b": "US"}, "lifecycle")


def test_a_region_without_its_provider_is_found_where_it_means_one_place() -> None:
    found = find_region("", "eu-west-1")
    assert found is not None
    assert found.grid_zone == "IE"
    assert find_region("", "") is None


def test_regions_of_nodes_come_from_labels_and_provider_ids() -> None:
    table = pd.DataFrame(
        [
            ("label", "aws:///eu-west-1a/i-0", "eu-central-1", ""),
            ("aws", "aws:///eu-west-1a/i-0abc", "", ""),
            ("gcp", "gce://project/europe-west1-b/name", "", ""),
            ("azure", "azure:///subscriptions/x/resourceGroups/y", "westeurope", ""),
            ("azure without label", "azure:///subscriptions/x/resourceGroups/y", "", ""),
            ("scaleway", "scaleway://instance/fr-par-1/uuid", "", ""),
            ("zone label", "", "", "europe-west4-a"),
            ("bare metal", "", "", ""),
        ],
        columns=["node", "provider_id", "region", "zone"],
        dtype="str",
    )
    found = node_regions(table)
    assert found["provider"].tolist() == ["aws", "aws", "gcp", "azure", "azure", "scaleway", "", ""]
    assert found["region"].tolist() == [
        "eu-central-1", "eu-west-1a", "europe-west1-b", "westeurope", "", "fr-par-1", "europe-west4-a", "",
    ]  # fmt: skip
    known = found[found["region"] != ""]
    chosen = load("region", "auto", replace(DAY, node_regions=known)).zone_of_node
    assert chosen == {
        "label": "DE", "aws": "IE", "gcp": "BE", "azure": "NL", "scaleway": "FR", "zone label": "NL",
    }  # fmt: skip


@pytest.mark.parametrize("argument", ["0", "-3", "2001", "nan", "inf", "x", ""])
def test_what_is_no_constant(argument: str) -> None:
    assert "--intensity takes gCO2e per kWh" in refusal("constant", argument)


def test_a_constant_is_of_the_kind_and_basis_that_the_user_states() -> None:
    found = load("constant", "380.5", replace(DAY, kind="marginal", basis="direct"))
    assert (found.kind, found.basis, found.notes) == ("marginal", "direct", ())
    assert value("constant", "380.5") == 380.5


@pytest.mark.parametrize("kind", ["market", "residual-mix", "ppa"])
def test_market_based_figures_are_refused_with_the_clause(kind: str) -> None:
    assert 'SCI 1.1 ("Region-specific carbon intensity")' in refusal(kind, "x")


def test_an_unknown_kind_has_a_hint() -> None:
    assert "Did you mean zone?" in refusal("zon", "DE")
    assert str(Spec("zone", "DE")) == "zone:DE"
