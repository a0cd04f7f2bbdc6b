"""Rows of what products cost when, which PostgreSQL writes with each change of a price; and of the markdowns that are over."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from harvestd.kernel.readers import MAX_INTEGER
from harvestd.market.catalogue.markdown_rules import Was
from harvestd.store import counting
from harvestd.store.postgres.statements import Reader, Statement, scalar


class Past(msgspec.Struct, frozen=True):
    """A price of a product, from a time on."""

    id: int
    since: datetime
    price: int
    price_per: Decimal
    unit: str
    on_sale: bool
    reduced: bool


_LIST = Statement(
    "prices.list",
    f"""select id, since, price, price_per, unit, on_sale, reduced from product_prices
         where product_id = :product_id and id < coalesce(:after::bigint, {MAX_INTEGER}) order by id desc limit :limit""",
    Past,
)
_COUNT = counting.counting("prices.count", "product_prices where product_id = :product_id")
# The price of a time is the last one that began before it.
_SINCE = Statement(
    "prices.since",
    """select price, price_per, unit, on_sale from product_prices
        where product_id = :product_id
          and id >= coalesce((select max(id) from product_prices where product_id = :product_id and since <= :since), 0)
        order by id""",
    Was,
)
_OVER = Statement(
    "prices.markdowns_over",
    "select id::text from products where markdown_until <= :now order by markdown_until, id limit :most",
    scalar,
)
_NEXT_OVER = Statement("prices.next_markdown_over", "select min(markdown_until) from products", scalar)


async def listed(reader: Reader, product_id: str, after: int | None, limit: int) -> list[Past]:
    """The prices of a product, the present one first."""
    return await reader.rows(_LIST, product_id=product_id, after=after, limit=limit)


async def count(reader: Reader, product_id: str) -> int:
    """How many there are, up to the counting limit."""
    return await counting.count(reader, _COUNT, product_id=product_id)


async def since(reader: Reader, product_id: str, moment: datetime) -> list[Was]:
    """The prices that a product had from a time on, that of the time included."""
    return await reader.rows(_SINCE, product_id=product_id, since=moment)


async def next_over(reader: Reader) -> datetime | None:
    """When the first markdown is over; None if there is none."""
    found: datetime | None = await reader.row(_NEXT_OVER)
    return found


async def over(reader: Reader, now: datetime, most: int) -> list[str]:
    """Products whose markdown is over, the longest over first."""
    return await reader.rows(_OVER, now=now, most=most)
