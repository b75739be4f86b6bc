"""`sci-batch explain`: how one number came about."""

from __future__ import annotations

import os
from typing import Any

from sci_batch.cli.log import say
from sci_batch.cli.options import with_options
from sci_batch.cli.terminal import now_ms, page_options, progress, show
from sci_batch.cli.writing import PAGE_FORMATS, form_of_page
from sci_batch.errors import UsageError
from sci_batch.settings import Loaded
from sci_batch.windows import check_window

WIDEST = 140
"""Characters beyond which a page is no easier to read."""
_NAME = "Which row: api, shop/api or shop/Deployment/api; the last part is the last key of --group-by."


def _time_or_length(given: dict[str, Any]) -> None:
    """`--window` names a window by a time in it; a length is that of `compute`."""
    text = given.get("window")
    if text is None:
        return
    try:
        check_window(text)
    except UsageError:
        given["window"] = None
        given["at"] = given["at"] or text


@with_options("explain", (("workload", _NAME),), prepare=_time_or_length)
def explain(loaded: Loaded, workload: str) -> None:
    """The arithmetic of one row from the meters to the score, ending in the same number.

    Example: sci-batch explain shop/api --since 24h -p http://prometheus:9090 --intensity 380

    Takes every flag of compute. The newest window, or the one that holds the time of --window. Without a
    Prometheus: sci-batch explain api --demo; a stored result tells its row alone: --from result.parquet
    """
    settings = loaded.settings
    form = form_of_page(settings.output)
    if loaded.origins["output"] == "--output":  # those of a configuration are meant for compute
        for output in settings.output:
            if output.place or output.format not in PAGE_FORMATS:
                say(f"note: explain prints one page, as a table or json; -o {output} is left out")
    from sci_batch import explain as explaining
    from sci_batch import stored
    from sci_batch.explain import document, page

    now = now_ms(os.environ)
    if settings.from_file is not None:
        report = stored.read(settings.from_file, settings.unit_name)
        told = explaining.of_result(report, workload, at=settings.at, now_ms=now)
    else:
        with progress(settings) as tell:
            told = explaining.run(settings, workload, at=settings.at, now_ms=now, progress=tell)
    if form == "json":
        show(document.text(told))
    else:
        show(page.text(told, page_options(settings, os.environ, WIDEST)))
