"""A real Chromium without a window: what a page becomes in it, what it complains of, and what it asks for."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from tests.servers import binary

NO_PAGE = "not an origin"
"""Who asks for what the browser itself fetches (its updates)."""
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visit:
    """One page, loaded."""

    dom: str
    console: Sequence[str]
    """Errors, warnings and whatever else the page wrote to the console."""
    requests: Sequence[str]
    """Addresses that the page asked for, without itself."""


def visit(page: Path, folder: Path) -> Visit:
    """Load a file; the profile and the log of the network are left in `folder`."""
    log = folder / "network.json"
    done = _run(folder, f"--log-net-log={log}", "--dump-dom", page.as_uri())
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    asked = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return Visit(
        dom=done.stdout,
        console=[line for line in done.stderr.splitlines() if ":CONSOLE" in line],
        requests=[params["url"] for params in asked if params["initiator"] != NO_PAGE],
    )


def printed(page: Path, folder: Path) -> bytes:
    """The page as PDF."""
    target = folder / "page.pdf"
    _run(folder, f"--print-to-pdf={target}", page.as_uri())
    return target.read_bytes()


def pictured(page: Path, folder: Path, *, size: tuple[int, int], dark: bool = False) -> bytes:
    """What a window of that size [px] shows of the page, as PNG."""
    target = folder / "page.png"
    scheme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
    window = f"--window-size={size[0]},{size[1]}"
    _run(folder, f"--screenshot={target}", window, "--hide-scrollbars", *scheme, page.as_uri())
    return target.read_bytes()


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [binary("chromium"), *_FLAGS, f"--user-data-dir={folder / 'profile'}", *arguments]
    environ = {**os.environ, "HOME": str(folder)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=True)


class Page(HTMLParser):
    """Tables by id, numbers by id, and every element: enough to read our page without its template."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.tables: dict[str, list[list[Cell]]] = {}
        self.amounts: dict[str, Cell] = {}
        self.text = ""
        self._rows: list[list[Cell]] | None = None
        self._cell: Cell | None = None
        self._silent = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        match tag:
            case "table":
                self._rows = self.tables.setdefault(given["id"], [])
            case "tr" if self._rows is not None:
                self._rows.append([])
            case "td" | "th" if self._rows:
                self._cell = Cell()
                self._rows[-1].append(self._cell)
            case "dd" if "id" in given:
                self._cell = self.amounts[given["id"]] = Cell()
            case "data" if self._cell is not None:
                self._cell.value = float(given["value"])
            case "style":
                self._silent = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._rows = None
        elif tag == "style":
            self._silent = False
        if tag in ("td", "th", "dd"):
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.text += data
        if self._cell is not None:
            self._cell.text += data

    def having(self, tag: str) -> list[dict[str, str]]:
        """Attributes of all elements of one kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@dataclass(slots=True)
class Cell:
    """What a cell shows, and the number in full behind it."""

    text: str = ""
    value: float | None = None
