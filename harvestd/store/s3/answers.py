"""What S3 answers, in XML: errors, listings, uploads in parts. Pure. What is written there is another program's: it is read in bounds, and
never believed beyond the shape that it should have."""

from __future__ import annotations

from datetime import datetime

import attrs

from harvestd.kernel.errors import Unavailable
from harvestd.store.s3.markup import Element, element, escaped, read

#: Seconds of the longest pause that is taken for meant.
LONGEST = 60.0
#: Codes with which S3 says that there is nothing under a key, or no such upload.
GONE = frozenset({"NoSuchKey", "NoSuchUpload", "NotFound"})
#: Codes that end when one waits.
SLOWER = frozenset({"SlowDown", "TooManyRequests", "RequestLimitExceeded", "ServiceUnavailable", "Throttling"})
#: Statuses and codes that another try may not have.
PASSING = frozenset({408, 429, 500, 502, 503, 504})
_PASSING_CODES = frozenset({"RequestTimeout", "InternalError", "OperationAborted"})
#: What to do about a code, for the log.
CURES = {
    "InvalidAccessKeyId": "correct the key in s3_url",
    "SignatureDoesNotMatch": "correct the secret in s3_url (special characters of it as %XX), or s3_region",
    "AuthorizationHeaderMalformed": "correct s3_region",
    "AccessDenied": "the key of s3_url needs the rights to list the bucket, and to get, put and delete what is in it",
    "NoSuchBucket": "correct the bucket in s3_url, or make it",
    "RequestTimeTooSkewed": "set this machine's clock",
    "PermanentRedirect": "the bucket is elsewhere: correct the host of s3_url, and s3_region",
    "InsufficientStorage": "the store is full",
    "QuotaExceeded": "the store is full",
}


class S3Error(Unavailable):
    """S3 did not do what it was asked. ``status`` is HTTP's, 0 without an answer; ``code`` is S3's name of the error; ``pause`` the seconds
    that it asked for, 0 if it did not."""

    def __init__(self, detail: str, status: int = 0, code: str = "", pause: float = 0.0) -> None:
        super().__init__(detail, max(2.0, pause))
        self.status, self.code, self.pause = status, code, pause

    @property
    def gone(self) -> bool:
        """Whether there is nothing under the key."""
        return self.status == 404 and self.code in (GONE | {""})

    @property
    def slower(self) -> bool:
        """Whether S3 asks for fewer requests."""
        return self.code in SLOWER or self.status == 429

    @property
    def passing(self) -> bool:
        """Whether another try may succeed."""
        return self.status == 0 or self.status in PASSING or self.code in _PASSING_CODES


@attrs.frozen
class Listed:
    """An object of a listing."""

    key: str
    modified_at: datetime


@attrs.frozen
class Page:
    """A page of a listing; ``more`` if it is not the last."""

    objects: list[Listed]
    more: bool


@attrs.frozen
class Begun:
    """An upload in parts that is not complete."""

    key: str
    upload_id: str
    begun_at: datetime


def failure(status: int, body: bytes, retry_after: str | None = None) -> S3Error:
    """The error in an answer of a status of 300 or more, or in one that began as a success."""
    try:
        root = read(body) if body.strip() else Element("")
    except ValueError:
        root = Element("")
    code = root.value("Code") or {507: "InsufficientStorage", 301: "PermanentRedirect", 307: "PermanentRedirect"}.get(
        status, ""
    )
    cure = CURES.get(code, "")
    words = f"HTTP {status} {code[:60]}: {root.value('Message')[:200]}".rstrip(": ") + (f"; {cure}" if cure else "")
    pause = float(retry_after) if retry_after is not None and retry_after.isdecimal() else 0.0
    return S3Error(words, status, code, min(pause, LONGEST))


def page_of(body: bytes) -> Page:
    """A listing of objects (ListObjectsV2). Raises :class:`S3Error` for anything else."""
    root = _root(body, "ListBucketResult")
    objects = [Listed(one.value("Key"), _time(one.value("LastModified"))) for one in root.all("Contents")]
    return Page(objects, root.value("IsTruncated") == "true")


def uploads_of(body: bytes) -> list[Begun]:
    """A listing of uploads in parts that are not complete."""
    root = _root(body, "ListMultipartUploadsResult")
    return [Begun(one.value("Key"), one.value("UploadId"), _time(one.value("Initiated"))) for one in root.all("Upload")]


def upload_id_of(body: bytes) -> str:
    """The id of an upload in parts that was begun."""
    found = _root(body, "InitiateMultipartUploadResult").value("UploadId")
    if not found:
        raise S3Error("an upload was begun without an id")
    return found


def completed(body: bytes) -> None:
    """Raises :class:`S3Error` if an upload in parts failed after its answer had begun with 200."""
    try:
        _root(body, "CompleteMultipartUploadResult")
    except S3Error as error:
        raise failure(500, body) from error


def completion(etags: list[str]) -> bytes:
    """What asks S3 to put the parts together, in order."""
    parts = (
        element("Part", element("PartNumber", str(number)), element("ETag", escaped(etag)))
        for number, etag in enumerate(etags, 1)
    )
    return element("CompleteMultipartUpload", *parts).encode()


def _root(body: bytes, name: str) -> Element:
    try:
        root = read(body)
    except ValueError as error:
        raise S3Error(f"an answer that cannot be read ({error}): does s3_url name an S3 server?") from error
    if root.name != name:
        raise S3Error(f"an answer that is no {name}: does s3_url name an S3 server?")
    return root


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise S3Error(f"an answer with {text[:40]!r} for a time") from error
    if found.tzinfo is None:
        raise S3Error("an answer with a time of no zone")
    return found
