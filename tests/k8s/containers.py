"""The command of a container, with its mounts laid out on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.k8s.manifests import Object, of_kind, pods

SCHEDULER = "tcp://sci-batch-dask-scheduler.sci-batch.svc.cluster.local:8786"
"""As the operator of Dask tells it to each of its pods."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a container runs: arguments of `sci-batch`, and its own environment."""

    arguments: list[str]
    environ: dict[str, str]


def laid_out(found: list[Object], folder: Path, index: int = 0) -> Command:
    """The command of the only container (of the first pod), with each mount as a folder inside `folder`.

    Parameters
    ----------
    index
        Of an Indexed Job.
    """
    (_, template), *_ = pods(found)
    pod: dict[str, Any] = template["spec"]
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    places: dict[str, str] = {}
    for mount in container["volumeMounts"]:
        place = folder / mount["name"]
        place.mkdir()
        places[mount["mountPath"]] = str(place)
    for mount in container["volumeMounts"]:
        place, volume = folder / mount["name"], volumes[mount["name"]]
        if "configMap" in volume:
            for file, text in _config_map(volume["configMap"]["name"], found).items():
                (place / file).write_text(_moved(text, places), encoding="utf-8")
        for source in volume.get("projected", {}).get("sources", ()):
            _project(place, source)
    arguments = [
        _moved(word, places).replace("$(DASK_SCHEDULER_ADDRESS)", SCHEDULER) for word in container["args"]
    ]
    environ = {item["name"]: _moved(item["value"], places) for item in container.get("env") or ()}
    return Command(arguments, {**environ, "JOB_COMPLETION_INDEX": str(index)})


def _config_map(name: str, found: list[Object]) -> dict[str, str]:
    (config,) = [one for one in of_kind(found, "ConfigMap") if one["metadata"]["name"] == name]
    data: dict[str, str] = config["data"]
    return data


def _project(place: Path, source: dict[str, Any]) -> None:
    if "serviceAccountToken" in source:
        (place / source["serviceAccountToken"]["path"]).write_text("made-up-token\n")
    for item in source.get("configMap", {}).get("items", ()):
        (place / item["path"]).write_text("made-up certificate\n")


def _moved(text: str, places: dict[str, str]) -> str:
    """The text with each path of a mount as it is here: a path stands alone, behind `=`, or in quotes."""
    mounts = "|".join(map(re.escape, places))
    return re.sub(rf'(^|[="])({mounts})(?=/)', lambda found: found[1] + places[found[2]], text)
