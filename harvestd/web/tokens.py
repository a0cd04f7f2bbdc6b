"""Access tokens: JWTs (RFC 7519) signed with HS256, and with nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import jwt
from jwt.types import Options

from harvestd.market.errors import Unauthenticated
from harvestd.web.call import Caller

ISSUER = "harvestd"
AUDIENCE = "harvestd-api"
#: What must be there. Times are checked by the clock that the caller gives, not by PyJWT's.
_OPTIONS: Options = {
    "require": ["iss", "aud", "sub", "exp", "iat", "role", "sid"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
_ROLES = frozenset({"buyer", "farmer", "admin"})


def issue(secret: str, caller: Caller, now: datetime, ttl: float) -> str:
    """A token for ``caller`` that holds for ``ttl`` seconds from ``now`` (UTC)."""
    start = int(now.timestamp())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "iat": start, "exp": start + int(ttl),
        "sub": caller.user_id, "role": caller.role, "sid": caller.session,
    }  # fmt: skip
    return jwt.encode(claims, secret, algorithm="HS256")


def verify(secret: str, token: str, now: datetime) -> Caller:
    """Whom the token names. Raises ``Unauthenticated`` for any other algorithm (``none`` too), signature, issuer or
    audience, for a missing claim, and from the second that it expires."""
    caller, expires = _read(secret, token)
    if now >= expires:
        raise Unauthenticated("the access token has expired; refresh it or sign in again")
    return caller


@lru_cache(maxsize=4096)
def _read(secret: str, token: str) -> tuple[Caller, datetime]:
    """What a token says that was signed with the secret, and until when. Remembered: its sender shows it with each request, and
    to check it takes a tenth of what an order takes. What does not hold is raised, and never remembered."""
    try:
        claims = jwt.decode(token, secret, algorithms=["HS256"], issuer=ISSUER, audience=AUDIENCE, options=_OPTIONS)
        expires = datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError) as error:
        raise Unauthenticated("the access token does not hold; sign in again") from error
    user_id, role, session = claims["sub"], claims["role"], claims["sid"]
    if not (all(isinstance(claim, str) for claim in (user_id, role, session)) and role in _ROLES):
        raise Unauthenticated("the access token does not hold; sign in again")
    return Caller(user_id=user_id, role=role, session=session), expires
