"""That a browser asked for a link to sign in: a cookie that it brings along when it opens the link.

Whoever has a link mailed to themselves could hand it to somebody else, whom it would sign in as them, and who would leave there what is their own
(login CSRF). So a browser is signed in by a link that it asked for itself; in any other, the person names the address that the link went to. The
cookie is a random number and a seal over it, the end of its time and the address: nothing is stored for it, and nobody reads from it which address
it was, or whether that has an account.
"""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import datetime, timedelta

from harvestd.settings.table import Settings
from harvestd.web import cookies
from harvestd.web.cookies import Cookie

_PURPOSE = b"harvest.links"
_FORM = re.compile(r"([A-Za-z0-9_-]{43})\.([0-9]{10})\.([0-9a-f]{64})")


def set_cookie(settings: Settings, secret: str, email_key: str, now: datetime, life: timedelta) -> tuple[str, str]:
    """The header that gives a browser the cookie for the links that are mailed to this address, good for ``life``."""
    words = f"{secrets.token_urlsafe(32)}.{int((now + life).timestamp()):010d}"
    value = f"{words}.{_sealed(secret, words, email_key)}"
    return cookies.header(settings, Cookie.LINK, value, int(life.total_seconds()))


def name(settings: Settings) -> str:
    """The cookie's name in this market."""
    return cookies.name(settings, Cookie.LINK)


def asked(secret: str, text: str, email_key: str, now: datetime) -> bool:
    """Whether the browser that sends this cookie asked for a link to this address."""
    found = _FORM.fullmatch(text)
    if found is None or now.timestamp() >= int(found[2]):
        return False
    return hmac.compare_digest(_sealed(secret, f"{found[1]}.{found[2]}", email_key), found[3])


def _sealed(secret: str, words: str, email_key: str) -> str:
    return cookies.seal(secret, _PURPOSE, f"{words}.{email_key}")
