"""Signing in with an account elsewhere: begun, ended, linked with an account, and parted from it.

The issuer is asked between two units of work, and inside none: the first uses the state up, the second signs in.
"""

from __future__ import annotations

import hmac
from urllib.parse import quote

import attrs

from harvestd.interfaces import Identity, IIssuer
from harvestd.kernel.errors import (
    Forbidden,
    IdentityRefused,
    NotFound,
    SecondFactorNeeded,
    SignInUnknown,
    Unauthenticated,
)
from harvestd.kernel.names import accept
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts import audit, confirming, guessing, session_routes, signing_in
from harvestd.market.accounts import identity_actions as actions
from harvestd.market.accounts import identity_cookie as cookie
from harvestd.market.accounts import identity_pages as people
from harvestd.market.accounts import identity_rows as rows
from harvestd.market.accounts import identity_rules as rules
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.identity_cookie import Begun
from harvestd.market.accounts.identity_shapes import BeginQuery, CallbackQuery, LinkedIdentities, LinkedIdentity
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext, Result

CALLBACK = "/api/auth/google/callback"
_NOT_BEGUN = "this sign-in was not begun in this browser within ten minutes, or it has ended already; begin again, in one tab alone"


@people.shown
async def begin(request: RequestContext, query: BeginQuery) -> Result:
    """Send the browser to the issuer."""
    issuer, settings = _issuer(request), request.parts.settings
    _check_own_page(request)
    (to,) = accept(rules.return_to(query.return_to, (settings.public_url, *settings.cors_origins)))
    assert isinstance(to, str)
    owner, session = await _owner(request) if query.link else ("", "")
    begun = cookie.fresh(request.machine_now, to, owner, session, query.reactivate)
    address = await issuer.address(begun.attempt(settings.public_url + CALLBACK))
    return people.sent(address, cookie.set_cookie(settings, request.parts.secret, begun))


def _check_own_page(request: RequestContext) -> None:
    """Raise ``Forbidden`` if a page of a stranger sent the browser: it would sign people in who did not ask for that, where the issuer asks nothing."""
    settings, headers = request.parts.settings, request.headers
    ours = (settings.public_url, settings.account_url, *settings.cors_origins)
    if rules.by_a_stranger(headers.get("sec-fetch-site", ""), headers.get("referer", ""), ours):
        raise Forbidden(
            "a page of another site began this sign-in; begin it on a page of the market, or of a site in its cors_origins, which must send its Referer"
        )


def _issuer(request: RequestContext) -> IIssuer:
    found = request.parts.issuer
    if found is None:
        raise NotFound("nobody signs in to this market with an account elsewhere: its setting oidc_client_id is empty")
    return found


async def _owner(request: RequestContext) -> tuple[str, str]:
    """Who links, and their session."""
    if not request.user.by_cookie:
        raise Forbidden("accounts are linked in a browser; begin its session by POST /api/auth/session first")
    await confirming.check(request)
    user = await accounts.by_id(request.reader, request.user.user_id)
    assert user is not None, "whoever is signed in has an account"
    actions.check_verified(user)
    return user.id, request.user.session


@people.shown
async def end(request: RequestContext, query: CallbackQuery) -> Result:
    """The browser comes back: sign it in, or link, and send it where it wanted to go."""
    issuer, settings = _issuer(request), request.parts.settings
    begun = await _spent(request, query.state)
    if query.error or not query.code:
        raise IdentityRefused("the service elsewhere has not signed you in; begin again, or sign in in another way")
    identity = await issuer.identity(begun.attempt(settings.public_url + CALLBACK), query.code, query.iss)
    over = cookie.set_cookie(settings, request.parts.secret, None)
    if begun.user_id:
        await _linked(request, begun, identity)
        return people.sent(begun.return_to, over)
    try:
        return people.sent(begun.return_to, over, await _signed_in(request, begun, identity))
    except SecondFactorNeeded as needed:
        if not people.shows_pages(request):
            raise
        return people.sent(
            f"{people.page(request)}#factor={needed.challenge}&return_to={quote(begun.return_to, safe='')}", over
        )


async def _spent(request: RequestContext, state: str) -> Begun:
    """What the browser began, which ends now, whatever comes of it. Raises ``SignInUnknown``."""
    sent = request.cookies.get(cookie.name(request.parts.settings), "")
    begun = cookie.read(request.parts.secret, sent, request.machine_now)
    if begun is None or not hmac.compare_digest(begun.state.encode(), state.encode("utf-8", "surrogatepass")):
        raise SignInUnknown(_NOT_BEGUN)
    spent, until = secret_hash(begun.state), begun.expires_at
    if not await request.write(lambda unit: rows.spend(unit.tx, spent, until)):
        raise SignInUnknown(_NOT_BEGUN)
    return begun


async def _signed_in(request: RequestContext, begun: Begun, identity: Identity) -> tuple[str, str]:
    """The header of the new session's cookie."""
    if await rows.find(request.reader, identity.issuer, identity.subject) is None:
        await guessing.admit_new(request)
    new, own = (
        request.new_id(),
        attrs.evolve(request, caller=None),
    )  # whoever was signed in here before has no part in it

    async def who(unit: UnitOfWork) -> accounts.User:
        user = await actions.entered(unit, identity, new, request.language_asked, reactivate=begun.reactivate)
        await signing_in.second_step(unit, user, None, None)
        return user

    async def then(unit: UnitOfWork, user_id: str) -> None:
        after = {"issuer": identity.issuer}
        if user_id == new:
            await audit.note(own, unit, "identity.account_opened", user_id, after=after)
        else:
            await audit.note(own, unit, "identity.signed_in", user_id, after=after)

    return (await session_routes.opened(own, who, then))[1]


async def _linked(request: RequestContext, begun: Begun, identity: Identity) -> None:
    caller = request.caller
    if caller is None or (caller.user_id, caller.session) != (begun.user_id, begun.session):
        raise Unauthenticated("the session that began to link has ended; sign in, and begin again")

    async def work(unit: UnitOfWork) -> None:
        row = await actions.link(unit, identity, begun.user_id)
        if row is not None:
            about = f"identity:{row.id}"
            await audit.note(request, unit, "identity.linked", begun.user_id, about, None, {"issuer": row.issuer})

    await request.write(work)


async def listed(request: RequestContext) -> LinkedIdentities:
    """The accounts elsewhere that sign in to the caller's."""
    found = await rows.all_of(request.reader, request.user.user_id)
    return LinkedIdentities(items=[
        LinkedIdentity(id=one.id, issuer=one.issuer, email=one.email, created_at=one.created_at, last_used_at=one.last_used_at)
        for one in found
    ])  # fmt: skip


async def remove(request: RequestContext) -> None:
    """Part the caller's account from one of them."""
    await confirming.check(request)
    unit, user_id = request.work, request.user.user_id
    await actions.unlink(unit, user_id, request.id("id"))
    await audit.note(request, unit, "identity.removed", user_id, f"identity:{request.id('id')}")
