"""Access tokens: JWTs (RFC 7519), signed with EdDSA only, by the keys of ``signing_keys.py``."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import attrs
import jwt
from jwt.types import Options

from harvestd.kernel.errors import Unauthenticated
from harvestd.kernel.permissions import ROLES
from harvestd.store.postgres.clock_skew import MAX
from harvestd.web import signing_keys
from harvestd.web.context import Caller

ISSUER = "harvestd"
AUDIENCE = "harvestd-api"
#: Tolerated clock skew between two processes; their readiness reports a larger one.
SKEW = timedelta(seconds=MAX)
#: Required claims. Times are checked against the clock that the caller passes, not PyJWT's.
_OPTIONS: Options = {
    "require": ["iss", "aud", "sub", "exp", "iat", "role", "sid"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


def issue(secret: str, caller: Caller, now: datetime, ttl: float) -> str:
    """A token for ``caller``, valid for ``ttl`` seconds from ``now`` (UTC)."""
    start = int(now.timestamp())
    claims: dict[str, object] = {
        "iss": ISSUER, "aud": AUDIENCE, "iat": start, "exp": start + int(ttl),
        "sub": caller.user_id, "role": caller.role, "sid": caller.session,
    }  # fmt: skip
    if caller.actor:
        claims["act"] = {"sub": caller.actor}  # RFC 8693, 4.1
    key = signing_keys.current(secret, now)
    return jwt.encode(claims, key.private, algorithm=signing_keys.ALGORITHM, headers={"kid": key.id})


def verify(secret: str, token: str, now: datetime) -> Caller:
    """The caller that the token names. Raises ``Unauthenticated`` for another algorithm (including ``none``), signature, issuer,
    audience or encoding, for a missing claim, from the second it expires, and before ``iat`` or ``nbf``, with a tolerance of
    :data:`SKEW` for clock skew between processes."""
    read = _read(secret, token)
    if read.key not in {key.id for key in signing_keys.good(secret, now)}:
        raise Unauthenticated("the access token is not valid; sign in again")
    if now >= read.expires:
        raise Unauthenticated("the access token has expired; refresh it or sign in again")
    if now + SKEW < read.begins:
        raise Unauthenticated("the access token is from the future: the clocks of the market's processes differ")
    return read.caller


@attrs.frozen
class _Read:
    key: str
    caller: Caller
    begins: datetime
    expires: datetime


@lru_cache(maxsize=4096)
def _read(secret: str, token: str) -> _Read:
    """The content of a correctly signed token. Cached: clients send it with each request, and verifying it takes a tenth of
    the time of an order. Invalid tokens raise, and are never cached."""
    try:
        if not all(_canonical(part) for part in token.split(".")):
            raise ValueError
        key_id = jwt.get_unverified_header(token).get("kid")
        key = signing_keys.named(secret, key_id) if isinstance(key_id, str) else None
        if key is None:
            raise ValueError
        claims = jwt.decode(
            token, key.public, algorithms=[signing_keys.ALGORITHM], issuer=ISSUER, audience=AUDIENCE, options=_OPTIONS
        )
        times = [_instant(claims[name]) for name in ("iat", "nbf") if name in claims]
        expires = _instant(claims["exp"])
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError) as error:
        raise Unauthenticated("the access token is not valid; sign in again") from error
    user_id, role, session = claims["sub"], claims["role"], claims["sid"]
    acting = claims.get("act", {"sub": ""})
    actor = acting.get("sub") if isinstance(acting, dict) else None
    if (
        not isinstance(actor, str)
        or not all(isinstance(claim, str) for claim in (user_id, role, session))
        or role not in ROLES
    ):
        raise Unauthenticated("the access token is not valid; sign in again")
    return _Read(key.id, Caller(user_id=user_id, role=role, session=session, actor=actor), max(times), expires)


def _canonical(part: str) -> bool:
    """Whether it is canonical base64url (RFC 7515): without padding, and with the unused bits zero."""
    whole = base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)
    return base64.urlsafe_b64encode(whole).rstrip(b"=") == part.encode("ascii")


def _instant(claim: object) -> datetime:
    """A NumericDate."""
    if type(claim) not in (int, float):
        raise TypeError
    return datetime.fromtimestamp(claim, UTC)  # type: ignore[arg-type]
