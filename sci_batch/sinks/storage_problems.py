"""What went wrong in a bucket, in a sentence with a cure; pyarrow's words hold the store's error codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pyarrow import ArrowException

from sci_batch.errors import SinkError
from sci_batch.prometheus.problems import clean
from sci_batch.sinks.location import Location

_LOGIN = {
    "s3": "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the role of the pod: it "
    "needs s3:ListBucket, s3:GetObject and s3:PutObject here.",
    "gs": "Check GOOGLE_APPLICATION_CREDENTIALS, or the service account of the pod: it needs to list, get, "
    "create and delete objects here.",
    "az": "Check AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or the identity of the pod: it needs the role "
    "Storage Blob Data Contributor here.",
}
_NETWORK = {
    "s3": "Check AWS_ENDPOINT_URL and AWS_REGION, AWS_CA_BUNDLE where the certificate is your own, and that "
    "the store may be reached from here.",
    "gs": "Check that storage.googleapis.com may be reached from here, and GOOGLE_APPLICATION_CREDENTIALS.",
    "az": "Check AZURE_STORAGE_ACCOUNT, and that the store may be reached from here.",
}
_NO_BUCKET = re.compile(r"NO_SUCH_BUCKET|NoSuchBucket|bucket does not exist|ContainerNotFound|NOT_FOUND")
_REFUSED = re.compile(
    r"ACCESS_DENIED|AccessDenied|INVALID_ACCESS_KEY|SIGNATURE|UNRECOGNIZED_CLIENT|TOKEN|\b40[13]\b"
    r"|PERMISSION_DENIED|UNAUTHENTICATED|Unauthorized|Forbidden|AuthenticationFailed|AuthorizationFailure"
    r"|Credential",
    re.IGNORECASE,
)
_REGION = re.compile(r"PermanentRedirect|HTTP status 301|response code 301|AuthorizationHeaderMalformed")
_UNREACHED = re.compile(
    r"NETWORK_CONNECTION|curlCode|Could ?n.t (resolve|connect)|Could not (resolve|connect)|timed? ?out"
    r"|Connection refused|UNAVAILABLE|Fail to get a new connection",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"\(Request ID: [^)]*\)|\[Errno \d+\] |^.*? operation: |curlCode: \d+, |; Details: .*"
    r"|^.*Check for Hierarchical Namespace support on .*? failed: |\bN5Azure\w+: |\nSee Azure::.*"
)


@contextmanager
def told(location: Location) -> Iterator[None]:
    """Turn what pyarrow and the system raise into a `SinkError` that names the place."""
    try:
        yield
    except (OSError, ValueError, ArrowException) as error:
        raise _problem(location, error) from None


def _problem(location: Location, error: Exception) -> SinkError:
    if not location.scheme:
        words = getattr(error, "strerror", None) or str(error)
        return SinkError(
            f"{location} cannot be used: {clean(words)}", "Check the path of --output, its rights and space."
        )
    text = str(error)
    words = clean(_NOISE.sub("", text), 300).rstrip(". ")
    if _NO_BUCKET.search(text):
        return SinkError(
            f"{location}: there is no {location.bucket} in this store ({words})",
            "Create it, or check the name in --output.",
        )
    if _REGION.search(text):
        return SinkError(
            f"{location} is in another region: {words}", "Set AWS_REGION to the region of the bucket."
        )
    if _UNREACHED.search(text):
        return SinkError(f"{location} cannot be reached: {words}", _NETWORK[location.scheme])
    if _REFUSED.search(text):
        return SinkError(f"{location} refused the login or the permission: {words}", _LOGIN[location.scheme])
    return SinkError(f"{location} failed: {words}", "Check the address of --output; see what the store says.")
