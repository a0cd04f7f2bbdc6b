"""Placing an order. Its later life cycle is in ``fulfilment.py``, its effect on stock in ``catalogue/stock_rules.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import attrs

from harvestd.kernel import families
from harvestd.kernel.errors import FieldError, OutOfStock, PriceChanged
from harvestd.kernel.events import Event
from harvestd.kernel.formatting import money, quantity
from harvestd.kernel.names import accept
from harvestd.kernel.quantities import PLACES, shown
from harvestd.kernel.sentences import worded
from harvestd.market.carts.selling import Terms, quantity_faults, too_much
from harvestd.market.catalogue.on_sale import Agreed, OnSale, changes, takeable, withheld
from harvestd.market.catalogue.rules import happened

NOTHING_SEEN: Mapping[str, Agreed] = {}


#: Maximum lengths, in characters, of a buyer's note, of the reason of a cancellation, and of a delivery address.
MAX_NOTE, MAX_REASON, MAX_ADDRESS = 2000, 500, 500


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


@attrs.frozen(kw_only=True)
class Line:
    """An order line, at the price when it was placed: ``unit_price`` for ``price_per`` of the unit."""

    id: str
    farm_id: str
    position: int
    product_id: str
    title: str
    quantity: Decimal
    unit: str
    unit_price: int
    price_per: Decimal
    total: int


@attrs.frozen
class Part:
    """One farm's part of an order."""

    farm_id: str
    farm_name: str
    position: int
    status: str
    subtotal: int


@attrs.frozen
class Totals:
    """In minor units; ``total`` is goods and fees and tax less discount."""

    goods: int
    fees: int = 0
    tax: int = 0
    discount: int = 0

    @property
    def total(self) -> int:
        """The amount that the buyer owes."""
        return self.goods + self.fees + self.tax - self.discount


@attrs.frozen(kw_only=True)
class Placed:
    """An accepted order; ``taken`` is the quantity reserved of each product, ``ran_out`` the products with none left."""

    id: str
    number: str
    buyer_id: str
    parts: tuple[Part, ...]
    lines: tuple[Line, ...]
    totals: Totals
    taken: dict[str, Decimal]
    ran_out: frozenset[str]
    hold_until: datetime | None
    placed_at: datetime
    events: tuple[Event, ...]


@attrs.frozen
class _Asked:
    """The total quantity that a request asks for of one product; ``at`` are the positions of its lines in the request."""

    product_id: str
    quantity: Decimal
    at: tuple[int, ...]


def place(
    wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms, *, order_id: str, number: str, buyer_id: str,
    line_ids: Sequence[str], now: datetime, today: date, expected_total: int | None, seen: Mapping[str, Agreed] = NOTHING_SEEN,
    of_cart: bool = False, also: Sequence[FieldError] = (),
) -> Placed:  # fmt: skip
    """Decide on an order. Lines of one product are merged into one.

    ``shelf`` has each wanted product that exists, by id; ``line_ids`` an id for each possible line; ``seen`` the terms agreed to, by
    product, where known; ``of_cart`` whether a cart is being ordered; ``also`` the faults found elsewhere. Raises :class:`Invalid` for
    lines that can never be ordered like this (each line with all its faults), :class:`OutOfStock` with one error a line and the
    quantity left, and :class:`PriceChanged` if a quantity was agreed to in another unit or, if the buyer states an expected total,
    if the total differs or any term that they agreed to has changed.
    """
    asked = _acceptable(wanted, shelf, terms, today, of_cart, also)
    _in_stock(asked, shelf)
    farms = list(dict.fromkeys(shelf[a.product_id].farm_id for a in asked))
    lines = tuple(_line(i, a, shelf[a.product_id], line_ids[i]) for i, a in enumerate(asked))
    parts = tuple(_part(farm_id, i, lines, shelf) for i, farm_id in enumerate(farms))
    totals = Totals(sum(part.subtotal for part in parts))
    _as_expected(asked, shelf, seen, terms, expected_total, totals.total)
    taken = {line.product_id: line.quantity for line in lines}
    ran_out = frozenset(p for p, quantity in taken.items() if shelf[p].available == quantity)
    placed = Placed(
        id=order_id, number=number, buyer_id=buyer_id, parts=parts, lines=lines, totals=totals, taken=taken, ran_out=ran_out,
        hold_until=now + terms.hold if terms.hold is not None else None, placed_at=now, events=(),
    )  # fmt: skip
    return attrs.evolve(placed, events=_created(placed, shelf))


def _acceptable(
    wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms, today: date, of_cart: bool, also: Sequence[FieldError]
) -> tuple[_Asked, ...]:  # fmt: skip
    """The quantity asked for of each product, in the order of first mention. Unpublished products are not disclosed."""
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
        message = f"must be of at most {terms.lines_most} products"
        errors.append(
            FieldError(
                "lines", message, code="too-long", params={"maximum": str(terms.lines_most), "reason": "elements"}
            )
        )
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


def _of(product_id: str, product: OnSale | None, fault: FieldError) -> FieldError:
    """The fault, with the product it concerns: the lines of a cart have no positions that its holder knows."""
    title = {} if product is None else {"title": product.title}
    return attrs.evolve(fault, params={"product_id": product_id, **title, **fault.params})


def _merged(wanted: Sequence[Wanted]) -> tuple[_Asked, ...]:
    at: dict[str, list[int]] = {}
    for i, w in enumerate(wanted):
        at.setdefault(w.product_id, []).append(i)
    return tuple(_Asked(p, sum((wanted[i].quantity for i in own), Decimal(0)), tuple(own)) for p, own in at.items())


def _below_minimum(asked: Sequence[_Asked], shelf: Mapping[str, OnSale], terms: Terms) -> list[FieldError]:
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


def _in_stock(asked: Sequence[_Asked], shelf: Mapping[str, OnSale]) -> None:
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


def _as_expected(
    asked: Sequence[_Asked], shelf: Mapping[str, OnSale], seen: Mapping[str, Agreed], terms: Terms, expected: int | None, total: int
) -> None:  # fmt: skip
    """Reject changed terms if the buyer stated an expected total; without one, only a changed unit, as kilograms are not grams."""
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


def _line(i: int, asked: _Asked, product: OnSale, line_id: str) -> Line:
    quantity = asked.quantity.quantize(PLACES)
    return Line(
        id=line_id, farm_id=product.farm_id, position=i, product_id=product.id, title=product.title, quantity=quantity,
        unit=product.unit, unit_price=product.price, price_per=product.price_per, total=product.total(quantity),
    )  # fmt: skip


def _part(farm_id: str, i: int, lines: Sequence[Line], shelf: Mapping[str, OnSale]) -> Part:
    own = [line for line in lines if line.farm_id == farm_id]
    return Part(farm_id, shelf[own[0].product_id].farm_name, i, "placed", sum(line.total for line in own))


def _created(order: Placed, shelf: Mapping[str, OnSale]) -> tuple[Event, ...]:
    known = [shelf[p].known for p in order.taken]
    data = {
        "order_id": order.id,
        "number": order.number,
        "buyer_id": order.buyer_id,
        "placed_at": order.placed_at.isoformat(),
        "parts": [
            {
                "farm_id": part.farm_id,
                "subtotal": part.subtotal,
                "lines": [
                    {
                        "product_id": line.product_id,
                        "quantity": shown(line.quantity),
                        "unit_price": line.unit_price,
                        "price_per": shown(line.price_per),
                    }
                    for line in order.lines
                    if line.farm_id == part.farm_id
                ],
            }
            for part in order.parts
        ],
        "totals": attrs.asdict(order.totals) | {"total": order.totals.total},
        "families": families.merged(
            families.product(k.id, k.slug, k.farm_id, k.farm_slug, ["available"]) for k in known
        ),
    }
    sold_out = [
        happened("updated", shelf[p].known, shelf[p].revision + 1, ["available"]) for p in sorted(order.ran_out)
    ]
    return (Event("order.created", f"order:{order.id}", 1, data), *sold_out)
