"""Queries of the Prometheus HTTP API, for Prometheus 2 and 3, VictoriaMetrics, Thanos and Mimir."""

from __future__ import annotations

import copy
import json
import random
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlencode

import numpy as np

from sci_batch.errors import PartialError, SourceError
from sci_batch.prometheus.chunks import Chunks
from sci_batch.prometheus.decode import BrokenBodyError, Decoded, decode
from sci_batch.prometheus.early_answers import EarlyAnswers
from sci_batch.prometheus.http import HttpSettings
from sci_batch.prometheus.problems import Asked, clean, is_absent
from sci_batch.prometheus.samples import Samples, concat, contradicts, in_order, once
from sci_batch.prometheus.session import Heard, Session
from sci_batch.prometheus.slices import SHORTEST_RAW_MS, in_pieces
from sci_batch.prometheus.threads import threads

MOST_POINTS = 11_000
"""Per series and request: Prometheus refuses a few more."""

_BETWEEN = (
    "Check what stands between here and Prometheus: a cache that knows no forms, or one that aligns queries."
)

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Account:
    """Queries, warnings, and values left out by question; all of it is JSON."""

    queries: list[str]
    warnings: list[str]
    dropped: dict[str, int]


class Client:
    """One server, asked through one connection pool; use it in a `with` block. Safe for threads.

    Every query method returns its series sorted by labels and its samples by time, without values
    that are not finite, and raises `UsageError` (settings, secret files), `AuthError`,
    `SourceError` (unreachable, query rejected) or `PartialError` (the server warned).
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        sleep: Callable[[float], object] | None = None,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._session = Session(settings, sleep=sleep, jitter=jitter, clock=clock)
        self._lock = threading.Lock()
        # whoever asks, from whatever thread: no more than this many queries are under way
        self._room = threading.BoundedSemaphore(settings.concurrency)
        self._queries: set[str] = set()
        self._warnings: set[str] = set()
        self._dropped: dict[str, int] = {}
        self._chunks = Chunks(self._session, self._room, self._left_out)
        self._pool: ThreadPoolExecutor | None = None
        self._early_answers: EarlyAnswers | None = None
        self._early = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    @property
    def queries(self) -> list[str]:
        """The PromQL asked for, each once, sorted. A span fetched in pieces counts as one."""
        with self._lock:
            return sorted(self._queries)

    @property
    def warnings(self) -> list[str]:
        """What the server warned of, each once, sorted; only filled with `allow_partial`."""
        with self._lock:
            return sorted(self._warnings)

    @property
    def dropped(self) -> int:
        """Values left out so far: NaN, infinite, or native histograms."""
        with self._lock:
            return sum(self._dropped.values())

    @property
    def account(self) -> Account:
        """What was asked so far, and what is doubtful about the answers."""
        with self._lock:
            return Account(sorted(self._queries), sorted(self._warnings), dict(self._dropped))

    def recall(self, earlier: Account) -> None:
        """Answers of an earlier process are used: what it asked and heard counts as of this one."""
        with self._lock:
            self._queries.update(earlier.queries)
            self._warnings.update(earlier.warnings)
            self._dropped.update(earlier.dropped)

    @property
    def heard(self) -> Heard | None:
        """The latest answer beside its body, also a refusal; None before the first."""
        return self._session.heard

    def look_ahead(self, ask: Callable[[Client], None]) -> None:
        """Let `ask` ask in a thread what this client will be asked soon; no question is sent twice.

        What fails there fails again where it is asked in earnest, and is told then.
        """
        self._early_answers = shared = EarlyAnswers()
        early = copy.copy(self)
        early._early = True

        def work() -> None:
            with suppress(BaseException), shared:
                ask(early)

        threading.Thread(target=work, name="ahead", daemon=True).start()

    def instant(self, query: str, at_ms: int) -> Samples:
        """Value of each series at one time [Unix ms]; also raw samples, for a range selector."""
        return self._once(("instant", query, at_ms), lambda: self._instant(query, at_ms))

    def _instant(self, query: str, at_ms: int) -> Samples:
        self._note(query)
        form = [("query", query), ("time", _seconds(at_ms))]
        answer = self._ask("query", form, query, ("vector", "scalar", "matrix"), False)
        if not query.endswith("]") and len(answer) != len(answer.sets):
            suffix = Asked(self._settings.redacted_url, query).suffix
            raise SourceError(f"Prometheus answers with a matrix where a vector is needed{suffix}", _BETWEEN)
        return in_order(answer)

    def range(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> Samples:
        """Values at `start_ms`, `start_ms + step_ms`, ... up to and including `end_ms`, where on that grid.

        Long spans are fetched in pieces of at most 11,000 points, smaller ones when the server
        cannot answer so much; a single point that is too much raises `TooMuchError`, a `SourceError`.
        """
        if step_ms <= 0:
            raise ValueError("step_ms must be above 0")
        question = ("range", query, start_ms, end_ms, step_ms)
        return self._once(question, lambda: self._range(query, start_ms, end_ms, step_ms))

    def _range(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> Samples:
        self._note(query)

        def piece(first: int, points: int, can_halve: bool) -> Samples:
            start = start_ms + first * step_ms
            form = [
                ("query", query),
                ("start", _seconds(start)),
                ("end", _seconds(start + (points - 1) * step_ms)),
                ("step", _seconds(step_ms)),
            ]
            answer = self._ask("query_range", form, query, ("matrix",), can_halve)
            after = answer.time_ms - start
            on_grid = (after >= 0) & (after < points * step_ms) & (after % step_ms == 0)
            return self._at_times_asked(answer, on_grid, query)

        points = (end_ms - start_ms) // step_ms + 1
        return in_order(concat(in_pieces(points, MOST_POINTS, 1, piece)))

    def raw(self, selector: str, start_ms: int, end_ms: int) -> Samples:
        """Stored samples with `start_ms < time <= end_ms` of an instant vector selector.

        When the server cannot answer so much, the time is halved, down to one minute.
        """
        self._note(_raw_query(selector, end_ms - start_ms))

        def piece(first: int, length: int, can_halve: bool) -> Samples:
            start = start_ms + first
            query = _raw_query(selector, length)
            form = [("query", query), ("time", _seconds(start + length))]
            # Prometheus 2 also gives a sample on the left edge, 3 does not.
            samples = self._ask("query", form, query, ("matrix",), can_halve, edge_ms=start)
            within = (samples.time_ms > start) & (samples.time_ms <= start + length)
            return self._at_times_asked(samples, within, query)

        length = end_ms - start_ms
        return in_order(concat(in_pieces(length, max(length, 1), SHORTEST_RAW_MS, piece)))

    def stored(self, selector: str, start_ms: int, end_ms: int) -> Samples:
        """The same samples as `raw`, by remote read where the server offers it.

        It comes in whole chunks, mostly of 120 samples: ask for several hours at once.
        """
        question = ("stored", selector, start_ms, end_ms)
        return self._once(question, lambda: self._stored(selector, start_ms, end_ms))

    def _stored(self, selector: str, start_ms: int, end_ms: int) -> Samples:
        self._note(_raw_query(selector, end_ms - start_ms))
        samples = self._chunks.samples(selector, start_ms, end_ms)
        return self.raw(selector, start_ms, end_ms) if samples is None else samples

    def build_info(self) -> dict[str, str]:
        """What the server says about itself, such as `version`; empty when it does not say."""
        return self._about_itself("buildinfo")

    def runtime_info(self) -> dict[str, str]:
        """How the server runs, such as `storageRetention`; empty when it does not say."""
        return self._about_itself("runtimeinfo")

    def _about_itself(self, page: str) -> dict[str, str]:
        try:
            return self._session.get(f"status/{page}", _status)
        except SourceError as refused:
            # Proxies in front of many stores pass the queries only.
            if is_absent(refused):
                return {}
            raise

    def begun(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Future[Result]]:
        """Results in the order of the items, as they come; what was begun earlier goes first.

        What has not begun when the client is closed is not begun.
        """
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="prometheus")
        return [self._pool.submit(function, item) for item in items]

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Results in the order of the items, at most `concurrency` at work at a time.

        The first failure in that order is raised; what has not begun by then is not begun.
        """
        with threads(self._settings.concurrency, "prometheus") as pool:
            return list(pool.map(function, items))

    def _once(self, question: Hashable, ask: Callable[[], Samples]) -> Samples:
        if self._early_answers is None:
            return ask()
        return self._early_answers.answer(question, ask, early=self._early)

    def _note(self, query: str) -> None:
        with self._lock:
            self._queries.add(query)

    def _ask(
        self, path: str, form: list[tuple[str, str]], query: str, kinds: tuple[str, ...], may_shrink: bool,
        edge_ms: int | None = None,
    ) -> Samples:  # fmt: skip
        # VictoriaMetrics would shift the times asked for without nocache; others do not know it.
        form = [*form, ("nocache", "1")]
        with self._room:
            decoded = self._session.post(
                path, form, lambda body: decode(body, edge_ms), query=query, may_shrink=may_shrink
            )
        suffix = Asked(self._settings.redacted_url, query).suffix
        if decoded.kind not in kinds:
            raise SourceError(
                f"Prometheus answers with a {decoded.kind} where a {' or '.join(kinds)} is needed{suffix}",
                "Correct the query where it was given.",
            )
        self._take_in(decoded, suffix, urlencode(form))
        samples = once(decoded.samples)
        # Stored samples may: VictoriaMetrics keeps what two scrapers wrote, and the larger value is taken.
        if not query.endswith("]") and contradicts(samples):
            raise SourceError(
                f"Prometheus answers with two values of one series at one time{suffix}", _BETWEEN
            )
        return samples

    def _at_times_asked(self, samples: Samples, fits: np.ndarray, query: str) -> Samples:
        if not fits.all():
            suffix = Asked(self._settings.redacted_url, query).suffix
            raise SourceError(f"Prometheus answers for other times than were asked for{suffix}", _BETWEEN)
        return samples

    def _take_in(self, decoded: Decoded, suffix: str, question: str) -> None:
        warnings = sorted({clean(text) for text in decoded.warnings})
        if warnings and not self._settings.allow_partial:
            raise PartialError(
                f"Prometheus says that its answer is incomplete ({'; '.join(warnings[:3])}){suffix}",
                "--allow-partial takes it nevertheless, and marks the output.",
            )
        with self._lock:
            self._warnings.update(warnings)
        self._left_out(question, decoded.dropped)

    def _left_out(self, question: str, count: int) -> None:
        """A question that is asked again, of another run before or after a stop, counts once."""
        if count:
            with self._lock:
                self._dropped[question] = count


def _raw_query(selector: str, length_ms: int) -> str:
    return f"{selector}[{length_ms}ms]"


def _seconds(ms: int) -> str:
    """Milliseconds as seconds, exact: `1700000000`, `1700000000.123`, `0.5`."""
    whole, rest = divmod(abs(ms), 1000)
    sign = "-" if ms < 0 else ""
    return f"{sign}{whole}.{rest:03d}".rstrip("0").rstrip(".") if rest else f"{sign}{whole}"


def _status(body: bytes) -> dict[str, str]:
    try:
        data = json.loads(body)["data"]
        return {str(key): str(value) for key, value in data.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BrokenBodyError("not a status page of Prometheus") from None
