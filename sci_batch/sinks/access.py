"""How published results reach their servers: the wishes, and what can be checked before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from sci_batch.errors import UsageError
from sci_batch.prometheus.http import HttpSettings, split_url
from sci_batch.prometheus.http import check as check_http
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
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names and values beside those of the file."""
    org_id: str | None = None
    """Tenant, sent as `X-Scope-OrgID`."""
    sigv4_region: str | None = None
    """Sign for AWS in this region, with the keys of a profile or of a role, if given."""
    sigv4_profile: str | None = None
    sigv4_role_arn: str | None = None
    timeout_seconds: float = 60.0
    """Longest wait for an answer; for the connection it is 10 s at most."""
    retries: int = 5
    """Tries after the first."""

    @property
    def given(self) -> dict[str, str]:
        """Flag to value of what the user gave beside headers, none of it secret: files and names."""
        names = [item.name for item in fields(self) if item.name not in _OF_EVERY_SERVER]
        return {
            f"--push-{name.replace('_', '-')}": str(getattr(self, name))
            for name in names
            if getattr(self, name) != getattr(_NOTHING, name)
        }

    def http(self, target: str) -> HttpSettings:
        """How to reach one server."""
        return HttpSettings(
            url=target,
            timeout_seconds=self.timeout_seconds,
            retries=self.retries,
            bearer_token_file=_name(self.bearer_token_file),
            basic_auth_file=_name(self.basic_auth_file),
            ca_file=_name(self.ca_file),
            cert_file=_name(self.cert_file),
            key_file=_name(self.key_file),
            header_file=_name(self.header_file),
            headers=self.headers,
            org_id=self.org_id,
            sigv4_region=self.sigv4_region,
            sigv4_profile=self.sigv4_profile,
            sigv4_role_arn=self.sigv4_role_arn,
            flags="--push-",
            url_flag="the address of --output",
        )


_OF_EVERY_SERVER = ("headers", "timeout_seconds", "retries")
"""Fields without a flag `--push-...`."""
_NOTHING = Push()
_SECRET = ("--push-bearer-token-file", "--push-basic-auth-file", "--push-header-file")
_FILES = (*_SECRET, "--push-ca-file", "--push-cert-file", "--push-key-file")


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


def unshown(target: str) -> list[str]:
    """What `shown` leaves out of the address: its login, its query string.

    >>> unshown("https://user:secret@host:9091/prefix?key=secret")
    ['login', 'query string']
    """
    login = HttpSettings(url=target).url_login is not None
    return ["login"] * login + ["query string"] * bool(split_url(target).query)


def _host(target: str) -> str:
    return split_url(target).netloc.rpartition("@")[2]


def group_name(push: Push, group_by: Sequence[str], namespace: Sequence[str] = ()) -> str:
    """Value of the label `group`, where `--push-group` is not given: the group keys, and what was selected.

    >>> group_name(Push(), ("namespace", "label:team"))
    'namespace_label_team'
    """
    keys = (label_column(key) if key.startswith(LABEL_KEY_PREFIX) else key for key in group_by)
    selected = f" of {','.join(namespace)}" if namespace else ""  # no part takes the place of the whole
    return push.group or "_".join(keys) + selected


def check(push: Push, targets: Sequence[str]) -> None:
    """Look at everything that can be seen before a long computation.

    Raises
    ------
    UsageError
        Two logins, a key without its certificate, a missing file, an unusable tenant, or one secret that
        would go to several servers.
    """
    given = push.given
    for flag in _FILES:
        if flag in given and not Path(given[flag]).is_file():
            raise UsageError(f"the file {given[flag]} of {flag} does not exist", f"Check {flag}.")
    for target in targets:
        check_http(push.http(target))
    servers = {(split_url(target).scheme, _host(target)) for target in targets}
    secrets = [flag for flag in _SECRET if flag in given]
    secrets += ["SCI_BATCH_PUSH_HEADERS"] if push.headers else []
    if len(servers) > 1 and secrets:
        raise UsageError(
            f"{' and '.join(secrets)} would go to {len(servers)} servers",
            "Publish to one of them here, to the others by `sci-batch push --from FILE`.",
        )


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
