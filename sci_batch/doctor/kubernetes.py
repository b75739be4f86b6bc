"""kube-state-metrics: is it there, what does it let through, which nodes does it know."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from sci_batch.doctor.finding import KUBERNETES, OK, WARNING, Finding, named, none_of
from sci_batch.schema import LABEL_KEY_PREFIX, label_column

ALLOW = "--metric-labels-allowlist"
"""Flag of kube-state-metrics, without which it shows no labels."""


def owners(rows: Mapping[str, int], cluster: Sequence[str]) -> Finding:
    """Who owns the pods? `rows`: how many rows each table has (`fetch.kube_look.counted`)."""
    facts = {"rows": dict(rows)}
    if not any(rows.values()):
        of_cluster = f" with {', '.join(cluster)}" if cluster else ""
        return Finding(
            subject=KUBERNETES, check="kube-state-metrics", status=WARNING, facts=facts,
            what=f"the server holds no metrics of kube-state-metrics{of_cluster}",
            numbers="workloads are read from the pods' names (flagged inferred-owner); CPU requests, cores, "
            "instance types and regions are unknown: embodied carbon follows energy alone, and "
            "--unattributed by-request, --embodied catalogue and region:auto do not work",
            cure="Let this server scrape kube-state-metrics"
            + (", with the same cluster label." if cluster else ", with honorLabels."),
        )  # fmt: skip
    if not rows["pod_owners"]:
        return Finding(
            subject=KUBERNETES, check="kube-state-metrics", status=WARNING, facts=facts,
            what="kube-state-metrics is there, without kube_pod_owner",
            numbers="workloads are read from the pods' names, flagged inferred-owner",
            cure="Do not drop kube_pod_owner, kube_replicaset_owner and kube_job_owner in the scrape.",
        )  # fmt: skip
    what = f"there: owners of {rows['pod_owners']:,} pods"
    return Finding(subject=KUBERNETES, check="kube-state-metrics", status=OK, what=what, facts=facts)


def reserved(rows: Mapping[str, int], unattributed: str, share: str) -> Finding:
    """Requests and capacity: what a pod reserves of its node."""
    missing = {
        metric: rows[table]
        for table, metric in (
            ("requests", "CPU requests (kube_pod_container_resource_requests)"),
            ("capacity", "cores of nodes (kube_node_status_capacity)"),
            ("memory_requests", "memory requests"),
            ("memory_capacity", "memory of nodes"),
        )
        if not rows[table] and (share != "cpu" or not table.startswith("memory"))
    }
    if not missing:
        what = "CPU and memory requests of pods, cores and memory of nodes are there"
        return Finding(subject=KUBERNETES, check="requests", status=OK, what=what)
    effect = "embodied carbon follows the energy of the pods alone, not what they reserve"
    if unattributed == "by-request" and not rows["requests"]:
        effect += "; --unattributed by-request shares by energy, flagged requests-missing"
    if share != "cpu":
        effect += f"; --share {share} falls back to the share of CPU, flagged memory-unknown"
    return Finding(
        subject=KUBERNETES, check="requests", status=WARNING, what=f"no {', no '.join(missing)}",
        numbers=effect, cure="Set requests on the pods, and do not drop these metrics in the scrape.",
    )  # fmt: skip


def nodes_with_kepler(kepler: Collection[str], kube: Collection[str]) -> Finding:
    """Whether Kepler runs on every node, and both call them by the same name."""
    facts = {"without_kepler": sorted(set(kube) - set(kepler)), "unknown": sorted(set(kepler) - set(kube))}
    if not kube:
        return Finding(
            subject=KUBERNETES, check="nodes", status=WARNING, facts=facts,
            what="could not tell whether Kepler runs on every node: kube_node_info is not there",
            numbers="energy of nodes without Kepler is missing, and nothing shows it",
            cure="Compare with kubectl get nodes; let the server scrape kube-state-metrics.",
        )  # fmt: skip
    if not set(kepler) & set(kube):
        return Finding(
            subject=KUBERNETES, check="nodes", status=WARNING, facts=facts,
            what=f"Kepler and kube-state-metrics call nodes by other names ({named(kepler, 2)}; "
            f"{named(kube, 2)})",
            numbers="instance types, regions and cores are not found: defaults are used, and flagged",
            cure="Give the label that holds the node's name with --kepler-label node=... or --kube-label "
            "node=...",
        )  # fmt: skip
    if facts["without_kepler"]:
        lacking = facts["without_kepler"]
        return Finding(
            subject=KUBERNETES, check="nodes", status=WARNING, facts=facts,
            what=f"no Kepler on {none_of(lacking, len(set(kube)))}",
            numbers="their energy, embodied carbon and pods are not in the result at all",
            cure="Let the DaemonSet of Kepler run there too (tolerations, node selector), or say that they "
            "are left out.",
        )  # fmt: skip
    what = f"Kepler runs on all {len(set(kube))} nodes" if len(set(kube)) > 1 else "Kepler runs on the node"
    return Finding(subject=KUBERNETES, check="nodes", status=OK, what=what, facts=facts)


def node_facts(
    nodes: Collection[str], types: pd.Series, regions: pd.Series, shown: Collection[str]
) -> Finding:
    """Instance type and region of every node. `types`, `regions`: by node, empty where not known."""
    no_type = sorted(node for node in nodes if not types.get(node, ""))
    no_region = sorted(node for node in nodes if not regions.get(node, ""))
    kinds = sorted({str(types[node]) for node in nodes if node not in no_type})
    places = sorted({str(regions[node]) for node in nodes if node not in no_region})
    facts = {
        "instance_types": kinds, "regions": places, "without_instance_type": no_type,
        "without_region": no_region, "labels": sorted(shown),
    }  # fmt: skip
    if not no_type and not no_region:
        what = f"every node has an instance type ({named(kinds)}) and a region ({named(places)})"
        return Finding(subject=KUBERNETES, check="node-labels", status=OK, what=what, facts=facts)
    parts, effects, wanted = [], [], []
    if no_type:
        parts.append(f"no instance type of {none_of(no_type, len(nodes))}")
        effects.append("--embodied catalogue does not know them")
        wanted.append("node.kubernetes.io/instance-type")
    if no_region:
        parts.append(f"no region of {none_of(no_region, len(nodes))}")
        effects.append("--intensity region:auto and --pue auto stop")
        wanted.append("topology.kubernetes.io/region")
    return Finding(
        subject=KUBERNETES, check="node-labels", status=WARNING, what="; ".join(parts), facts=facts,
        numbers="; ".join(effects),
        cure=f"kube-state-metrics with {ALLOW}=nodes=[{','.join(wanted)}]; on your own hardware "
        "--embodied file:nodes.csv or model, and --intensity zone:ZONE.",
    )  # fmt: skip


def group_labels(rows: Mapping[str, int], keys: Sequence[str], shown: Collection[str]) -> list[Finding]:
    """Labels of `--group-by label:KEY`, at pods or namespaces. `shown`: labels seen at some of them."""
    if keys:
        return [_group_label(rows, key, shown) for key in keys]
    names = f" ({named(sorted(shown), 6)})" if shown else ": --group-by label:KEY would find none"
    what = f"kube-state-metrics lets {len(shown)} labels of pods and namespaces through{names}"
    facts = {"labels": sorted(shown)}
    return [Finding(subject=KUBERNETES, check="labels", status=OK, what=what, facts=facts)]


def _group_label(rows: Mapping[str, int], key: str, shown: Collection[str]) -> Finding:
    check = f"{LABEL_KEY_PREFIX}{key}"
    pods, spaces = rows[check], rows[f"namespace {check}"]
    every = rows["pods"]
    facts = {"pods": pods, "namespaces": spaces, "pods_in_all": every, "labels": sorted(shown)}
    if not pods and not spaces:
        near = f"; shown are {named(sorted(shown), 6)}" if shown else ""
        return Finding(
            subject=KUBERNETES, check=check, status=WARNING, facts=facts,
            what=f"no pod and no namespace has {label_column(key)}{near}",
            numbers=f"all rows have an empty {check}",
            cure=f"kube-state-metrics with {ALLOW}=pods=[{key}],namespaces=[{key}].",
        )  # fmt: skip
    where = f"{pods:,} of {every:,} pods" + (f", {spaces:,} namespaces" if spaces else "")
    if pods < every and not spaces:
        return Finding(
            subject=KUBERNETES, check=check, status=WARNING, facts=facts, what=f"{where} have it",
            numbers=f"the others go into one row with an empty {check}",
            cure="Label the pods, or their namespaces, which stand in for them.",
        )  # fmt: skip
    return Finding(subject=KUBERNETES, check=check, status=OK, what=f"{where} have it", facts=facts)
