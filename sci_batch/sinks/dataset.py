"""A partitioned Parquet data set, `date=YYYY-MM-DD/cluster=NAME/result.parquet`, in a folder or a bucket.

`date` is the day in UTC in which a window starts, whatever `--tz`: the same window always lies in the same
file. There is one file for a day of a cluster, and it is only ever replaced as a whole, so a reader
finds each window once at every moment, and a run that broke off is finished by running it again.
What a run has no row for (an hour that another run computed, a day that the server has forgotten) stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

import numpy as np

from sci_batch.errors import SinkError, UsageError
from sci_batch.report import Provenance, Report
from sci_batch.sinks import SinkOptions, day_file, runs
from sci_batch.sinks.access import Push
from sci_batch.sinks.location import Location, located
from sci_batch.sinks.overlap import Cover
from sci_batch.sinks.runs import Rows
from sci_batch.sinks.storage import Storage, storage
from sci_batch.windows import rfc3339

FILE = "result.parquet"
NO_CLUSTER = "default"
"""Name of the partition of a run without `--cluster-label`."""
_NAME = re.compile(rf"date=(\d{{4}}-\d\d-\d\d)/cluster=([^/]+)/{re.escape(FILE)}")


def write(report: Report, options: SinkOptions) -> None:
    """Put each window of the report in the place of what is stored of that time; days in their order.

    Raises
    ------
    SinkError
        The store fails; or stored windows would be covered in part, and nothing is written then.
    """
    location = located(options.target)
    files = storage(location, options.push)
    cluster = report.provenance.cluster
    new = {_name(day, cluster): windows for day, windows in runs.windows_by_day(report).items()}
    with files.alone():
        stored = _near(files, cluster, new)
        stay = _staying(report.provenance, new, stored, location, no_clobber=options.no_clobber)
        for day, fresh in runs.by_day(report):  # a day at a time is in memory
            name = _name(day, cluster)
            kept = [runs.only(day_file.read(stored[name], name), stay[name])] if name in stay else []
            files.write(name, day_file.written(runs.together([*kept, fresh])))


def newest_end_ms(
    target: str, cluster: str = "", push: Push | None = None, namespace: tuple[str, ...] = ()
) -> int | None:
    """End of the newest window that is stored of a cluster [ms since the Unix epoch]; None without any.

    Parameters
    ----------
    target
        As in `-o parquet=TARGET`.
    cluster
        Value of `--cluster-label`; empty without it.
    push
        Patience with the store.
    namespace
        What `--namespace` selects.

    Raises
    ------
    SinkError
        The store or the newest file cannot be read, or it holds rows of another selection.
    UsageError
        The target is no folder that could hold a data set.
    """
    files = storage(located(target), push or Push())
    names = _names(files, {cluster or NO_CLUSTER})
    if not names:
        return None
    newest = _rows(files, names[-1])
    for run in newest.runs:
        _same_selection(run.provenance, namespace, located(target))
    return int(newest.windows_ms[-1, 1])


def read(target: str, cluster: str = "", push: Push | None = None) -> Report:
    """All that is stored, or one day of it (`DIR/date=2026-03-01`), as one report.

    Raises
    ------
    UsageError
        There is nothing, or there are several clusters and none is chosen.
    SinkError
        The store fails, or the rows are not of a kind.
    """
    location, day = _with_day(located(target))
    files = storage(location, push or Push())
    names = [name for name in _names(files, {cluster} if cluster else None) if name.startswith(f"date={day}")]
    clusters = sorted({_cluster(name) for name in names})
    if not names:
        of = f" of cluster {cluster}" if cluster else ""
        raise UsageError(f"{located(target)} holds no data set{of}", "Check the place, and --cluster-label.")
    if len(clusters) > 1:
        raise UsageError(
            f"{location} holds the clusters {', '.join(clusters)}",
            "Give one of them, such as --cluster-label cluster=" + clusters[0],
        )
    return runs.report_of(runs.together([_rows(files, name) for name in names]))


def _staying(
    made: Provenance, new: dict[str, np.ndarray], stored: dict[str, bytes], location: Location, *,
    no_clobber: bool,
) -> dict[str, list[int]]:  # fmt: skip
    """Starts [ms] of the stored windows that stay, by the name of a file that changes.

    Windows are replaced whole, so rows that the new run did not look for would be lost.

    Raises
    ------
    SinkError
        A stored window is covered in part, or by windows of another file; or any is, under `no_clobber`; or
        the rows are not of a kind.
    """
    everywhere = Cover(np.concatenate(list(new.values())))
    staying: dict[str, list[int]] = {}
    for name in sorted(stored):
        old, fresh = day_file.read(stored[name], name), new.get(name)
        for run in old.runs:
            _same_selection(run.provenance, made.namespace, location)
        windows = old.windows_ms
        covered = everywhere.of(windows)
        replaced = Cover(fresh).of(windows) if fresh is not None else 0 * covered
        if (in_part := (covered > 0) & (replaced < windows[:, 1] - windows[:, 0])).any():
            raise _in_part(location, windows[in_part][0], made.window)
        if no_clobber and covered.any():
            raise _exists(location, windows[covered > 0][0])
        if fresh is not None and (stay := windows[covered == 0, 0].tolist()):
            runs.check_alike([made, *(run.provenance for run in old.runs if {*stay} & {*run.windows})])
            staying[name] = stay
    return staying


def _same_selection(made: Provenance, namespace: tuple[str, ...], place: object) -> None:
    if made.namespace != namespace:
        there, here = (" and ".join(globs) or "all namespaces" for globs in (made.namespace, namespace))
        raise SinkError(
            f"{place} holds results of {there}, and these are of {here}: they would take each other's place",
            "Results of another --namespace belong in a folder of their own.",
        )


def _exists(location: Location, window: np.ndarray) -> SinkError:
    start = rfc3339(int(window[0]))
    return SinkError(
        f"{location} holds the window of {start}, and --no-clobber is given",
        "Give another folder, or only windows that are not there yet.",
    )


def _in_part(location: Location, window: np.ndarray, length: str) -> SinkError:
    start, end = (rfc3339(int(edge)) for edge in window)
    return SinkError(
        f"{location} holds a window of {start} to {end}, of which the new windows of {length} would count a "
        "part twice",
        "Windows of another length (--window, --tz) belong in a folder of their own.",
    )


def _near(files: Storage, cluster: str, new: dict[str, np.ndarray]) -> dict[str, bytes]:
    """The stored files that may hold time of the new windows: of their days, and the last one before them."""
    end_ms = max(int(windows[-1, 1]) for windows in new.values())
    first, last = min(new), _name(rfc3339(end_ms - 1)[:10], cluster)
    names = _names(files, {cluster or NO_CLUSTER})
    before = [name for name in names if name < first][-1:]
    return {name: files.read(name) for name in names if name in before or first <= name <= last}


def _rows(files: Storage, name: str) -> Rows:
    return day_file.read(files.read(name), name)


def _names(files: Storage, clusters: Iterable[str] | None) -> list[str]:
    """Files of the clusters (None: of all), by day."""
    wanted = None if clusters is None else set(clusters)
    found = [name for name in files.files() if _NAME.fullmatch(name)]
    return sorted(name for name in found if wanted is None or _cluster(name) in wanted)


def _cluster(name: str) -> str:
    found = _NAME.fullmatch(name)
    return unquote(found[2]) if found else ""


def _name(day: str, cluster: str) -> str:
    return f"date={day}/cluster={quote(cluster or NO_CLUSTER, safe='')}/{FILE}"


def _with_day(location: Location) -> tuple[Location, str]:
    """The data set and its day, which the place of one partition names; else no day."""
    root, _, last = location.path.rstrip("/").rpartition("/")
    if found := re.fullmatch(r"date=(\d{4}-\d\d-\d\d)", last):
        return Location(location.scheme, root or ("." if not location.scheme else "")), found[1]
    return location, ""
