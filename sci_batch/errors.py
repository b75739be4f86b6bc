"""Every expected failure: one sentence, one cure, one exit code.

The exit codes are part of the contract with CronJobs and CI (README, "Exit codes").
Whatever is not a `SciBatchError` is a bug: exit code 1, traceback kept.
"""

from __future__ import annotations


class SciBatchError(Exception):
    """An expected failure.

    Parameters
    ----------
    what
        One sentence: what failed, and what the other side said.
    cure
        What the user can do about it, naming the flag to try.
    """

    exit_code = 1

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.what}\n{self.cure}" if self.cure else self.what


class UsageError(SciBatchError):
    """A flag, an environment variable, the configuration file or an input file is wrong."""

    exit_code = 2


class GateBreached(SciBatchError):
    """A limit given by `--fail-on` was passed; the outputs are written before."""

    exit_code = 3


class NoDataError(SciBatchError):
    """The source answered, and holds nothing in this range."""

    exit_code = 4


class PartialError(SciBatchError):
    """Coverage is too low, books are open, an answer is partial, or another program has other numbers."""

    exit_code = 5


class AuthError(SciBatchError):
    """The source refused the login or the permission."""

    exit_code = 6


class SourceError(SciBatchError):
    """The source cannot be reached, or rejected the query; or the Impact Framework failed."""

    exit_code = 7


class SinkError(SciBatchError):
    """An output could not be written; the others were."""

    exit_code = 8


class LockedError(SciBatchError):
    """Another run holds the lock; nothing was done."""

    exit_code = 9


def no_room(error: OSError) -> SourceError:
    """The folder for temporary files is full, or nothing can be written there."""
    import tempfile  # late: the command line loads this module

    where = tempfile.tempdir or "none of the usual folders"
    return SourceError(
        f"no temporary file can be written ({where}): {error.strerror or error}",
        "Set TMPDIR to a folder with rights and space.",
    )
