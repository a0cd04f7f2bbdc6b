"""The mail server that a URL names, and whether a password may be sent to it."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import attrs

PORTS = {"smtp": 25, "smtps": 465}


@attrs.frozen
class Server:
    """The mail server, read from a URL."""

    host: str
    port: int
    implicit_tls: bool
    user: bytes = b""
    password: bytes = attrs.field(default=b"", repr=False)

    @classmethod
    def at(cls, url: str) -> Server:
        """Raises ``ValueError``, without the password, for an invalid URL."""
        parts = urlsplit(url)
        try:
            port = parts.port or PORTS[parts.scheme]
        except (KeyError, ValueError):
            port = 0
        if not port or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("smtp_url must look like smtp://user:password@host:587 or smtps://host")
        user, password = unquote(parts.username or "").encode(), unquote(parts.password or "").encode()
        return cls(parts.hostname, port, parts.scheme == "smtps", user, password)

    @property
    def needs_tls(self) -> bool:
        """Whether a password would otherwise be sent in clear text."""
        return bool(self.user) and not _loopback(self.host)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
