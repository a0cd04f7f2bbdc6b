"""Asking for passkeys, and signing in with one alone."""

from __future__ import annotations

from harvestd.kernel.errors import Conflict
from harvestd.market.accounts import deactivation_actions as deactivation
from harvestd.market.accounts import guessing, passkey_options, session_routes, signing_in
from harvestd.market.accounts import passkey_actions as actions
from harvestd.market.accounts import passkey_rows as rows
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.factor_routes import proven
from harvestd.market.accounts.passkey_challenges import Purpose
from harvestd.market.accounts.passkey_rows import Known
from harvestd.market.accounts.passkey_shapes import AskForPasskey, PasskeyRequest, PasskeySignIn
from harvestd.market.accounts.shapes import SignedIn
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext, Result


async def options(request: RequestContext) -> PasskeyRequest:
    """Options for whoever wants to sign in by a passkey alone."""
    return passkey_options.request(request.parts, Purpose.SIGN_IN, "", (), request.machine_now, alone=True)


async def options_of_second_step(request: RequestContext, body: AskForPasskey) -> PasskeyRequest:
    """Options for the passkeys of whoever gave the password."""
    user = await proven(request, body.challenge)
    known = await known_of(request, user.id)
    return passkey_options.request(request.parts, Purpose.SECOND_STEP, user.id, known, request.machine_now)


async def known_of(request: RequestContext, user_id: str) -> list[Known]:
    """The account's passkeys. Raises ``Conflict`` if it has none."""
    known = await rows.of(request.reader, user_id)
    if not known:
        raise Conflict("your account has no passkey; give a code of its second factor")
    return known


async def sign_in(request: RequestContext, body: PasskeySignIn) -> SignedIn:
    """Sign in by a passkey alone."""
    user = await _owner(request, body)

    async def work(unit: UnitOfWork) -> SignedIn:
        before = await _check(unit, user, body)
        signed_in = await signing_in.begun(request, unit, user.id, user)
        await signing_in.note_opened(request, unit, before)
        return signed_in

    return await signing_in.written(request, work)


async def begin_session(request: RequestContext, body: PasskeySignIn) -> Result:
    """The same of a browser."""
    user = await _owner(request, body)

    async def who(unit: UnitOfWork) -> accounts.User:
        return await _check(unit, user, body)

    return await session_routes.begun(request, who)


async def _check(unit: UnitOfWork, user: accounts.User, body: PasskeySignIn) -> accounts.User:
    """Check the passkey, of an account at rest as if it were open: that it is, and that it stays so, is told to its owner alone, and then this
    unit of work is undone, so that the same answer opens it with ``reactivate``. The account as :func:`deactivation_actions.reopen` has it. Raises ``WrongPasskey`` and ``Deactivated``."""
    before = await deactivation.reopen(unit, user, True)
    await actions.check(unit, user.id, body.passkey, Purpose.SIGN_IN, "", alone=True)
    deactivation.check(user, body.reactivate)
    return before


async def _owner(request: RequestContext, body: PasskeySignIn) -> accounts.User:
    """Whom the passkey would sign in, counted as every attempt to sign in is."""
    answer = actions.taken(request.parts.settings, body.passkey)
    found = await rows.by_credential(request.reader, answer.id)
    user = await accounts.by_id(request.reader, found.user_id) if found is not None else None
    if user is None:
        raise actions.not_good()
    await guessing.admit_known(request, user.email_key)
    if request.parts.settings.private_registration and not user.verified:
        raise actions.not_good()
    return user
