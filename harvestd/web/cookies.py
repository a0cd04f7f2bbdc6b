"""The cookies that the market sets, each of this host alone, out of reach of scripts, and not sent with what other sites' pages load.

With TLS all of their names begin with ``__Host-`` (RFC 6265bis, 4.1.3.2): browsers then take one by TLS alone, for this very host, and for all of
its paths. Otherwise whoever has a neighbouring host (``evil.example.org`` beside ``market.example.org``) could put a cookie that the market gave to
them into somebody else's browser, and sign them in as themselves. So none has a ``Domain``, or a ``Path`` other than ``/``.
"""

from __future__ import annotations

import enum
import hashlib

from harvestd.settings.table import Settings

PREFIX = "__Host-"


class Cookie(enum.Enum):
    """Each cookie, by its name without TLS."""

    #: A browser's session (``web/session_cookie.py``).
    SESSION = "harvest_session"
    #: A guest's cart (``market/carts/token.py``).
    CART = "harvest_cart"
    #: A sign-in elsewhere that has begun (``market/accounts/identity_cookie.py``).
    SIGN_IN = "harvest_sign_in"
    #: That a link to sign in was asked for (``market/accounts/link_cookie.py``).
    LINK = "harvest_link"


def _secure(settings: Settings) -> bool:
    return settings.public_url.startswith("https:")


def name(settings: Settings, cookie: Cookie) -> str:
    """The cookie's name in this market."""
    return f"{PREFIX if _secure(settings) else ''}{cookie.value}"


def header(settings: Settings, cookie: Cookie, value: str, seconds: int) -> tuple[str, str]:
    """The header that sets the cookie; with an empty value and no seconds, that deletes it."""
    secure = "; Secure" if _secure(settings) else ""
    line = f"{name(settings, cookie)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return "Set-Cookie", line


def key(secret: str, person: bytes) -> bytes:
    """The key that the market's secret has for one purpose, ``person`` (16 bytes at most)."""
    return hashlib.blake2b(secret.encode(), digest_size=32, person=person).digest()


def seal(secret: str, person: bytes, words: str) -> str:
    """What only this market can write beside ``words``: 64 hexadecimal digits."""
    return hashlib.blake2b(words.encode(), digest_size=32, key=key(secret, person)).hexdigest()
