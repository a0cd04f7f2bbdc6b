"""Reading an id token (OpenID Connect Core 1.0, 3.1.3.7): signed by the issuer's key, for this market, this attempt and this moment."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.types import Options

from harvestd.kernel.patterns import CONTROL

#: Asymmetric ones alone: who can verify by a shared secret can sign, too. The type of key that each needs.
ALGORITHMS: dict[str, str] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"), "EdDSA": "OKP",
}  # fmt: skip
#: Bits of an RSA key (NIST SP 800-131A).
LEAST_RSA = 2048
#: Seconds that clocks may differ; and for which a token may have been there before it is read: as long as a sign-in may take.
LEEWAY, OLDEST = 60, 600
MAX_SUBJECT = 255
#: The end of the year 9999: no time is later, and none is NaN or infinite.
LATEST = 253_402_300_800
#: Times are checked against the clock that the caller passes, not PyJWT's.
_OPTIONS: Options = {
    "require": ["iss", "aud", "sub", "exp", "iat"], "verify_exp": False, "verify_iat": False, "verify_nbf": False,
}  # fmt: skip


class BadToken(Exception):
    """The token is not to be believed; the text says why, for the log."""


FindKey = Callable[[str | None, str], Awaitable[PyJWK | None]]


async def read(
    token: object, find: FindKey, *, issuer: str, client_id: str, nonce: str, now: datetime
) -> Mapping[str, Any]:
    """The claims of an id token. ``find`` answers the issuer's key by its id and algorithm. Raises :class:`BadToken`."""
    if not isinstance(token, str):
        raise BadToken("the answer has no id_token")
    try:
        header = jwt.get_unverified_header(token)
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS or "crit" in header:
            raise BadToken(f"it is signed by {algorithm!r}, which is not taken")
        key = await find(kid if isinstance(kid, str) else None, algorithm)
        if key is None:
            raise BadToken(f"the issuer has no key {kid!r} for {algorithm}")
        claims = jwt.decode(token, key, algorithms=[algorithm], issuer=issuer, audience=client_id, options=_OPTIONS)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise BadToken(str(error)) from error
    _check(claims, client_id, nonce, now.timestamp())
    return claims


def _check(claims: Mapping[str, Any], client_id: str, nonce: str, now: float) -> None:
    """What PyJWT leaves open."""
    audience, subject = claims["aud"], claims["sub"]
    party = claims.get("azp", None if isinstance(audience, list) and len(audience) > 1 else client_id)
    if party != client_id:
        raise BadToken(f"it was issued to {party!r}")
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= MAX_SUBJECT
        or "\x00" in subject
        or CONTROL.search(subject)
    ):
        raise BadToken("its subject is none")
    if not hmac.compare_digest(str(claims.get("nonce")).encode("utf-8", "replace"), nonce.encode()):
        raise BadToken("its nonce is another's")
    expires, issued, begins = (_instant(claims.get(name, 0)) for name in ("exp", "iat", "nbf"))
    if now >= expires + LEEWAY:
        raise BadToken("it has expired")
    if max(issued, begins) > now + LEEWAY or issued < now - OLDEST - LEEWAY:
        raise BadToken("it is not of now: the clocks may differ")


def _instant(claim: object) -> float:
    if type(claim) not in (int, float) or not -LATEST < claim < LATEST:  # type: ignore[operator]
        raise BadToken("a time in it is none")
    return float(claim)  # type: ignore[arg-type]


def key_of(keys: Iterable[Any], kid: str | None, algorithm: str) -> PyJWK | None:
    """The key of a set (RFC 7517) with this id, or the only one where a token names none, if it is for signing by this algorithm."""
    fitting = [one for one in keys if isinstance(one, dict) and _fits(one, algorithm)]
    named = [one for one in fitting if one.get("kid") == kid] if kid is not None else fitting
    if len(named) != 1:
        return None
    try:
        found = PyJWK(named[0], algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return None if isinstance(found.key, RSAPublicKey) and found.key.key_size < LEAST_RSA else found


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    return (
        key.get("kty") == ALGORITHMS[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )
