"""Authentication of the caller, and authorization for the route."""

from __future__ import annotations

from datetime import datetime

import attrs

from harvestd.interfaces import ISignIns
from harvestd.kernel.errors import Forbidden, Unauthenticated
from harvestd.kernel.permissions import may
from harvestd.kernel.sentences import worded
from harvestd.web import tokens
from harvestd.web.context import SIGN_IN, Caller
from harvestd.web.problems import Refusal
from harvestd.web.routes import Route


def caller_of(route: Route, authorization: str, secret: str, now: datetime) -> Caller | None:
    """The caller that the token names, or None without credentials. Invalid credentials are a 401 on every route that reads
    them, so that no client wrongly believes it is signed in."""
    if not authorization or not route.credentials:
        return None
    scheme, _, token = authorization.partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise Unauthenticated("send the access token as Authorization: Bearer <token>")
        if not token.strip():
            raise Unauthenticated("the Authorization header has no token")
        return tokens.verify(secret, token.strip(), now)
    except Unauthenticated as error:
        raise _challenge(error.detail, 'error="invalid_token"') from error


async def present(sessions: ISignIns, caller: Caller) -> Caller:
    """The caller with the account's current role, looked up in ``sessions``: the token has the role at its issue. Raises a 401 if
    the sign-in was ended, by its owner or because its refresh token was used twice, or the account is closed."""
    role = await sessions.role(caller.user_id, caller.session)
    if role is None:
        raise _challenge("this sign-in has ended; sign in again", 'error="invalid_token"')
    return caller if role == caller.role else attrs.evolve(caller, role=role)


def admit(route: Route, caller: Caller | None) -> None:
    """Raise a 401 or 403 unless the caller has the route's permission."""
    if route.permission is None:
        return
    if caller is None:
        raise _challenge(SIGN_IN)
    if not may(caller.role, route.permission):
        raise Forbidden(_not_for(caller.role, *sorted(route.roles)))


def _not_for(role: str, one: str, other: str = "") -> str:
    if other:
        return worded("this needs the role {one} or {other}; yours is {role}", one=one, other=other, role=role)
    return worded("this needs the role {one}; yours is {role}", one=one, role=role)


def _challenge(detail: str, error: str = "") -> Refusal:
    """A 401 whose challenge has the reason only if credentials were sent (RFC 6750, 3)."""
    value = 'Bearer realm="harvestd"' + (f", {error}" if error else "")
    return Refusal("unauthenticated", detail, headers=(("WWW-Authenticate", value),))
