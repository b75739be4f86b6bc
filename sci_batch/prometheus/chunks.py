"""Raw samples by remote read, as long as the server offers it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from sci_batch.errors import SourceError
from sci_batch.prometheus import remote_offer
from sci_batch.prometheus.problems import TooMuchError
from sci_batch.prometheus.remote_offer import NotOfferedError, Offer
from sci_batch.prometheus.samples import Samples, concat, in_order
from sci_batch.prometheus.selectors import matchers
from sci_batch.prometheus.session import Session
from sci_batch.prometheus.slices import SHORTEST_RAW_MS, in_pieces

log = logging.getLogger(__name__)


class Chunks:
    """Reads stored chunks. Looks at the first call whether the server can, and stops where it cannot.

    Parameters
    ----------
    session
        Where to ask.
    room
        Held during each request.
    left_out
        Told of a question, and of the number of its values that are not finite.
    """

    def __init__(
        self, session: Session, room: AbstractContextManager[object], left_out: Callable[[str, int], None]
    ) -> None:
        self._session = session
        self._room = room
        self._left_out = left_out
        self._looking = threading.Lock()
        self._looked = False
        self._told = threading.Event()
        self._offer: Offer | None = None
        self._labels_from: dict[str, tuple[int, frozenset[str]]] = {}

    def samples(self, selector: str, start_ms: int, end_ms: int) -> Samples | None:
        """The samples with `start_ms < time <= end_ms`; None where they must be asked for in JSON.

        Raises
        ------
        AuthError, UsageError
            See `Session.post`.
        """
        offer = self._offered()
        if offer is None:
            return None
        try:
            return self._read(offer, selector, start_ms, end_ms)
        except TooMuchError:  # even a minute: the queries have other limits
            return None
        except NotOfferedError as why:
            self._stop(why)
        except SourceError as refused:
            self._stop(NotOfferedError(refused.what, odd=True))
        return None

    def _read(self, offer: Offer, selector: str, start_ms: int, end_ms: int) -> Samples:
        from sci_batch.prometheus import remote_read

        wanted = matchers(selector)
        if wanted is None:
            raise NotOfferedError(f"{selector} is no plain selector")
        if offer.external and offer.external & self._stored_labels(selector, start_ms):
            raise NotOfferedError("series have labels of their own that are among the server's external ones")

        dropped: list[int] = []

        def piece(first: int, length: int, can_halve: bool) -> Samples:
            start = start_ms + first
            end = start + length
            with self._room:
                decoded = self._session.post_message(
                    remote_read.PATH, remote_read.request(wanted, start, end), remote_read.HEADERS,
                    lambda answer: remote_read.read(answer, start, end, offer.external),
                    query=f"{selector}[{length}ms]", may_shrink=can_halve,
                )  # fmt: skip
            dropped.append(decoded.dropped)
            return decoded.samples

        length = end_ms - start_ms
        try:
            samples = in_order(concat(in_pieces(length, max(length, 1), SHORTEST_RAW_MS, piece)))
        except remote_read.UnknownAnswerError as unknown:
            raise NotOfferedError(str(unknown), odd=True) from None
        self._left_out(f"{selector}[{length}ms] at {end_ms}", sum(dropped))
        return samples

    def _stored_labels(self, selector: str, start_ms: int) -> frozenset[str]:
        """Names of the labels of a selector's series, asked once for this time and all that is later."""
        known = self._labels_from.get(selector)
        if known is None or start_ms < known[0]:
            known = start_ms, remote_offer.stored_labels(self._session, selector, start_ms)
            self._labels_from[selector] = known
        return known[1]

    def _offered(self) -> Offer | None:
        """What the server offers; asked at the first call."""
        with self._looking:
            if not self._looked:
                self._looked = True
                try:
                    self._offer = remote_offer.look(self._session)
                except NotOfferedError as why:
                    self._stop(why)
            return self._offer

    def _stop(self, why: NotOfferedError) -> None:
        """Once is enough, also where several requests are refused at the same time."""
        self._offer = None
        if not self._told.is_set():
            self._told.set()
            log.info(
                "raw samples are read as JSON, not by remote read (the numbers are the same): %s",
                str(why).rstrip("."), extra={"tell": why.odd},
            )  # fmt: skip
