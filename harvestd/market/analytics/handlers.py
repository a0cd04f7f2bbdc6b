"""Analytics: daily totals of the market and of each farm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from harvestd.market.analytics import rows as analytics
from harvestd.market.analytics.rows import MARKET, Totals
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork

#: The counter that the end of an order increments, for the market and for each farm's part.
_ENDS = {"cancelled": "cancelled", "expired": "expired", "completed": "completed"}
_NOTHING = {"total": 0}
#: What tells of lines that are others by now.
_CHANGES = frozenset({"order.amended", "order.line_short", "order.line_weighed"})


async def count(unit: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Add a batch of orders to their days, in the market's time zone."""
    zone = ZoneInfo(unit.parts.settings.market_timezone)
    totals: dict[tuple[date, str], Totals] = defaultdict(Totals)
    for event in events:
        day = _day(event, zone)
        if event.type == "order.created":
            _placed(totals, day, event)
        elif event.type in _CHANGES:
            _changed(totals, day, event)
        elif event.type == "order.updated" and not event.data["from"]:
            totals[day, event.data["farm_id"]].orders += 1
        elif event.type == "order.updated" and event.data["to"] in _ENDS and event.data["from"] != event.data["to"]:
            _add(totals[day, event.data["farm_id"]], _ENDS[event.data["to"]])
        elif event.type.removeprefix("order.") in _ENDS:
            _add(totals[day, MARKET], _ENDS[event.type.removeprefix("order.")])
    await analytics.add(unit.tx, totals)


def _day(event: Envelope, zone: ZoneInfo) -> date:
    at = datetime.fromisoformat(event.data["placed_at"]) if "placed_at" in event.data else event.timestamp
    return at.astimezone(zone).date()


def _placed(totals: dict[tuple[date, str], Totals], day: date, event: Envelope) -> None:
    for farm_id, goods in [(part["farm_id"], part["subtotal"]) for part in event.data["parts"]]:
        totals[day, farm_id].orders += 1
        totals[day, farm_id].goods += goods
    totals[day, MARKET].orders += 1
    totals[day, MARKET].goods += event.data["totals"]["goods"]


def _changed(totals: dict[tuple[date, str], Totals], day: date, event: Envelope) -> None:
    """Goods that were added to an order, or taken out of it: on the day on which it was placed."""
    for line in event.data["lines"]:
        more = (line["after"] or _NOTHING)["total"] - (line["before"] or _NOTHING)["total"]
        for whose in (line["farm_id"], MARKET):
            totals[day, whose].goods += more


def _add(totals: Totals, name: str) -> None:
    setattr(totals, name, getattr(totals, name) + 1)
