"""The way to the workers: those of a scheduler, or some on this machine for one run."""

from __future__ import annotations

import gc
import logging
import re
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError as Cancelled
from contextlib import contextmanager
from typing import Any

from sci_batch.engine import shard
from sci_batch.errors import SourceError, UsageError
from sci_batch.inputs import Progress
from sci_batch.settings import OPTIONS, Settings, http_settings

_ADDRESS = re.compile(
    r"(?P<way>tcp|tls)://(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s/:@\[\]]+)):(?P<port>\d{1,5})/?"
)
_HEARD_SECONDS = 10
"""A Dask scheduler speaks first."""
_SAME = ("sci_batch", "numpy", "pandas")
"""What makes the numbers."""


@contextmanager
def connected(settings: Settings, progress: Progress) -> Iterator[Any]:
    """A `distributed.Client` of `--scheduler`; without an address, of workers on this machine for this run.

    Raises
    ------
    UsageError
        Dask is not installed, the address is none, its certificates are missing, the workers have another
        version, or a secret would travel in the open.
    SourceError
        No scheduler answers in time, or it has no workers.
    """
    try:
        import distributed
    except ImportError:
        raise UsageError(
            "--engine dask needs the package distributed",
            "Run: pip install distributed (the extra sci-batch[dask])",
        ) from None
    _silence()
    if settings.scheduler is None:
        try:
            with (
                distributed.LocalCluster(
                    n_workers=settings.workers, threads_per_worker=1, dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                ) as local,
                distributed.Client(local, set_as_default=False) as client,
            ):  # fmt: skip
                yield client
        finally:
            gc.collect()  # what the processes shared: a run that is stopped does not come to Python's own end
        return
    address = settings.scheduler
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise UsageError(
            f"{address!r} is no address of a Dask scheduler",
            "Give --scheduler tcp://HOST:PORT or tls://HOST:PORT.",
        )
    host = found["six"] or found["host"]
    if found["way"] == "tcp":
        _no_secrets_in_the_open(settings, host)
    trust = _trust() if found["way"] == "tls" else None
    with _joined(address, (host, int(found["port"])), trust, progress) as client:
        _wait_for_workers(client, settings, address, progress)
        _check(client, address)
        yield client


def answer(future: Any) -> Any:
    """What a task made.

    Raises
    ------
    SciBatchError
        As the task met it; or the workers, or the scheduler, are lost.
    """
    from distributed import KilledWorker

    try:
        found = future.result()
    except KilledWorker:
        raise SourceError(
            "a part of the work was given up, as each worker that took it on died",
            "Give the workers more memory, or make the parts smaller: a shorter range, or more workers.",
        ) from None
    except (Cancelled, OSError) as error:
        raise SourceError(
            f"the Dask scheduler, or what the workers held, is lost ({type(error).__name__})",
            "See the log of the scheduler, and run again.",
        ) from None
    if isinstance(found, shard.Failed):
        raise found.error()
    return found


def _silence() -> None:
    """What distributed would say here, we say."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _no_secrets_in_the_open(settings: Settings, host: str) -> None:
    if host in ("localhost", "::1") or host.startswith("127."):
        return
    held = [
        option.environment for name, option in OPTIONS.items() if option.secret and getattr(settings, name)
    ]
    if http_settings(settings).url_login is not None:
        held.append("--prometheus-url")
    if held:
        raise UsageError(
            f"what {' and '.join(held)} holds would travel to the workers in the open",
            "Give it in a file that the workers have too, such as --header-file or --basic-auth-file, or a "
            "scheduler at tls://.",
        )


def _trust() -> ssl.SSLContext:
    from distributed.security import Security

    cure = (
        "Dask's own settings name them: DASK_DISTRIBUTED__COMM__TLS__CA_FILE and "
        "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and __KEY."
    )
    try:
        found = Security().get_connection_args("client")["ssl_context"]
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"the certificates for --scheduler tls:// cannot be read ({error})", cure) from None
    if found is None:
        raise UsageError("--scheduler tls:// needs certificates", cure)
    made: ssl.SSLContext = found
    return made


def _seconds() -> float:
    """How long is waited for the scheduler, and then for the workers: as Dask's settings say."""
    import dask
    from dask.utils import parse_timedelta

    return float(parse_timedelta(dask.config.get("distributed.comm.timeouts.connect", "30s")))


@contextmanager
def _joined(
    address: str, place: tuple[str, int], trust: ssl.SSLContext | None, progress: Progress
) -> Iterator[Any]:
    from distributed import Client

    progress("waiting for the Dask scheduler", 0.0)
    _wait_for_scheduler(address, place, trust)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions that differ: we look ourselves
        try:
            client = Client(address, timeout=_seconds(), set_as_default=False)
        except (OSError, ImportError) as error:
            raise _silent(address, error) from None
    with client:
        yield client


def _wait_for_scheduler(address: str, place: tuple[str, int], trust: ssl.SSLContext | None) -> None:
    """Dask itself would wait for ever on another kind of server."""
    end = time.monotonic() + _seconds()
    while True:
        try:
            with socket.create_connection(place, timeout=_HEARD_SECONDS) as plain:
                wire = trust.wrap_socket(plain) if trust else plain
                with wire:
                    if wire.recv(1):
                        return
            raise TimeoutError
        except TimeoutError:
            raise SourceError(
                f"what answers at {address} is no Dask scheduler",
                "Check --scheduler: one with TLS is at tls://, the dashboard has another port.",
            ) from None
        except ssl.SSLError as error:
            raise _silent(address, error) from None
        except OSError as error:
            if time.monotonic() > end:
                raise _silent(address, error) from None
        time.sleep(0.2)


def _silent(address: str, error: Exception) -> SourceError:
    why = getattr(error, "strerror", None) or error
    return SourceError(f"the Dask scheduler {address} does not answer ({why})", "Check --scheduler.")


def _wait_for_workers(client: Any, settings: Settings, address: str, progress: Progress) -> None:
    wanted = settings.workers or 1
    progress("waiting for the Dask workers", 0.0)
    try:
        client.wait_for_workers(wanted, timeout=_seconds())
    except TimeoutError:
        there = len(client.nthreads())
        raise SourceError(
            f"the Dask scheduler {address} has {there or 'no'} {'worker' if there == 1 else 'workers'}"
            + (f", not {wanted}" if wanted > 1 else ""),
            "Start workers; DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT=5m waits longer for them.",
        ) from None


def _check(client: Any, address: str) -> None:
    ours = _versions()
    told = client.run(_versions, on_error="return").values()
    if any(isinstance(theirs, Exception) for theirs in told):
        raise UsageError(
            f"workers of {address} have no sci-batch, or one that cannot be used",
            f"Give the workers the same packages: sci-batch {ours['sci_batch']}.",
        )
    for name, version in ours.items():
        other = sorted({theirs[name] for theirs in told} - {version})
        if other:
            raise UsageError(
                f"workers of {address} have {name.replace('_', '-')} {', '.join(other)}, "
                f"and this is {version}",
                "Give the workers the same packages.",
            )


def _versions() -> dict[str, str]:
    from importlib import import_module

    return {name: str(import_module(name).__version__) for name in _SAME}
