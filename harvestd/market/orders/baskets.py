"""What orders that are placed together are of, each: lines, a cart, or a quote. Their carts are locked before their quotes, both in one order for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from harvestd.kernel.errors import MarketError
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as carts
from harvestd.market.carts.rows import Found
from harvestd.market.carts.rules import Item
from harvestd.market.catalogue.on_sale import Agreed
from harvestd.market.orders import quote_rows, quote_use
from harvestd.market.orders.placing import NOTHING_SEEN
from harvestd.market.orders.placing_actions import Ordering
from harvestd.market.orders.placing_rules import Wanted
from harvestd.unit_of_work import UnitOfWork

#: How many lines an order has at most that is placed with others: a long one would keep them waiting.
MANY_LINES = 20


@attrs.frozen(kw_only=True)
class Basket:
    """The lines of one order; ``seen`` are the terms agreed to, by what a line is of, where known; ``cart_id`` is the cart that it empties, ``quote`` what it is of."""

    wanted: Sequence[Wanted]
    seen: Mapping[str, Agreed] = NOTHING_SEEN
    cart_id: str | None = None
    quote: quote_use.Used | None = None

    @property
    def named(self) -> list[tuple[str, str | None]]:
        """The products and pack sizes of its lines."""
        return [(one.product_id, one.variant_id) for one in self.wanted]


async def of(unit: UnitOfWork, orderings: Sequence[Ordering]) -> list[Basket | MarketError | None]:
    """What each order is of, locked; or why it is refused; or None for one that nobody should wait for, or that has to be placed alone."""
    own = await carts.lock_all(unit.tx, [one.holder.cart for one in orderings if one.lines is None])
    quotes = await quote_rows.lock_all(unit.tx, [one.quote_id for one in orderings if one.quote_id is not None])
    ordered = {one.holder.cart for one in orderings if one.lines is None and one.quote_id is None}
    items = await item_rows.items_of_all(unit.tx, [cart.id for holder, cart in own.items() if holder in ordered])
    held = await quote_rows.held_by_each(unit.tx, list(quotes))
    found: list[Basket | MarketError | None] = []
    for one in orderings:
        cart = own.get(one.holder.cart)
        if one.quote_id is None:
            basket = Basket(wanted=one.lines) if one.lines is not None else _carted(cart, items)
            found.append(basket if len(basket.wanted) <= MANY_LINES else None)
            continue
        quote = quotes.get(one.quote_id)
        usable = quote is not None and quote_use.usable(quote, one.holder, unit.now)
        found.append(_quoted(quote_use.used(quote, cart, held[quote.id])) if quote and usable else quote_use.over())
    return found


def _carted(cart: Found | None, items: Mapping[str, Sequence[Item]]) -> Basket:
    if cart is None:
        return Basket(wanted=())
    own = items[cart.id]
    wanted = [Wanted(item.product_id, item.quantity, item.variant_id, item.wish) for item in own]
    return Basket(wanted=wanted, seen={item.key: item.seen for item in own}, cart_id=cart.id)


def _quoted(quote: quote_use.Used) -> Basket | None:
    wanted = [one.wanted for one in quote.content.lines]
    if len(wanted) > MANY_LINES or quote.content.coupon:
        return None
    return Basket(wanted=wanted, seen=quote.content.seen, cart_id=quote.cart_id, quote=quote)
