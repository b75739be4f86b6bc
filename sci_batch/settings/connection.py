"""The settings as the Prometheus client, and as the outputs that publish, want them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sci_batch.errors import UsageError
from sci_batch.sinks.access import Push

if TYPE_CHECKING:
    from sci_batch.prometheus.http import HttpSettings
    from sci_batch.settings.table import Settings


def http_settings(settings: Settings) -> HttpSettings:
    """How to reach the server.

    Raises
    ------
    UsageError
        No server is given, the header file cannot be read, or the parts contradict each other.
    """
    from sci_batch.prometheus.http import HttpSettings, check

    if settings.prometheus_url is None:
        raise UsageError("no Prometheus is given", "Give -p/--prometheus-url http://host:9090.")
    made = HttpSettings(
        url=settings.prometheus_url,
        timeout_seconds=float(settings.timeout_seconds),
        retries=settings.retries,
        concurrency=settings.concurrency,
        bearer_token_file=_name(settings.bearer_token_file),
        basic_auth_file=_name(settings.basic_auth_file),
        ca_file=_name(settings.ca_file),
        cert_file=_name(settings.cert_file),
        key_file=_name(settings.key_file),
        insecure_skip_verify=settings.insecure_skip_verify,
        header_file=_name(settings.header_file),
        headers=settings.headers,
        org_id=settings.org_id,
        sigv4_region=settings.sigv4_region,
        sigv4_profile=settings.sigv4_profile,
        sigv4_role_arn=settings.sigv4_role_arn,
        google=settings.google,
        azure=settings.azure,
        http_config_file=_name(settings.http_config_file),
        compression=settings.compression,
        allow_partial=settings.allow_partial,
        extra_params=settings.extra_param,
    )
    check(made)
    return made


def unchecked(settings: Settings) -> str | None:
    """What switches the check of the server's certificate off; None where it is made, or no file can say."""
    from sci_batch.prometheus import http_config

    if settings.prometheus_url is None:
        return None
    if settings.insecure_skip_verify:
        return "--insecure-skip-verify"
    if settings.http_config_file is None:
        return None
    try:
        tls = http_config.load(str(settings.http_config_file)).tls
    except UsageError:  # told where the file is used
        return None
    return f"insecure_skip_verify in {http_config.FLAG}" if tls.insecure_skip_verify else None


def push_settings(settings: Settings) -> Push:
    """How to reach the servers that results are published to."""
    return Push(
        group=settings.push_group,
        max_series=settings.push_max_series,
        bearer_token_file=settings.push_bearer_token_file,
        basic_auth_file=settings.push_basic_auth_file,
        ca_file=settings.push_ca_file,
        cert_file=settings.push_cert_file,
        key_file=settings.push_key_file,
        header_file=settings.push_header_file,
        headers=settings.push_headers,
        org_id=settings.push_org_id,
        sigv4_region=settings.push_sigv4_region,
        sigv4_profile=settings.push_sigv4_profile,
        sigv4_role_arn=settings.push_sigv4_role_arn,
        timeout_seconds=float(settings.timeout_seconds),
        retries=settings.retries,
    )


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
