"""AWS: requests signed with Signature Version 4, for Amazon Managed Service for Prometheus."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import botocore.session
import requests
from botocore import credentials as kinds
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ProfileNotFound

from sci_batch.errors import AuthError, SourceError, UsageError
from sci_batch.prometheus.http import HttpSettings
from sci_batch.prometheus.problems import TransientError, clean

SERVICE = "aps"
_SIGNED = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")


class Signature:
    """Signs with one set of keys; of the headers only the host, so that proxies may touch the others."""

    def __init__(self, keys: Any, region: str) -> None:
        self._keys = keys
        self._region = region

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret key, and the token of a role."""
        return tuple(text for text in (self._keys.secret_key, self._keys.token) if text)

    def prove(self, request: requests.PreparedRequest) -> None:
        """Add the signature of method, address and body."""
        body = request.body or b""
        plain = AWSRequest(method=request.method, url=request.url, data=body)
        SigV4Auth(self._keys, SERVICE, self._region).add_auth(plain)
        request.headers.update({name: plain.headers[name] for name in _SIGNED if name in plain.headers})


class Aws:
    """Keys from the places that AWS's own tools read; the library renews those of a role."""

    def __init__(self, settings: HttpSettings) -> None:
        self._region = str(settings.sigv4_region)
        self._profile = settings.sigv4_profile
        self._role = settings.sigv4_role_arn
        self._flags = f"{settings.flags}sigv4"
        self._keys: Any = None
        # Its debug lines show what is signed, the token of a role in it; its warnings are tracebacks.
        logging.getLogger("botocore").setLevel(logging.ERROR)

    def proof(self) -> Signature:
        """Signature with the keys of now; raises as `cloud.Source.proof`."""
        try:
            if self._keys is None:
                self._keys = self._found()
            return Signature(self._keys.get_frozen_credentials(), self._region)
        except ProfileNotFound:
            raise UsageError(
                f"There is no AWS profile {self._profile or 'of that name'}.",
                f"Check {self._flags}-profile and AWS_PROFILE.",
            ) from None
        except HTTPClientError as failed:
            what = f"The token service of AWS cannot be reached ({type(failed).__name__})."
            raise TransientError(SourceError(what, "Check HTTPS_PROXY and the region.")) from None
        except ClientError as failed:
            code = clean(str(failed.response.get("Error", {}).get("Code", "")), 60)
            raise AuthError(
                f"AWS gave no keys for the role ({code}).",
                f"Check {self._flags}-role-arn, and who may take it.",
            ) from None
        except (BotoCoreError, ValueError) as failed:
            raise UsageError(f"The AWS login cannot be used ({type(failed).__name__}).", self._cure) from None

    @property
    def _cure(self) -> str:
        return (
            "Give keys by the identity of the pod, by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            f"or by {self._flags}-profile."
        )

    def _found(self) -> Any:
        session = botocore.session.Session(profile=self._profile)
        keys = session.get_credentials()
        if keys is None:
            raise UsageError(f"{self._flags}-region finds no AWS keys.", self._cure)
        if self._role is None:
            return keys
        fetcher = kinds.AssumeRoleCredentialFetcher(
            client_creator=partial(session.create_client, region_name=self._region),
            source_credentials=keys,
            role_arn=self._role,
            extra_args={"RoleSessionName": "sci-batch"},
        )
        return kinds.DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
