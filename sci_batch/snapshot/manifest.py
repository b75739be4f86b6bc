"""What a recording says of itself: `manifest.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sci_batch import __version__
from sci_batch.errors import UsageError

FORMAT = 3
DEMO = Path(__file__).parents[1] / "data" / "demo"
MANIFEST = "manifest.json"
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A recording on disk: its manifest, and by how much its times are shifted [ms]."""

    path: Path
    manifest: dict[str, Any]
    shift_ms: int = 0

    @property
    def start_ms(self) -> int:
        """Start of the recorded range, as shifted."""
        return int(self.manifest["start_ms"]) + self.shift_ms

    @property
    def end_ms(self) -> int:
        """End of the recorded range, as shifted."""
        return int(self.manifest["end_ms"]) + self.shift_ms


def open_(path: Path, *, now_ms: int | None = None) -> Snapshot:
    """Open a recording; with `now_ms` its times move by whole hours, so that it ends at the last one.

    Raises
    ------
    UsageError
        Not a recording, or of a version that this one cannot read.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} is not a recording: {MANIFEST} cannot be read ({error})",
            "--snapshot takes a folder made by `sci-batch record --out`.",
        ) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UsageError(
            f"{path} is not a recording of a form that this version reads",
            "Record it again with this version.",
        )
    shift = 0 if now_ms is None else (now_ms - int(manifest["end_ms"])) // HOUR_MS * HOUR_MS
    return Snapshot(path=path, manifest=manifest, shift_ms=shift)


def manifest_of(**facts: Any) -> dict[str, Any]:
    """The manifest's content: how and when the recording was made."""
    return {"tool_version": __version__, **facts}
