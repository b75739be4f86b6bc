"""What a recording says of itself: `manifest.json`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sci_batch import __version__
from sci_batch.errors import UsageError
from sci_batch.snapshot import facts

FORMAT = 3
DEMO = Path(__file__).parents[1] / "data" / "demo"
MANIFEST = "manifest.json"
SEAL = "sha256"
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

    Every file is held to the checksum that was taken when it was written: what is read later is whole.

    Raises
    ------
    UsageError
        Not a recording, of a version that this one cannot read, or damaged.
    """
    manifest = _manifest(path)
    if manifest.get("format") != FORMAT:
        raise UsageError(
            f"{path} is a recording of form {str(manifest['format'])[:20]}, this version reads form {FORMAT} "
            f"({MANIFEST})",
            "Record it again with this version.",
        )
    if sealed(manifest)[SEAL] != manifest.get(SEAL):
        raise damaged(path / MANIFEST, "it is not what was recorded")
    if odd := facts.odd(manifest):
        raise damaged(path / MANIFEST, f"{odd} is missing or is of another form")
    for name, checksum in manifest["files"].items():
        if _checksum(path / name) != checksum:
            raise damaged(path / name, "it is not what was recorded")
    shift = 0 if now_ms is None else (now_ms - int(manifest["end_ms"])) // HOUR_MS * HOUR_MS
    return Snapshot(path=path, manifest=manifest, shift_ms=shift)


def _manifest(path: Path) -> dict[str, Any]:
    cure = "--snapshot takes a folder made by `sci-batch record --out`."
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a recording: {MANIFEST} cannot be read ({error})", cure) from None
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise UsageError(f"{path} is not a recording: {MANIFEST} does not say its form", cure)
    return manifest


def damaged(file: Path, why: str) -> UsageError:
    """A recording that cannot be trusted."""
    return UsageError(
        f"the recording {file.parent} is damaged: {file.name}: {why}", "Copy it again, or record it again."
    )


def sealed(said: dict[str, Any]) -> dict[str, Any]:
    """A manifest with a checksum over all that it says, however it is laid out."""
    text = json.dumps({name: value for name, value in said.items() if name != SEAL}, sort_keys=True)
    return {**said, SEAL: hashlib.sha256(text.encode()).hexdigest()}


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of each file in a folder, by name."""
    return {path.name: _checksum(path) for path in sorted(folder.iterdir())}


def _checksum(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise damaged(file, f"it cannot be read ({error.strerror})") from None


def manifest_of(**said: Any) -> dict[str, Any]:
    """The manifest's content: how and when the recording was made."""
    return {"tool_version": __version__, **said}
