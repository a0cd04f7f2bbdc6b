"""Rows of carts: a signed-in buyer's, or a guest's by the hash of a token."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


class Found(msgspec.Struct, frozen=True):
    """A cart; ``version`` grows with each change, also across successive carts."""

    id: str
    version: int


#: The columns of a :class:`Found`: its version is the microseconds of the last change, which strictly increase with each change of a cart.
CART = "id, (extract(epoch from updated_at) * 1000000)::bigint"
_OF_USER = Statement("carts.of_user", f"select {CART} from carts where user_id = :user_id", Found)
_OF_TOKEN = Statement("carts.of_token", f"select {CART} from carts where token_hash = :token_hash", Found)
_LOCK_OF_USER = Statement("carts.lock_of_user", f"select {CART} from carts where user_id = :user_id for update", Found)
_LOCK_OF_TOKEN = Statement(
    "carts.lock_of_token", f"select {CART} from carts where token_hash = :token_hash for update", Found
)
# In one order for everybody, so that two groups of orders never wait for each other's carts: guests' first, as whoever signs in locks theirs before their own.
_LOCK_ALL = Statement(
    "carts.lock_all",
    f"""select user_id, token_hash, {CART} from carts where user_id = any(:user_ids::uuid[]) or token_hash = any(:token_hashes::bytea[])
         order by user_id is not null, id for update""",
    lambda user_id, token_hash, *cart: ((user_id, None if user_id else token_hash), Found(*cart)),
)
_OPEN_USER = Statement(
    "carts.open_user",
    f"""insert into carts (id, user_id, updated_at) values (:cart_id, :user_id, :now)
       on conflict (user_id) do update set updated_at = carts.updated_at returning {CART}""",
    Found,
)
_OPEN_TOKEN = Statement(
    "carts.open_token",
    f"insert into carts (id, token_hash, updated_at) values (:cart_id, :token_hash, :now) returning {CART}",
    Found,
)
_DELETE = Statement("carts.delete", "delete from carts where id = any(:cart_ids::uuid[])", nothing)
_DELETE_OF = Statement("carts.delete_of", "delete from carts where user_id = :user_id", nothing)
# The age is checked again on the row that is deleted: a cart being changed concurrently is waited for, and stays.
_OLD = Statement(
    "carts.old",
    """delete from carts where updated_at < :before and id in (
           select id from carts where user_id is null and updated_at < :before order by updated_at limit 1000)""",
    nothing,
)


async def find(reader: Reader, user_id: str | None, token_hash: bytes | None) -> Found | None:
    """The user's cart, or else the token's."""
    if user_id is None and token_hash is None:
        return None
    if user_id is None:
        return await reader.row(_OF_TOKEN, token_hash=token_hash)
    return await reader.row(_OF_USER, user_id=user_id)


async def lock(tx: Transaction, user_id: str | None, token_hash: bytes | None) -> Found | None:
    """The same, locked, so that an order and a change of the cart are serialised."""
    if user_id is None and token_hash is None:
        return None
    if user_id is None:
        return await tx.row(_LOCK_OF_TOKEN, token_hash=token_hash)
    return await tx.row(_LOCK_OF_USER, user_id=user_id)


async def lock_all(
    tx: Transaction, of: Collection[tuple[str | None, bytes | None]]
) -> dict[tuple[str | None, bytes | None], Found]:
    """The carts of several users and guests, each by whose it is, locked as by :func:`lock`."""
    users = sorted({user_id for user_id, _ in of if user_id is not None})
    tokens = sorted({token_hash for user_id, token_hash in of if user_id is None and token_hash is not None})
    return dict(await tx.rows(_LOCK_ALL, user_ids=users, token_hashes=tokens)) if users or tokens else {}


async def open(tx: Transaction, cart_id: str, user_id: str | None, token_hash: bytes | None, now: datetime) -> Found:
    """A new cart (or the one that the user got concurrently)."""
    if user_id is None:
        found = await tx.row(_OPEN_TOKEN, cart_id=cart_id, token_hash=token_hash, now=now)
    else:
        found = await tx.row(_OPEN_USER, cart_id=cart_id, user_id=user_id, now=now)
    assert found is not None
    return found


def delete(tx: Transaction, *cart_ids: str) -> None:
    """Delete locked carts and their items, with the commit at the latest."""
    tx.later(_DELETE, cart_ids=list(cart_ids))


async def delete_of(tx: Transaction, user_id: str) -> None:
    """Delete a user's cart."""
    await tx.run(_DELETE_OF, user_id=user_id)


async def delete_old(tx: Transaction, before: datetime) -> int:
    """Delete up to 1,000 guests' carts that were not changed since; returns how many."""
    return await tx.run(_OLD, before=before)
