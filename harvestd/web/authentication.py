"""Authentication of the caller, and authorization for the route."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import attrs

from harvestd.kernel.errors import Forbidden, Unauthenticated
from harvestd.kernel.permissions import may
from harvestd.kernel.sentences import worded
from harvestd.parts import Parts
from harvestd.web import session_cookie, tokens
from harvestd.web.context import SIGN_IN, Caller
from harvestd.web.problems import Refusal
from harvestd.web.routes import Route

#: How API keys begin.
KEY_PREFIX = "hk_"
_NO_CSRF = (
    "a browser's session needs its csrf_token as X-CSRF-Token with whatever changes something: "
    "GET /api/auth/session answers it"
)
_ENDED = "this sign-in has ended; sign in again"


async def caller_of(
    route: Route, authorization: str, csrf: str, cookies: Mapping[str, str], parts: Parts
) -> Caller | None:
    """Who asks, with the account's current role and rights, or None without credentials.

    An invalid ``Authorization`` is a 401 on every route that reads it, so that no client wrongly believes it is signed in. A cookie
    that no longer holds counts as none: browsers send it by themselves, and public pages have to work."""
    if not route.credentials:
        return None
    if authorization:
        caller = await _bearer(authorization, parts)
        return (
            None
            if route.permission is None and caller.scopes is not None and route.scope not in caller.scopes
            else caller
        )
    sent = cookies.get(session_cookie.name(parts.settings))
    found = session_cookie.read(parts.secret, sent, parts.now()) if sent else None
    role = await parts.sign_ins.role(found.user_id, found.session) if found is not None else None
    if found is None or role is None:
        return None
    if route.method not in session_cookie.SAFE:
        _check_csrf(csrf, parts.secret, found.session)
    return attrs.evolve(found, role=role)


async def _bearer(authorization: str, parts: Parts) -> Caller:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    try:
        if scheme.lower() != "bearer":
            raise Unauthenticated("send the access token as Authorization: Bearer <token>")
        if not token:
            raise Unauthenticated("the Authorization header has no token")
        if token.startswith(KEY_PREFIX):
            return await _by_key(token, parts)
        caller = tokens.verify(parts.secret, token, parts.now())
    except Unauthenticated as error:
        raise _challenge(error.detail, 'error="invalid_token"') from error
    role = await parts.sign_ins.role(caller.user_id, caller.session)
    if role is None:
        raise _challenge(_ENDED, 'error="invalid_token"')
    return caller if role == caller.role else attrs.evolve(caller, role=role)


async def _by_key(token: str, parts: Parts) -> Caller:
    found = await parts.api_keys.find(token)
    if found is None:
        raise Unauthenticated("this API key is not valid, or no longer")
    return Caller(user_id=found.user_id, role=found.role, session=found.id, scopes=found.scopes)


def _check_csrf(given: str, secret: str, session: str) -> None:
    if not hmac.compare_digest(given.encode("utf-8", "replace"), session_cookie.csrf_token(secret, session).encode()):
        raise Refusal("csrf", _NO_CSRF)


def admit(route: Route, caller: Caller | None) -> None:
    """Raise a 401 or 403 unless the caller has the route's permission."""
    if route.permission is None:
        return
    if caller is None:
        raise _challenge(SIGN_IN)
    if not may(caller.role, route.permission):
        raise Forbidden(_not_for(caller.role, *sorted(route.roles)))
    caller.require_scope(route.permission)


def _not_for(role: str, *roles: str) -> str:
    if len(roles) == 1:
        return worded("this needs the role {one}; yours is {role}", one=roles[0], role=role)
    return worded("this needs one of the roles {roles}; yours is {role}", roles=", ".join(roles), role=role)


def _challenge(detail: str, error: str = "") -> Refusal:
    """A 401 whose challenge has the reason only if credentials were sent (RFC 6750, 3)."""
    value = 'Bearer realm="harvestd"' + (f", {error}" if error else "")
    return Refusal("unauthenticated", detail, headers=(("WWW-Authenticate", value),))
