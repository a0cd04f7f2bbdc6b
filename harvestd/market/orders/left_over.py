"""What the accepted orders of a group leave to those after them: of products, of carts, and of quotes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

import attrs

from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.orders import quote_use
from harvestd.market.orders.baskets import Basket
from harvestd.market.orders.order import Placed


@attrs.define
class LeftOver:
    """``taken`` is what they take of each product beyond what their quotes held of it; ``ran_out`` how often one has run out; ``gone`` are carts and quotes that
    were ordered, by id."""

    taken: dict[str, Decimal] = attrs.field(factory=dict)
    ran_out: Counter[str] = attrs.field(factory=Counter)
    gone: set[str] = attrs.field(factory=set)

    def shelf(self, shelf: Mapping[str, OnSale]) -> Mapping[str, OnSale]:
        """The products as the next order finds them."""
        fewer = {
            id: attrs.evolve(one, reserved=one.reserved + self.taken[id], revision=one.revision + self.ran_out[id])
            for id, one in shelf.items()
            if id in self.taken
        }
        return {**shelf, **fewer} if fewer else shelf

    def basket(self, basket: Basket) -> Basket:
        """What the next order is of: a cart that was ordered is empty. Raises ``Invalid`` for a quote that was."""
        if basket.quote is not None and basket.quote.id in self.gone:
            raise quote_use.over()
        if basket.cart_id not in self.gone:
            return basket
        return attrs.evolve(basket, cart_id=None) if basket.quote is not None else Basket(wanted=())

    def less(self, order: Placed, basket: Basket) -> None:
        """An order is accepted."""
        held = {} if basket.quote is None else basket.quote.held.stock
        for id in {**order.taken, **held}:
            beyond = order.taken.get(id, Decimal(0)) - held.get(id, Decimal(0))
            self.taken[id] = self.taken.get(id, Decimal(0)) + beyond
        self.ran_out.update(order.ran_out)
        if basket.cart_id is not None:
            self.gone.add(basket.cart_id)
        if basket.quote is not None:
            self.gone.add(basket.quote.id)
