"""Authentication of the caller, and authorization for the route."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping

import attrs

from harvestd.kernel.errors import Forbidden, SecondFactorRequired, Unauthenticated
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
_NO_FACTOR = (
    "your role needs a second factor, and your account has none; set one up first (POST /api/users/me/second-factors)"
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
    found = session_cookie.read(parts.secret, sent, parts.machine_now()) if sent else None
    account = await parts.sign_ins.account(found.user_id, found.session) if found is not None else None
    if found is None or account is None:
        return None
    if route.method not in session_cookie.SAFE:
        _check_csrf(csrf, parts.secret, found.session)
    return attrs.evolve(found, role=account.role, second_factor=account.second_factor)


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
        caller = tokens.verify(parts.secret, token, parts.machine_now())
    except Unauthenticated as error:
        raise _challenge(error.detail, 'error="invalid_token"') from error
    account = await parts.sign_ins.account(caller.user_id, caller.session)
    if account is None:
        raise _challenge(_ENDED, 'error="invalid_token"')
    if account.role == caller.role and not account.second_factor:
        return caller
    return attrs.evolve(caller, role=account.role, second_factor=account.second_factor)


async def _by_key(token: str, parts: Parts) -> Caller:
    found = await parts.api_keys.find(token)
    if found is None:
        raise Unauthenticated("this API key is not valid, or no longer")
    return Caller(
        user_id=found.user_id, role=found.role, session=found.id, scopes=found.scopes, second_factor=found.second_factor
    )


def _check_csrf(given: str, secret: str, session: str) -> None:
    if not hmac.compare_digest(given.encode("utf-8", "replace"), session_cookie.csrf_token(secret, session).encode()):
        raise Refusal("csrf", _NO_CSRF)


def lacking(route: Route, caller: Caller | None, required_for: Collection[str]) -> SecondFactorRequired | None:
    """The refusal of a caller whose role needs a second factor (``required_for``) and whose account has none; None for anyone else, and
    on the routes by which one comes to have one. Where anyone may ask, such a caller is nobody."""
    if caller is None or caller.second_factor or caller.role not in required_for or route.without_factor:
        return None
    return SecondFactorRequired(_NO_FACTOR)


def admit(
    route: Route, caller: Caller | None, refused: SecondFactorRequired | None = None, *, stranger: bool = False
) -> None:
    """Raise a 401 or 403 unless the caller has the route's permission, and is not ``refused`` (:func:`lacking`); ``stranger`` is whether one without an
    account may ask, too."""
    if route.permission is None:
        return
    if caller is None:
        if stranger:
            return
        raise _challenge(SIGN_IN)
    if not may(caller.role, route.permission):
        raise Forbidden(_not_for(caller.role, *sorted(route.roles)))
    if refused is not None:
        raise refused
    caller.require_scope(route.permission)


def _not_for(role: str, *roles: str) -> str:
    if len(roles) == 1:
        return worded("this needs the role {one}; yours is {role}", one=roles[0], role=role)
    return worded("this needs one of the roles {roles}; yours is {role}", roles=", ".join(roles), role=role)


def _challenge(detail: str, error: str = "") -> Refusal:
    """A 401 whose challenge has the reason only if credentials were sent (RFC 6750, 3)."""
    value = 'Bearer realm="harvestd"' + (f", {error}" if error else "")
    return Refusal("unauthenticated", detail, headers=(("WWW-Authenticate", value),))
