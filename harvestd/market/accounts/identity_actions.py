"""Identities: who signs in by one, who gets an account by one, and how an account is linked with one and parted from it.

An identity is an issuer's subject, never an address: that may become somebody else's. An address counts once, when an identity is new here, and
only if the issuer has verified it. It never gives anybody an account that is there already: its owner, signed in, links the two.
"""

from __future__ import annotations

from harvestd.interfaces import Identity
from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import AlreadyTaken, Conflict, IdentityRefused, LinkNeeded, NotFound
from harvestd.market.accounts import actions
from harvestd.market.accounts import deactivation_actions as deactivation
from harvestd.market.accounts import identity_rows as rows
from harvestd.market.accounts import identity_rules as rules
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.identity_rows import IdentityRow
from harvestd.market.accounts.recovery_actions import verified
from harvestd.market.accounts.rows import User
from harvestd.unit_of_work import UnitOfWork

_UNVERIFIED = "the service elsewhere has no verified address of yours, so no account can be opened with it; verify your address there, or register here"
_EXISTS = "there is an account with your address already; sign in to it as before, or set a new password for it, and link the two then"
_UNLIKE = "only an account elsewhere that has the verified address of your account here can be linked with it; change one of the two addresses first"
_ANOTHER_S = "this account elsewhere signs in to another account of this market; take it away from that first"


async def entered(
    unit: UnitOfWork, identity: Identity, user_id: str, language: str | None = None, *, reactivate: bool = False
) -> User:
    """The account that an identity signs in to, as it was, locked and opened if it was at rest; for somebody new a new one, with the id ``user_id``,
    that is written to in ``language``. Raises ``ClosedByStaff``, ``Deactivated``, ``IdentityRefused`` and ``LinkNeeded``."""
    found = await rows.find(unit.tx, identity.issuer, identity.subject)
    if found is None:
        return await _opened(unit, identity, user_id, language, reactivate)
    return await _known(unit, found, reactivate)


async def _known(unit: UnitOfWork, found: IdentityRow, reactivate: bool) -> User:
    user = await _account(unit, found.user_id)
    user = await deactivation.reopen(unit, user, reactivate)
    await accounts.lock(unit.tx, found.user_id)
    now = await rows.find(unit.tx, found.issuer, found.subject)
    if now is None or now.user_id != found.user_id:  # it was taken away until the account was locked
        raise IdentityRefused("your account elsewhere signs in to no account of this market any more; begin again")
    await rows.used(unit.tx, found.id, unit.machine_now)
    return user


async def _account(unit: UnitOfWork, user_id: str) -> User:
    user = await accounts.by_id(unit.tx, user_id)
    assert user is not None, "identities go with their account"
    return user


async def _opened(unit: UnitOfWork, identity: Identity, user_id: str, language: str | None, reactivate: bool) -> User:
    """An account for somebody new: its address is verified, and no password is its."""
    address = _address(identity)
    if address is None:
        raise IdentityRefused(_UNVERIFIED)
    for account in rules.accounts_of(identity.name, address, user_id, language):
        taken = {fault.field for fault in await actions.register_unless_taken(unit, account, user_id, "")}
        if not taken:
            await verified(unit, user_id)
            await rows.insert(unit.tx, _row(unit, identity, user_id, address))
            return await _account(unit, user_id)
        if "email" in taken:
            break
    found = await rows.find(unit.tx, identity.issuer, identity.subject)  # the same person in another tab
    if found is None:
        raise LinkNeeded(_EXISTS)
    return await _known(unit, found, reactivate)


async def link(unit: UnitOfWork, identity: Identity, user_id: str) -> IdentityRow | None:
    """Link the account of an owner who is signed in with an identity of the same verified address; None if they are linked. Raises
    ``Conflict`` and ``AlreadyTaken``."""
    await accounts.lock(unit.tx, user_id)
    user, address = await accounts.by_id(unit.tx, user_id), _address(identity)
    assert user is not None
    check_verified(user)
    if address is None or address.key != user.email_key:
        raise Conflict(_UNLIKE)
    found = await rows.find(unit.tx, identity.issuer, identity.subject)
    if found is not None and found.user_id == user_id:
        return None
    if found is None and len(await rows.all_of(unit.tx, user_id)) >= rules.MAX_IDENTITIES:
        raise Conflict("your account is linked with as many accounts elsewhere as it may be; take one away first")
    row = _row(unit, identity, user_id, address)
    if found is not None or not await rows.insert(unit.tx, row):
        raise AlreadyTaken(_ANOTHER_S)
    return row


def check_verified(user: User) -> None:
    """Raise ``Conflict`` for an account whose address nobody has verified: it may be an impostor's."""
    if not user.verified:
        raise Conflict("your address is not verified; open the link of the mail to it first, or ask for another mail")


async def unlink(unit: UnitOfWork, user_id: str, id: str) -> None:
    """Part the account from an identity. Raises ``NotFound``, and ``Conflict`` if nobody could sign in to the account then."""
    await accounts.lock(unit.tx, user_id)
    if not await rows.delete(unit.tx, user_id, id):
        raise NotFound("your account is not linked with such an account elsewhere")
    if not await rows.ways(unit.tx, user_id):
        raise Conflict(
            "this is the only way to sign in to your account; set a password first, by the mail for a forgotten one"
        )


def _address(identity: Identity) -> EmailAddress | None:
    return rules.address_of(identity.email) if identity.email_verified else None


def _row(unit: UnitOfWork, identity: Identity, user_id: str, address: EmailAddress) -> IdentityRow:
    return IdentityRow(
        unit.new_id(),
        user_id,
        identity.issuer,
        identity.subject,
        address.shown,
        address.key,
        unit.machine_now,
        unit.machine_now,
    )
