"""Placing an order. Its later life cycle is in ``fulfilment.py``, its effect on stock in ``catalogue/stock_rules.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import attrs

from harvestd.kernel import families
from harvestd.kernel.errors import FieldError, MarketError
from harvestd.kernel.events import Event
from harvestd.kernel.quantities import shown
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.catalogue.product_events import happened
from harvestd.market.orders.amount_rules import check_amounts, check_stock, check_terms, least_of
from harvestd.market.orders.buyers import Buyer
from harvestd.market.orders.new_lines import billed, line_of
from harvestd.market.orders.order import Line, Part, Placed, Totals
from harvestd.market.orders.placing_rules import Asked, Wanted, acceptable, orderable
from harvestd.market.pricing.billing_rules import GOODS_ALONE, Billing
from harvestd.market.pricing.terms import PLAIN, Bill, Pricing

Result = TypeVar("Result")
NOTHING_SEEN: Mapping[str, Agreed] = {}


@attrs.frozen(kw_only=True)
class Decided:
    """What an order would be, and why it is refused, if it is: with the first of these first. Then it is of those lines that could be ordered."""

    asked: tuple[Asked, ...]
    parts: tuple[Part, ...]
    lines: tuple[Line, ...]
    bill: Bill
    pricing: Pricing
    refusals: tuple[MarketError, ...]

    @property
    def totals(self) -> Totals:
        """What it comes to."""
        return Totals.of(self.bill, self.pricing.tax_included)

    @property
    def terms(self) -> Pricing | None:
        """The rules that are kept with the order; None where nothing but goods is charged, or taxes alone, on top of them."""
        taxed = any(line.tax_rate for line in self.lines)
        charges = taxed or self.pricing.fees or self.pricing.discount is not None
        return self.pricing if charges and self.pricing != PLAIN else None

    @property
    def taken(self) -> dict[str, Decimal]:
        """What it takes of the stock of each product."""
        taken: dict[str, Decimal] = {}
        for line in self.lines:
            taken[line.product_id] = taken.get(line.product_id, Decimal(0)) + line.taken
        return taken


def decide(
    wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms, *, line_ids: Sequence[str], today: date, expected_total: int | None,
    seen: Mapping[str, Agreed] = NOTHING_SEEN, of_cart: bool = False, also: Sequence[FieldError] = (), billing: Billing = GOODS_ALONE,
) -> Decided:  # fmt: skip
    """What an order of these lines is, or would be. Lines of one product are merged into one, and so are those of one of its pack sizes.

    ``shelf`` has each wanted product that exists, by id, and each wanted pack by :func:`variant_rules.key`; ``line_ids`` an id for each possible line; ``seen`` the terms agreed to, by
    the same keys, where known; ``of_cart`` whether a cart is being ordered; ``also`` the faults found elsewhere; ``billing`` what is charged beside the goods.
    Refused are, as :class:`Invalid`, lines that can never be ordered like this (each line with all its faults) and a coupon that takes nothing off them; as
    :class:`OutOfStock`, with one error a line and the quantity left, what there is too little of; as :class:`PriceChanged`, a quantity that was agreed to in
    another unit or, if the buyer states an expected total, another total, or any term that they agreed to and that has changed.
    """
    least = least_of(shelf, billing)
    asked, unfit_lines = _attempt(lambda: acceptable(wanted, least, terms, today, of_cart, also))
    asked = orderable(wanted, shelf, today) if asked is None else asked
    goods = [billing.good(line_ids[i], shelf[a.key], a.quantity) for i, a in enumerate(asked)]
    bill, pricing = billing.of(goods)
    refusals = [
        *unfit_lines, *_attempt(lambda: check_stock(asked, shelf))[1],
        *_attempt(lambda: check_amounts(goods, billing.discount, bill.total, terms))[1],
    ]  # fmt: skip
    if not refusals:
        refusals += _attempt(lambda: check_terms(asked, shelf, seen, terms, expected_total, bill.total))[1]
    lines = tuple(
        billed(
            line_of(i, shelf[a.key], a.quantity, good.key, today, a.wish, terms, rate=good.rate), bill.lines[good.key]
        )
        for i, (a, good) in enumerate(zip(asked, goods, strict=True))
    )
    names = {shelf[a.product_id].farm_id: shelf[a.product_id].farm_name for a in asked}
    parts = tuple(
        Part(farm, names[farm], i, "placed", one.goods, one.fees, one.tax, one.discount, billing.method(farm))
        for i, (farm, one) in enumerate(bill.parts.items())
    )
    return Decided(asked=asked, parts=parts, lines=lines, bill=bill, pricing=pricing, refusals=tuple(refusals))


def _attempt(check: Callable[[], Result]) -> tuple[Result | None, tuple[MarketError, ...]]:
    """What a check answers, or its refusal."""
    try:
        return check(), ()
    except MarketError as refused:
        return None, (refused,)


def place(
    wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms, *, order_id: str, number: str, buyer: Buyer,
    line_ids: Sequence[str], now: datetime, today: date, expected_total: int | None, seen: Mapping[str, Agreed] = NOTHING_SEEN,
    of_cart: bool = False, also: Sequence[FieldError] = (), billing: Billing = GOODS_ALONE,
) -> Placed:  # fmt: skip
    """Place an order as :func:`decide` has it; raises the first of its refusals."""
    decided = decide(
        wanted, shelf, terms, line_ids=line_ids, today=today, expected_total=expected_total, seen=seen, of_cart=of_cart, also=also,
        billing=billing,
    )  # fmt: skip
    if decided.refusals:
        raise decided.refusals[0]
    taken = decided.taken
    placed = Placed(
        id=order_id, number=number, buyer=buyer, parts=decided.parts, lines=decided.lines, totals=decided.totals,
        terms=decided.terms, taken=taken, ran_out=ran_out(taken, shelf),
        hold_until=now + terms.hold if terms.hold is not None else None, placed_at=now, events=(),
    )  # fmt: skip
    return attrs.evolve(placed, events=_created(placed, shelf))


def ran_out(taken: Mapping[str, Decimal], shelf: Mapping[str, OnSale]) -> frozenset[str]:
    """The products of which nothing is left once this is taken."""
    return frozenset(p for p, quantity in taken.items() if shelf[p].available == quantity)


def _more(line: Line) -> dict[str, Any]:
    """What an event says of a line of a pack size, or of pieces that are priced by weight, besides what it says of each."""
    pack = {} if line.variant_id is None else {"variant_id": line.variant_id, "takes": shown(line.takes)}
    return pack if line.each is None else pack | {"estimated_weight": shown(line.each.quantity)}


def _created(order: Placed, shelf: Mapping[str, OnSale]) -> tuple[Event, ...]:
    known = [shelf[p].known for p in order.taken]
    data = {
        "order_id": order.id,
        "number": order.number,
        "buyer_id": order.buyer.user_id,
        **({} if order.buyer.placed_by is None else {"placed_by": order.buyer.placed_by}),
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
                        **_more(line),
                    }
                    for line in order.lines
                    if line.farm_id == part.farm_id
                ],
            }
            for part in order.parts
        ],
        "totals": {name: getattr(order.totals, name) for name in ("goods", "fees", "tax", "discount", "total")},
        "families": families.merged(
            families.product(k.id, k.slug, k.farm_id, k.farm_slug, ["available"]) for k in known
        ),
    }
    sold_out = [
        happened("updated", shelf[p].known, shelf[p].revision + 1, ["available"]) for p in sorted(order.ran_out)
    ]
    return (Event("order.created", f"order:{order.id}", 1, data), *sold_out)
