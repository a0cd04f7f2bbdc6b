"""Browser sessions, and an account's sign-ins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from harvestd.kernel.errors import NotFound, Unauthenticated
from harvestd.market.accounts import actions, confirming, guessing, signing_in
from harvestd.market.accounts import deactivation_actions as deactivation
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts import sign_in_rows as devices
from harvestd.market.accounts import sign_ins as sessions
from harvestd.market.accounts.factor_routes import challenger
from harvestd.market.accounts.factor_shapes import SecondStep
from harvestd.market.accounts.recovery_routes import admit_link, linked, note_ended
from harvestd.market.accounts.recovery_shapes import LinkToken
from harvestd.market.accounts.session_shapes import BrowserSession, Device, DevicesQuery
from harvestd.market.accounts.shapes import Login
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import session_cookie
from harvestd.web.context import Caller, CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset

#: Whom to sign in, at the beginning of a unit of work.
Who = Callable[[UnitOfWork], Awaitable[accounts.User]]
#: What else to do at its end, with the id of the account.
Then = Callable[[UnitOfWork, str], Awaitable[None]]


async def _nothing(unit: UnitOfWork, user_id: str) -> None:
    """Nothing more is done."""


async def begin(request: RequestContext, body: Login) -> Result:
    """Sign in a browser: a new session each time, in the cookie; the one that the browser had ends."""
    user = await signing_in.admitted(request, body)

    async def who(unit: UnitOfWork) -> accounts.User:
        before = await deactivation.reopen(unit, user, body.reactivate)
        await signing_in.second_step(unit, user, body.code, body.passkey)
        return before

    return await begun(request, who)


async def begin_by_link(request: RequestContext, body: LinkToken) -> Result:
    """The same by a mailed token, which this browser asked for, or whose address the person names."""
    await admit_link(request, body, browser=True)
    ended = False

    async def who(unit: UnitOfWork) -> accounts.User:
        nonlocal ended
        user, ended = await linked(unit, body)
        return user

    async def then(unit: UnitOfWork, user_id: str) -> None:
        if ended:
            await note_ended(request, unit, user_id)

    return await begun(request, who, then)


async def begin_by_factor(request: RequestContext, body: SecondStep) -> Result:
    """The same by a second factor, after what asked for it."""
    user = await challenger(request, body)

    async def who(unit: UnitOfWork) -> accounts.User:
        before = await deactivation.reopen(unit, user, body.reactivate)
        await signing_in.second_step(unit, user, body.code, body.passkey)
        return before

    return await begun(request, who)


async def begun(request: RequestContext, who: Who, then: Then = _nothing) -> Result:
    """A new session of whoever ``who`` has signed in; ``then`` is done at the end."""
    shown, cookie = await opened(request, who, then)
    return Result(shown, headers=(cookie,))


async def opened(request: RequestContext, who: Who, then: Then = _nothing) -> tuple[BrowserSession, tuple[str, str]]:
    """A new session for whom ``who`` answers, in one unit of work, with what ``then`` does at its end; and the header that sets its
    cookie. The session that the browser had ends. Raises ``Unauthenticated`` if the account is closed."""
    session = request.new_id()
    settings = request.parts.settings
    expires = signing_in.expiry(request, request.machine_now)
    before = session_cookie.read(
        request.parts.secret, request.cookies.get(session_cookie.name(settings), ""), request.machine_now
    )

    async def work(unit: UnitOfWork) -> tuple[BrowserSession, accounts.User]:
        user = await who(unit)
        if before is not None:
            await sessions.end(unit.tx, before.session, before.user_id, unit.machine_now)
            actions.ended(unit, before.user_id)
        if not await sessions.begin(
            unit.tx, session, user.id, unit.machine_now, expires, guessing.place_of(request), "browser", signing_in.device(request), user
        ):  # fmt: skip
            raise Unauthenticated(signing_in.CHANGED)
        signing_in.noted(request, unit, user.id)
        await unit.tell(actions.SignedIn(user.id, request))
        shown = await _shown(request, unit, user.id, session)
        await signing_in.note_opened(request, unit, user)
        await then(unit, user.id)
        return shown, user

    shown, user = await signing_in.written(request, work)
    caller = Caller(user.id, user.role, session, by_cookie=True)
    cookie = session_cookie.value(request.parts.secret, caller, expires)
    return shown, session_cookie.set_cookie(settings, cookie, int((expires - request.machine_now).total_seconds()))


async def _shown(request: RequestContext, unit: UnitOfWork, user_id: str, session: str) -> BrowserSession:
    user = await signing_in.own(unit.tx, user_id)
    return BrowserSession(user=user, csrf_token=session_cookie.csrf_token(request.parts.secret, session))


async def see(request: RequestContext) -> BrowserSession:
    """The browser's session, for a page that was just loaded."""
    caller = request.user
    if not caller.by_cookie:
        raise NotFound("this is no browser's session: the request came with an Authorization header")
    user = await signing_in.own(request.reader, caller.user_id)
    return BrowserSession(user=user, csrf_token=session_cookie.csrf_token(request.parts.secret, caller.session))


async def end(request: RequestContext) -> Result:
    """Sign the browser out."""
    await actions.end(request.work, request.user.user_id, request.user.session)
    return Result(None, status=204, headers=(session_cookie.set_cookie(request.parts.settings, "", 0),))


async def listed(request: RequestContext, query: DevicesQuery) -> CountedPage[Device]:
    """The caller's live sign-ins, newest first."""
    keyset = Keyset(query, "sessions", (UUID,), lambda row: (row.id,))
    after = keyset.after
    found = await devices.live(
        request.reader, request.user.user_id, after[0] if after else None, request.machine_now, keyset.ask
    )
    shown, following = keyset.page(found)
    own = request.user.session
    total = await devices.count(request.reader, request.user.user_id, request.machine_now) if query.count else None
    return CountedPage(
        [Device(id=row.id, kind=row.kind, device=row.device, created_at=row.created_at, renewed_at=row.renewed_at,
                expires_at=row.expires_at, current=row.id == own, acting=row.acting) for row in shown],
        following,
        total,
    )  # fmt: skip


async def end_one(request: RequestContext) -> None:
    """End one of the caller's sign-ins."""
    confirming.check_oneself(request)
    if not await actions.end(request.work, request.user.user_id, request.id("id")):
        raise NotFound("you have no such sign-in")
