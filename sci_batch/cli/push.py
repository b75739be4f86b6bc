"""`sci-batch push`: a stored result to further outputs, without a Prometheus to ask."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import say, sink_options
from sci_batch.cli.writing import refuse_early, refuse_reading, write
from sci_batch.errors import UsageError
from sci_batch.report import Report
from sci_batch.settings import Loaded, Settings
from sci_batch.sinks import SINKS
from sci_batch.sinks.access import group_name


@with_options("push")
def push(loaded: Loaded) -> None:
    """Write a stored result (Parquet or JSON) to further outputs, such as a Pushgateway; nothing is computed.

    Example: sci-batch push --from result.parquet -o pushgateway=http://pushgateway:9091

    Take a group away: sci-batch push --delete -o pushgateway=http://pushgateway:9091
    """
    settings = loaded.settings
    refuse_early(settings.output, settings, os.environ)
    if settings.delete:
        _delete(settings)
    elif settings.from_file is not None:
        _push(settings, settings.from_file)


def _push(settings: Settings, path: Path) -> None:
    refuse_reading(path, settings.output)
    from sci_batch import stored

    report = stored.read(path)
    _check_cluster(report, settings)
    failed = write(report, settings.output, sink_options(settings, os.environ), SINKS)
    if failed is not None:
        raise failed
    if not settings.quiet:
        made = report.provenance
        say(f"{made.start} to {made.end}, written: {', '.join(map(str, settings.output))}")


def _check_cluster(report: Report, settings: Settings) -> None:
    """Refuse to publish the result of one cluster in the name of another."""
    label = settings.cluster_label
    if label is not None and label[1] != report.provenance.cluster:
        raise UsageError(
            f"the result is of cluster {report.provenance.cluster or '(none given)'}, not {label[1]}",
            "Give the same --cluster-label as when it was computed, or none.",
        )


def _delete(settings: Settings) -> None:
    from sci_batch.sinks import pushgateway

    options = sink_options(settings, os.environ)
    key = {"group": group_name(options.push, settings.group_by)}
    if settings.cluster_label is not None:
        key["cluster"] = settings.cluster_label[1]
    for output in settings.output:
        pushgateway.delete(replace(options, target=output.target), key)
        if not settings.quiet:
            labels = ", ".join(f'{name}="{value}"' for name, value in sorted(key.items()))
            say(f"deleted from {output}: the group {labels}")
