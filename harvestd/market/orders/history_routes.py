"""What has become of an order's lines, for its parties: its buyer and the market's staff see all of it, a farm what is of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from harvestd.kernel.errors import NotFound
from harvestd.kernel.permissions import Permission, may_everywhere
from harvestd.market.catalogue.measure_shapes import Weight
from harvestd.market.orders import history_rows as store
from harvestd.market.orders import routes
from harvestd.market.orders import rows as orders
from harvestd.market.orders.history_shapes import (
    ChangedLineQuestion,
    ChangedLineState,
    ChangedTotals,
    OrderChange,
    OrderChangeLine,
    OrderChangesQuery,
    OrderMove,
)
from harvestd.market.orders.views import shown_way
from harvestd.web.context import CountedPage, RequestContext
from harvestd.web.money import money
from harvestd.web.paging import Keyset

_AMOUNTS = ("goods", "fees", "tax", "discount", "total")


@attrs.frozen
class _Seen:
    """An order as somebody sees it: ``farms`` are those whose lines they see (None: all), ``bought`` is whether it is theirs."""

    order: orders.Order
    lines: Mapping[str, store.Line]
    farms: frozenset[str] | None
    bought: bool


async def listed(request: RequestContext, query: OrderChangesQuery) -> CountedPage[OrderChange]:
    """The changes of an order, the oldest first."""
    seen = await _seen(request, query.token)
    keyset = Keyset(query, f"changes of order {seen.order.id}", (int,), lambda row: (row.version,))
    (after,) = keyset.after or (None,)
    wanted = store.Wanted(seen.order.id, seen.farms)
    page, following = keyset.page(await store.page(request.reader, wanted, after, keyset.ask))
    total = await store.count(request.reader, wanted) if query.count else None
    return CountedPage([_shown(row, seen) for row in page], following, total)


async def _seen(request: RequestContext, token: str | None) -> _Seen:
    """The order of the path. Raises ``NotFound`` where it is none, or not theirs to see."""
    key_to, id = await routes.key_of(request, token), request.id("id")
    order = await orders.find(request.reader, id)
    if order is None:
        raise NotFound("there is no such order")
    lines = await store.lines(request.reader, id)
    if key_to is not None:
        return _Seen(order, lines, None, True)
    party = routes.party_of(request, await routes.farms_of(request), Permission.SEE_ORDERS)
    bought = order.buyer_id == request.user.user_id
    if bought or may_everywhere(request.user.role, Permission.SEE_ORDERS):
        return _Seen(order, lines, None, bought)
    own = party.sees & {line.farm_id for line in lines.values()}
    if not own:
        raise NotFound("there is no such order")
    return _Seen(order, lines, own, False)


def _shown(row: store.Change, seen: _Seen) -> OrderChange:
    was, is_ = ({entry["line_id"]: entry for entry in side["lines"]} for side in (row.before, row.after))
    own = [
        id for id in {**was, **is_} if id in seen.lines and (seen.farms is None or seen.lines[id].farm_id in seen.farms)
    ]
    whole, currency = seen.farms is None, seen.order.currency
    return OrderChange(
        version=row.version, kind=row.kind, by=row.actor, reason=row.reason, at=row.at,
        lines=[_line(seen, seen.lines[id], was.get(id), is_.get(id), row.kind) for id in own], moves=_moves(row, seen.farms),
        before=_totals(row.before["totals"], currency) if whole else None, after=_totals(row.after["totals"], currency) if whole else None,
    )  # fmt: skip


def _moves(row: store.Change, farms: frozenset[str] | None) -> list[OrderMove]:
    pairs = zip(row.before.get("moves", ()), row.after.get("moves", ()), strict=True)
    return [
        OrderMove(farm_id=is_["farm_id"], before=shown_way(was), after=shown_way(is_))
        for was, is_ in pairs
        if farms is None or is_["farm_id"] in farms
    ]


def _line(seen: _Seen, line: store.Line, before: Any, after: Any, kind: str) -> OrderChangeLine:
    currency = seen.order.currency
    return OrderChangeLine(
        line_id=line.line_id, product_id=(after or before)["product_id"], farm_id=line.farm_id,
        title=(line.title_seen if seen.bought else None) or line.title, unit=line.unit, before=_state(line, before, currency),
        after=_state(line, after, currency), outcome=outcome(kind, before, after),
    )  # fmt: skip


def outcome(kind: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str | None:
    """How a question about a line has ended by a change of this kind; None: it has not, or there was none. What is proposed and accepted stays, of what weighs more more is agreed on. Rows from before it was
    kept have no ``asked``."""
    if (
        before is None
        or not ("asked" in before or "proposed" in before or kind == "answered")
        or (after is not None and "asked" in after)
    ):
        return None
    if kind != "answered":
        return "withdrawn" if "asked" in before else None
    if "proposed" in before:
        return "declined" if after is None else "accepted"
    more = after is not None and (after["agreed_total"] or 0) > (before["agreed_total"] or 0)
    return "accepted" if more else "declined"


def _asked(line: store.Line, entry: Mapping[str, Any], currency: str) -> ChangedLineQuestion | None:
    if "asked" not in entry:
        return None
    until = entry.get("answer_by")
    about = ("addition" if line.replaces is None else "substitute") if entry.get("proposed") else "weight"
    return ChangedLineQuestion(
        about=about,
        total=money(entry["asked"], currency),
        answer_by=None if until is None else datetime.fromisoformat(until),
    )


def _state(line: store.Line, entry: Mapping[str, Any] | None, currency: str) -> ChangedLineState | None:
    if entry is None:
        return None
    agreed, weighed, proposed = entry["agreed_total"], entry.get("weighed"), entry.get("proposed", False)
    return ChangedLineState(
        quantity=entry["quantity"], short_of=entry["short_of"], total=money(0 if proposed else entry["total"], currency),
        agreed_total=None if agreed is None else money(agreed, currency), substitution=entry["substitution"],
        weight=None if weighed is None else Weight(quantity=weighed[0], unit=weighed[1]), proposed=proposed,
        asked=_asked(line, entry, currency),
    )  # fmt: skip


def _totals(amounts: Mapping[str, int], currency: str) -> ChangedTotals:
    return ChangedTotals(**{name: money(amounts[name], currency) for name in _AMOUNTS})
