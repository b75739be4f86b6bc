"""Fetching a long span in pieces that the server accepts."""

from __future__ import annotations

from collections.abc import Callable

from sci_batch.prometheus.problems import TooMuchError
from sci_batch.prometheus.samples import Samples

SHORTEST_RAW_MS = 60_000
"""Samples of a minute are asked for in one piece: less would hardly be less work for the server."""


def in_pieces(
    length: int, largest: int, smallest: int, fetch: Callable[[int, int, bool], Samples]
) -> list[Samples]:
    """Cover `[0, length)` with pieces, without overlap or hole, in order.

    A piece that is too much for the server is halved, and all later ones keep the smaller size: what
    was too much once would cost the server the same again.

    Parameters
    ----------
    length, largest, smallest
        In the caller's unit: points of a grid, milliseconds.
    fetch
        Called with the first unit of the piece, its length, and whether it could be halved further.

    Raises
    ------
    TooMuchError
        Even the smallest piece is too much.
    """
    parts: list[Samples] = []
    size, done = largest, 0
    while done < length:
        piece = min(size, length - done)
        can_halve = piece > smallest
        try:
            parts.append(fetch(done, piece, can_halve))
        except TooMuchError:
            if not can_halve:
                raise
            size = max(smallest, (piece + 1) // 2)
            continue
        done += piece
    return parts
