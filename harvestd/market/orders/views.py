"""An order as each party sees it: a farm only its own part, with the totals of that part."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

import msgspec
from msgspec import UNSET, UnsetType

from harvestd.kernel.permissions import Permission, may_everywhere
from harvestd.kernel.quantities import shown as quantity
from harvestd.market.catalogue.fact_shapes import Facts
from harvestd.market.catalogue.measure_rules import price_unit
from harvestd.market.catalogue.measure_shapes import Weight, priced_by
from harvestd.market.orders import rows as store
from harvestd.market.orders.asked_views import asked_of
from harvestd.market.orders.capabilities import Viewer, actions_of
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.fulfilment_shapes import Fulfilment
from harvestd.market.orders.order import OVER, Line, Part, Placed, Totals
from harvestd.market.orders.shapes import (
    LineAsked,
    Order,
    OrderBuyer,
    OrderFarm,
    OrderFee,
    OrderLine,
    OrderPart,
    OrderTotals,
)
from harvestd.market.orders.step_shapes import OrderStep
from harvestd.market.orders.windowed_rules import takes_changes
from harvestd.market.pricing.charged_rules import code_of, fees_of
from harvestd.market.pricing.terms import PLAIN, Pricing, read
from harvestd.web.money import money
from harvestd.web.shapes import Money, PricePer


def placed_view(order: Placed, currency: str, ways: Mapping[str, dict[str, Any]], note: str) -> Order:
    """A new order, as its buyer sees it."""
    first = OrderStep(farm_id="", from_=None, to="placed", at=order.placed_at, by="buyer", reason="")
    t = order.totals
    parts = [
        OrderPart(
            farm=OrderFarm(id=part.farm_id, name=part.farm_name), status=part.status, fulfilment=shown_way(ways[part.farm_id]), reason="",
            **shown_lines((line for line in order.lines if line.farm_id == part.farm_id), currency, seen=True), **shown_amounts(part, t.tax_included, currency),
        )
        for part in order.parts
    ]  # fmt: skip
    return Order(
        id=order.id, number=order.number, status="placed", lines=[line for part in parts for line in part.lines], parts=parts,
        totals=shown_totals(currency, t, _estimated(parts)), **_charged(order.terms or PLAIN, None, currency), fulfilment=_one_for_all(parts), note=note,
        steps=[msgspec.structs.replace(first, farm_id=part.farm_id) for part in order.parts], can=["cancel", "amend"],
        placed_at=order.placed_at, updated_at=order.placed_at, version=1,
    )  # fmt: skip


def seen(
    order: store.Order,
    parts: Iterable[store.PartRow],
    lines: Iterable[store.LineRow],
    viewer: Viewer,
    farms: frozenset[str],
    may: Mapping[Permission, frozenset[str]],
    now: datetime,
) -> Order | None:
    """An order as the viewer sees it ``now``, or None if they may not. ``parts`` and ``lines`` may include those of other farms;
    ``farms`` are those whose part they may see, ``may`` those for which they have each permission to act on orders."""
    bought = viewer.bought(order.id, order.buyer_id)
    whole = may_everywhere(viewer.role, Permission.SEE_ORDERS) or bought
    every = [part for part in parts if part.order_id == order.id]
    own = [part for part in every if whole or part.farm_id in farms]
    if not own:
        return None
    mine = [line for line in lines if line.order_id == order.id]
    currency, standing = order.currency, _standing(order, every, mine)
    asked = asked_of(standing, currency, whole, now)
    views = [
        OrderPart(
            farm=OrderFarm(id=part.farm_id, name=part.farm_name), status=part.status, fulfilment=shown_way(part.fulfilment),
            reason=part.steps[-1].reason if part.steps else "",
            **shown_lines((row.line for row in mine if row.farm_id == part.farm_id), currency, seen=bought, asked=asked),
            **shown_amounts(part, order.tax_included, currency),
        )
        for part in own
    ]  # fmt: skip
    status = own[0].status if not whole and len(own) == 1 else order.status
    totals = order.totals
    if not whole:
        goods, fees, tax, discount = (
            sum(getattr(part, name) for part in own) for name in ("subtotal", "fees", "tax", "discount")
        )
        totals = Totals(goods, fees, tax, discount, order.tax_included)
    charged = _charged(read(order.terms), None if whole else [part.farm_id for part in own], currency)
    return Order(
        id=order.id, number=order.number, status=status, lines=[line for part in views for line in part.lines], parts=views,
        totals=shown_totals(currency, totals, _estimated(views)), **charged, fulfilment=_one_for_all(views), note=order.note, buyer=_buyer(order, viewer), steps=_steps(own),
        can=_can(standing, every, viewer, may, now, bool(asked)), placed_at=order.placed_at, updated_at=order.updated_at, version=order.version,
    )  # fmt: skip


def shown_way(stored: Mapping[str, Any]) -> Fulfilment:
    return msgspec.convert(stored, Fulfilment)


def _one_for_all(parts: Sequence[OrderPart]) -> Fulfilment | None:
    return parts[0].fulfilment if all(part.fulfilment == parts[0].fulfilment for part in parts) else None


def _buyer(order: store.Order, viewer: Viewer) -> OrderBuyer | UnsetType:
    if viewer.bought(order.id, order.buyer_id):
        return UNSET
    return OrderBuyer(name=order.buyer_name, phone=order.buyer_phone or UNSET)


def _steps(parts: Iterable[store.PartRow]) -> list[OrderStep]:
    every = sorted(
        ((step.version, i, part, step) for i, part in enumerate(parts) for step in part.steps), key=lambda s: s[:2]
    )
    return [
        OrderStep(farm_id=part.farm_id, from_=step.from_, to=step.to, at=step.at, by=step.by, reason=step.reason)
        for _, _, part, step in every
    ]


def _standing(order: store.Order, parts: Sequence[store.PartRow], lines: Sequence[store.LineRow]) -> Standing:
    own = [
        Part(
            p.farm_id,
            p.farm_name,
            i,
            p.status,
            p.subtotal,
            p.fees,
            p.tax,
            p.discount,
            p.fulfilment.get("method", "pickup"),
        )
        for i, p in enumerate(parts)
    ]
    return order.standing(own, lines)


def _can(
    order: Standing, parts: Sequence[store.PartRow], viewer: Viewer, may: Mapping[Permission, Collection[str]], now: datetime,
    asked: bool,
) -> list[str]:  # fmt: skip
    open_days = {p.farm_id: takes_changes(p.hours, now) for p in parts if p.hours is not None}
    return actions_of(order, viewer, may, open_days, asked=asked)


_NOTHING_ASKED: Mapping[str, LineAsked] = {}


def _line(line: Line, currency: str, *, seen: bool, asked: LineAsked | None) -> OrderLine:
    """A line, to its buyer by the title by which it was ``seen``, to everybody else by the farm's own."""
    by = priced_by(line.unit, line.each)
    by["estimated"] = line.estimated
    return OrderLine(
        id=line.id, product_id=line.product_id, variant_id=line.variant_id, title=(line.title_seen if seen else None) or line.title,
        quantity=quantity(line.quantity), unit=line.unit,
        unit_price=money(line.unit_price, currency),
        price_per=PricePer(quantity=quantity(line.price_per), unit=price_unit(line.unit, line.each)), total=money(line.total, currency),
        **by, weight=None if line.weighed is None else Weight(quantity=quantity(line.weighed.quantity), unit=line.weighed.unit),
        short_of=quantity(line.short_of), agreed_total=None if line.agreed_total is None else money(line.agreed_total, currency),
        substitution=line.wish.substitution, note=line.wish.note, replaces_line_id=line.replaces, proposed=line.proposed, answer_by=None if asked is None else line.answer_by,
        asked=asked, facts=msgspec.convert(line.facts, Facts),
    )  # fmt: skip


class _Lines(TypedDict):
    """The lines of a part, and whether any of them is an estimate."""

    lines: list[OrderLine]
    estimated: bool


def shown_lines(
    lines: Iterable[Line], currency: str, *, seen: bool, asked: Mapping[str, LineAsked] = _NOTHING_ASKED
) -> _Lines:
    """Lines as they are shown, with what is ``asked`` about them, and whether what they come to is an estimate."""
    every = list(lines)
    shown = [_line(line, currency, seen=seen, asked=asked.get(line.id)) for line in every]
    return _Lines(lines=shown, estimated=any(line.estimated and line.counts for line in every))


class _Amounts(TypedDict):
    """What a part comes to."""

    subtotal: Money
    fees: Money
    tax: Money
    discount: Money
    total: Money


def shown_amounts(part: Part | store.PartRow, tax_included: bool, currency: str) -> _Amounts:
    own = part.totals(tax_included)
    return _Amounts(
        subtotal=money(own.goods, currency), fees=money(own.fees, currency), tax=money(own.tax, currency),
        discount=money(own.discount, currency), total=money(own.total, currency),
    )  # fmt: skip


class _Charged(TypedDict):
    """What an order is charged beside its goods, by name."""

    fees: list[OrderFee]
    coupon: str | None


def _charged(pricing: Pricing, farms: Collection[str] | None, currency: str) -> _Charged:
    """The fees of an order, or of the parts of ``farms`` alone, and the coupon's code, as far as whoever sees these may see it."""
    fees = [
        OrderFee(name=fee.name, farm_id=fee.farm_id, amount=money(fee.amount, currency), tax=money(fee.tax, currency))
        for fee in fees_of(pricing, farms)
    ]
    return _Charged(fees=fees, coupon=code_of(pricing, farms))


def _estimated(parts: Sequence[OrderPart]) -> bool:
    """Whether the totals are an estimate: as far as the parts that they count are, those that stand, or all of an order that is over as a whole."""
    return any(part.estimated for part in [part for part in parts if part.status not in OVER] or parts)


def shown_totals(currency: str, totals: Totals, estimated: bool) -> OrderTotals:
    """The totals of an order."""
    names = ("goods", "fees", "tax", "discount", "total")
    shown = {name: money(getattr(totals, name), currency) for name in names}
    return OrderTotals(**shown, tax_included=totals.tax_included, estimated=estimated)
