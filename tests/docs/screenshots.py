"""Make the pictures of the HTML report in docs/ again: `make screenshots`, in a real Chromium."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.browser import pictured
from tests.docs.generate import DEMO, ROOT, told

WIDTH = 1180
PICTURES = {"report-light.png": ("summary", 1640, False), "report-dark.png": ("groups", 1430, True)}
"""File in docs/: the section that stands first in it, its height [px], and whether it is dark."""
MOST_BYTES = 200_000


def write() -> None:
    """The demo's day, written over the pictures that are there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told(f"{DEMO} -q -o html=report.html --disclose name=shop", folder)
        page = (folder / "report.html").read_text(encoding="utf-8")
        head, _, main = page.partition("<main>")
        for file, (first, height, dark) in PICTURES.items():
            part = folder / f"{first}.html"
            # No window can be scrolled before the picture is taken.
            rest = main[main.index(f'<section id="{first}"') :]
            part.write_text(f"{head}<main>{rest}", encoding="utf-8")
            picture = pictured(part, folder, size=(WIDTH, height), dark=dark)
            if len(picture) > MOST_BYTES:
                raise ValueError(f"{file} has {len(picture):,} bytes, more than {MOST_BYTES:,}")
            (ROOT / "docs" / file).write_bytes(picture)


if __name__ == "__main__":
    write()
