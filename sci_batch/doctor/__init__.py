"""Before the first run: what `compute` would meet with the same flags. The energy itself is not fetched."""

from __future__ import annotations

from sci_batch.asking.planned import cluster_matchers
from sci_batch.doctor import live, recording
from sci_batch.doctor.examination import Examination
from sci_batch.doctor.files import files
from sci_batch.doctor.finding import OK, PROBLEM, WARNING, Diagnosis, Finding, in_order
from sci_batch.inputs import Progress
from sci_batch.settings import Settings

__all__ = ["OK", "PROBLEM", "WARNING", "Diagnosis", "Finding", "diagnose"]


def diagnose(settings: Settings, *, now_ms: int, progress: Progress) -> Diagnosis:
    """Look at everything; what fails becomes a finding.

    Raises
    ------
    UsageError
        The range or the connection is wrong in itself, before anything can be looked at.
    """
    exam = Examination()
    one = recording if settings.demo or settings.snapshot is not None else live
    about = one.examine(exam, settings, now_ms=now_ms, progress=progress)
    exam.look("output", "file", lambda: files(settings))
    return Diagnosis(
        source=about.source, start=about.start, end=about.end, cluster=",".join(cluster_matchers(settings)),
        findings=in_order(exam.findings), faults=tuple(exam.faults),
    )  # fmt: skip
