"""What a manifest of `kepler-importer` becomes: settings of this tool, and words on what changes and why."""

from __future__ import annotations

from collections.abc import Sequence

from sci_batch.impact.kepler_importer import Component
from sci_batch.impact.migration import Migration
from sci_batch.impact.old_factors import hardware, intensity, units
from sci_batch.impact.old_source import namespaces, server, span, window

_CARRIED = ("Sci", "SciO", "SciM", "SciEmbodied", "Sum", "Multiply", "Divide", "Coefficient")
"""Methods whose part of the formula this tool does itself."""

GENERAL = (
    "Energy belongs to the window that a row names by its start. The importer named it by its end: its "
    "energy stood one window too late, and the last window was never read.",
    "Counters are read at the edges of the windows, with restarts and new pods. increase() drops what came "
    "before the first sample, and extrapolates: single windows change by some per cent, short pods by more.",
    "A row is a workload (Deployment, StatefulSet, ...) with all of its containers, not one container: "
    "group-by says how rows are cut.",
    "Energy of a node that Kepler gives to no pod (idle, host) is shared among its pods. The importer left "
    'it out, and SCI wants it. Comparable with the importer: unattributed = "drop".',
    "Kepler 0.10 and later is read as well. Of older ones the parts (package, dram) are read, because their "
    "total was wrong in some versions.",
)
"""What changes for every manifest."""


def migrated(found: Sequence[Component]) -> Migration:
    """The settings that come nearest.

    Raises
    ------
    UsageError
        A setting of the importer is missing or junk, or there are several servers.
    """
    made = Migration()
    server(made, found)
    seconds = window(made, found)
    span(made, found, seconds)
    namespaces(made, found)
    intensity(made, found)
    hardware(made, found)
    units(made, found, seconds)
    made.head += GENERAL
    dropped = sorted({f"{p.name} ({p.method})" for c in found for p in c.others if p.method not in _CARRIED})
    if dropped:
        made.head.append(f"Not carried over, as it has no counterpart here: {', '.join(dropped)}.")
    return made
