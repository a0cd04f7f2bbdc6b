"""AWS Signature Version 4, as S3 wants it: of a request in its headers, or of an address that anyone may then read for a while. Pure.

After "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference: paths are escaped once, and a hash of the body is
always signed, so what is stored is what was sent.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import attrs

ALGORITHM = "AWS4-HMAC-SHA256"
#: SHA-256 of no body.
EMPTY = hashlib.sha256(b"").hexdigest()
#: Instead of a hash, in an address: whoever uses it has no body.
UNSIGNED = "UNSIGNED-PAYLOAD"
#: Seconds for which an address may be signed at most: a week.
LONGEST = 604_800


@attrs.frozen
class Signer:
    """Signs with one key. ``secret`` is the secret access key, which is shown nowhere; ``region`` is the bucket's."""

    key: str
    secret: str = attrs.field(repr=False)
    region: str
    service: str = "s3"

    def headers(
        self, method: str, host: str, path: str, query: Mapping[str, str], given: Mapping[str, str], digest: str, at: datetime
    ) -> dict[str, str]:  # fmt: skip
        """The headers to send: those ``given``, which are all signed, and the signature's. ``path`` is escaped already, ``query`` is not;
        ``digest`` is the body's SHA-256 in hexadecimal digits, ``at`` the time in UTC."""
        sent = {**given, "x-amz-content-sha256": digest, "x-amz-date": _moment(at)}
        signed = {"host": host, **{name.lower(): value for name, value in sent.items()}}
        names = ";".join(sorted(signed))
        signature = self._signature(_canonical(method, path, query, signed, digest), at)
        credential = f"{self.key}/{self._scope(at)}"
        sent["Authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return sent

    def query(self, host: str, path: str, given: Mapping[str, str], at: datetime, seconds: int) -> str:
        """The query of an address that anyone may GET for ``seconds``, from ``at`` on. Raises ``ValueError`` beyond :data:`LONGEST`."""
        if not 0 < seconds <= LONGEST:
            raise ValueError(f"an address is signed for 1 to {LONGEST} seconds, not {seconds}")
        signed = {
            **given,
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.key}/{self._scope(at)}",
            "X-Amz-Date": _moment(at),
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
        }
        signature = self._signature(_canonical("GET", path, signed, {"host": host}, UNSIGNED), at)
        return f"{escaped_query(signed)}&X-Amz-Signature={signature}"

    def _scope(self, at: datetime) -> str:
        return f"{at:%Y%m%d}/{self.region}/{self.service}/aws4_request"

    def _signature(self, canonical: str, at: datetime) -> str:
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{ALGORITHM}\n{_moment(at)}\n{self._scope(at)}\n{digest}"
        key = f"AWS4{self.secret}".encode()
        for part in self._scope(at).split("/"):
            key = _hmac(key, part)
        return _hmac(key, text).hex()


def escaped_path(path: str) -> str:
    """A path with all but letters, digits, ``-._~`` and slashes escaped."""
    return quote(path, safe="-._~/")


def escaped_query(query: Mapping[str, str]) -> str:
    """A query in the order and the escapes of the canonical form, which is also how it is sent."""
    pairs = sorted((quote(name, safe="-._~"), quote(value, safe="-._~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def _canonical(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], digest: str) -> str:
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    return f"{method}\n{path}\n{escaped_query(query)}\n{lines}\n{';'.join(sorted(headers))}\n{digest}"


def _moment(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
