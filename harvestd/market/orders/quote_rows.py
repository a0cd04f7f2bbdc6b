"""Rows of quotes that are held, and of what they hold. One that is ordered, replaced or over is deleted with what it holds, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from harvestd.market.accounts.export_rows import section
from harvestd.market.orders.quote_rules import Shift
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Quote(msgspec.Struct, frozen=True):
    """A quote that is held."""

    id: str
    user_id: str | None
    token_hash: bytes | None
    content: dict[str, Any]
    day: date
    expires_at: datetime


_COLUMNS = "id, user_id, token_hash, content, day, expires_at"
#: The advisory lock of a holder, who may have no row yet to lock.
_LOCK_HOLDER = Statement(
    "quotes.lock_holder", "select pg_advisory_xact_lock(hashtextextended(:holder, 1363496052))", nothing
)
_OF_HOLDER = Statement(
    "quotes.of_holder",
    f"select {_COLUMNS} from quotes where user_id = :user_id::uuid or token_hash = :token_hash::bytea order by id for update",
    Quote,
)
_LOCK = Statement("quotes.lock", f"select {_COLUMNS} from quotes where id = :quote_id for update", Quote)
_HELD = Statement(
    "quotes.held",
    "select product_id::text, quantity from quote_holds where quote_id = any(:quotes::uuid[])",
    lambda product_id, quantity: (product_id, quantity),
)
_INSERT = Statement(
    "quotes.insert",
    """with quote as (
           insert into quotes (id, user_id, token_hash, content, day, created_at, expires_at)
           values (:id, :user_id, :token_hash, :content, :day, :now, :expires_at) returning id
       )
       insert into quote_holds (quote_id, product_id, quantity)
       select quote.id, t.id, t.quantity from quote, unnest(:products::uuid[], :quantities::numeric[]) as t(id, quantity)""",
    nothing,
)
_DELETE = Statement("quotes.delete", "delete from quotes where id = any(:quotes::uuid[])", nothing)
_RESERVE = Statement(
    "quotes.reserve",
    """update products p set reserved = p.reserved + t.change, revision = p.revision + (p.id = any(:turned::uuid[]))::integer
         from unnest(:products::uuid[], :changes::numeric[]) as t(id, change) where p.id = t.id""",
    nothing,
)
_DUE = Statement(
    "quotes.due", "select id::text from quotes where expires_at <= :now order by expires_at limit :limit", scalar
)
_OF_USER = Statement("quotes.of_user", "select id::text from quotes where user_id = :user_id", scalar)
#: Of a person who asks what is held on them.
HELD = section("quotes", ("id", "content", "created_at", "expires_at"), "quotes where user_id = :user_id")


async def lock_holder(tx: Transaction, user_id: str | None, token_hash: bytes | None) -> list[Quote]:
    """What somebody has held, locked: nobody else holds anything for them until the transaction ends."""
    await tx.row(_LOCK_HOLDER, holder=user_id or (token_hash or b"").hex())
    return await tx.rows(_OF_HOLDER, user_id=user_id, token_hash=token_hash)


async def lock(tx: Transaction, quote_id: str) -> Quote | None:
    """A quote, locked until the transaction ends."""
    return await tx.row(_LOCK, quote_id=quote_id)


async def held(tx: Transaction, quotes: list[str]) -> dict[str, Decimal]:
    """What some quotes hold together, by product."""
    found: dict[str, Decimal] = {}
    for product_id, quantity in await tx.rows(_HELD, quotes=quotes) if quotes else ():
        found[product_id] = found.get(product_id, Decimal(0)) + quantity
    return found


async def insert(tx: Transaction, quote: Quote, taken: Mapping[str, Decimal], now: datetime) -> None:
    """Store a quote and what it holds; the products are locked, and reserved by :func:`reserve`."""
    await tx.run(
        _INSERT, **msgspec.structs.asdict(quote), now=now, products=list(taken), quantities=list(taken.values())
    )  # fmt: skip


async def delete(tx: Transaction, quotes: list[str]) -> None:
    """Delete quotes, with what they hold."""
    await tx.run(_DELETE, quotes=quotes)


async def reserve(tx: Transaction, shift: Shift) -> None:
    """Change what is reserved of locked products."""
    if shift.reserved:
        await tx.run(
            _RESERVE, products=list(shift.reserved), changes=list(shift.reserved.values()), turned=list(shift.turned)
        )  # fmt: skip


def use_up(tx: Transaction, quote_id: str, held: Mapping[str, Decimal]) -> None:
    """Delete a locked quote, and free what it holds of locked products, with the commit at the latest, before what is stored after it."""
    changes = [-quantity for quantity in held.values()]
    tx.later(_RESERVE, products=list(held), changes=changes, turned=[])
    tx.later(_DELETE, quotes=[quote_id])


async def due(reader: Reader, now: datetime, limit: int) -> list[str]:
    """Quotes whose time is over, the longest first."""
    return await reader.rows(_DUE, now=now, limit=limit)


async def of_user(reader: Reader, user_id: str) -> list[str]:
    """What an account has held."""
    return await reader.rows(_OF_USER, user_id=user_id)
