"""Remote write 1.0: every window with its own time, to Prometheus, Mimir, VictoriaMetrics and their like.

A sample stands at the end of its window. Servers look back five minutes only, so a panel asks for
`last_over_time(sci_batch_carbon_grams[1h])` with the length of a window. The same result sent twice is the
same samples; whether a server takes what is older than its newest sample is a setting of that server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from sci_batch.errors import SinkError
from sci_batch.prometheus.problems import clean
from sci_batch.report import Report
from sci_batch.sinks import SinkOptions
from sci_batch.sinks.access import shown
from sci_batch.sinks.delivery import SHOWN_WORDS, Delivery, RefusedError
from sci_batch.sinks.families import Family, Labels, check_count, common_labels, last_success, of_report
from sci_batch.sinks.protobuf import write_request
from sci_batch.units import MS_PER_SECOND, SECONDS_PER_HOUR
from sci_batch.windows import rfc3339

NAME = "a remote-write receiver"
DEFAULT_PATH = "/api/v1/write"
"""Of Prometheus and VictoriaMetrics, for an address without a path; Mimir has /api/v1/push."""
SAMPLES_AT_ONCE = 5_000
HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
CONTRADICTS = re.compile(
    r"(duplicate|duplicated).(sample|timestamp)|sample.duplicate|same timestamp", re.IGNORECASE
)
"""What servers say of a sample with another value than the one that they have at this time."""
TOO_LATE = re.compile(
    rf"out.of.order|out.of.bounds|too.(far.behind|old)|{CONTRADICTS.pattern}", re.IGNORECASE
)
"""What servers say of samples that are older than they take, or that contradict what they have. Prometheus
says some of it with HTTP 500, as if it would pass."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What is sent, in the order of time."""

    labels: tuple[Labels, ...]
    """Of each series, `__name__` among them."""
    series: np.ndarray
    time_ms: np.ndarray
    value: np.ndarray

    def part(self, wanted: slice | np.ndarray) -> Samples:
        """Some of the samples."""
        return Samples(self.labels, self.series[wanted], self.time_ms[wanted], self.value[wanted])

    def body(self) -> bytes:
        """One request: a snappy block of protobuf. Arrow's codec is the raw block that is asked for."""
        plain = write_request(self.labels, self.series, self.time_ms, self.value)
        return bytes(pa.compress(plain, codec="snappy", asbytes=True))


def write(report: Report, path: Path | None, options: SinkOptions) -> None:  # noqa: ARG001 -- sinks are alike
    """All windows, the oldest first; then, when all are in, the time of the success."""
    common = common_labels(report, options.push, job=True)
    families = of_report(report, common)
    success = last_success(common, options.now_ms)
    check_count([*families, success], options.push)
    url = shown(_with_path(options.target))
    with Delivery(options.target, options.push, name=NAME, final=TOO_LATE) as delivery:
        late = _send(delivery, url, _in_time(families))
        if late:
            raise _too_late(late, url, options.now_ms)
        _claim(delivery, url, _in_time([success]))


def _claim(delivery: Delivery, url: str, success: Samples) -> None:
    """Send the time of the success, which alerts wait for."""
    try:
        delivery.send("POST", url, success.body(), HEADERS)
    except SinkError as failed:
        raise SinkError(
            f"{failed.what}; all windows are in, but not the time of this success", failed.cure
        ) from None


def _send(delivery: Delivery, url: str, samples: Samples) -> dict[int, str]:
    """Times [ms] that the server found too old, and its words; the others are in.

    Raises
    ------
    SinkError
        Names the windows that are in.
    """
    late: dict[int, str] = {}
    for piece in _pieces(samples):
        try:
            late |= _deliver(delivery, url, piece)
        except SinkError as failed:
            raise _broken_off(failed, samples, piece, late) from None
    return late


def _deliver(delivery: Delivery, url: str, piece: Samples) -> dict[int, str]:
    """Send one piece; the times that came too late."""
    try:
        delivery.send("POST", url, piece.body(), HEADERS)
    except RefusedError as refused:
        if not TOO_LATE.search(refused.said):
            raise
        times = np.unique(piece.time_ms).tolist()
        if len(times) == 1:
            return {times[0]: refused.said}
        late: dict[int, str] = {}
        # Prometheus refuses a request as a whole: one by one, the newer windows may still get in.
        for time_ms in times:
            late |= _deliver(delivery, url, piece.part(piece.time_ms == time_ms))
        return late
    return {}


def _pieces(samples: Samples) -> Iterator[Samples]:
    for first in range(0, len(samples.value), SAMPLES_AT_ONCE):
        yield samples.part(slice(first, first + SAMPLES_AT_ONCE))


def _in_time(families: list[Family]) -> Samples:
    """All samples by time, then by series."""
    labels: list[Labels] = []
    series = []
    for family in families:
        series.append(family.series + len(labels))
        labels += (tuple(sorted((("__name__", family.metric.name), *pairs))) for pairs in family.labels)
    number = np.concatenate(series)
    time_ms = np.concatenate([family.time_ms for family in families])
    value = np.concatenate([family.value for family in families])
    order = np.lexsort((number, time_ms))
    return Samples(tuple(labels), number[order], time_ms[order], value[order])


def _with_path(target: str) -> str:
    parts = urlsplit(target)
    return target if parts.path.rstrip("/") else parts._replace(path=DEFAULT_PATH).geturl()


def _broken_off(failed: SinkError, samples: Samples, piece: Samples, late: dict[int, str]) -> SinkError:
    first = int(piece.time_ms[0])
    if not (samples.time_ms < first).any():
        return SinkError(f"{failed.what}; no window is in", failed.cure)
    but = f" (but for {len(late)} that it found too old)" if late else ""
    landed = f"windows that end before {rfc3339(first)} are in{but}, the others are not, or not whole"
    return SinkError(f"{failed.what}; {landed}", failed.cure)


def _too_late(late: dict[int, str], url: str, now_ms: int) -> SinkError:
    times = sorted(late)
    ends = ", ".join(map(rfc3339, times[:3]))
    ends += f", ... {rfc3339(times[-1])}" if len(times) > 3 else ""
    said = clean(late[times[0]], SHOWN_WORDS)
    windows = "1 window, which ends" if len(times) == 1 else f"{len(times)} windows, which end"
    return SinkError(
        f"{NAME} at {url} did not take {windows} at {ends}: {said}", _cure(said, now_ms - times[0])
    )


def _cure(said: str, age_ms: int) -> str:
    """What helps against a refusal for good; `age_ms` is that of the oldest window that was refused."""
    if CONTRADICTS.search(said):
        return (
            "It has another value at that time and keeps it: publish by another --push-group, or delete the "
            "old series there first."
        )
    hours = max(0, age_ms) // (SECONDS_PER_HOUR * MS_PER_SECOND) + 2
    return (
        f"Let it take late samples: out_of_order_time_window: {hours}h (Prometheus: under storage.tsdb in "
        "prometheus.yml; Mimir: under limits). Then send all again: what it has already does no harm."
    )
