"""Help that is never cut off: each flag on a line of its own, its meaning below, in groups."""

from __future__ import annotations

import re
import textwrap
from inspect import cleandoc
from typing import Any

from typer.core import TyperCommand

from sci_batch.cli.quick import leave_alone

_NO_BREAK = "\N{NO-BREAK SPACE}"
ARGUMENTS = "Arguments"
OTHERS = "Other"
"""Group of flags that name none, such as `--help`."""


class GroupedHelp(TyperCommand):
    """Command whose help is written by `rich_help_panel` of its flags."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer does it, but quickly."""
        leave_alone(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Usage, the docstring as it stands, then the flags group by group."""
        self.format_usage(ctx, formatter)
        formatter.write("\n" + textwrap.indent(cleandoc(self.help or ""), "  ") + "\n")
        groups: dict[str, list[Any]] = {}
        for parameter in self.get_params(ctx):
            place = ARGUMENTS if parameter.param_type_name == "argument" else OTHERS
            groups.setdefault(getattr(parameter, "rich_help_panel", None) or place, []).append(parameter)
        others = {OTHERS: groups.pop(OTHERS)} if OTHERS in groups else {}
        for name, parameters in {**groups, **others}.items():
            formatter.write(f"\n{name}:\n")
            for parameter in parameters:
                formatter.write(_entry(parameter, formatter.width))


def _entry(parameter: Any, width: int) -> str:
    if parameter.param_type_name == "argument":
        return f"  {parameter.metavar or parameter.name.upper()}\n        {parameter.help}\n"
    long = [name for name in parameter.opts if name.startswith("--")]
    short = [name for name in parameter.opts if not name.startswith("--")]
    off = [f"/ {name}" for name in parameter.secondary_opts]
    named = parameter.param_type_name == "option"
    value = [] if named and parameter.is_flag else [parameter.metavar or "TEXT"]
    head = " ".join([", ".join([*short, *long]), *off, *value] if named else value)
    # Break only at spaces: a flag or variable name must stay whole.
    bound = re.sub(
        r"\[[^]]*\]$|\[default: [^]]*\]", lambda match: match[0].replace(" ", _NO_BREAK), parameter.help or ""
    )
    lines = textwrap.wrap(bound, width - 8, break_long_words=False, break_on_hyphens=False)
    return f"  {head}\n" + "".join(f"        {line.replace(_NO_BREAK, ' ')}\n" for line in lines)
