"""Flag > environment > file > default, every problem in one error."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from sci_batch import gate
from sci_batch.errors import UsageError
from sci_batch.files import contents
from sci_batch.settings.connection import http_settings, unchecked
from sci_batch.settings.factors import INTENSITY_VARIABLES
from sci_batch.settings.option import ENVIRONMENT_PREFIX, Option, options_of
from sci_batch.settings.table import Settings
from sci_batch.settings.values import yes_no
from sci_batch.sinks import CHANGE_SINKS, LIMITS
from sci_batch.windows import LAST_RUN

Command = Literal[
    "compute", "backfill", "doctor", "record", "queries", "push", "report", "explain", "diff", "what-if",
    "show",
]  # fmt: skip

OPTIONS: Mapping[str, Option] = options_of(Settings)
"""Field of `Settings` to its option."""
CONFIG_VARIABLE = ENVIRONMENT_PREFIX + "CONFIG"
CLOCK_VARIABLE = ENVIRONMENT_PREFIX + "NOW"
"""Unix seconds instead of the clock, for tests."""

_FLAG, _OURS, _OTHERS, _FILE, _DEFAULT = range(5)
_OF_KUBERNETES = re.compile(r"SCI_BATCH_(SERVICE_(HOST|PORT)(_.*)?|PORT(_.*)?)")
"""Set by the kubelet when a Service is called `sci-batch`."""
_EXCLUSIVE: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("prometheus_url",), ("demo",), ("snapshot",)),
    (("since_seconds",), ("start", "end")),
    (("quiet",), ("verbose",)),
)
"""Alternatives: the one from the strongest origin wins, two of the same strength are a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings, where each came from (by field), and words to say on standard error."""

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Given:
    rank: int
    where: str
    values: Sequence[str] | bool


def load(
    flags: Mapping[str, Any], environ: Mapping[str, str], command: Command, config: str | None = None
) -> Loaded:
    """Settings of a command.

    Parameters
    ----------
    flags
        By field of `Settings`: a text, a list of texts, a bool; None or an empty list is not given.
    environ
        Environment variables; a blank one counts as not set.
    command
        What will run: it decides what is required.
    config
        Configuration file; None: the one of `SCI_BATCH_CONFIG`, or none.

    Raises
    ------
    UsageError
        With everything that is wrong.
    """
    problems: list[UsageError] = []
    file_name = config or environ.get(CONFIG_VARIABLE, "").strip() or None
    of_file = _read_file(file_name, problems) if file_name else {}
    fields: dict[str, Any] = {}
    origins: dict[str, str] = {}
    ranks: dict[str, int] = {}
    for name, item in OPTIONS.items():
        given = next(_givens(name, item, flags, environ, of_file), None)
        ranks[name] = given.rank if given else _DEFAULT
        origins[name] = given.where if given else "default"
        if given:
            _parse(name, item, given, fields, problems)
    faulty = {name for name, rank in ranks.items() if rank != _DEFAULT} - set(fields)
    _keep_strongest(fields, ranks, origins, problems)
    settings = Settings(**fields)
    problems += _across(settings, command, faulty)
    problems += _scheduled(settings, command, faulty)
    problems += _push(settings, command, faulty)
    if problems:
        raise _together(problems)
    return Loaded(settings=settings, origins=origins, warnings=tuple(_warnings(settings, command, environ)))


def _givens(
    name: str,
    item: Option,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    of_file: Mapping[str, _Given],
) -> Iterator[_Given]:
    flag = flags.get(name)
    if flag is not None and flag != []:
        yield _Given(_FLAG, item.flag, [flag] if isinstance(flag, str) else flag)
    for rank, variable in (
        (_OURS, item.environment),
        *((_OTHERS, other) for other in item.other_environment),
    ):
        text = environ.get(variable, "")
        if text.strip():
            yield _Given(rank, variable, _split(text, item) if item.repeatable else [text.strip()])
    if item.name in of_file:
        yield of_file[item.name]


def _split(text: str, item: Option) -> list[str]:
    return [part.strip() for part in re.split(item.split, text) if part.strip()]


def _parse(
    name: str, item: Option, given: _Given, fields: dict[str, Any], problems: list[UsageError]
) -> None:
    try:
        if isinstance(given.values, bool):
            fields[name] = given.values
        elif item.switch:
            fields[name] = yes_no(given.values[0])
        elif item.repeatable:
            fields[name] = item.combine([item.parse(value) for value in given.values])
        else:
            fields[name] = item.parse(given.values[0])
    except UsageError as error:
        problems.append(UsageError(f"{given.where}: {error.what}", error.cure))


def _read_file(name: str, problems: list[UsageError]) -> dict[str, _Given]:
    try:
        document = tomllib.loads(contents(Path(name)).decode("utf-8-sig"))
    except OSError as error:
        problems.append(UsageError(f"{name} cannot be read: {error.strerror}", "Check --config."))
        return {}
    except UsageError as error:
        problems.append(error)
        return {}
    except (ValueError, RecursionError) as error:  # TOML or UTF-8
        problems.append(
            UsageError(
                f"{name} is not TOML: {error}",
                'Write lines such as window = "1h"; see `sci-batch config init`.',
            )
        )
        return {}
    known = {item.name: item for item in OPTIONS.values() if not item.secret}
    given: dict[str, _Given] = {}
    for key, value in document.items():
        where = f"{key} in {name}"
        if key not in known:
            problems.append(UsageError(f"{where}: there is no such key", _hint(key, value, known)))
            continue
        values = _texts(value, known[key])
        if values is None:
            wanted = (
                "true or false"
                if known[key].switch
                else "a text or a number" + " or a list" * known[key].repeatable
            )
            problems.append(UsageError(f"{where}: the value has the wrong type", f"Give {wanted}."))
            continue
        given[key] = _Given(_FILE, where, values)
    return given


def _hint(key: str, value: object, known: Mapping[str, Option]) -> str:
    name = key.replace("_", "-").lower()
    if secret := next((item for item in OPTIONS.values() if item.secret and item.name == name), None):
        return f"Headers are secret: set {secret.environment}, or {name.removesuffix('s')}-file."
    if _settings_inside(value, known):
        return f"A file has no sections: write the settings of {key} at its top."
    if name == "config":
        return "A file names no other file."
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else "`sci-batch config init` prints all keys."


def _settings_inside(value: object, known: Mapping[str, Option]) -> bool:
    tables = value if isinstance(value, list) else [value]
    return any(isinstance(table, dict) and not known.keys().isdisjoint(table) for table in tables)


def _texts(value: object, item: Option) -> list[str] | bool | None:
    """The texts of a TOML value as flags would carry them; None for a wrong type."""
    if item.switch:
        return value if isinstance(value, bool) else None
    if isinstance(value, list):
        texts = [_text(part) for part in value]
        if None in texts or not (item.repeatable or item.commas):
            return None
        whole = [text for text in texts if text is not None]
        return whole if item.repeatable else [",".join(whole)]
    text = _text(value)
    return None if text is None else [text]


def _text(value: object) -> str | None:
    if isinstance(value, bool | dict | list):
        return None
    # TOML dates and times come as objects; their ISO form is what --start takes.
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _keep_strongest(
    fields: dict[str, Any], ranks: dict[str, int], origins: dict[str, str], problems: list[UsageError]
) -> None:
    for alternatives in _EXCLUSIVE:
        strength = {
            names: min(ranks[name] for name in names if fields.get(name))
            for names in alternatives
            if any(fields.get(name) for name in names)
        }
        best = min(strength.values(), default=_DEFAULT)
        winners = [names for names, rank in strength.items() if rank == best]
        if len(winners) > 1:
            flags = [next(OPTIONS[name].flag for name in names if fields.get(name)) for names in winners]
            problems.append(UsageError(f"{' and '.join(flags)} exclude each other", "Give one of them."))
        for names in strength.keys() - set(winners):
            for name in names:
                if fields.pop(name, None):
                    origins[name] = f"default ({origins[name]} set aside)"


def _across(settings: Settings, command: Command, faulty: set[str]) -> Iterator[UsageError]:
    """Problems between fields, and what the command cannot do without."""
    no_source = not (settings.prometheus_url or settings.demo or settings.snapshot)
    faultless = not faulty & {"prometheus_url", "demo", "snapshot"}
    if command in (*_COMPUTING, "doctor", "record") and no_source and faultless:
        yield UsageError(
            "no source of measurements is given",
            "Give -p/--prometheus-url http://host:9090 (or set SCI_BATCH_PROMETHEUS_URL or PROMETHEUS_URL), "
            "--snapshot DIR, or --demo.",
        )
    if command == "record" and settings.out is None and "out" not in faulty:
        yield UsageError("there is no folder for the recording", "Give --out DIR.")
    missing = settings.intensity is None and not settings.demo
    if command in _COMPUTING and missing and not faulty & {"intensity", "demo"}:
        yield UsageError(
            "no grid carbon intensity is given: the grams of CO2e that one kWh of your electricity causes",
            "Give --intensity 380 (gCO2e/kWh) with the figure of your grid, not of a contract, or for "
            "example --intensity zone:DE. There is no hidden default, because grids differ more than "
            "twentyfold.",
        )
    if settings.end is not None and settings.start is None and "start" not in faulty:
        yield UsageError("--end is given without --start", "Give --start too, or only --since.")
    judged = command in (*_COMPUTING, "doctor")
    named = [unit.name for unit in settings.functional_unit]
    # The demo's own units are known when it is opened.
    if judged and (named or (_scoreless(settings) and not faulty & {"functional_unit", "demo"})):
        yield from gate.unjudgeable([limit for limit in settings.fail_on if not limit.increase], named)
    yield from _limits(settings, command, faulty)
    if settings.prometheus_url and not faulty & _CONNECTION:
        try:
            http_settings(settings)
        except UsageError as error:
            yield error


def _limits(settings: Settings, command: Command, faulty: set[str]) -> Iterator[UsageError]:
    """Formats and limits that the command does not have."""
    formats = {output.format for output in settings.output}
    if command in ("diff", "what-if"):
        known = (*CHANGE_SINKS, *((LIMITS,) if command == "diff" else ()))
        for name in sorted(formats - set(known)):
            yield UsageError(f"{command} has no output format {name}", f"Known: {', '.join(known)}.")
    if command == "push" and LIMITS in formats:
        yield UsageError(
            f"-o {LIMITS} holds the limits of --fail-on, and push judges none", "Give it to compute."
        )
    judged = settings.fail_on or settings.min_coverage is not None or settings.strict
    if command in ("compute", "diff") and LIMITS in formats and not judged and "fail_on" not in faulty:
        yield UsageError(
            f"-o {LIMITS} holds what became of limits, and none is given",
            "Give --fail-on, such as 'sci>0.5'.",
        )
    for limit in settings.fail_on if command == "compute" else ():
        if limit.increase:
            yield UsageError(
                f"--fail-on {limit} needs two results",
                "Store this one, and give the limit to sci-batch diff.",
            )


def _scheduled(settings: Settings, command: Command, faulty: set[str]) -> Iterator[UsageError]:
    """What stands against continuing where the last run ended, and against a walk in steps."""
    if settings.since_seconds == LAST_RUN and command == "compute" and (settings.demo or settings.snapshot):
        yield UsageError(
            "--since last-run needs a server: a recording has an end", "Give -p, or a length such as 24h."
        )
    if command != "backfill":
        return
    if settings.demo or settings.snapshot:
        yield UsageError("backfill needs a server", "Give -p/--prometheus-url; for recordings, compute.")
    if settings.start is None and not faulty & {"start", "end"}:
        yield UsageError("backfill has no range", "Give --start and --end.")
    if not settings.output and "output" not in faulty:
        yield UsageError(
            "backfill has no output", "Give for example -o parquet=out/{date}.parquet, one file a step."
        )
    if settings.index is not None and settings.state is not None:
        yield UsageError(
            "--index does one step, and --state remembers many",
            "Leave --state out: Kubernetes knows which indexes of a Job are done.",
        )


def _push(settings: Settings, command: Command, faulty: set[str]) -> Iterator[UsageError]:
    """What `push` cannot do without."""
    if command != "push" or faulty & {"from_file", "delete", "output"}:
        return
    if (settings.from_file is not None) == settings.delete:
        yield UsageError(
            "push needs either --from or --delete", "Give --from result.parquet, a stored result."
        )
    if not settings.output:
        yield UsageError("there is no output", "Give for example -o pushgateway=http://pushgateway:9091.")
    elif settings.delete and any(output.format != "pushgateway" for output in settings.output):
        yield UsageError("--delete is for Pushgateways only", "Give -o pushgateway=URL alone.")
    elif files := [str(output) for output in settings.output if not output.target]:
        yield UsageError(
            f"push sends to addresses, and {files[0]} is none",
            f"To write it, run: sci-batch report {settings.from_file or 'FILE'} -o {files[0]}",
        )


_COMPUTING = ("compute", "backfill")
_CONNECTION = {name for name, item in OPTIONS.items() if item.panel in ("Source", "Connection")}


def _scoreless(settings: Settings) -> bool:
    """No unit of work is given, and the demo, which brings its own, is not asked for."""
    return not settings.functional_unit and not settings.demo


def _together(problems: Sequence[UsageError]) -> UsageError:
    if len(problems) == 1:
        return problems[0]
    lines = [f"  {problem.what.rstrip('.')}. {problem.cure}".rstrip() for problem in problems]
    return UsageError(f"{len(problems)} settings are wrong:\n" + "\n".join(lines))


def _warnings(settings: Settings, command: Command, environ: Mapping[str, str]) -> Iterator[str]:
    known = {item.environment for item in OPTIONS.values()} | {CONFIG_VARIABLE, CLOCK_VARIABLE}
    known |= set(INTENSITY_VARIABLES)
    for variable in sorted(environ):
        if (
            not variable.startswith(ENVIRONMENT_PREFIX)
            or variable in known
            or _OF_KUBERNETES.fullmatch(variable)
        ):
            continue
        names = sorted(name.removeprefix(ENVIRONMENT_PREFIX) for name in known)
        near = get_close_matches(variable.removeprefix(ENVIRONMENT_PREFIX), names, n=1)
        hint = f": did you mean {ENVIRONMENT_PREFIX}{near[0]}?" if near else ""
        yield f"environment variable {variable} is not known and has no effect{hint}"
    if command == "compute" and settings.state is not None and settings.since_seconds != LAST_RUN:
        yield "--state has no effect without --since last-run"
    if switch := unchecked(settings):
        yield f"{switch}: whoever is in between can read the login and change the answers"
