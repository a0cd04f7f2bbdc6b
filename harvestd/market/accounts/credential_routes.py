"""Changing one's password and one's address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harvestd.kernel import email_addresses
from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.names import accept
from harvestd.market.accounts import audit, confirming, guessing, passwords
from harvestd.market.accounts import password_rules as rules
from harvestd.market.accounts import recovery_actions as actions
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.credential_shapes import ChangeEmail, ChangePassword
from harvestd.market.accounts.rows import User
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext


def email_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, independent of the others."""
    found = email_addresses.checked("email", given["email"]) if isinstance(given.get("email"), str) else None
    return [found] if isinstance(found, FieldError) else []


def password_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """The same of a new password, whoever's it is to be."""
    settings = request.parts.settings
    password = given.get("password")
    if not isinstance(password, str):
        return []
    found = rules.fault(password, settings.password_least, passwords.common(), (settings.market_name,))
    return [] if found is None else [found]


async def change_password(request: RequestContext, body: ChangePassword) -> None:
    """Set a new password; every other sign-in ends."""
    await confirming.check(request)
    user = await _user(request)
    check_password(request, body.password, user)
    password_hash = await passwords.hashed(body.password, passwords.place(request))

    async def work(unit: UnitOfWork) -> None:
        await confirming.check(request, unit)
        await actions.change_password(unit, user.id, password_hash, keeping=request.user.session)
        await audit.note(request, unit, "account.password_changed", user.id)

    await request.write(work)


def check_password(request: RequestContext, password: str, user: User) -> None:
    """Raise ``Invalid`` for a password that is too short, or too easy to guess for whoever knows the account."""
    settings = request.parts.settings
    own = (user.email, user.username, user.name, settings.market_name)
    fault = rules.fault(password, settings.password_least, passwords.common(), own)
    if fault is not None:
        raise Invalid("the password cannot be set", (fault,))


async def change_email(request: RequestContext, body: ChangeEmail) -> None:
    """Have a mail sent to a new address, which becomes the account's once its link was opened."""
    await confirming.check(request)
    found = accept(email_addresses.checked("email", body.email))[0]
    assert isinstance(found, EmailAddress)
    user = await _user(request)
    if user.email_key == found.key and user.email == found.shown:
        raise Invalid.of("email", "is the address of your account already", "not-accepted", reason="your-own")
    await guessing.admit_mail(request)
    user_id = user.id

    async def work(unit: UnitOfWork) -> None:
        await confirming.check(request, unit)
        actions.request_address(unit, user_id, found, request.user.session, request.language_asked)

    await request.write(work)


async def _user(request: RequestContext) -> User:
    found = await accounts.by_id(request.reader, request.user.user_id)
    assert found is not None, "whoever is signed in has an account"
    return found
