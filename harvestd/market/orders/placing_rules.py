"""What the lines of an order request are refused for: what is not for sale, quantities that cannot be, too many of them, and less than a farm takes orders from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept
from harvestd.market.carts.line_wishes import NO_WISH, LineWish
from harvestd.market.carts.selling import Terms, quantity_faults, too_much
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.variant_rules import key
from harvestd.market.catalogue.withheld import named_by, takeable, withheld
from harvestd.market.orders.minimum_rules import Least, below

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


def orderable(wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], today: date) -> tuple[Asked, ...]:
    """Of what is wanted, whatever could be ordered as it is, if there is enough of it."""
    there = [a for a in _merged(wanted) if a.key in shelf and withheld("", shelf[a.key], today) is None]
    return tuple(a for a in there if not isinstance(takeable("", a.quantity, shelf[a.key]), FieldError))


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
