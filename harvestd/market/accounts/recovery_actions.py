"""Mailed secrets: to verify an address, to reset a password, to sign in without one.

What a stranger asks for is only recorded (``account.mail_requested``), whether or not the address has an account; the worker that
mails finds that out. So a request says nothing about who has an account here, not by its time either. A secret exists in the mail
alone; the database has its SHA-256.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from harvestd.kernel import email_addresses
from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import AlreadyTaken, FieldError, Invalid
from harvestd.kernel.events import Event
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts import actions, factor_rows, identity_rows, key_rows, passkey_rows
from harvestd.market.accounts import recovery_rows as tokens
from harvestd.market.accounts import rows as accounts
from harvestd.unit_of_work import UnitOfWork

#: How long a secret is good, by its purpose.
LIFE: dict[str, timedelta] = {
    "verify": timedelta(days=7), "reset": timedelta(hours=1), "link": timedelta(minutes=15), "address": timedelta(days=1),
}  # fmt: skip
#: Mails for one purpose that an account gets within an hour, whoever asks for them: each has a secret that works.
MAX_AN_HOUR = 5


def request(unit: UnitOfWork, purpose: str, email: str, language: str | None) -> None:
    """Have a mail sent to whoever has this address, if that is an account; in ``language``, that of the request, if the account has chosen none."""
    data = {"purpose": purpose, "email": email, "language": language}
    unit.record(Event("account.mail_requested", f"mail:{unit.new_id()}", 1, data))


async def issue(unit: UnitOfWork, user_id: str, purpose: str) -> str | None:
    """A new secret, to be mailed to the account's address; None if it got :data:`MAX_AN_HOUR` within the hour."""
    if await tokens.lately(unit.tx, user_id, purpose, unit.machine_now - timedelta(hours=1)) >= MAX_AN_HOUR:
        return None
    secret = secrets.token_urlsafe(32)
    await tokens.insert(
        unit.tx, secret_hash(secret), user_id, purpose, unit.machine_now, unit.machine_now + LIFE[purpose]
    )
    return secret


def request_address(unit: UnitOfWork, user_id: str, address: EmailAddress, session: str, language: str | None) -> None:
    """Have a mail with a secret sent to a new address of the account, if the sign-in that asks goes on until then; ``language`` likewise."""
    data = {"purpose": "address", "email": address.shown, "user_id": user_id, "session": session, "language": language}
    unit.record(Event("account.mail_requested", f"mail:{unit.new_id()}", 1, data))


async def issue_address(unit: UnitOfWork, user_id: str, email: str, session: str) -> str | None:
    """A new secret, to be mailed to a new address; None if the account asked for :data:`MAX_AN_HOUR` within the hour, or the sign-in that
    asked has ended, as all do with the account and with a new password that is set by a mail."""
    if not await tokens.goes_on(unit.tx, user_id, session):
        return None
    if await tokens.lately(unit.tx, user_id, "address", unit.machine_now - timedelta(hours=1)) >= MAX_AN_HOUR:
        return None
    secret = secrets.token_urlsafe(32)
    key = email_addresses.key(email)
    expires = unit.machine_now + LIFE["address"]
    stored = await tokens.insert_address(unit.tx, secret_hash(secret), user_id, email, key, unit.machine_now, expires)
    return secret if stored else None


async def verify(unit: UnitOfWork, secret: str) -> tuple[str, bool]:
    """The owner has read the mail of this secret, which went to the account's address or to the one that it is to have. Raises
    ``Invalid``, and ``AlreadyTaken`` if another account has that by now. Returns the id of the account, and whether that was news."""
    found = await tokens.use(unit.tx, secret_hash(secret), "verify", unit.machine_now)
    if found is None:
        return await _moved(unit, secret), True
    return found.user_id, await verified(unit, found.user_id)


async def _moved(unit: UnitOfWork, secret: str) -> str:
    found = await tokens.use(unit.tx, secret_hash(secret), "address", unit.machine_now)
    if found is None or found.email is None:
        raise not_good()
    before = await accounts.by_id(unit.tx, found.user_id)
    assert before is not None
    if not await tokens.move(unit.tx, found.user_id, found.email, found.email_key, unit.machine_now):
        fault = FieldError(
            "email", "this email is in use by another account", code="taken", params={"reason": "account"}
        )
        raise AlreadyTaken(errors=(fault,))
    await tokens.revoke(unit.tx, found.user_id, unit.machine_now)
    data = {"user_id": found.user_id, "before": before.email}
    unit.record(Event("account.address_changed", f"user:{found.user_id}", before.version + 1, data))
    return found.user_id


async def change_password(unit: UnitOfWork, user_id: str, password_hash: str, keeping: str) -> None:
    """Set a new password, and end every other sign-in than ``keeping``, and every mailed secret."""
    await accounts.lock(unit.tx, user_id)
    await tokens.set_password(unit.tx, user_id, password_hash, unit.machine_now)
    await _renewed(unit, user_id, keeping)
    unit.record(Event("account.password_reset", f"user:{user_id}", 1, {"user_id": user_id}))


async def reset(unit: UnitOfWork, secret: str, password_hash: str) -> str:
    """Set a new password, and end every sign-in, every API key and every other mailed secret of the account, and its links with
    accounts elsewhere that have another address; of an account that somebody else may have registered (:func:`use_link`), the second factors too. Passkeys sign in alone again once
    they were used beside the new password: whoever had the old one may have set them up. Raises ``Invalid``."""
    user_id = await _used(unit, secret, "reset")
    await tokens.set_password(unit.tx, user_id, password_hash, unit.machine_now)
    if await verified(unit, user_id):
        await factor_rows.delete_all(unit.tx, user_id, unit.machine_now)
    await passkey_rows.not_alone(unit.tx, user_id)
    await key_rows.end_all(unit.tx, user_id, unit.machine_now)
    await identity_rows.delete_others(unit.tx, user_id)
    await _renewed(unit, user_id)
    unit.record(Event("account.password_reset", f"user:{user_id}", 1, {"user_id": user_id}))
    return user_id


async def use_link(unit: UnitOfWork, secret: str) -> tuple[str, bool]:
    """The account to be signed in, by the mailed link, and whether its password ended. Raises ``Invalid``.

    An address that was never verified may have been registered by somebody else, who knows the password: then that password, all
    sign-ins, API keys and second factors end here."""
    user_id = await _used(unit, secret, "link")
    first = await verified(unit, user_id)
    if first:
        await tokens.set_password(unit.tx, user_id, "", unit.machine_now)
        await factor_rows.delete_all(unit.tx, user_id, unit.machine_now)
        await key_rows.end_all(unit.tx, user_id, unit.machine_now)
        await _renewed(unit, user_id)
    return user_id, first


async def _used(unit: UnitOfWork, secret: str, purpose: str) -> str:
    found = await tokens.use(unit.tx, secret_hash(secret), purpose, unit.machine_now)
    if found is None:
        raise not_good()
    return found.user_id


def not_good() -> Invalid:
    """For a secret that was used, has expired, or never was one."""
    return Invalid.of("token", "was used already, or is too old: ask for a new mail, and use the newest one", "expired")


def not_mailed() -> Invalid:
    """For a link whose opener names another address than the one it went to; the same for a secret that is not good."""
    message = "is not where a link that is still good was sent; look for typing errors, or ask for a new mail"
    return Invalid.of("email", message, "not-found", reason="link")


def by_another() -> Invalid:
    """For a browser that opens a link that it has not asked for."""
    message = (
        "is needed, as this browser did not ask for the link: give that of the account that you want to sign in to"
    )
    return Invalid.of("email", message, "required", reason="link")


async def verified(unit: UnitOfWork, user_id: str) -> bool:
    """Note that the owner reads the account's mail; False if that was known."""
    first = await tokens.verify(unit.tx, user_id, unit.machine_now)
    if first:
        unit.record(Event("account.verified", f"user:{user_id}", 1, {"user_id": user_id}))
    return first


async def _renewed(unit: UnitOfWork, user_id: str, keeping: str | None = None) -> None:
    """End all that was good before, but for the sign-in ``keeping``: sign-ins, and mailed secrets."""
    await tokens.revoke(unit.tx, user_id, unit.machine_now)
    await actions.end_all(unit, user_id, keeping)


async def told(unit: UnitOfWork, email_key: str) -> accounts.User | None:
    """The account with this address, to be mailed; None if there is none, or the staff have closed it."""
    found = await accounts.by_email(unit.tx, email_key)
    return found if found is not None and (found.active or found.deactivated) else None


async def is_another_s(unit: UnitOfWork, user_id: str, email_key: str) -> bool:
    """Whether another account has this address."""
    found = await accounts.by_email(unit.tx, email_key)
    return found is not None and found.id != user_id
