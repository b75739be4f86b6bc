"""The commands by name, each loaded and built when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup

from sci_batch.cli.help import GroupedHelp
from sci_batch.cli.quick import leave_alone

NAMES = (
    "compute", "doctor", "backfill", "record", "queries", "explain", "report", "push", "diff", "what-if",
    "schema", "functional-units", "verify-if", "import-if", "version", "config", "factors",
)  # fmt: skip
"""In the order of the help. Each is a module of this package, with a function of that name or an `app`."""


class Commands(TyperGroup):
    """All commands of the program."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = cast(dict[str, Any], _Built(self.context_settings))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer does it, but quickly."""
        leave_alone(self.get_params(ctx))
        return super().parse_args(ctx, args)


class _Built(Mapping[str, Any]):
    """typer builds all commands with all their flags before it reads the first word; this, what is read."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._context = dict(context)
        self._built: dict[str, Any] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            if name not in NAMES:
                raise KeyError(name)
            self._built[name] = self._build(name)
        return self._built[name]

    def _build(self, name: str) -> Any:
        word = name.replace("-", "_")
        module = import_module(f"sci_batch.cli.{word}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=self._context)
            app.command(name, cls=GroupedHelp)(getattr(module, word))
        command = typer.main.get_command(app)
        command.name = name
        return command
