"""Accounts: the mails that they, or those who ask for one, are sent."""

from __future__ import annotations

from harvestd.kernel import email_addresses
from harvestd.market.accounts import recovery_actions as recovery
from harvestd.market.accounts import rows as accounts
from harvestd.market.notifications.account_messages import NOTED, OWN_MAILS
from harvestd.market.notifications.outgoing import send
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork


async def welcome(unit: UnitOfWork, event: Envelope) -> None:
    """Welcome a new account, and have its address verified, unless somebody else has done that."""
    email = event.data["email"]
    user = await recovery.told(unit, email_addresses.key(email))
    if user is None or not user.verified:
        await _mail_account(unit, event, email, "verify", "welcome")
    else:  # the operator vouches for the address, or somebody elsewhere does
        await _mail_account(unit, event, email, "", "welcome_known" if user.password_hash else "welcome_elsewhere")


async def account_mail(unit: UnitOfWork, event: Envelope) -> None:
    """The mail that somebody asked for, if the address has an account."""
    purpose, email = event.data["purpose"], event.data["email"]
    if purpose != "address":
        await _mail_account(unit, event, email, purpose, purpose)
    elif await recovery.is_another_s(unit, event.data["user_id"], email_addresses.key(email)):
        await _mail_account(unit, event, email, "", "known_address")
    else:
        secret = await recovery.issue_address(unit, event.data["user_id"], email, event.data.get("session") or "")
        if secret is not None:
            await send(unit, event, event.data["user_id"], email, "address", f"#verify={secret}")


async def address_changed(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the address that the account had, whose owner may not have changed it."""
    await send(unit, event, event.data["user_id"], event.data["before"], "moved")


async def password_reset(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the owner, who may not have done it."""
    user = await accounts.by_id(unit.tx, event.data["user_id"])
    if user is not None:
        await _mail_account(unit, event, user.email, "", "changed")


async def noted(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the owner of an account what was done to it."""
    user = await accounts.by_id(unit.tx, event.data["user_id"])
    action, to = event.data["action"], event.data.get("to", "")
    told = f"{action}/{to}" if to else action
    if user is None:
        return
    if told in OWN_MAILS:
        await send(unit, event, user.id, user.email, OWN_MAILS[told], "#forgot", proven=user.verified)
    elif action in NOTED:
        what = NOTED.get(told, NOTED[action])
        await send(unit, event, user.id, user.email, "noted", proven=user.verified, what=what)


async def exported(unit: UnitOfWork, event: Envelope) -> None:
    """Tell a person that the file with all that is held on them is there."""
    user = await accounts.by_id(unit.tx, event.data["user_id"])
    if user is not None:
        days = round(unit.parts.settings.operations_keep / 86_400) or 1
        await send(unit, event, user.id, user.email, "exported", proven=user.verified, days=days)


async def goodbye(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the address that a closed account had, whose owner may not have done it."""
    email = event.data.get("email", "")
    if email:
        await send(unit, event, event.data["user_id"], email, "closed")


async def _mail_account(unit: UnitOfWork, event: Envelope, email: str, purpose: str, kind: str) -> None:
    """Mail an account about itself, with a fresh secret for the ``purpose``, if there is one. No text of these mails is the account's own:
    until the owner has responded, the address may be a stranger's, and a name could be any text."""
    user = await recovery.told(unit, email_addresses.key(email))
    if user is None:
        return
    secret = await recovery.issue(unit, user.id, purpose) if purpose in recovery.LIFE else ""
    if secret is None:
        return
    fragment, proven = f"#{purpose}={secret}" if secret else "", user.verified or bool(secret)
    await send(unit, event, user.id, user.email, kind, fragment, proven=proven)
