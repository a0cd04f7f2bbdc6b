"""A sign-in elsewhere that has begun: all of it is in a cookie of the browser that began it, encrypted with the market's secret.

Whoever begins leaves nothing in the database, so beginning a million of them fills no table. The cookie binds the sign-in to its browser,
and lasts ten minutes; that its state is good once is a row of the database, written when the browser comes back
(``identity_rows.spend``). It goes along with whatever the browser asks for meanwhile, some hundred bytes: a path of its own would cost it the
prefix that keeps it of this host (``web/cookies.py``).
"""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta

import msgspec

from harvestd.interfaces import Attempt
from harvestd.settings.table import Settings
from harvestd.store.encryption import Encryption, NotDecrypted
from harvestd.web import cookies
from harvestd.web.cookies import Cookie

LIFE = timedelta(minutes=10)
_OWNER = "sign_in_elsewhere"
#: Characters; browsers keep 4 KB.
_LONGEST = 4000


class Begun(msgspec.Struct, frozen=True):
    """``return_to`` is where the browser goes in the end; to link, ``user_id`` and ``session`` are the owner's and their sign-in's. ``reactivate`` opens an account at rest."""

    state: str
    nonce: str
    verifier: str
    return_to: str
    expires: int
    user_id: str = ""
    session: str = ""
    reactivate: bool = False

    def attempt(self, redirect_uri: str) -> Attempt:
        """What the issuer is told."""
        return Attempt(redirect_uri, self.state, self.nonce, self.verifier)

    @property
    def expires_at(self) -> datetime:
        """When it is too late."""
        return datetime.fromtimestamp(self.expires, UTC)


def fresh(now: datetime, return_to: str, user_id: str = "", session: str = "", reactivate: bool = False) -> Begun:
    """One that begins now; three secrets of 256 bits."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Begun(state, nonce, verifier, return_to, int((now + LIFE).timestamp()), user_id, session, reactivate)


def name(settings: Settings) -> str:
    """The cookie's name in this market."""
    return cookies.name(settings, Cookie.SIGN_IN)


def set_cookie(settings: Settings, secret: str, begun: Begun | None) -> tuple[str, str]:
    """The header that sets the cookie, or that deletes it."""
    value, seconds = "", 0
    if begun is not None:
        sealed = _encryption(secret).encrypt(msgspec.json.encode(begun), _OWNER)
        value, seconds = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode(), int(LIFE.total_seconds())
    return cookies.header(settings, Cookie.SIGN_IN, value, seconds)


def read(secret: str, text: str, now: datetime) -> Begun | None:
    """What a cookie holds; None if it is not of this market, or too old."""
    if not text or len(text) > _LONGEST or not text.isascii():
        return None
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        begun = msgspec.json.decode(_encryption(secret).decrypt(sealed, _OWNER), type=Begun)
    except (ValueError, NotDecrypted, msgspec.MsgspecError):
        return None
    return begun if now < begun.expires_at else None


def _encryption(secret: str) -> Encryption:
    """By a key of its own: anybody may have cookies made, as many as they like, and what is at rest is not to share its key with them."""
    return Encryption((f"{_OWNER} {secret}",))
