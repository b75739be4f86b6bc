"""Whether a server offers remote read in a way that gives the same samples as its queries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec

from sci_batch.errors import SciBatchError
from sci_batch.prometheus.decode import BrokenBodyError
from sci_batch.prometheus.problems import is_absent
from sci_batch.prometheus.session import Session

NEEDED = ("google.protobuf", "google_crc32c")
"""Modules of the extra `fast`."""
NO_SERIES = "sci_batch_probe"
"""A metric that nobody has: the answer's kind is known before there is any."""


class NotOfferedError(Exception):
    """Remote read cannot be used; says why.

    Parameters
    ----------
    odd
        Whether that is a fault, which people should know of. Else it is how many servers are.
    """

    def __init__(self, why: str, *, odd: bool = False) -> None:
        super().__init__(why)
        self.odd = odd


@dataclass(frozen=True, slots=True)
class Offer:
    """What must be known to read remotely."""

    external: frozenset[str]
    """Labels that the server adds to every series on this way only (`external_labels`)."""


def look(session: Session) -> Offer:
    """Ask the server, once and without trying again: JSON does as well.

    Raises
    ------
    NotOfferedError
        The extra is not installed, the server does not answer in streamed chunks or does not tell how it is
        configured, or its answers hold samples of other servers, whose failures remote read would not tell.
    """
    if not all(map(_is_installed, NEEDED)):
        raise NotOfferedError("the extra is not installed: pip install 'sci-batch[fast]'")
    from sci_batch.prometheus import remote_read
    from sci_batch.prometheus.selectors import Matcher

    body = remote_read.request([Matcher("__name__", "=", NO_SERIES)], 0, 1)
    try:
        session.post_message(remote_read.PATH, body, remote_read.HEADERS, remote_read.check, retry=False)
        config = session.get("status/config", _yaml)
    except remote_read.NotStreamedError as older:
        raise NotOfferedError(str(older)) from None
    except remote_read.UnknownAnswerError as unknown:
        raise NotOfferedError(str(unknown), odd=True) from None
    except SciBatchError as refused:
        raise NotOfferedError(refused.what, odd=not is_absent(refused)) from None
    if re.search(r"^remote_read:", config, re.MULTILINE):
        raise NotOfferedError("the server reads from other servers itself")
    return Offer(external_labels(config))


def stored_labels(session: Session, selector: str, start_ms: int) -> frozenset[str]:
    """Names of the labels that series of a selector have in storage, from a time on.

    Without an end: Prometheus 2 looks for series of late samples only where it looks up to now.

    Raises
    ------
    SourceError, AuthError, UsageError
        See `Session.post`.
    """
    form = [("match[]", selector), ("start", f"{start_ms / 1000:.3f}")]
    return session.post("labels", form, _names, query=selector)


def external_labels(config: str) -> frozenset[str]:
    r"""Names of the external labels in a configuration as Prometheus prints it.

    >>> sorted(external_labels("global:\n  external_labels:\n    cluster: a\n    replica: b\na: []"))
    ['cluster', 'replica']
    """
    import yaml

    # the whole may hold thousands of scrape targets
    block = re.search(r"^global:\n(?:[ \t].*\n?|\n)*", config, re.MULTILINE)
    try:
        settings = (yaml.safe_load(block[0]) if block else {}) or {}
        return frozenset(settings.get("global", {}).get("external_labels") or ())
    except (yaml.YAMLError, AttributeError, TypeError):
        raise NotOfferedError("the server's configuration cannot be read", odd=True) from None


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def _yaml(body: bytes) -> str:
    try:
        return str(json.loads(body)["data"]["yaml"])
    except (ValueError, KeyError, TypeError):
        raise BrokenBodyError("not a configuration") from None


def _names(body: bytes) -> frozenset[str]:
    try:
        names: Iterable[object] = json.loads(body)["data"]
        return frozenset(map(str, names))
    except (ValueError, KeyError, TypeError):
        raise BrokenBodyError("not a list of labels") from None
