"""`sci-batch push`: a stored result to a Pushgateway or a remote-write receiver, or a group away from one."""

from __future__ import annotations

import os
from dataclasses import replace

from sci_batch.cli.log import say
from sci_batch.cli.options import with_options
from sci_batch.cli.report import write_stored
from sci_batch.cli.terminal import sink_options
from sci_batch.cli.writing import refuse_early
from sci_batch.settings import Loaded, Settings
from sci_batch.sinks.access import group_name


@with_options("push")
def push(loaded: Loaded) -> None:
    """Send a stored result (Parquet, JSON or CSV) to a server; nothing is computed.

    Example: sci-batch push --from result.parquet -o pushgateway=http://pushgateway:9091

    Take a group away: sci-batch push --delete -o pushgateway=http://pushgateway:9091
    """
    settings = loaded.settings
    refuse_early(settings.output, settings, os.environ)
    if settings.delete:
        _delete(settings)
    elif settings.from_file is not None:
        write_stored(settings, settings.from_file, settings.output)


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
