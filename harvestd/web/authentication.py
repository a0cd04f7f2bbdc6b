"""Who asks, and whether the route is for them."""

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
    """Whom the token names, or None without credentials. Credentials that do not hold are a 401 on any route that looks
    at them, so that nobody believes themselves signed in who is not."""
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
    """The caller as he is now: the token says who he was, and what he may do is the account's, asked of what is known of it.
    Raises the 401 for a sign-in that was ended, by its owner or because somebody else used it too, or a closed account."""
    role = await sessions.role(caller.user_id, caller.session)
    if role is None:
        raise _challenge("this sign-in has ended; sign in again", 'error="invalid_token"')
    return caller if role == caller.role else attrs.evolve(caller, role=role)


def admit(route: Route, caller: Caller | None) -> None:
    """Raise a 401 or 403 unless the caller may do at all what the route does."""
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
    """RFC 6750, 3: the reason stands in the challenge only when credentials were sent."""
    value = 'Bearer realm="harvestd"' + (f", {error}" if error else "")
    return Refusal("unauthenticated", detail, headers=(("WWW-Authenticate", value),))
