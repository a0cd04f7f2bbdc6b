"""Verifying an address, resetting a password, and signing in by a mailed link."""

from __future__ import annotations

from harvestd.kernel import email_addresses
from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import Conflict, Forbidden
from harvestd.kernel.names import accept
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts import audit, guessing, link_cookie, passwords
from harvestd.market.accounts import deactivation_actions as deactivation
from harvestd.market.accounts import recovery_actions as actions
from harvestd.market.accounts import recovery_rows as tokens
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.credential_routes import check_password, password_faults
from harvestd.market.accounts.recovery_shapes import Forgot, LinkToken, MailedToken, Reset
from harvestd.market.accounts.shapes import SignedIn
from harvestd.market.accounts.signing_in import begun, note_opened, second_step, written
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext, Result


async def forgot(request: RequestContext, body: Forgot) -> None:
    """Ask for a mail with which to set a new password."""
    await _ask(request, "reset", body.email)


async def link(request: RequestContext, body: Forgot) -> Result:
    """Ask for a mail with which to sign in; the cookie says in which browser that was."""
    check_links(request)
    key = await _ask(request, "link", body.email)
    parts = request.parts
    cookie = link_cookie.set_cookie(parts.settings, parts.secret, key, request.machine_now, actions.LIFE["link"])
    return Result(None, status=202, headers=(cookie,))


async def _ask(request: RequestContext, purpose: str, email: str) -> str:
    """The key of the address."""
    found = accept(email_addresses.checked("email", email))[0]
    assert isinstance(found, EmailAddress)
    await guessing.admit_mail(request)
    await _requested(request, purpose, found.shown)
    return found.key


async def _requested(request: RequestContext, purpose: str, email: str) -> None:
    async def work(unit: UnitOfWork) -> None:
        actions.request(unit, purpose, email, request.language_asked)

    await request.write(work)


async def again(request: RequestContext) -> None:
    """Ask for another mail with which to verify one's address."""
    await guessing.admit_mail(request)
    found = await accounts.by_id(request.reader, request.user.user_id)
    if found is not None and found.verified:
        raise Conflict("your address is verified already")
    if found is not None:
        await _requested(request, "verify", found.email)


async def verify(request: RequestContext, body: MailedToken) -> None:
    """The address of an account is its owner's."""
    user_id, first = await actions.verify(request.work, body.token)
    if first:
        await audit.note(request, request.work, "account.address_verified", user_id)


async def reset(request: RequestContext, body: Reset) -> None:
    """Set a new password by a mailed token."""
    accept(*password_faults(request, {"password": body.password}), message="the password cannot be set")
    user = await tokens.user_of(request.reader, secret_hash(body.token), "reset", request.machine_now)
    if user is None:  # before the password is hashed, which is for those who have a token
        raise actions.not_good()
    check_password(request, body.password, user)
    password_hash = await passwords.hashed(body.password, passwords.place(request))

    async def work(unit: UnitOfWork) -> None:
        user_id = await actions.reset(unit, body.token, password_hash)
        await guessing.remember(request, unit, user_id)
        await audit.note(request, unit, "account.password_reset", user_id)

    await request.write(work)


async def use_link(request: RequestContext, body: LinkToken) -> SignedIn:
    """Sign in by a mailed token."""
    await admit_link(request, body)

    async def work(unit: UnitOfWork) -> SignedIn:
        user, ended = await linked(unit, body)
        signed_in = await begun(request, unit, user.id, user)
        await note_opened(request, unit, user)
        if ended:
            await note_ended(request, unit, user.id)
        return signed_in

    return await written(request, work)


async def note_ended(request: RequestContext, unit: UnitOfWork, user_id: str) -> None:
    """Note, at the end of a sign-in by a mailed link, that it has ended the password, of which the owner is mailed."""
    await audit.note(request, unit, "account.password_removed", user_id)


async def linked(unit: UnitOfWork, body: LinkToken) -> tuple[accounts.User, bool]:
    """The account that a mailed token signs in, and whether that ended its password. Where its second factor is still asked for, all of this is undone: the link works on,
    with the code."""
    user_id, ended = await actions.use_link(unit, body.token)
    user = await accounts.by_id(unit.tx, user_id)
    assert user is not None
    user = await deactivation.reopen(unit, user, body.reactivate)
    await second_step(unit, user, body.code, body.passkey)
    return user, ended


async def admit_link(request: RequestContext, body: LinkToken, browser: bool = False) -> None:
    """What is asked of whoever signs in by a mailed token: a market that does so; the address that the link went to, in a ``browser`` that has
    not asked for it; and, since the link works on after a wrong address or code, not too many of those. Raises ``Forbidden``, ``Invalid`` and
    ``TooMany``."""
    check_links(request)
    if body.code is None and body.email is None and not browser:
        return
    user = await tokens.user_of(request.reader, secret_hash(body.token), "link", request.machine_now)
    if body.email is not None:
        await guessing.admit_link(request, secret_hash(body.token))
        if user is None or email_addresses.key(body.email) != user.email_key:
            raise actions.not_mailed()
    if user is None:
        raise actions.not_good()
    if browser and body.email is None and not _asked_here(request, user.email_key):
        raise actions.by_another()
    if body.code is not None:
        await guessing.admit(request, user.email_key, user)


def _asked_here(request: RequestContext, email_key: str) -> bool:
    sent = request.cookies.get(link_cookie.name(request.parts.settings), "")
    return link_cookie.asked(request.parts.secret, sent, email_key, request.machine_now)


def check_links(request: RequestContext) -> None:
    """Raise ``Forbidden`` in a market that does not sign in by links."""
    if not request.parts.settings.link_sign_in:
        raise Forbidden("this market does not sign in by mailed links; sign in with your password")
