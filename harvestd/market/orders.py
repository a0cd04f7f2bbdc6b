"""Placing an order. What becomes of it afterwards is in ``fulfilment.py``, what it does to the stock in ``stock.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import attrs

from harvestd.market import families
from harvestd.market.errors import FieldError, Invalid, OutOfStock, PriceChanged
from harvestd.market.events import Event
from harvestd.market.products import Known, happened
from harvestd.market.quantities import amount_shown, line_total, orderable, shown
from harvestd.market.seasons import in_season


@attrs.frozen
class Wanted:
    """One line of a request."""

    product_id: str
    quantity: Decimal


@attrs.frozen(kw_only=True)
class OnSale:
    """A product as its locked row says it is now."""

    id: str
    slug: str
    farm_id: str
    farm_slug: str
    farm_name: str
    order_minimum: int
    title: str
    unit: str
    price: int
    stock: Decimal
    reserved: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    season_from: str | None
    season_to: str | None
    status: str
    revision: int

    @property
    def available(self) -> Decimal:
        """Stock less what is reserved."""
        return self.stock - self.reserved

    @property
    def known(self) -> Known:
        """How events name it."""
        return Known(self.id, self.slug, self.farm_id, self.farm_slug)


@attrs.frozen(kw_only=True)
class Terms:
    """The market's rules for orders. ``hold`` is how long stock is held for an order that waits for its farm; None where
    the order is a sale as soon as it is handled."""

    currency: str
    lines_most: int
    hold: timedelta | None


@attrs.frozen(kw_only=True)
class Line:
    """A line of an order, at the price of the moment."""

    id: str
    farm_id: str
    position: int
    product_id: str
    title: str
    quantity: Decimal
    unit: str
    unit_price: int
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
        """What the buyer owes."""
        return self.goods + self.fees + self.tax - self.discount


@attrs.frozen(kw_only=True)
class Placed:
    """An accepted order; ``taken`` is what each product has less of, ``ran_out`` the products with none left."""

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


def place(
    wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms, *, order_id: str, number: str, buyer_id: str,
    line_ids: Sequence[str], now: datetime, today: date, expected_total: int | None,
) -> Placed:  # fmt: skip
    """Decide an order.

    ``shelf`` has each wanted product that exists, by id. Raises :class:`Invalid` for what can never be ordered so (each
    line with its fault), :class:`OutOfStock` with one error a line and what is left, :class:`PriceChanged`.
    """
    quantities = _acceptable(wanted, shelf, terms, today)
    _in_stock(wanted, quantities, shelf)
    farms = list(dict.fromkeys(shelf[w.product_id].farm_id for w in wanted))
    lines = tuple(_line(i, w, quantities[i], shelf[w.product_id], line_ids[i]) for i, w in enumerate(wanted))
    parts = tuple(_part(farm_id, i, lines, shelf) for i, farm_id in enumerate(farms))
    totals = Totals(sum(part.subtotal for part in parts))
    if expected_total is not None and expected_total != totals.total:
        now_total = amount_shown(totals.total, terms.currency)
        raise PriceChanged(
            f"the total is now {now_total}, not {amount_shown(expected_total, terms.currency)}; look at the cart again",
            (FieldError("expected_total", f"the total is now {totals.total}"),),
        )
    taken: dict[str, Decimal] = {}
    for line in lines:
        taken[line.product_id] = taken.get(line.product_id, Decimal(0)) + line.quantity
    ran_out = frozenset(p for p, quantity in taken.items() if shelf[p].available == quantity)
    placed = Placed(
        id=order_id, number=number, buyer_id=buyer_id, parts=parts, lines=lines, totals=totals, taken=taken, ran_out=ran_out,
        hold_until=now + terms.hold if terms.hold is not None else None, placed_at=now, events=(),
    )  # fmt: skip
    return attrs.evolve(placed, events=_created(placed, shelf))


def _acceptable(wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms, today: date) -> list[Decimal]:
    if not wanted:
        raise Invalid.of("lines", "must have at least one line; the cart is empty")
    if len(wanted) > terms.lines_most:
        raise Invalid.of("lines", f"must have at most {terms.lines_most} lines")
    checked = [_fault_or_quantity(i, w, shelf.get(w.product_id), today) for i, w in enumerate(wanted)]
    errors = tuple(fault for fault in checked if isinstance(fault, FieldError))
    if not errors:
        errors = tuple(_below_minimum(wanted, shelf, terms))
    if errors:
        raise Invalid("the order cannot be accepted", errors)
    return [quantity for quantity in checked if isinstance(quantity, Decimal)]


def _fault_or_quantity(i: int, wanted: Wanted, product: OnSale | None, today: date) -> Decimal | FieldError:
    if product is None or product.status != "published":
        return FieldError(f"lines[{i}].product_id", "is not for sale here")
    if not in_season(product.season_from, product.season_to, today):
        season = f"{product.season_from} to {product.season_to}"
        return FieldError(f"lines[{i}].product_id", f"{product.title} is out of season ({season})")
    return orderable(f"lines[{i}].quantity", wanted.quantity, product.quantity_step, product.min_quantity, product.unit)


def _below_minimum(wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms) -> list[FieldError]:
    goods: dict[str, int] = {}
    for w in wanted:
        product = shelf[w.product_id]
        goods[product.farm_id] = goods.get(product.farm_id, 0) + line_total(product.price, w.quantity)
    farms = {product.farm_id: product for product in shelf.values()}
    return [
        FieldError(
            "lines", f"{farms[f].farm_name} takes orders from {amount_shown(farms[f].order_minimum, terms.currency)}"
        )
        for f, amount in goods.items()
        if amount < farms[f].order_minimum
    ]


def _in_stock(wanted: Sequence[Wanted], quantities: Sequence[Decimal], shelf: Mapping[str, OnSale]) -> None:
    asked: dict[str, Decimal] = {}
    for w, quantity in zip(wanted, quantities, strict=True):
        asked[w.product_id] = asked.get(w.product_id, Decimal(0)) + quantity
    errors = tuple(
        FieldError(f"lines[{i}].quantity", _short(shelf[w.product_id]), max(shelf[w.product_id].available, Decimal(0)))
        for i, w in enumerate(wanted)
        if asked[w.product_id] > shelf[w.product_id].available
    )
    if errors:
        raise OutOfStock("less is left than you asked for; nothing was taken", errors)


def _short(product: OnSale) -> str:
    if product.available <= 0:
        return f"{product.title} is sold out"
    return f"only {shown(product.available)} {product.unit} of {product.title} are left"


def _line(i: int, wanted: Wanted, quantity: Decimal, product: OnSale, line_id: str) -> Line:
    return Line(
        id=line_id, farm_id=product.farm_id, position=i, product_id=product.id, title=product.title, quantity=quantity,
        unit=product.unit, unit_price=product.price, total=line_total(product.price, quantity),
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
                    {"product_id": line.product_id, "quantity": shown(line.quantity), "unit_price": line.unit_price}
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
