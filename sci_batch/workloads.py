"""Whose pod is it: owners known to Kubernetes, else read from the pod's name.

Kepler never says who owns a pod. kube-state-metrics does (`kube_pod_owner`, then the owner of the
ReplicaSet or Job); the names follow Kubernetes' own rules (`generateName`, pod-template-hash).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sci_batch.counters import by_uid_else_name
from sci_batch.units import MS_PER_SECOND

RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
"""Alphabet of generated names (apimachinery `util/rand`): no vowels, no 0, 1, 3."""
HASH = "[456789bcdf]"
"""A pod-template-hash holds digits of a number, spelled in that alphabet."""

_NAME_RULES = (
    ("Deployment", rf"^(.+)-{HASH}{{6,10}}-{RANDOM}{{5}}$"),
    ("CronJob", rf"^(.+)-(?:\d{{8}}|\d{{10}})-{RANDOM}{{5}}$"),
    ("Job", rf"^(.+)-\d+-{RANDOM}{{5}}$"),
    ("Unknown", rf"^(.+)-{RANDOM}{{5}}$"),
    ("StatefulSet", r"^(.+)-\d+$"),
)
_NO_OWNER = ("", "<none>")
IDENTITY = ["namespace", "pod", "pod_uid", "node"]
"""Of a pod."""
_LOOKED_UP = {"workload_kind": "str", "workload": "str", "inferred": "bool"}
"""Columns and their types."""


def owners(
    pod_owners: pd.DataFrame, replicaset_owners: pd.DataFrame, job_owners: pd.DataFrame
) -> pd.DataFrame:
    """POD_WORKLOADS: namespace, pod, uid, workload_kind, workload, inferred.

    The owner of an owner counts: a ReplicaSet's Deployment or Rollout, a Job's CronJob. `inferred` where
    that second step had to be read from a name.
    """
    frame = pod_owners.assign(
        workload_kind=pod_owners["owner_kind"], workload=pod_owners["owner_name"], inferred=False
    )
    frame = _second(
        frame, replicaset_owners, "ReplicaSet", "replicaset", "Deployment", rf"^(.+)-{HASH}{{6,10}}$"
    )
    frame = _second(frame, job_owners, "Job", "job_name", "CronJob", r"^(.+)-(?:\d{8}|\d{10})$")
    alone = frame["workload_kind"].isin(_NO_OWNER)
    static = frame["workload_kind"] == "Node"
    suffix = frame["workload"].where(static, "")
    stem = _without_suffix(frame["pod"], suffix)
    return frame.assign(
        workload_kind=frame["workload_kind"].mask(alone, "Pod").mask(static, "StaticPod"),
        workload=frame["workload"].mask(alone, frame["pod"]).mask(static, stem),
    )[["namespace", "pod", "uid", "workload_kind", "workload", "inferred"]]


def _second(
    frame: pd.DataFrame, above: pd.DataFrame, kind: str, name: str, inferred_kind: str, pattern: str
) -> pd.DataFrame:
    """Replace owners of `kind` by their own owner; where it is not known, by the name's stem."""
    above = above.rename(columns={name: "workload", "owner_kind": "above_kind", "owner_name": "above_name"})
    above = above.drop_duplicates(["namespace", "workload"], keep="last")
    merged = frame.merge(
        above[["namespace", "workload", "above_kind", "above_name"]],
        on=["namespace", "workload"], how="left", validate="m:1",
    )  # fmt: skip
    mine = merged["workload_kind"] == kind
    owned = mine & merged["above_kind"].notna() & ~merged["above_kind"].isin(_NO_OWNER)
    unknown = mine & merged["above_kind"].isna()
    stem = merged["workload"].where(unknown).str.extract(pattern, expand=False)
    guessed = unknown & stem.notna()
    return merged.assign(
        workload_kind=merged["workload_kind"].mask(owned, merged["above_kind"]).mask(guessed, inferred_kind),
        workload=merged["workload"].mask(owned, merged["above_name"]).mask(guessed, stem),
        inferred=merged["inferred"] | guessed,
    ).drop(columns=["above_kind", "above_name"])


def by_name(pods: pd.Series, nodes: pd.Series) -> pd.DataFrame:
    """workload_kind and workload, read from pod names; a name that fits no rule is a bare pod.

    >>> names = pd.Series(["web-7c9d8f6b5d-x2k4q", "db-0", "etcd-node1"])
    >>> by_name(names, pd.Series(["node1"] * 3))["workload"].tolist()
    ['web', 'db', 'etcd']
    """
    stem = _without_suffix(pods, nodes)
    static = stem != pods
    kind = pd.Series("Pod", index=pods.index, dtype="str").mask(static, "StaticPod")
    name = stem
    left = ~static
    for rule_kind, pattern in _NAME_RULES:
        found = pods.str.extract(pattern, expand=False)
        hit = left & found.notna()
        kind, name = kind.mask(hit, rule_kind), name.mask(hit, found)
        left &= ~hit
    return pd.DataFrame({"workload_kind": kind, "workload": name})


def _without_suffix(names: pd.Series, suffixes: pd.Series) -> pd.Series:
    """Names without `-<suffix>`, where they end in it."""
    known, where = np.unique(suffixes.to_numpy(dtype=object), return_inverse=True)
    out = names.copy()
    for number, suffix in enumerate(known.tolist()):  # a handful of nodes, not rows
        if suffix:
            mine = where == number
            out[mine] = names[mine].str.removesuffix(f"-{suffix}")
    return out


def assign(pods: pd.DataFrame, workloads: pd.DataFrame, info: pd.DataFrame) -> pd.DataFrame:
    """Give each pod its workload.

    Parameters
    ----------
    pods
        Any frame with namespace, pod, pod_uid, node. Rows that only have a uid (container counters of
        the rewrite) get namespace and pod from `info`.
    workloads
        POD_WORKLOADS of `owners`.
    info
        `kube_pod_info`: namespace, pod, uid, node.

    Returns
    -------
    The frame with workload_kind, workload and `inferred` [bool], rows and order unchanged.
    """
    pods = named(pods, info)
    place, each = distinct(pods)
    found = _owned(each, workloads)
    return pods.assign(**{name: found[name].take(place).set_axis(pods.index) for name in _LOOKED_UP})


def distinct(pods: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """The row of each pod among the distinct ones, and these: namespace, pod, pod_uid, node."""
    number = pods.groupby(IDENTITY, sort=False, dropna=False).ngroup().to_numpy()
    first_rows = np.unique(number, return_index=True)[1]
    return number, pods[IDENTITY].iloc[first_rows].reset_index(drop=True)


def _owned(pods: pd.DataFrame, workloads: pd.DataFrame) -> pd.DataFrame:
    """`_LOOKED_UP` of distinct pods: by uid, else by name, else read from the name."""
    by_uid = workloads[workloads["uid"] != ""].drop_duplicates("uid", keep="last")
    by_pod = workloads.drop_duplicates(["namespace", "pod"], keep="last")
    first = pods[["pod_uid"]].merge(
        by_uid.set_index("uid")[[*_LOOKED_UP]],
        left_on="pod_uid",
        right_index=True,
        how="left",
        validate="m:1",
    )
    second = pods[["namespace", "pod"]].merge(
        by_pod[["namespace", "pod", *_LOOKED_UP]], on=["namespace", "pod"], how="left", validate="m:1"
    )
    known = first["workload"].notna()
    named = ~known & second["workload"].notna()
    guessed = ~known & ~named
    found = {column: first[column].mask(named, second[column]) for column in _LOOKED_UP}
    if guessed.any():
        third = _from_names(pods[guessed]).reindex(pods.index)
        found = {column: of.mask(guessed, third[column]) for column, of in found.items()}
    return pd.DataFrame(found).astype(_LOOKED_UP)


def _from_names(pods: pd.DataFrame) -> pd.DataFrame:
    """`_LOOKED_UP` of pods that Kubernetes does not tell of."""
    found = by_name(pods["pod"], pods["node"]).assign(inferred=True)
    unnamed = (pods["pod"] == pods["pod_uid"]) & (pods["pod"] != "")  # a uid is no name to read
    return found.assign(
        workload_kind=found["workload_kind"].mask(unnamed, "Pod"),
        workload=found["workload"].mask(unnamed, pods["pod"]),
    )


class Created:
    """When the pods of a table of counters that only grows were created: each counter is looked up once.

    Parameters
    ----------
    created
        namespace, pod, uid, seconds [Unix]; joined on the uid, else on a name that only one pod ever had.
    """

    def __init__(self, created: pd.DataFrame) -> None:
        has_uid = created[created["uid"] != ""]
        self._by_uid = has_uid.drop_duplicates("uid", keep="last").set_index("uid")["seconds"]
        once = created[~created.duplicated(["namespace", "pod"], keep=False)]
        self._by_name = once[["namespace", "pod", "seconds"]]
        self._ms = np.empty(0, np.int64)

    def ms(self, keys: pd.DataFrame) -> np.ndarray:
        """Of all keys (namespace, pod, pod_uid) [Unix ms]; -1 where Kubernetes does not say.

        Those of the call before come first, as they were.
        """
        new = keys[len(self._ms) :]
        if len(new):
            seconds = by_uid_else_name(new, self._by_uid, self._by_name)
            ms = np.where(np.isnan(seconds), -1, np.nan_to_num(seconds) * MS_PER_SECOND)
            self._ms = np.append(self._ms, ms.astype(np.int64))
        return self._ms


def named(pods: pd.DataFrame, info: pd.DataFrame) -> pd.DataFrame:
    """Pods that only have a uid, with namespace and pod from `info`."""
    nameless = pods["pod"] == ""
    if not nameless.any():
        return pods
    known = info[info["uid"] != ""].drop_duplicates("uid", keep="last").set_index("uid")
    told = nameless & pods["pod_uid"].isin(known.index)
    uid = pods.loc[told, "pod_uid"].tolist()
    pod, namespace = pods["pod"].mask(nameless, pods["pod_uid"]), pods["namespace"].copy()
    pod[told] = known["pod"].loc[uid].to_numpy()
    namespace[told] = known["namespace"].loc[uid].to_numpy()
    return pods.assign(pod=pod.astype("str"), namespace=namespace.astype("str"))
