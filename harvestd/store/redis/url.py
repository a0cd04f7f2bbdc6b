"""Where Redis is, read from a URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import attrs
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.ssl import optionsForClientTLS

PORT = 6379
LIKE = "redis_url must look like redis://user:password@host:6379/0, rediss:// for TLS, or unix:///run/redis/redis.sock"


@attrs.frozen
class Target:
    """``path`` is a Unix socket's, otherwise ``host`` and ``port`` apply; ``number`` is the database's."""

    host: str = ""
    port: int = PORT
    path: str = ""
    tls: bool = False
    user: str = attrs.field(default="", repr=False)
    password: str = attrs.field(default="", repr=False)
    number: int = 0

    @classmethod
    def at(cls, url: str) -> Target:
        """Raises ``ValueError``, without the password, for an invalid URL. For a Unix socket the database's number is
        the fragment (``unix:///run/redis.sock#1``)."""
        try:
            parts = urlsplit(url)
            port = PORT if parts.port is None else parts.port
            unix = parts.scheme == "unix"
            number = int((parts.fragment if unix else parts.path.strip("/")) or "0")
        except ValueError:
            raise ValueError(LIKE) from None
        named = (
            parts.path.startswith("/") and not parts.hostname
            if unix
            else parts.scheme in ("redis", "rediss") and parts.hostname
        )
        if not named or not port or number < 0 or parts.query or (parts.fragment and not unix):
            raise ValueError(LIKE)
        return cls(
            "" if unix else str(parts.hostname), port, unquote(parts.path) if unix else "", parts.scheme == "rediss",
            unquote(parts.username or ""), unquote(parts.password or ""), number,
        )  # fmt: skip

    def endpoint(self, reactor: Any) -> Any:
        """The client endpoint. TLS is verified against the platform's authorities (``SSL_CERT_FILE`` names others)."""
        if self.path:
            return UNIXClientEndpoint(reactor, self.path)
        plain = HostnameEndpoint(reactor, self.host.encode("ascii"), self.port)
        return wrapClientTLS(optionsForClientTLS(self.host), plain) if self.tls else plain
