"""An order as each of its parties sees it: a farm its own part, and the totals of that alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from harvestd.market.orders import Line, Placed
from harvestd.market.quantities import shown as quantity
from harvestd.store import orders as store
from harvestd.web.call import Caller
from harvestd.web.money import money
from harvestd.web.shapes.orders import Order, OrderFarm, OrderLine, OrderPart, OrderTotals


def placed_view(order: Placed, currency: str, fulfilment: dict[str, Any], note: str) -> Order:
    """A fresh order, for its buyer."""
    parts = [
        OrderPart(
            farm=OrderFarm(id=part.farm_id, name=part.farm_name), status=part.status,
            lines=[_line(line, currency) for line in order.lines if line.farm_id == part.farm_id],
            subtotal=money(part.subtotal, currency),
        )
        for part in order.parts
    ]  # fmt: skip
    t = order.totals
    totals = _totals(currency, t.goods, t.fees, t.tax, t.discount, t.total)
    return _order(order.id, order.number, "placed", parts, totals, fulfilment, note, order.placed_at, 1)


def seen(
    order: store.Order,
    parts: Iterable[store.PartRow],
    lines: Iterable[store.LineRow],
    caller: Caller,
    farms: frozenset[str],
) -> Order | None:
    """An order as the caller sees it, or None where it does not concern them. ``parts`` and ``lines`` may be of others
    too; ``farms`` are the caller's."""
    whole = caller.role == "admin" or order.buyer_id == caller.user_id
    own = [part for part in parts if part.order_id == order.id and (whole or part.farm_id in farms)]
    if not own:
        return None
    mine = [line for line in lines if line.order_id == order.id]
    currency = order.currency
    views = [
        OrderPart(
            farm=OrderFarm(id=part.farm_id, name=part.farm_name), status=part.status,
            lines=[_line(line, currency) for line in mine if line.farm_id == part.farm_id],
            subtotal=money(part.subtotal, currency),
        )
        for part in own
    ]  # fmt: skip
    status, goods = order.status, sum(part.subtotal for part in own)
    totals = _totals(currency, goods, 0, 0, 0, goods)
    if whole:
        totals = _totals(currency, order.goods, order.fees, order.tax, order.discount, order.total)
    elif len(own) == 1:
        status = own[0].status
    return _order(
        order.id, order.number, status, views, totals, order.fulfilment, order.note, order.placed_at, order.version
    )


def _order(
    id: str, number: str, status: str, parts: list[OrderPart], totals: OrderTotals, fulfilment: dict[str, Any], note: str,
    placed_at: datetime, version: int,
) -> Order:  # fmt: skip
    return Order(
        id=id, number=number, status=status, lines=[line for part in parts for line in part.lines], parts=parts,
        totals=totals, fulfilment=fulfilment, note=note, placed_at=placed_at, version=version,
    )  # fmt: skip


def _line(line: Line | store.LineRow, currency: str) -> OrderLine:
    return OrderLine(
        id=line.id, product_id=line.product_id, title=line.title, quantity=quantity(line.quantity), unit=line.unit,
        unit_price=money(line.unit_price, currency), total=money(line.total, currency),
    )  # fmt: skip


def _totals(currency: str, *amounts: int) -> OrderTotals:
    names = ("goods", "fees", "tax", "discount", "total")
    return OrderTotals(**{name: money(amount, currency) for name, amount in zip(names, amounts, strict=True)})
