"""What of an order as a whole is refused: more than anybody could state, more than is in stock, and terms that its buyer did not agree to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import attrs

from harvestd.kernel.errors import FieldError, OutOfStock, PriceChanged
from harvestd.kernel.formatting import quantity
from harvestd.kernel.names import accept
from harvestd.kernel.quantities import shown
from harvestd.kernel.sentences import worded
from harvestd.kernel.told_values import Amount
from harvestd.market.carts.selling import Terms, too_much
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.catalogue.term_changes import changes
from harvestd.market.orders.placing_rules import Asked, of
from harvestd.market.pricing.billing_rules import Billing
from harvestd.market.pricing.charging_rules import least_orders
from harvestd.market.pricing.coupon_rules import unfit
from harvestd.market.pricing.terms import Discount, Good

#: Changes that make a quantity one of something else.
_OTHER_GOODS = frozenset({"unit-changed", "content-changed"})


def least_of(shelf: Mapping[str, OnSale], billing: Billing) -> Mapping[str, OnSale]:
    """The same products, of farms whose delivery to where it goes has a least order of its own, with that."""
    least = least_orders(billing.ways)
    if not least:
        return shelf
    return {
        key: attrs.evolve(one, order_minimum=max(one.order_minimum, least.get(one.farm_id, 0)))
        for key, one in shelf.items()
    }


def check_amounts(goods: Sequence[Good], discount: Discount | None, total: int, terms: Terms) -> None:
    """Raise :class:`Invalid` for a coupon that takes nothing off these goods, and for more than anybody could state."""
    accept(
        *filter(
            None, [unfit(discount, goods, terms.currency) if goods else None, too_much("lines", total, terms.currency)]
        )
    )


def check_stock(asked: Sequence[Asked], shelf: Mapping[str, OnSale]) -> None:
    """Raise :class:`OutOfStock` if less is available of a product than all its lines together would take, with an error for each of these: what is
    left, in its own unit."""
    taken: dict[str, Decimal] = {}
    for a in asked:
        taken[a.product_id] = taken.get(a.product_id, Decimal(0)) + shelf[a.key].taken(a.quantity)
    short = [a for a in asked if taken[a.product_id] > shelf[a.key].pool]
    if short:
        errors = sorted(((i, a) for a in short for i in a.at), key=lambda pair: pair[0])
        raise OutOfStock(
            "less is left than you asked for; nothing was taken", tuple(_short(i, a, shelf[a.key]) for i, a in errors)
        )


def _short(i: int, asked: Asked, product: OnSale) -> FieldError:
    left = max(product.available, Decimal(0))
    message = f"only {quantity(left, product.unit)} of {product.title} left" if left else f"{product.title} is sold out"
    together = asked.quantity <= left
    if together:
        message = f"{message}, and other lines of this order are of it, too"
    params = {"available": shown(left), "unit": product.unit, **({"reason": "together"} if together else {})}
    fault = FieldError(f"lines[{i}].quantity", message, left, code="out-of-stock", params=params)
    return of(asked, product, fault)


def check_terms(
    asked: Sequence[Asked], shelf: Mapping[str, OnSale], seen: Mapping[str, Agreed], terms: Terms, expected: int | None, total: int
) -> None:  # fmt: skip
    """Raise :class:`PriceChanged` for changed terms if the buyer stated an expected total; without one, only for a changed unit or pack, as kilograms are
    not grams."""
    errors = [
        FieldError(
            f"lines[{a.at[0]}]", change.message, code="changed",
            params={"product_id": a.product_id, **({"variant_id": a.variant_id} if a.variant_id else {}), "what": change.code, **change.params},
        )
        for a in asked
        if a.key in seen
        for change in changes(seen[a.key], shelf[a.key], terms.currency)
        if expected is not None or change.code in _OTHER_GOODS
    ]  # fmt: skip
    if expected is not None and total != expected:
        is_, was = Amount(total, terms.currency), Amount(expected, terms.currency)
        detail = worded("the total is now {is_}, not {was}; look at it again", is_=is_, was=was)
        params = {"before": str(expected), "after": str(total), "currency": terms.currency}
        errors.insert(0, FieldError("expected_total", f"the total is now {is_}", code="changed", params=params))
        raise PriceChanged(detail, tuple(errors))
    if errors:
        raise PriceChanged(
            "the cart is not what it was when it was filled; set anew what is still wanted", tuple(errors)
        )
