"""Rows of whom a market day concerns: buyers with something of it in their carts, and farms with orders for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from harvestd.store.postgres.statements import Reader, Statement, scalar

#: A quantity as a decimal string, its unit, and what it is of.
Goods = tuple[str, str, str]


class Holder(msgspec.Struct, frozen=True):
    """A buyer who has something of a day's farms in the cart."""

    user_id: str
    email: str
    language: str | None
    verified: bool
    goods: list[Goods]


class Ordered(msgspec.Struct, frozen=True):
    """How many orders of a farm are still to be handed over in each window of a day."""

    farm_id: str
    windows: dict[str, int]


class Picked(msgspec.Struct, frozen=True):
    """How much of one thing a farm has to have for a day."""

    farm_id: str
    quantity: str
    unit: str
    title: str


# Of an open day whose end was told, what its farms take orders for still.
_HOLDERS = Statement(
    "day_notices.holders",
    """select u.id, u.email, u.language, u.verified_at is not null, g.goods
         from market_days d cross join carts c join users u on u.id = c.user_id and u.active
              cross join lateral (
                  select jsonb_agg(jsonb_build_array(i.quantity::text, coalesce(v.unit, p.unit), coalesce(p.title || ', ' || v.title, p.title)) order by i.added_at, p.id, v.id) as goods
                    from cart_items i left join product_variants v on v.id = i.variant_id
                         join products p on p.id = coalesce(i.product_id, v.product_id) and p.status = 'published'
                         left join market_day_farms m on m.day_id = d.id and m.farm_id = p.farm_id
                   where i.cart_id = c.id and (d.all_farms or m.farm_id is not null)
                     and d.closes_at - make_interval(mins => coalesce(m.lead_minutes, 0)) > :now) g
        where d.id = :day_id and d.status = 'open' and d.soon_told and c.user_id > :after and c.updated_at > :since and g.goods is not null
        order by c.user_id limit :limit""",
    Holder,
)
_ORDERED = Statement(
    "day_notices.ordered",
    """select farm_id, jsonb_object_agg(window_id, orders)
         from (select p.farm_id, p.window_id, count(*)::int as orders from windows w join order_parts p on p.window_id = w.id
                where w.day_id = :day_id and p.status not in ('completed', 'cancelled', 'expired') group by p.farm_id, p.window_id) found
        group by farm_id order by farm_id""",
    Ordered,
)
_EVER = Statement(
    "day_notices.ever",
    "select distinct p.farm_id::text from windows w join order_parts p on p.window_id = w.id where w.day_id = :day_id",
    scalar,
)
_PICKED = Statement(
    "day_notices.picked",
    """select l.farm_id, sum(l.quantity - l.short_of)::text, l.unit, l.title
         from windows w join order_parts p on p.window_id = w.id join order_lines l on l.order_id = p.order_id and l.farm_id = p.farm_id
        where w.day_id = :day_id and p.status not in ('completed', 'cancelled', 'expired') and l.removed_at is null and not l.proposed
          and l.quantity > l.short_of
        group by l.farm_id, l.product_id, l.variant_id, l.unit, l.title order by l.farm_id, l.title, l.unit""",
    Picked,
)


async def holders(
    reader: Reader, day_id: str, now: datetime, since: datetime, after: str, limit: int
) -> Sequence[Holder]:
    """Buyers with carts touched ``since``, by their ids, ``after`` one of them."""
    return await reader.rows(_HOLDERS, day_id=day_id, now=now, since=since, after=after, limit=limit)


async def ordered(reader: Reader, day_id: str) -> dict[str, Ordered]:
    """What farms have orders for a day that are still to be handed over, by their ids."""
    return {one.farm_id: one for one in await reader.rows(_ORDERED, day_id=day_id)}


async def farms_ever(reader: Reader, day_id: str) -> list[str]:
    """The farms that have, or had, orders for a day."""
    return await reader.rows(_EVER, day_id=day_id)


async def picked(reader: Reader, day_id: str) -> dict[str, list[Goods]]:
    """What is to be picked for a day, by farm."""
    found: dict[str, list[Goods]] = {}
    for one in await reader.rows(_PICKED, day_id=day_id):
        found.setdefault(one.farm_id, []).append((one.quantity, one.unit, one.title))
    return found
