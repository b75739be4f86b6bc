"""The command line's front door and its one error boundary."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Annotated

import typer

from sci_batch.cli.commands import Commands
from sci_batch.cli.ending import INTERRUPTED, STOPPED, TERMINATED, exit_code
from sci_batch.cli.log import begin, say, show_bug, show_error
from sci_batch.cli.quick import keep_all
from sci_batch.cli.terminal import abandon_stdout
from sci_batch.cli.version import PROGRAM, version
from sci_batch.errors import SciBatchError, SinkError, UsageError

# The base of everything a wrong flag raises. typer may carry a click of its own, so click's own
# class would be another one.
_COMMAND_LINE_ERROR: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    cls=Commands,
    help="What a unit of work of your software costs the climate: "
    "Kepler's energy from Prometheus, carbon, SCI score.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _front(
    context: typer.Context,
    show_version: Annotated[  # noqa: ARG001 -- it has been looked at before
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(UsageError.exit_code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code (README, "Exit codes").

    Parameters
    ----------
    argv
        Arguments without the program's name; None: those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    begin(arguments, os.environ)
    try:
        code = typer.main.get_command(app).main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except SciBatchError as error:
        show_error(error)
        return exit_code(error)
    except BrokenPipeError:
        abandon_stdout()
        return 0
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except _COMMAND_LINE_ERROR as error:
        return _wrong_command_line(error)
    except SystemExit as stop:
        return _stopped(stop)
    except Exception as error:  # the boundary: whatever else comes here is a bug
        if _output_is_full(error):
            return _no_room(error)
        show_bug(error)
        return exit_code(error)
    if code == INTERRUPTED:
        say(STOPPED[INTERRUPTED])
    return code if isinstance(code, int) else 0


def _output_is_full(error: Exception) -> bool:
    """Files are written by sinks, which say their names; what has none is a stream."""
    full = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
    return isinstance(error, OSError) and error.filename is None and error.errno in full


def _no_room(error: Exception) -> int:
    why = getattr(error, "strerror", error)
    told = SinkError(f"standard output could not be written: {why}", "Make room, or write to another place.")
    abandon_stdout()
    show_error(told)
    return exit_code(told)


def _wrong_command_line(error: Exception) -> int:
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else PROGRAM
    show_error(UsageError(message, f"See {command} --help."))
    return UsageError.exit_code


def _stopped(stop: SystemExit) -> int:
    if isinstance(stop.__context__, BrokenPipeError):  # typer turns it into exit 1
        abandon_stdout()
        return 0
    code = exit_code(stop)
    if code == TERMINATED:
        say(STOPPED[TERMINATED])
    return code


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    # An exception, so that temporary files go away: a pod is stopped by SIGTERM. Once: a second one must
    # not disturb the cleaning up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(TERMINATED)


def run() -> None:
    """Entry point of the console script."""
    signal.signal(signal.SIGTERM, _terminate)
    code = main()
    if code and threading.active_count() > 1:
        # All is cleaned up. Python would wait for threads that wait for a server, longer than a pod is given.
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    keep_all()
    sys.exit(code)
