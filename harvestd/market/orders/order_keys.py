"""The keys of guests' orders: secrets that are mailed to the guest, of which the database has the SHA-256.

Each mail about an order has one of its own, so that no secret is kept to be mailed again, and a lost mail is made good by the next. A key shows its one
order, and cancels it; it is nobody's sign-in, and dies with what the order has of the guest.
"""

from __future__ import annotations

import hmac
import secrets

from harvestd.kernel.secret_hashes import secret_hash
from harvestd.store.postgres.statements import Reader, Statement, scalar
from harvestd.unit_of_work import UnitOfWork

# The order is held as it is until the commit, so that none is added to one that is being erased.
_ADD = Statement(
    "order_keys.add",
    """with o as (select id from orders where id = :order_id and guest is not null and erased_at is null for share)
       insert into order_keys (order_id, hash, created_at) select id, :hash, :now from o returning true""",
    scalar,
)
_OF_ORDER = Statement(
    "order_keys.of_order",
    "select hash from order_keys where order_id = :order_id order by hash",
    lambda kept: bytes(kept),
)


async def issue(unit: UnitOfWork, order_id: str) -> str | None:
    """A new key to a guest's order, to be mailed; None if what it has of the guest is erased."""
    key = secrets.token_urlsafe(32)
    return key if await unit.tx.row(_ADD, order_id=order_id, hash=secret_hash(key), now=unit.now) else None


async def opens(reader: Reader, order_id: str, key: str) -> bool:
    """Whether it is a key to the order; in the same time whichever of them it is, and if it is none."""
    given = secret_hash(key)
    matches = [hmac.compare_digest(given, kept) for kept in await reader.rows(_OF_ORDER, order_id=order_id)]
    return any(matches)
