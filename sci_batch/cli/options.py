"""Commands whose flags come from the table of settings."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Optional

import typer

from sci_batch.cli.log import say, use
from sci_batch.settings import CONFIG_VARIABLE, OPTIONS, Command, Option, load

CONFIG_PANEL = "Source"
CONFIG_HELP = "TOML file with the same names as the flags, such as sci-batch.toml."


def with_options(
    command: Command,
    arguments: Sequence[tuple[str, str]] = (),
    prepare: Callable[[dict[str, Any]], None] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:  # fmt: skip
    """Give a function of the loaded settings the flags of `command`.

    `arguments`: names and help of what stands without a flag; the function gets them as texts behind the
    settings. `prepare` may change the texts of the flags before they are read.
    """

    def decorate(run: Callable[..., None]) -> Callable[..., None]:
        def filled(**given: Any) -> None:
            config = given.pop("config")
            texts = [given.pop(name) for name, _ in arguments]
            if prepare is not None:
                prepare(given)
            loaded = load(given, os.environ, command, config)
            use(loaded.settings.log_format)
            for warning in loaded.warnings:
                say(f"warning: {warning}")
            from sci_batch.cli.logged import notes  # --help needs no logging

            with notes(quiet=loaded.settings.quiet, verbose=loaded.settings.verbose):
                run(loaded, *texts)

        parameters = [_argument(name, words) for name, words in arguments]
        parameters += [_parameter(name, item) for name, item in OPTIONS.items() if _has_flag(item, command)]
        parameters.append(_config_parameter())
        # typer reads names, types and help from the signature.
        filled.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        filled.__annotations__ = {}
        filled.__name__ = run.__name__
        filled.__doc__ = run.__doc__
        return filled

    return decorate


def _has_flag(item: Option, command: Command) -> bool:
    return not item.secret and (command == "show" or command in item.commands)


def _parameter(name: str, item: Option) -> inspect.Parameter:
    kind: Any = Optional[bool] if item.switch else Optional[list[str]] if item.repeatable else Optional[str]  # noqa: UP045 -- typer's form
    info = typer.Option(
        *_declarations(item), help=_help(item), metavar=item.metavar or None, rich_help_panel=item.panel
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, info]
    )


def _argument(name: str, words: str) -> inspect.Parameter:
    info = typer.Argument(help=words, metavar=name.upper())
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[str, info])


def _declarations(item: Option) -> list[str]:
    names = [item.flag, *item.aliases]
    if item.switch:
        off = item.name.removeprefix("no-") if item.name.startswith("no-") else f"no-{item.name}"
        names = [f"{item.flag}/--{off}"]
    return [*names, item.short] if item.short else names


def _help(item: Option) -> str:
    repeat = " Repeatable." if item.repeatable else ""
    if item.repeatable and ";" in item.split:
        repeat = " Repeatable; in the environment with ; between."
    default = f" [default: {item.default}]" if item.default and not item.switch else ""
    variables = ", ".join((item.environment, *item.other_environment))
    return f"{item.help}{repeat}{default} [env: {variables}]"


def _config_parameter() -> inspect.Parameter:
    info = typer.Option(
        "--config",
        help=f"{CONFIG_HELP} [env: {CONFIG_VARIABLE}]",
        metavar="FILE",
        rich_help_panel=CONFIG_PANEL,
    )
    return inspect.Parameter(
        "config",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[Optional[str], info],  # noqa: UP045
    )
