"""Access tokens: JWTs (RFC 7519) signed with HS256, and with nothing else."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import attrs
import jwt
from jwt.types import Options

from harvestd.kernel.errors import Unauthenticated
from harvestd.store.postgres.clock_skew import MAX
from harvestd.web.context import Caller

ISSUER = "harvestd"
AUDIENCE = "harvestd-api"
#: By how much the clocks of two processes may differ; beyond that their readiness says so.
SKEW = timedelta(seconds=MAX)
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
    """Whom the token names. Raises ``Unauthenticated`` for any other algorithm (``none`` too), signature, issuer, audience
    or spelling, for a missing claim, from the second that it expires, and before it was issued or is to hold (``nbf``), but for
    :data:`SKEW` seconds by which the clocks of processes may differ."""
    read = _read(secret, token)
    if now >= read.expires:
        raise Unauthenticated("the access token has expired; refresh it or sign in again")
    if now + SKEW < read.begins:
        raise Unauthenticated("the access token is from the future: the clocks of the market's processes differ")
    return read.caller


@attrs.frozen
class _Read:
    caller: Caller
    begins: datetime
    expires: datetime


@lru_cache(maxsize=4096)
def _read(secret: str, token: str) -> _Read:
    """What a token says that was signed with the secret. Remembered: its sender shows it with each request, and
    to check it takes a tenth of what an order takes. What does not hold is raised, and never remembered."""
    try:
        if not all(_canonical(part) for part in token.split(".")):
            raise ValueError
        claims = jwt.decode(token, secret, algorithms=["HS256"], issuer=ISSUER, audience=AUDIENCE, options=_OPTIONS)
        times = [_instant(claims[name]) for name in ("iat", "nbf") if name in claims]
        expires = _instant(claims["exp"])
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError) as error:
        raise Unauthenticated("the access token is not valid; sign in again") from error
    user_id, role, session = claims["sub"], claims["role"], claims["sid"]
    if not (all(isinstance(claim, str) for claim in (user_id, role, session)) and role in _ROLES):
        raise Unauthenticated("the access token is not valid; sign in again")
    return _Read(Caller(user_id=user_id, role=role, session=session), max(times), expires)


def _canonical(part: str) -> bool:
    """Whether it is base64url as RFC 7515 has it: without padding, and with no bit set that stands for nothing."""
    whole = base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)
    return base64.urlsafe_b64encode(whole).rstrip(b"=") == part.encode("ascii")


def _instant(claim: object) -> datetime:
    """A NumericDate."""
    if type(claim) not in (int, float):
        raise TypeError
    return datetime.fromtimestamp(claim, UTC)  # type: ignore[arg-type]
