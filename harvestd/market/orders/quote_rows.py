"""Rows of quotes that are held, and of the stock and the places that they hold. One that is ordered, replaced or over is deleted with what it holds, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from harvestd.market.accounts.export_rows import section
from harvestd.market.days.slots import Place
from harvestd.market.orders.quote_rules import Held, Shift
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
_LOCK_ALL = Statement(
    "quotes.lock_all", f"select {_COLUMNS} from quotes where id = any(:quotes::uuid[]) order by id for update", Quote
)
_HELD_BY_EACH = Statement(
    "quotes.held_by_each",
    """select quote_id, product_id, quantity, null, 0, 0::bigint, 0::bigint from quote_holds where quote_id = any(:quotes::uuid[])
       union all
       select q.quote_id, q.window_id, null, w.day_id, q.orders, q.crates, q.grams
         from quote_places q join windows w on w.id = q.window_id where q.quote_id = any(:quotes::uuid[])""",
    lambda *columns: columns,
)
_HELD = Statement(
    "quotes.held",
    """select product_id::text, sum(quantity), null, 0, 0::bigint, 0::bigint from quote_holds where quote_id = any(:quotes::uuid[]) group by 1
       union all
       select q.window_id::text, null, w.day_id::text, sum(q.orders)::integer, sum(q.crates)::bigint, sum(q.grams)::bigint
         from quote_places q join windows w on w.id = q.window_id where q.quote_id = any(:quotes::uuid[]) group by 1, 3""",
    lambda *columns: columns,
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
_NEXT_DUE = Statement("quotes.next_due", "select expires_at from quotes order by expires_at limit 1", scalar)
_CUT_SHORT = Statement(
    "quotes.cut_short",
    """with locked as materialized (
           select id from quotes where id in (select p.quote_id from quote_places p join windows w on w.id = p.window_id where w.day_id = :day_id)
            order by id for no key update
       )
       update quotes q set expires_at = least(q.expires_at, :now) from locked where q.id = locked.id returning q.id::text""",
    scalar,
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


async def lock_all(tx: Transaction, quotes: Collection[str]) -> dict[str, Quote]:
    """Those of several quotes that there are, by id, locked in id order."""
    rows = await tx.rows(_LOCK_ALL, quotes=sorted(set(quotes))) if quotes else []
    return {quote.id: quote for quote in rows}


async def held_by_each(reader: Reader, quotes: Collection[str]) -> dict[str, Held]:
    """What each of several quotes holds, by quote. Without any it costs nothing."""
    found: dict[str, tuple[dict[str, Decimal], dict[str, Place]]] = {id: ({}, {}) for id in quotes}
    for quote_id, id, quantity, day_id, *measures in (
        await reader.rows(_HELD_BY_EACH, quotes=sorted(quotes)) if quotes else ()
    ):
        stock, places = found[quote_id]
        if day_id is None:
            stock[id] = quantity
        else:
            places[id] = Place(id, day_id, *measures)
    return {id: Held(stock=stock, places=places) for id, (stock, places) in found.items()}


async def held(tx: Transaction, quotes: list[str]) -> Held:
    """What some quotes hold together."""
    rows = await tx.rows(_HELD, quotes=quotes) if quotes else []
    stock = {id: quantity for id, quantity, day_id, *_ in rows if day_id is None}
    places = {id: Place(id, day_id, *measures) for id, _, day_id, *measures in rows if day_id is not None}
    return Held(stock=stock, places=places)


async def insert(tx: Transaction, quote: Quote, taken: Mapping[str, Decimal], now: datetime) -> None:
    """Store a quote and the stock that it holds; the products are locked, and reserved by :func:`reserve`."""
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


def use_up(tx: Transaction, held: Mapping[str, Mapping[str, Decimal]]) -> None:
    """Delete locked quotes, and free what each holds of locked products, with the commit at the latest, before what is stored after it."""
    free: dict[str, Decimal] = {}
    for product_id, quantity in (one for own in held.values() for one in own.items()):
        free[product_id] = free.get(product_id, Decimal(0)) - quantity
    tx.later(_RESERVE, products=sorted(free), changes=[free[id] for id in sorted(free)], turned=[])
    tx.later(_DELETE, quotes=list(held))


async def due(reader: Reader, now: datetime, limit: int) -> list[str]:
    """Quotes whose time is over, the longest first."""
    return await reader.rows(_DUE, now=now, limit=limit)


async def next_due(reader: Reader) -> datetime | None:
    """When the first quote is over."""
    return await reader.row(_NEXT_DUE)


async def cut_short(tx: Transaction, day_id: str, now: datetime) -> list[str]:
    """Have those be over by now that hold places in the windows of a market day; returns them."""
    return await tx.rows(_CUT_SHORT, day_id=day_id, now=now)


async def of_user(reader: Reader, user_id: str) -> list[str]:
    """What an account has held."""
    return await reader.rows(_OF_USER, user_id=user_id)
