"""The diagnosis for machines."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from sci_batch import __version__
from sci_batch.doctor.finding import OK, PROBLEM, WARNING, Diagnosis
from sci_batch.sinks.json import known

SCHEMA_VERSION = 1
"""Rises when a reader of the old form would fail."""


def document(diagnosis: Diagnosis, *, strict: bool) -> dict[str, Any]:
    """schema_version, tool_version, source, start, end, cluster, worst, counts, exit_code, findings.

    A finding has subject, check, status, what, numbers, cure, more, facts, exit_code; unknown is null.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": __version__,
        "source": diagnosis.source,
        "start": diagnosis.start or None,
        "end": diagnosis.end or None,
        "cluster": diagnosis.cluster or None,
        "worst": diagnosis.worst,
        "counts": {status: diagnosis.count(status) for status in (OK, WARNING, PROBLEM)},
        "exit_code": diagnosis.exit_code(strict=strict),
        "findings": [known(dataclasses.asdict(one)) for one in diagnosis.findings],
    }


def text(diagnosis: Diagnosis, *, strict: bool) -> str:
    """The document, indented, ending with a line feed."""
    whole = document(diagnosis, strict=strict)
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
