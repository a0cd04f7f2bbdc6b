"""Where things are in S3: a bucket, and a prefix in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import attrs

from harvestd.store.s3.signing import Signer, escaped_path, escaped_query

_PORTS = {"https": 443, "http": 80}


@attrs.frozen
class Bucket:
    """``scheme`` and ``host`` (with a port unless it is the scheme's) lead to it; ``path`` is where it begins there ("" or ``/bucket``),
    ``prefix`` what all keys of this market begin with."""

    scheme: str
    host: str
    path: str
    prefix: str
    signer: Signer

    @staticmethod
    def of(url: str, region: str, style: str) -> Bucket:
        """The bucket that ``s3_url`` names; ``style`` is ``path`` (host/bucket/key) or ``host`` (bucket.host/key)."""
        parts = urlsplit(url)
        name, _, prefix = parts.path.strip("/").partition("/")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        if style == "host":
            host = f"{name}.{host}"
        if parts.port is not None and parts.port != _PORTS[parts.scheme]:
            host = f"{host}:{parts.port}"
        signer = Signer(unquote(parts.username or ""), unquote(parts.password or ""), region)
        return Bucket(parts.scheme, host, "" if style == "host" else f"/{name}", f"{prefix}/" if prefix else "", signer)

    def path_of(self, key: str) -> str:
        """The path of an object, or of the bucket itself ("")."""
        return escaped_path(f"{self.path}/{key}") if key else self.path or "/"

    def url(self, key: str, query: Mapping[str, str]) -> str:
        """The address of an object, or of the bucket itself ("")."""
        asked = f"?{escaped_query(query)}" if query else ""
        return f"{self.scheme}://{self.host}{self.path_of(key)}{asked}"
