"""Where nodes stand: cloud region to grid zone, and what may stand in for a zone that is not known."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd

from sci_batch.errors import UsageError
from sci_batch.intensity.frame import Request
from sci_batch.intensity.tables import EGRID, WORLD, Region, regions

AUTO = "auto"
_PROVIDERS = {"gce": "gcp", "google": "gcp", "ec2": "aws", "amazon": "aws", "ovhcloud": "ovh"}
_REGION_IN_ID = r"^(?P<provider>[a-z0-9]+)://(?P<path>.*)$"
_LONGEST_LIST = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A grid zone that stands for a region, and how near it is: its own zone, a part, the country."""

    zone: str
    level: str


def candidates(region: Region, *, allow_world_average: bool) -> Iterator[Candidate]:
    """Zones for a region, the best first: exact zone, US-EGRID subregion, country, and the world if allowed.

    The country's mean can be far off: Quebec is mostly hydro, the mean of Canada is not.
    """
    if region.grid_zone:
        yield Candidate(region.grid_zone, "exact zone")
    if region.egrid_subregion:
        yield Candidate(EGRID + region.egrid_subregion, "eGRID subregion")
    country = region.country or region.grid_zone[:2]
    if country and country != region.grid_zone:
        yield Candidate(country, "country mean")
    if allow_world_average:
        yield Candidate(WORLD, "world average")


def best(region: Region, known: Collection[str], *, allow_world_average: bool) -> Candidate | None:
    """The best candidate among known zones."""
    found = candidates(region, allow_world_average=allow_world_average)
    return next((candidate for candidate in found if candidate.zone in known), None)


def parse_region(text: str) -> Region:
    """`aws:eu-west-1`: provider and region, without case; names of zones in the region will do.

    Raises
    ------
    UsageError
        Not in the shipped table, with what is near.
    """
    provider, colon, name = text.partition(":")
    if not colon or not provider.strip() or not name.strip():
        raise UsageError(f"{text!r} is not PROVIDER:REGION", "Give for example region:aws:eu-west-1.")
    found = find_region(provider, name)
    if found is None:
        raise UsageError(f"the region {text} is not in the shipped table", near_region(provider, name))
    return found


def find_region(provider: str, name: str) -> Region | None:
    """A region by its name, or by that of one of its zones: `europe-west1-b`, `fr-par-1`, `GRA11`.

    Without a provider, the name must mean the same place with all that have it.
    """
    provider = _PROVIDERS.get(provider.strip().lower(), provider.strip().lower())
    table = regions()
    for spelled in _spellings(name.strip().lower()):
        if provider and (provider, spelled) in table:
            return table[provider, spelled]
        same = [row for (_, region), row in table.items() if region == spelled] if not provider else []
        if same and len({(row.grid_zone, row.country, row.egrid_subregion) for row in same}) == 1:
            return same[0]
    return None


def _spellings(name: str) -> Iterator[str]:
    yield name
    yield re.sub(r"(?<=\d)[a-z]$", "", name)  # aws: eu-west-1a
    yield re.sub(r"-[a-z]$|-\d+$", "", name)  # gcp: europe-west1-b; scaleway: fr-par-1
    yield re.sub(r"\d+$", "", name)  # ovh: GRA11
    yield name.replace(" ", "")  # azure: West Europe


def near_region(provider: str, name: str) -> str:
    """A cure for a region that is not known."""
    provider = _PROVIDERS.get(provider.lower(), provider.lower())
    providers = sorted({known for known, _ in regions()})
    if provider not in providers:
        return f"Providers known: {', '.join(providers)}; others need zone:COUNTRY."
    near = get_close_matches(name.lower(), [region for known, region in regions() if known == provider], n=3)
    hint = f"Did you mean {', '.join(f'{provider}:{region}' for region in near)}? " if near else ""
    return f"{hint}`sci-batch factors list --zones` lists the zones for --intensity zone:ZONE."


def node_regions(nodes: pd.DataFrame) -> pd.DataFrame:
    """Provider and region of nodes.

    Parameters
    ----------
    nodes
        node, provider_id (`kube_node_info`), region (`label_topology_kubernetes_io_region`), zone (of the
        topology, likewise), one row per node; empty where not known.

    Returns
    -------
    node, provider, region; the label wins over the provider ID, which AWS, GCP and Scaleway write with
    the name of a zone. Azure's has no place in it.
    """
    parts = nodes["provider_id"].fillna("").astype("str").str.extract(_REGION_IN_ID)
    path = parts["path"].fillna("").astype("str")
    provider = parts["provider"].fillna("").astype("str").replace(_PROVIDERS)
    # aws:///eu-west-1a/i-0abc   gce://project/europe-west1-b/name   scaleway://instance/fr-par-1/uuid
    position = provider.map({"aws": 1, "gcp": 1, "scaleway": 1})
    in_id = path.str.extract(r"^[^/]*/([^/]+)/")[0].where(position.notna(), "").fillna("")
    region = nodes["region"].fillna("").astype("str")
    for other in (nodes["zone"].fillna("").astype("str"), in_id):
        region = region.where(region != "", other)
    return pd.DataFrame(
        {"node": nodes["node"], "provider": provider, "region": region}, dtype="str"
    ).reset_index(drop=True)


def regions_of_nodes(request: Request, flag: str) -> dict[str, Region]:
    """The region of each node, for `auto`.

    Raises
    ------
    UsageError
        No node's region is known, or some node's is not.
    """
    nodes = request.node_regions
    if nodes is None or nodes.empty:
        raise UsageError(
            f"{flag} needs the region of each node, which is not known here",
            "kube-state-metrics has it with --metric-labels-allowlist=nodes=[topology.kubernetes.io/region]; "
            "or name the place, such as --intensity region:aws:eu-west-1.",
        )
    kinds = nodes[["provider", "region"]].drop_duplicates()
    found = {
        (provider, region): find_region(provider, region)
        for provider, region in zip(kinds["provider"], kinds["region"], strict=True)
    }
    keys = list(zip(nodes["provider"], nodes["region"], strict=True))
    lost = [node for node, key in zip(nodes["node"], keys, strict=True) if found[key] is None]
    if lost:
        shown = ", ".join(lost[:_LONGEST_LIST]) + (" ..." if len(lost) > _LONGEST_LIST else "")
        missing = sorted({":".join(key) for key in keys if found[key] is None})
        raise UsageError(
            f"the region of {len(lost)} of {len(nodes)} nodes is not known or not in the shipped table "
            f"({shown}; it reads {', '.join(missing[:_LONGEST_LIST])})",
            "Name the place instead: --intensity region:PROVIDER:REGION or zone:ZONE.",
        )
    return {
        node: row for node, key in zip(nodes["node"], keys, strict=True) if (row := found[key]) is not None
    }
