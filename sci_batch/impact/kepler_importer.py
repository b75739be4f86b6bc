"""Manifests of the Carbon Hack plugin `kepler-importer`, in words of this tool.

The old form (IF 0.3) has the plugin's settings in `config` of the tree and a list as pipeline, the new one
(IF 1.x) has them in the plugin itself. Both may stand in one file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sci_batch.errors import UsageError

METHOD, NAME = "KeplerPlugin", "kepler-importer"
MAX_COMPONENTS = 1_000
MAX_DEPTH = 20
_CURE = "Give a manifest with the plugin kepler-importer (method KeplerPlugin)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One plugin as a component uses it: its settings of all places put together."""

    name: str
    method: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component that the importer filled."""

    path: str
    importer: Plugin
    others: Sequence[Plugin]
    inputs: Sequence[Mapping[str, Any]]
    """With the defaults in them."""

    def values(self, *names: str) -> Iterator[Any]:
        """What the inputs say under any of these names."""
        for row in self.inputs:
            yield from (row[name] for name in names if name in row)


@dataclass(slots=True)
class _Place:
    """What a node hands down to its children."""

    config: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    pipeline: Sequence[str] = ()


def components(manifest: Mapping[str, Any]) -> list[Component]:
    """Every component whose pipeline has the importer.

    Raises
    ------
    UsageError
        None has, or the tree is too deep or too large.
    """
    initialize = _mapping(manifest.get("initialize"))
    plugins = {str(name): _mapping(plugin) for name, plugin in _mapping(initialize.get("plugins")).items()}
    if not any(_imports(name, plugin) for name, plugin in plugins.items()):
        raise UsageError("the manifest has no plugin kepler-importer", _CURE)
    found: list[Component] = []
    for path, node, place in _nodes(_mapping(manifest.get("tree")), "tree", _Place(), 0):
        if len(found) >= MAX_COMPONENTS:
            raise UsageError(f"the manifest has more than {MAX_COMPONENTS} components", "Split it.")
        used = [name for name in place.pipeline if name in plugins]
        importers = [name for name in used if _imports(name, plugins[name])]
        if not importers:
            continue
        made = [_plugin(name, plugins[name], place.config) for name in used]
        inputs = node.get("inputs")
        rows = [_mapping(row) for row in inputs if isinstance(row, dict)] if isinstance(inputs, list) else []
        found.append(
            Component(
                path=path,
                importer=next(plugin for plugin in made if plugin.name == importers[0]),
                others=[plugin for plugin in made if plugin.name not in importers],
                inputs=[{**place.defaults, **row} for row in rows],
            )
        )
    if not found:
        raise UsageError("no component of the manifest has kepler-importer in its pipeline", _CURE)
    return found


def _imports(name: str, plugin: Mapping[str, Any]) -> bool:
    return plugin.get("method") == METHOD or name == NAME


def _plugin(name: str, plugin: Mapping[str, Any], of_tree: Mapping[str, Any]) -> Plugin:
    settings = {
        **_mapping(plugin.get("global-config")),
        **_mapping(plugin.get("config")),
        **_mapping(of_tree.get(name)),
    }
    return Plugin(name=name, method=str(plugin.get("method")), config=settings)


def _nodes(
    node: Mapping[str, Any], path: str, above: _Place, depth: int
) -> Iterator[tuple[str, Mapping[str, Any], _Place]]:
    """The leaves of the tree, with what holds for them; a node's own words replace those from above."""
    if depth > MAX_DEPTH:
        raise UsageError(f"the tree of the manifest is deeper than {MAX_DEPTH} levels", _CURE)
    here = _Place(
        config=_mapping(node.get("config")) or above.config,
        defaults=_mapping(node.get("defaults")) or above.defaults,
        pipeline=_pipeline(node.get("pipeline")) or above.pipeline,
    )
    children = _mapping(node.get("children"))
    for name, child in children.items():
        yield from _nodes(_mapping(child), f"{path}/{name}", here, depth + 1)
    if not children:
        yield path, node, here


def _pipeline(value: object) -> list[str]:
    """Names of plugins: a list, or lists by phase."""
    parts = list(value.values()) if isinstance(value, dict) else [value]
    return [str(name) for part in parts if isinstance(part, list) for name in part]


def _mapping(value: object) -> dict[str, Any]:
    return {str(name): part for name, part in value.items()} if isinstance(value, dict) else {}
