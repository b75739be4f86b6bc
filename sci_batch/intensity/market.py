"""Market-based figures (contracts, certificates, residual mixes) are no intensity in the sense of SCI."""

from __future__ import annotations

import re

from sci_batch.errors import UsageError

_WORDS = re.compile(
    r"\b(market|residual|supplier|contract(ual)?|ppa|recs?|eacs?|certificates?|offsets?|carbon.?free)\b"
)


def is_market(words: str) -> bool:
    """Whether a kind, a column or a metric is named after a market-based figure."""
    return bool(_WORDS.search(re.sub(r"[_-]+", " ", words.lower())))


def refuse_market(words: str) -> None:
    """Raise `UsageError` for a market-based figure."""
    if is_market(words):
        raise UsageError(
            f'{words} is market-based, and SCI 1.1 ("Region-specific carbon intensity") excludes that: '
            "the average or marginal intensity of the grid shall be used",
            "Give a location-based source, such as --intensity zone:DE.",
        )
