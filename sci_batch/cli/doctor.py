"""`sci-batch doctor`: before the first run."""

from __future__ import annotations

import os
from dataclasses import replace

import typer

from sci_batch.cli.log import say
from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import now_ms, page_options, progress, show
from sci_batch.cli.writing import form_of_page
from sci_batch.settings import Loaded
from sci_batch.windows import LAST_RUN


@with_options("doctor")
def doctor(loaded: Loaded) -> None:
    """Look at server, Kepler, Kubernetes and the size of the pull before the first run.

    Example: sci-batch doctor --since 24h -p http://prometheus:9090 --intensity region:auto

    Takes every flag of compute, so that the command line of a job can be checked as it stands; prints a
    table, or with -o json one object for machines. Nothing is computed and no file is written. A problem
    exits with the code that compute would end with, a warning with 0 (with --strict: 5).
    """
    settings = loaded.settings
    if settings.since_seconds == LAST_RUN:  # as the very first run of the job would
        settings = replace(settings, since_seconds=settings.first_since_seconds)
    form = form_of_page(settings.output)
    from sci_batch import doctor as doctors
    from sci_batch.doctor import json, table

    with progress(settings) as tell:
        diagnosis = doctors.diagnose(settings, now_ms=now_ms(os.environ), progress=tell)
    for fault in diagnosis.faults:
        say(fault)
    if form == "json":
        written = json.text(diagnosis, strict=settings.strict).encode()
    else:
        options = page_options(settings, os.environ, table.WIDEST)
        written = table.page(diagnosis, options, strict=settings.strict).encoded()
    show(written)
    if code := diagnosis.exit_code(strict=settings.strict):
        raise typer.Exit(code)
