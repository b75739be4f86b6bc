"""A long range in steps, of which each is a run of its own, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from sci_batch.errors import UsageError
from sci_batch.files import is_there
from sci_batch.schedule import documents
from sci_batch.schedule.naming import for_range
from sci_batch.settings import OPTIONS, Output, Settings, windows_of
from sci_batch.settings.document import plain
from sci_batch.windows import cut, parse_time, rfc3339

KIND = "backfill"
NEWEST_ONLY = frozenset({"pushgateway", "textfile"})
"""Outputs that hold one window: a walk through the past would leave an old one there."""
_FLAG = "--state"
_PANELS = ("Time", "Selection", "Energy", "Carbon", "Score", "Output")
_FREE = ("since_seconds", "start", "end", "settle_seconds", "top", "no_clobber", "offline", "cache_dir")
"""May change between a walk and its continuation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run: its number from 0, its range [ms since the Unix epoch], its outputs."""

    number: int
    start_ms: int
    end_ms: int
    outputs: tuple[Output, ...]

    @property
    def key(self) -> str:
        """The range, as the state names it."""
        return f"{rfc3339(self.start_ms)}/{rfc3339(self.end_ms)}"

    def settings(self, settings: Settings) -> Settings:
        """The settings of its run."""
        return replace(
            settings, since_seconds=None, start=rfc3339(self.start_ms), end=rfc3339(self.end_ms),
            settle_seconds=0,
        )  # fmt: skip

    def has_files(self) -> bool:
        """Whether every output that is a file is there."""
        return all(output.path is None or is_there(output.path) for output in self.outputs)


def steps(settings: Settings, now_ms: int) -> tuple[Step, ...]:
    """All steps of the range.

    Raises
    ------
    UsageError
        Steps that do not fall on whole windows, or that would write one file over the other.
    """
    edges = windows_of(replace(settings, since_seconds=None, window=settings.every), now_ms).edges_ms
    found = tuple(
        Step(number=number, start_ms=start, end_ms=end,
             outputs=for_range(settings.output, start, end, settings.tz))
        for number, (start, end) in enumerate(pairwise(edges))
    )  # fmt: skip
    for step in (found[0], found[-1]):
        _check_windows(step, settings)
    _check_range(found, settings, now_ms)
    _check_outputs(found, settings.output)
    return found


def _check_range(found: Sequence[Step], settings: Settings, now_ms: int) -> None:
    """Steps are whole; what was asked for beyond them would be missing without a word."""
    edges = {"--start": (settings.start, found[0].start_ms), "--end": (settings.end, found[-1].end_ms)}
    for flag, (text, edge_ms) in edges.items():
        if text is not None and parse_time(text, now_ms, settings.tz) != edge_ms:
            raise UsageError(
                f"{flag} {text} is no edge of a step of {settings.every}",
                f"Give {flag} {rfc3339(edge_ms)}, or a shorter --every.",
            )


def _check_windows(step: Step, settings: Settings) -> None:
    cure = "Give --every a multiple of --window, both in the same --tz."
    words = f"a step of {settings.every} does not hold whole windows of {settings.window}"
    try:
        windows = cut(step.start_ms, step.end_ms, settings.window, settings.tz)
    except UsageError:
        raise UsageError(words, cure) from None
    if (windows.start_ms, windows.end_ms) != (step.start_ms, step.end_ms):
        raise UsageError(words, cure)


def _check_outputs(found: Sequence[Step], outputs: Sequence[Output]) -> None:
    for index, output in enumerate(outputs):
        if output.format in NEWEST_ONLY:
            raise UsageError(
                f"{output.format} holds one window, which would be an old one", "Leave it out of a backfill."
            )
        if output.path is None:
            if not output.target:
                raise UsageError(
                    f"{output} of every step on standard output would run together",
                    f"Give a file a step: -o {output.format}=out/{{date}}.{output.format}.",
                )
            continue
        names = {step.outputs[index].path for step in found}
        if len(names) < len(found):
            raise UsageError(
                f"{output} is one file for several steps",
                f"Put {{date}} or {{start}} into its name: -o {output.format}=out/{{start}}.{output.format}.",
            )


def chosen(found: Sequence[Step], index: int | None) -> Sequence[Step]:
    """All steps, or the one with that number."""
    if index is None:
        return found
    if index >= len(found):
        raise UsageError(
            f"there is no step {index}: the range has {len(found)}, from 0 to {len(found) - 1}",
            f"Set completions: {len(found)} in the Job, or correct --start, --end and --every.",
        )
    return found[index : index + 1]


class Manifest:
    """The steps that are done. A step whose files are gone is not done.

    Without a state file the files alone tell: they appear whole or not at all.

    Raises
    ------
    UsageError
        The state is none, or was made with other settings.
    """

    def __init__(self, path: Path | None, settings: Settings) -> None:
        self._path = path
        self._settings = _of_result(settings)
        self._done: list[str] = []
        self._files_tell = any(output.path is not None for output in settings.output) and not any(
            output.target for output in settings.output
        )
        found = documents.read(path, KIND, _FLAG) if path else None
        if path is None or found is None:
            return
        done, known = found.get("done"), found.get("settings")
        if not isinstance(done, list) or not isinstance(known, dict):
            raise UsageError(f"{path} is no state of a backfill", f"Give {_FLAG} another path.")
        differing = sorted(
            name for name in {*known, *self._settings} if known.get(name) != self._settings.get(name)
        )
        if differing:
            flags = ", ".join(f"--{name}" for name in differing)
            raise UsageError(
                f"{path} belongs to a backfill with another {flags}",
                f"Give the same, or another {_FLAG} to begin anew.",
            )
        self._done = [str(key) for key in done]

    @property
    def remembers(self) -> bool:
        """Whether anything tells which steps are done."""
        return self._path is not None or self._files_tell

    def has(self, step: Step) -> bool:
        """Whether the step needs no run."""
        known = self._files_tell if self._path is None else step.key in self._done
        return known and step.has_files()

    def add(self, step: Step) -> None:
        """Remember a step; when this returns, it outlives a crash."""
        if self._path is None or step.key in self._done:
            return
        self._done = sorted([*self._done, step.key])
        documents.write(self._path, KIND, {"settings": self._settings, "done": self._done}, _FLAG)


def _of_result(settings: Settings) -> dict[str, str | list[str]]:
    """Every setting that shapes the results and is not left at its default, by the name of its flag."""
    found: dict[str, str | list[str]] = {}
    standard = Settings()
    for name, item in OPTIONS.items():
        value = getattr(settings, name)
        if item.panel not in _PANELS or name in _FREE or value == getattr(standard, name):
            continue
        several = item.repeatable or item.commas
        found[item.name] = [plain(name, part) for part in value] if several else plain(name, value)
    return found
