"""Who sees a product ``p``, and at which price, in SQL: one set of conditions for cards, lists, carts and orders.

A :class:`~harvestd.market.catalogue.group_rules.Buyer` is bound: ``:groups``, ``:staff`` and ``:viewer``. What everybody gets alike
(:data:`FOR_EVERYBODY`) binds none of them, so it costs what it would cost without groups.
"""

from __future__ import annotations

import re

from harvestd.market.farms import listed_rules as farms
from harvestd.store.postgres.statements import Reader, Statement, scalar

#: Whether its farm is found. Those that are not are few and have an index of their own, so they are looked up once, and cost a list no join.
OF_FOUND_FARM = f"p.farm_id not in (select id from farms where not ({farms.FOUND}))"
#: Whether it is on sale to everybody.
FOR_EVERYBODY = f"p.status = 'published' and p.visible_to is null and {OF_FOUND_FARM}"
#: Whether they are of the market's staff, or its farm's people: these see who sees it, and what it costs whom.
RUNS = (
    "(:staff::boolean or exists (select from farm_members m where m.farm_id = p.farm_id and m.user_id = :viewer::uuid))"
)
#: Whether they are of a group that sees it.
SHARES = "(p.visible_to is null or p.visible_to && :groups::uuid[])"
#: Whether it is on sale to members of the groups.
FOR_MEMBERS = f"p.status = 'published' and {SHARES} and {OF_FOUND_FARM}"
#: Whether it is on sale to the market's staff, who see what any group does.
FOR_STAFF = "p.status = 'published'"
#: Whether they may buy it of its farm ``f``, were that to take orders. Of a farm that is not found nobody else is told anything that the shop would not:
#: what is in a cart of it stays there, without a name, and cannot be ordered, as if there were no such product.
SEES = f"(({SHARES} and f.{farms.FOUND}) or {RUNS})"
#: When everybody last saw a change of it.
SHOWN_AT = "coalesce(p.shown_at, p.updated_at)"
#: What it costs them, in minor units.
PAID = """case when p.group_prices is null then p.price
     else price_for(p.price, p.regular_price is not null, p.group_prices, :groups::uuid[]) end"""
_PRICE = re.compile(r"\bp\.price\b")

_MATTER = Statement(
    "sight.matter",
    """select exists (
           select from products p where (p.visible_to is not null or p.group_prices is not null) and p.status = 'published'
              and (p.visible_to && :groups::uuid[] or exists (
                   select from jsonb_array_elements(p.group_prices) g where (g ->> 'group')::uuid = any(:groups::uuid[]))))""",
    scalar,
)

_RESTRICTED = Statement(
    "sight.restricted",
    "select exists (select from products where visible_to is not null and status = 'published')",
    scalar,
)


def at_their_price(sql: str) -> str:
    """The SQL with what a product costs the buyer instead of its own price."""
    return _PRICE.sub(f"({PAID})", sql)


async def restricted(reader: Reader) -> bool:
    """Whether anything is on sale that not everybody sees."""
    return bool(await reader.row(_RESTRICTED))


async def matter(reader: Reader, groups: tuple[str, ...]) -> bool:
    """Whether what is on sale differs at all for members of these groups."""
    return bool(groups) and bool(await reader.row(_MATTER, groups=list(groups)))
