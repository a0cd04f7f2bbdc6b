"""Confirming one's own sign-in (step-up): by the password and the second factor, or by a passkey alone, which is both."""

from __future__ import annotations

from harvestd.kernel.errors import Invalid, Unauthenticated, WrongPasskey, WrongSecondFactor
from harvestd.market.accounts import confirming, guessing, passkey_options, passwords, signing_in
from harvestd.market.accounts import passkey_actions as passkeys
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts import sign_in_rows as devices
from harvestd.market.accounts.passkey_challenges import Purpose
from harvestd.market.accounts.passkey_routes import known_of
from harvestd.market.accounts.passkey_shapes import PasskeyRequest
from harvestd.market.accounts.session_shapes import Confirm, ConfirmOptionsQuery
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext


async def options(request: RequestContext, query: ConfirmOptionsQuery) -> PasskeyRequest:
    """Options for the caller's passkeys, to confirm. Raises ``Conflict`` if there are none."""
    confirming.check_oneself(request)
    known = await known_of(request, request.user.user_id)
    return passkey_options.request(
        request.parts, Purpose.CONFIRM, request.user.session, known, request.machine_now, alone=query.alone
    )


async def confirm(request: RequestContext, body: Confirm) -> None:
    """The password again, with the second factor if there is one; or a passkey alone. Raises ``Invalid`` for what is wrong: a 401 would have
    clients sign the person out."""
    confirming.check_oneself(request)
    user = await accounts.by_id(request.reader, request.user.user_id)
    assert user is not None
    alone = body.password is None
    if alone and body.passkey is None:
        raise Invalid.of("password", "is needed, or passkey", "required", reason="password-or-passkey")
    if not alone and not user.password_hash:
        message = "cannot be checked: your account has none; give a passkey, or sign in again, or set one by the mail for a forgotten one"
        raise Invalid.of("password", message, "not-accepted", reason="no-password")
    await guessing.admit_confirmation(request, user.email_key)
    if body.password is not None:
        await _check_password(request, body, user)

    async def work(unit: UnitOfWork) -> None:
        if alone and body.passkey is not None:
            await passkeys.check(unit, user.id, body.passkey, Purpose.CONFIRM, request.user.session, alone=True)
        else:
            await signing_in.second_step(unit, user, body.code, body.passkey, Purpose.CONFIRM, request.user.session)
        if not await devices.confirm(unit.tx, request.user.session, user, unit.machine_now):
            raise Unauthenticated(signing_in.CHANGED)

    try:
        await signing_in.written(request, work)
    except (WrongSecondFactor, WrongPasskey) as refused:
        raise _fault(body, refused) from refused


async def _check_password(request: RequestContext, body: Confirm, user: accounts.User) -> None:
    """Raise ``Invalid`` for a wrong password, or one alone where there is a second factor."""
    if not await passwords.verified(body.password or "", user.password_hash, passwords.place(request)):
        signing_in.log.info("confirmation of {user_id} failed", user_id=user.id, address=request.address)
        raise Invalid.of("password", "is not the password of your account", "not-accepted", reason="wrong-password")
    if user.second_factor and body.code is None and body.passkey is None:
        raise Invalid.of("code", "is needed: the code of your second factor", "required", reason="second-factor")


def _fault(body: Confirm, refused: WrongSecondFactor | WrongPasskey) -> Invalid:
    """The same refusal, at the field that it is of."""
    if isinstance(refused, passkeys.NotAlone):
        message = "is needed beside this passkey, which has not verified who you are, or was not used since a new password was set by a mail"
        return Invalid.of("password", message, "required", reason="beside-passkey")
    if body.password is None or body.code is None:
        message = "was not accepted; ask for new options, and try again"
        return Invalid.of("passkey", message, "not-accepted", reason="passkey")
    return Invalid.of("code", "is wrong, or was used already; wait for the next one", "not-accepted", reason="code")
