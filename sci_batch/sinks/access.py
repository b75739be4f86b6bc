"""How published results reach their servers: the wishes, and what can be checked before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sci_batch.errors import UsageError
from sci_batch.prometheus.http import HttpSettings, is_header, split_url
from sci_batch.schema import LABEL_KEY_PREFIX, label_column

JOB = "sci_batch"
"""Value of the label `job` wherever we publish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Login, patience and limits of everything that is published. Secrets are named by file."""

    group: str | None = None
    """Name of this kind of result, value of the label `group`; None: the group keys, joined."""
    max_series: int = 10_000
    bearer_token_file: Path | None = None
    basic_auth_file: Path | None = None
    """File with one line `user:password`."""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    header_file: Path | None = None
    """File with lines `Name: value`."""
    org_id: str | None = None
    """Tenant, sent as `X-Scope-OrgID`."""
    timeout_seconds: float = 60.0
    """Longest wait for an answer; for the connection it is 10 s at most."""
    retries: int = 5
    """Tries after the first."""

    @property
    def files(self) -> dict[str, Path]:
        """Flag to file, of those that are given."""
        given = {
            "--push-bearer-token-file": self.bearer_token_file,
            "--push-basic-auth-file": self.basic_auth_file,
            "--push-ca-file": self.ca_file,
            "--push-cert-file": self.cert_file,
            "--push-key-file": self.key_file,
            "--push-header-file": self.header_file,
        }
        return {flag: path for flag, path in given.items() if path is not None}


_LOGINS: tuple[str, ...] = ("--push-bearer-token-file", "--push-basic-auth-file")


def check_target(value: str) -> str:
    """The address of a server; no message repeats it, as it may hold a login.

    Raises
    ------
    UsageError
        Not http(s), no host, or a password that is not percent-encoded.
    """
    try:
        split_url(value)
    except UsageError:
        raise UsageError(
            "the address is no http:// or https:// URL with a host",
            "Give for example pushgateway=http://pushgateway:9091 or "
            "remote-write=http://prometheus:9090/api/v1/write; a password in it must be percent-encoded.",
        ) from None
    return value.strip()


def shown(target: str) -> str:
    """The address without login, query string and trailing slash, fit for messages.

    >>> shown("https://user:secret@host:9091/prefix/?key=secret")
    'https://host:9091/prefix'
    """
    parts = split_url(target)
    return f"{parts.scheme}://{_host(target)}{parts.path.rstrip('/')}"


def _host(target: str) -> str:
    return split_url(target).netloc.rpartition("@")[2]


def group_name(push: Push, group_by: Sequence[str]) -> str:
    """Value of the label `group`: the group keys where `--push-group` is not given.

    >>> group_name(Push(), ("namespace", "label:team"))
    'namespace_label_team'
    """
    keys = (label_column(key) if key.startswith(LABEL_KEY_PREFIX) else key for key in group_by)
    return push.group or "_".join(keys)


def check(push: Push, targets: Sequence[str]) -> None:
    """Look at everything that can be seen before a long computation.

    Raises
    ------
    UsageError
        Two logins, a key without its certificate, a missing file, an unusable tenant, or one secret that
        would go to several servers.
    """
    if push.key_file and not push.cert_file:
        raise UsageError("--push-key-file needs --push-cert-file", "Give both.")
    if push.org_id is not None and not is_header("X-Scope-OrgID", push.org_id):
        raise UsageError("--push-org-id holds a character that no HTTP header can carry", "Correct it.")
    for flag, path in push.files.items():
        if not path.is_file():
            raise UsageError(f"the file {path} of {flag} does not exist", f"Check {flag}.")
    logins = [flag for flag in _LOGINS if flag in push.files]
    if any(HttpSettings(url=target).url_login for target in targets):
        logins.append("user:password in the address")
    if len(logins) > 1:
        raise UsageError(f"two logins are given at once: {' and '.join(logins)}", "Keep one of them.")
    servers = {(split_url(target).scheme, _host(target)) for target in targets}
    secrets = [flag for flag in (*_LOGINS, "--push-header-file") if flag in push.files]
    if len(servers) > 1 and secrets:
        raise UsageError(
            f"{' and '.join(secrets)} would go to {len(servers)} servers",
            "Publish to one of them here, to the others by `sci-batch push --from FILE`.",
        )
