"""Rows of carts: a signed-in buyer's, or a stranger's by the hash of a token."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from harvestd.store.database import Reader, Statement, Transaction, nothing, scalar


class CartItem(msgspec.Struct, frozen=True):
    """A product in a cart; ``price_seen`` is its price when it was put in."""

    product_id: str
    quantity: Decimal
    price_seen: int


_OF_USER = Statement("carts.of_user", "select id from carts where user_id = $1", scalar)
_OF_TOKEN = Statement("carts.of_token", "select id from carts where token_hash = $1", scalar)
_LOCK_OF_USER = Statement("carts.lock_of_user", "select id from carts where user_id = $1 for update", scalar)
_LOCK_OF_TOKEN = Statement("carts.lock_of_token", "select id from carts where token_hash = $1 for update", scalar)
_OPEN_USER = Statement(
    "carts.open_user",
    """insert into carts (id, user_id, updated_at) values ($1, $2, $3)
       on conflict (user_id) do update set updated_at = excluded.updated_at returning id""",
    scalar,
)
_OPEN_TOKEN = Statement(
    "carts.open_token", "insert into carts (id, token_hash, updated_at) values ($1, $2, $3) returning id", scalar
)
_ITEMS = Statement(
    "carts.items",
    "select product_id, quantity, price_seen from cart_items where cart_id = $1 order by added_at, product_id",
    CartItem,
)
_COUNT = Statement("carts.count", "select count(*) from cart_items where cart_id = $1 and product_id <> $2", scalar)
_PUT = Statement(
    "carts.put",
    """insert into cart_items (cart_id, product_id, quantity, price_seen, added_at) values ($1, $2, $3, $4, $5)
       on conflict (cart_id, product_id) do update set quantity = excluded.quantity, price_seen = excluded.price_seen""",
    nothing,
)
_TAKE_OUT = Statement("carts.take_out", "delete from cart_items where cart_id = $1 and product_id = $2", nothing)
_DELETE = Statement("carts.delete", "delete from carts where id = $1", nothing)
# What the buyer has in the cart already stays as it is: it was chosen by a known person.
_MERGE = Statement(
    "carts.merge",
    """insert into cart_items (cart_id, product_id, quantity, price_seen, added_at)
       select $2, product_id, quantity, price_seen, added_at from cart_items where cart_id = $1
       on conflict (cart_id, product_id) do nothing""",
    nothing,
)
_OLD = Statement(
    "carts.old",
    """delete from carts where id in (
           select id from carts where user_id is null and updated_at < $1 order by updated_at limit 1000)""",
    nothing,
)


async def find(reader: Reader, user_id: str | None, token_hash: bytes | None) -> str | None:
    """The id of the user's cart, else of the token's."""
    if user_id is not None:
        return await reader.row(_OF_USER, user_id)
    return await reader.row(_OF_TOKEN, token_hash) if token_hash is not None else None


async def lock(tx: Transaction, user_id: str | None, token_hash: bytes | None) -> str | None:
    """The same, locked: an order and a change of the cart do not cross."""
    if user_id is not None:
        return await tx.row(_LOCK_OF_USER, user_id)
    return await tx.row(_LOCK_OF_TOKEN, token_hash) if token_hash is not None else None


async def open(tx: Transaction, cart_id: str, user_id: str | None, token_hash: bytes | None, now: datetime) -> str:
    """A new cart (or the one that the user got meanwhile); answers its id."""
    by_user = user_id is not None
    found = await tx.row(_OPEN_USER if by_user else _OPEN_TOKEN, cart_id, user_id if by_user else token_hash, now)
    return str(found)


async def items(reader: Reader, cart_id: str) -> list[CartItem]:
    """What is in a cart, in the order in which it was put there."""
    return await reader.rows(_ITEMS, cart_id)


async def others(tx: Transaction, cart_id: str, product_id: str) -> int:
    """How many products other than this one are in a cart."""
    return int(await tx.row(_COUNT, cart_id, product_id) or 0)


async def put(tx: Transaction, cart_id: str, product_id: str, quantity: Decimal, price: int, now: datetime) -> None:
    """Put a product in, or set its quantity."""
    await tx.run(_PUT, cart_id, product_id, quantity, price, now)


async def take_out(tx: Transaction, cart_id: str, product_id: str) -> None:
    """Take a product out; nothing happens when it is not in."""
    await tx.run(_TAKE_OUT, cart_id, product_id)


def delete(tx: Transaction, cart_id: str) -> None:
    """Delete a cart and what is in it, with the commit at the latest."""
    tx.later(_DELETE, cart_id)


async def merge(tx: Transaction, token_hash: bytes, user_id: str, cart_id: str, now: datetime) -> None:
    """At sign-in: what a stranger put in becomes the buyer's (``cart_id`` names the cart if a new one is needed)."""
    theirs = await lock(tx, None, token_hash)
    if theirs is not None:
        own = await open(tx, cart_id, user_id, None, now)
        await tx.run(_MERGE, theirs, own)
        delete(tx, theirs)


async def delete_old(tx: Transaction, before: datetime) -> int:
    """Delete up to 1,000 strangers' carts that nobody touched since; answers how many."""
    return await tx.run(_OLD, before)
