"""What of an order request is refused: lines that cannot be ordered, more than is in stock, and terms that its buyer did not agree to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import attrs

from harvestd.kernel.errors import FieldError, OutOfStock, PriceChanged
from harvestd.kernel.formatting import money, quantity
from harvestd.kernel.names import accept
from harvestd.kernel.quantities import shown
from harvestd.kernel.sentences import worded
from harvestd.market.carts.selling import Terms, quantity_faults, too_much
from harvestd.market.catalogue.on_sale import Agreed, OnSale, changes, takeable, withheld

#: The error for an order without lines, by whether it was of the cart.
_NO_LINES = {
    True: "the cart is empty; put products in, or name them in lines",
    False: "must have at least one line; leave lines out to order the cart",
}


@attrs.frozen
class Wanted:
    """One line of a request."""

    product_id: str
    quantity: Decimal


@attrs.frozen
class Asked:
    """The total quantity that a request asks for of one product; ``at`` are the positions of its lines in the request."""

    product_id: str
    quantity: Decimal
    at: tuple[int, ...]


def acceptable(
    wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms, today: date, of_cart: bool, also: Sequence[FieldError]
) -> tuple[Asked, ...]:  # fmt: skip
    """The quantity asked for of each product, in the order of first mention. Raises :class:`Invalid` with all faults, and what was
    wrong ``also``. Unpublished products are not disclosed."""
    shelf = {product_id: product for product_id, product in shelf.items() if product.status == "published"}
    errors = [*also]
    if not wanted:
        params = {"reason": "cart-empty" if of_cart else "no-lines"}
        errors.append(FieldError("lines", _NO_LINES[of_cart], code="required", params=params))
    products = [withheld(f"lines[{i}].product_id", shelf.get(w.product_id), today) for i, w in enumerate(wanted)]
    amounts = quantity_faults({i: {"quantity": w.quantity} for i, w in enumerate(wanted)})
    named = [*((w.product_id, fault) for w, fault in zip(wanted, products, strict=True) if fault is not None)]
    named += [(wanted[i].product_id, fault) for i, fault in amounts.items()]
    unfit = {wanted[i].product_id for i in amounts} | {w.product_id for w in wanted if w.product_id not in shelf}
    asked = _merged(wanted)
    if len(asked) > terms.lines_most:
        errors.append(_too_many(terms.lines_most))
    for a in asked:
        amount = a.quantity if a.product_id in unfit else takeable("", a.quantity, shelf[a.product_id])
        if isinstance(amount, FieldError):
            named += [(a.product_id, attrs.evolve(amount, field=f"lines[{i}].quantity")) for i in a.at]
    errors += [_of(product_id, shelf.get(product_id), fault) for product_id, fault in named]
    if not errors:
        beyond = too_much("lines", sum(shelf[a.product_id].total(a.quantity) for a in asked), terms.currency)
        errors = [*([beyond] if beyond else []), *_below_minimum(asked, shelf, terms)]
    accept(*errors)
    return asked


def _too_many(most: int) -> FieldError:
    params = {"maximum": str(most), "reason": "elements"}
    return FieldError("lines", f"must be of at most {most} products", code="too-long", params=params)


def _of(product_id: str, product: OnSale | None, fault: FieldError) -> FieldError:
    """The fault, with the product it concerns: the lines of a cart have no positions that its holder knows."""
    title = {} if product is None else {"title": product.title}
    return attrs.evolve(fault, params={"product_id": product_id, **title, **fault.params})


def _merged(wanted: Sequence[Wanted]) -> tuple[Asked, ...]:
    at: dict[str, list[int]] = {}
    for i, w in enumerate(wanted):
        at.setdefault(w.product_id, []).append(i)
    return tuple(Asked(p, sum((wanted[i].quantity for i in own), Decimal(0)), tuple(own)) for p, own in at.items())


def _below_minimum(asked: Sequence[Asked], shelf: Mapping[str, OnSale], terms: Terms) -> list[FieldError]:
    goods: dict[str, int] = {}
    for a in asked:
        product = shelf[a.product_id]
        goods[product.farm_id] = goods.get(product.farm_id, 0) + product.total(a.quantity)
    farms = {product.farm_id: product for product in shelf.values()}
    return [
        FieldError(
            "lines", f"{farms[f].farm_name} takes orders from {money(farms[f].order_minimum, terms.currency)}; "
            f"add goods for {money(farms[f].order_minimum - amount, terms.currency)} more",
            code="below-minimum",
            params={"farm_id": f, "farm": farms[f].farm_name, "minimum": str(farms[f].order_minimum),
                    "missing": str(farms[f].order_minimum - amount), "currency": terms.currency},
        )
        for f, amount in goods.items()
        if amount < farms[f].order_minimum
    ]  # fmt: skip


def check_stock(asked: Sequence[Asked], shelf: Mapping[str, OnSale]) -> None:
    """Raise :class:`OutOfStock` if less is available of a product than is asked for."""
    short = [a for a in asked if a.quantity > shelf[a.product_id].available]
    if short:
        errors = sorted((i, a.product_id) for a in short for i in a.at)
        raise OutOfStock(
            "less is left than you asked for; nothing was taken", tuple(_short(i, shelf[p]) for i, p in errors)
        )


def _short(i: int, product: OnSale) -> FieldError:
    left = max(product.available, Decimal(0))
    message = f"only {quantity(left, product.unit)} of {product.title} left" if left else f"{product.title} is sold out"
    params = {"available": shown(left), "unit": product.unit}
    return _of(
        product.id, product, FieldError(f"lines[{i}].quantity", message, left, code="out-of-stock", params=params)
    )


def check_terms(
    asked: Sequence[Asked], shelf: Mapping[str, OnSale], seen: Mapping[str, Agreed], terms: Terms, expected: int | None, total: int
) -> None:  # fmt: skip
    """Raise :class:`PriceChanged` for changed terms if the buyer stated an expected total; without one, only a changed unit, as kilograms are not grams."""
    errors = [
        FieldError(
            f"lines[{a.at[0]}]", change.message, code="changed",
            params={"product_id": a.product_id, "what": change.code, **change.params},
        )
        for a in asked
        if a.product_id in seen
        for change in changes(seen[a.product_id], shelf[a.product_id], terms.currency)
        if expected is not None or change.code == "unit-changed"
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
