"""The table of scenarios as the document shows it."""

from __future__ import annotations

from itertools import groupby

from tests.hostile.scenario import RIGHT, Scenario
from tests.hostile.scenarios import TABLE


def counts() -> str:
    """How many there are, and how they end."""
    right = sum(scenario.ends == RIGHT for scenario in TABLE)
    refused = len(TABLE) - right
    return f"{len(TABLE)} scenarios: {right} end in the right number, {refused} in a refusal with its reason."


def table() -> str:
    """All of them, by group."""
    lines: list[str] = []
    for group, scenarios in groupby(TABLE, lambda scenario: scenario.group):
        lines += [f"### {group}", "", "| a Prometheus that ... | ends in | name |", "|---|---|---|"]
        lines += [f"| {_plain(one.what)} | {_end(one)} | `{one.name}` |" for one in scenarios]
        lines.append("")
    return "\n".join(lines[:-1])


def _end(one: Scenario) -> str:
    said = f", and says: {_plain(one.words)}" if one.words else ""
    if one.ends == RIGHT:
        return {"all": "the same file", "renamed": "the same numbers, under that name",
                "seen": "the same rows where all was seen, the others flagged"}[one.rows] + said  # fmt: skip
    return f"exit {one.ends}{', with the file' if one.writes else ''}{said}"


def _plain(words: str) -> str:
    return words.replace("|", "\\|")
