"""What of an order request is refused: lines that cannot be ordered, more than is in stock, and terms that its buyer did not agree to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol, TypeVar

import attrs

from harvestd.kernel.errors import FieldError, MarketError, OutOfStock, PriceChanged
from harvestd.kernel.formatting import money, quantity
from harvestd.kernel.names import accept
from harvestd.kernel.quantities import shown
from harvestd.kernel.sentences import worded
from harvestd.market.carts.line_wishes import NO_WISH, LineWish
from harvestd.market.carts.selling import Terms, quantity_faults, too_much
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.catalogue.term_changes import changes
from harvestd.market.catalogue.variant_rules import key
from harvestd.market.catalogue.withheld import named_by, takeable, withheld
from harvestd.market.orders.minimum_rules import Least, below
from harvestd.market.pricing.amounts import Discount, Good
from harvestd.market.pricing.billing_rules import Billing
from harvestd.market.pricing.charging_rules import least_orders
from harvestd.market.pricing.coupon_rules import unfit

Result = TypeVar("Result")
#: Changes that make a quantity one of something else.
_OTHER_GOODS = frozenset({"unit-changed", "content-changed"})
#: The error for an order without lines, by whether it was of the cart.
_NO_LINES = {
    True: "the cart is empty; put products in, or name them in lines",
    False: "must have at least one line; leave lines out to order the cart",
}


class Named(Protocol):
    """What names a product, or a pack size of it."""

    @property
    def product_id(self) -> str: ...

    @property
    def variant_id(self) -> str | None: ...


@attrs.frozen
class Wanted:
    """One line of a request: of a product, or of a pack size of it."""

    product_id: str
    quantity: Decimal
    variant_id: str | None = None
    wish: LineWish = NO_WISH

    @property
    def key(self) -> str:
        """What it is of."""
        return key(self.product_id, self.variant_id)


@attrs.frozen
class Asked:
    """The total quantity that a request asks for of one product, or of one pack size of it; ``at`` are the positions of its lines in the request."""

    product_id: str
    quantity: Decimal
    at: tuple[int, ...]
    variant_id: str | None = None
    wish: LineWish = NO_WISH

    @property
    def key(self) -> str:
        """What it is of."""
        return key(self.product_id, self.variant_id)


def acceptable(
    wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms, today: date, of_cart: bool, also: Sequence[FieldError]
) -> tuple[Asked, ...]:  # fmt: skip
    """The quantity asked for of each product and pack size, in the order of first mention. Raises :class:`Invalid` with all faults, and what was
    wrong ``also``. Unpublished products are not disclosed."""
    shelf = {one: product for one, product in shelf.items() if product.status == "published"}
    errors = [*also]
    if not wanted:
        params = {"reason": "cart-empty" if of_cart else "no-lines"}
        errors.append(FieldError("lines", _NO_LINES[of_cart], code="required", params=params))
    products = [
        withheld(f"lines[{i}].{named_by(w.key, shelf, w.product_id)}", shelf.get(w.key), today) for i, w in enumerate(wanted)
    ]  # fmt: skip
    amounts = quantity_faults({i: {"quantity": w.quantity} for i, w in enumerate(wanted)})
    named = [*((w, fault) for w, fault in zip(wanted, products, strict=True) if fault is not None)]
    named += [(wanted[i], fault) for i, fault in amounts.items()]
    unfit = {wanted[i].key for i in amounts} | {w.key for w in wanted if w.key not in shelf}
    asked = _merged(wanted)
    if len(asked) > terms.lines_most:
        errors.append(too_many_lines(terms.lines_most))
    for a in asked:
        amount = a.quantity if a.key in unfit else takeable("", a.quantity, shelf[a.key])
        if isinstance(amount, FieldError):
            named += [(wanted[i], attrs.evolve(amount, field=f"lines[{i}].quantity")) for i in a.at]
    errors += [of(line, shelf.get(line.key), fault) for line, fault in named]
    if not errors:
        beyond = too_much("lines", sum(shelf[a.key].total(a.quantity) for a in asked), terms.currency)
        errors = [*([beyond] if beyond else []), *_below_minimum(asked, shelf, terms)]
    accept(*errors)
    return asked


def attempt(check: Callable[[], Result]) -> tuple[Result | None, tuple[MarketError, ...]]:
    """What a check answers, or its refusal."""
    try:
        return check(), ()
    except MarketError as refused:
        return None, (refused,)


def orderable(wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], today: date) -> tuple[Asked, ...]:
    """Of what is wanted, whatever could be ordered as it is, if there is enough of it."""
    there = [a for a in _merged(wanted) if a.key in shelf and withheld("", shelf[a.key], today) is None]
    return tuple(a for a in there if not isinstance(takeable("", a.quantity, shelf[a.key]), FieldError))


def check_amounts(goods: Sequence[Good], discount: Discount | None, total: int, terms: Terms) -> None:
    """Raise :class:`Invalid` for a coupon that takes nothing off these goods, and for more than anybody could state."""
    accept(
        *filter(
            None, [unfit(discount, goods, terms.currency) if goods else None, too_much("lines", total, terms.currency)]
        )
    )


def least_of(shelf: Mapping[str, OnSale], billing: Billing) -> Mapping[str, OnSale]:
    """The same products, of farms whose delivery to where it goes has a least order of its own, with that."""
    least = least_orders(billing.ways)
    if not least:
        return shelf
    return {
        key: attrs.evolve(one, order_minimum=max(one.order_minimum, least.get(one.farm_id, 0)))
        for key, one in shelf.items()
    }


def too_many_lines(most: int) -> FieldError:
    """The fault of more lines than an order has."""
    params = {"maximum": str(most), "reason": "elements"}
    return FieldError("lines", f"must be of at most {most} products", code="too-long", params=params)


def of(line: Named, product: OnSale | None, fault: FieldError) -> FieldError:
    """The fault, with the product it concerns: the lines of a cart have no positions that its holder knows."""
    named = {"product_id": line.product_id, **({} if line.variant_id is None else {"variant_id": line.variant_id})}
    title = {} if product is None else {"title": product.title}
    return attrs.evolve(fault, params={**named, **title, **fault.params})


def _merged(wanted: Sequence[Wanted]) -> tuple[Asked, ...]:
    at: dict[tuple[str, str | None], list[int]] = {}
    for i, w in enumerate(wanted):
        at.setdefault((w.product_id, w.variant_id), []).append(i)
    return tuple(
        Asked(
            product_id,
            sum((wanted[i].quantity for i in own), Decimal(0)),
            tuple(own),
            variant_id,
            _wish([wanted[i] for i in own]),
        )
        for (product_id, variant_id), own in at.items()
    )


def _wish(lines: Sequence[Wanted]) -> LineWish:
    """What is said of lines that become one: by the first of them that says anything."""
    return next((line.wish for line in lines if line.wish != NO_WISH), NO_WISH)


def _below_minimum(asked: Sequence[Asked], shelf: Mapping[str, OnSale], terms: Terms) -> list[FieldError]:
    goods: dict[str, int] = {}
    for a in asked:
        product = shelf[a.key]
        goods[product.farm_id] = goods.get(product.farm_id, 0) + product.total(a.quantity)
    farms = {product.farm_id: product for product in shelf.values()}
    least = [Least(farm_id, farms[farm_id].farm_name, farms[farm_id].order_minimum) for farm_id in goods]
    return below(least, goods, terms.currency)


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
        is_, was = money(total, terms.currency), money(expected, terms.currency)
        detail = worded("the total is now {is_}, not {was}; look at it again", is_=is_, was=was)
        params = {"before": str(expected), "after": str(total), "currency": terms.currency}
        errors.insert(0, FieldError("expected_total", f"the total is now {is_}", code="changed", params=params))
        raise PriceChanged(detail, tuple(errors))
    if errors:
        raise PriceChanged(
            "the cart is not what it was when it was filled; set anew what is still wanted", tuple(errors)
        )
