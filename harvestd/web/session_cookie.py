"""The cookie of a signed-in browser, and its CSRF token.

The cookie names its sign-in and is sealed with the market's secret; whether the sign-in still stands, and the role of its account,
is looked up with each request, as for access tokens. A browser also sends it for other sites' requests, so requests that change
something need the CSRF token in ``X-CSRF-Token``, which other sites can neither read nor send.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime

from harvestd.settings.table import Settings
from harvestd.web import cookies
from harvestd.web.context import Caller
from harvestd.web.cookies import Cookie

_PURPOSE = b"harvest.cookies"
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FORM = re.compile(rf"({_ID})\.({_ID})\.([0-9]{{10}})\.([0-9a-f]{{64}})")
#: Methods that change nothing (RFC 9110, 9.2.1).
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def name(settings: Settings) -> str:
    """The cookie's name in this market."""
    return cookies.name(settings, Cookie.SESSION)


def value(secret: str, caller: Caller, expires: datetime) -> str:
    """The cookie's value, good until ``expires``."""
    words = f"{caller.session}.{caller.user_id}.{int(expires.timestamp()):010d}"
    return f"{words}.{cookies.seal(secret, _PURPOSE, words)}"


def read(secret: str, text: str, now: datetime) -> Caller | None:
    """The caller that a cookie names, without a role yet; None if it is not of this market, or has expired."""
    found = _FORM.fullmatch(text)
    if found is None or not hmac.compare_digest(cookies.seal(secret, _PURPOSE, text.rpartition(".")[0]), found[4]):
        return None
    if now >= datetime.fromtimestamp(int(found[3]), UTC):
        return None
    return Caller(user_id=found[2], role="", session=found[1], by_cookie=True)


def csrf_token(secret: str, session: str) -> str:
    """The CSRF token of a sign-in."""
    return hashlib.blake2b(session.encode(), digest_size=24, key=cookies.key(secret, b"harvest.csrf")).hexdigest()


def set_cookie(settings: Settings, text: str, seconds: int) -> tuple[str, str]:
    """The header that sets the cookie; with an empty text and no seconds, that deletes it."""
    return cookies.header(settings, Cookie.SESSION, text, seconds)
