"""What somebody wishes to have in a cart, and what of it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.quantities import positive
from harvestd.market.carts.line_wishes import NO_WISH, LineWish
from harvestd.market.carts.rules import Item
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.variant_rules import key
from harvestd.market.catalogue.withheld import named_by, takeable, withheld


@attrs.frozen
class Wish:
    """A quantity of a product, or of a pack size of it, and what is said of it, or what is wrong with that; ``path`` is its place in the request's
    body."""

    product_id: str
    quantity: Decimal
    path: str
    variant_id: str | None = None
    said: LineWish | FieldError = NO_WISH

    @property
    def key(self) -> str:
        """What it is of."""
        return key(self.product_id, self.variant_id)


def with_cure(fault: FieldError) -> FieldError:
    """Adds the cure for a quantity of zero: the route that removes a product. (A product's own minimum has a ``unit``.)"""
    if fault.code != "below-minimum" or "unit" in fault.params:
        return fault
    message = "must be more than 0; DELETE /api/cart/items/{product_id} removes the product"
    return attrs.evolve(fault, message=message, params={**fault.params, "reason": "to-remove"})


def items(wishes: Sequence[Wish], shelf: Mapping[str, OnSale]) -> list[Item]:
    """The items to put into the cart; raises :class:`Invalid` with the fault of each wish."""
    items: list[Item] = []
    errors: list[FieldError] = []
    named: set[str] = set()
    for wish in wishes:
        product, field = shelf.get(wish.key), f"{wish.path}quantity"
        fault = withheld(f"{wish.path}{named_by(wish.key, shelf, wish.product_id)}", product, None)
        amount = positive(field, wish.quantity) if product is None else takeable(field, wish.quantity, product)
        errors += [with_cure(wrong) for wrong in (fault, amount, wish.said) if isinstance(wrong, FieldError)]
        if wish.key in named:
            errors.append(FieldError(f"{wish.path}product_id", "is already given above", code="given-twice"))
        named.add(wish.key)
        if product is not None and not isinstance(amount, FieldError) and not isinstance(wish.said, FieldError):
            items.append(Item(product.id, amount, product.agreed, product.variant_id, wish.said))
    if errors:
        raise Invalid("the quantity cannot be ordered", tuple(errors))
    return items
