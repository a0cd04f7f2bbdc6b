"""Second factors of an account, and signing in with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harvestd.kernel.errors import FieldError, Invalid, Unauthenticated
from harvestd.kernel.names import accept, clean_name, named
from harvestd.market.accounts import audit, confirming, guessing
from harvestd.market.accounts import deactivation_actions as deactivation
from harvestd.market.accounts import factor_actions as actions
from harvestd.market.accounts import factor_rows as rows
from harvestd.market.accounts import factor_rules as rules
from harvestd.market.accounts import passkey_actions as passkeys
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.factor_shapes import (
    ConfirmFactor,
    Factor,
    Factors,
    NewFactor,
    RecoveryCodes,
    SecondStep,
    SetUpFactor,
)
from harvestd.market.accounts.shapes import SignedIn
from harvestd.market.accounts.signing_in import begun, note_opened, second_step, written
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext, Result


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, independent of the others."""
    found = clean_name("name", given["name"], rules.MAX_NAME) if isinstance(given.get("name"), str) else None
    return [found] if isinstance(found, FieldError) else []


async def sign_in(request: RequestContext, body: SecondStep) -> SignedIn:
    """The second step of a sign-in: a code or a passkey, after the password."""
    user = await challenger(request, body)

    async def work(unit: UnitOfWork) -> SignedIn:
        before = await deactivation.reopen(unit, user, body.reactivate)
        await second_step(unit, user, body.code, body.passkey)
        signed_in = await begun(request, unit, user.id, user)
        await note_opened(request, unit, before)
        return signed_in

    return await written(request, work)


async def proven(request: RequestContext, challenge: str) -> accounts.User:
    """The account whose password was given, or who came from an issuer. Raises ``Unauthenticated``."""
    user_id = actions.challenged(challenge, request.machine_now)
    user = await accounts.by_id(request.reader, user_id) if user_id is not None else None
    there = user is not None and (user.active or user.deactivated)
    if user is None or not there or not actions.proven(request.parts.secret, challenge, user):
        raise Unauthenticated("this sign-in has taken too long, or the password has changed; begin again")
    return user


async def challenger(request: RequestContext, body: SecondStep) -> accounts.User:
    """Whose challenge it is; it counts as an attempt to sign in. Raises ``Unauthenticated``, and ``Invalid`` without a second factor."""
    user = await proven(request, body.challenge)
    deactivation.check(user, body.reactivate)
    if body.code is None and body.passkey is None:
        raise Invalid.of("code", "is needed, or passkey", "required", reason="second-factor")
    await guessing.admit(request, user.email_key, user)
    return user


async def listed(request: RequestContext) -> Factors:
    """The caller's second factors, oldest first."""
    user_id = request.user.user_id
    found = [_shown(row) for row in await rows.all_of(request.reader, user_id) if row.confirmed_at is not None]
    return Factors(items=found, recovery_codes_left=await rows.codes_left(request.reader, user_id))


def _shown(row: rows.Factor) -> Factor:
    return Factor(id=row.id, kind=row.kind, name=row.name, created_at=row.created_at, last_used_at=row.last_used_at)


async def begin(request: RequestContext, body: NewFactor) -> Result:
    """Set up a factor; what is needed for that is in this answer alone."""
    await confirming.check(request)
    accept(*faults(request, {"name": body.name}))
    unit, user_id = request.work, request.user.user_id
    name = named("name", body.name, rules.MAX_NAME)
    shown = await _passkey(unit, user_id, name) if body.kind == "passkey" else await _authenticator(unit, user_id, name)
    return Result(shown, headers=(("Location", f"/api/users/me/second-factors/{shown.id}"),))


async def _authenticator(unit: UnitOfWork, user_id: str, name: str) -> SetUpFactor:
    factor, secret = await actions.begin(unit, user_id, name)
    user = await accounts.by_id(unit.tx, user_id)
    assert user is not None
    uri = rules.uri(secret, user.email, unit.parts.settings.market_name)
    return SetUpFactor(id=factor.id, kind=factor.kind, name=name, secret=secret, uri=uri, options=None)


async def _passkey(unit: UnitOfWork, user_id: str, name: str) -> SetUpFactor:
    factor, options = await passkeys.begin(unit, user_id, name)
    return SetUpFactor(id=factor.id, kind=factor.kind, name=name, secret=None, uri=None, options=options)


async def confirm(request: RequestContext, body: ConfirmFactor) -> RecoveryCodes:
    """Have a factor count, by a code of it, or by what its authenticator made."""
    await confirming.check(request)
    unit, user_id = request.work, request.user.user_id

    async def check(factor: rows.Factor) -> int:
        if factor.kind == "totp" and body.code is not None:
            return actions.step_given(unit, factor, body.code)
        if factor.kind == "totp":
            raise Invalid.of("code", "is needed: what the authenticator shows", "required", reason="totp")
        if body.passkey is None:
            raise Invalid.of(
                "passkey", "is needed: what the passkey's authenticator made", "required", reason="passkey"
            )
        await passkeys.confirm(unit, user_id, factor, body.passkey)
        return 0

    codes, new = await actions.confirm(unit, user_id, request.id("id"), check)
    if new:
        await audit.note(request, unit, "second_factor.added", user_id, f"second_factor:{request.id('id')}")
    return RecoveryCodes(recovery_codes=codes)


async def renew(request: RequestContext) -> RecoveryCodes:
    """New recovery codes in place of the others."""
    await confirming.check(request)
    unit, user_id = request.work, request.user.user_id
    codes = await actions.renew_codes(unit, user_id)
    await audit.note(request, unit, "second_factor.codes_renewed", user_id)
    return RecoveryCodes(recovery_codes=codes)


async def remove(request: RequestContext) -> None:
    """Take a factor away."""
    await confirming.check(request)
    unit, user_id = request.work, request.user.user_id
    if await actions.remove(unit, user_id, request.id("id")):
        await audit.note(request, unit, "second_factor.removed", user_id, f"second_factor:{request.id('id')}")
