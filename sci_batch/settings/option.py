"""One option of the tool: what it is called everywhere, what it means, how its text is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

ENVIRONMENT_PREFIX = "SCI_BATCH_"
METADATA_KEY = "option"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Flag `--name`, environment variable `SCI_BATCH_NAME`, and `name` in the configuration file."""

    name: str
    help: str
    panel: str
    parse: Callable[[str], Any]
    """Text to value; raises `UsageError`. Unused for switches."""
    metavar: str = ""
    default: str = ""
    """Text that stands for the default, read by `parse`; empty: none."""
    short: str = ""
    aliases: tuple[str, ...] = ()
    other_environment: tuple[str, ...] = ()
    """Names of other tools that are read after ours."""
    switch: bool = False
    repeatable: bool = False
    commas: bool = False
    """The text is a list with commas; the file may hold a list."""
    combine: Callable[[Sequence[Any]], Any] = tuple
    """All values of a repeatable option to the field's value; raises `UsageError`."""
    split: str = r"[;\n]"
    """Pattern of what separates the values of a repeatable option in its environment variable."""
    secret: bool = False
    """Only read from the environment, never shown."""
    commands: tuple[str, ...] = ("compute", "backfill", "doctor", "explain", "record", "queries")
    """Commands with this flag."""

    @property
    def environment(self) -> str:
        """Name of our environment variable."""
        return ENVIRONMENT_PREFIX + self.name.upper().replace("-", "_")

    @property
    def flag(self) -> str:
        """The flag as users type it."""
        return f"--{self.name}"


def option(name: str, **settings: Any) -> Any:
    """Dataclass field of a value option; its default is the parsed default text, else None or ()."""
    made = Option(name=name, **settings)
    value: Any = () if made.repeatable else None
    if made.default:
        value = made.combine([made.parse(made.default)]) if made.repeatable else made.parse(made.default)
    return field(default=value, repr=not made.secret, metadata={METADATA_KEY: made})


def switch(name: str, *, on: bool = False, **settings: Any) -> Any:
    """Dataclass field of a yes/no option."""
    made = Option(name=name, switch=True, parse=bool, default="true" if on else "", **settings)
    return field(default=on, metadata={METADATA_KEY: made})


def options_of(settings: Any) -> Mapping[str, Option]:
    """Option of every field of a settings class, in the order of declaration."""
    table: tuple[Field[Any], ...] = fields(settings)
    return {item.name: item.metadata[METADATA_KEY] for item in table}
