"""Market days for tests: in a sandbox whose clock a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from harvestd import tables
from harvestd.market.days import day_steps
from harvestd.parts import Parts
from harvestd.store.market_clock import MarketClock
from harvestd.store.postgres.statements import Statement
from tests.people import Market, Person
from tests.web.conftest import make_market

#: Types and times of what was told of days, in the order of recording.
TOLD = Statement(
    "test.days_told",
    "select type, data ->> 'market_day_id', data ->> 'reason' from outbox where type like 'market\\_day.%' order by seq",
    lambda type, day, reason: (type.removeprefix("market_day."), day, reason),
)


def sandbox(parts: Parts, **settings: Any) -> Market:
    """A market whose clock can be moved."""
    known = attrs.evolve(parts.settings, sandbox=True, **settings)
    clock = MarketClock(parts.database, None, lambda: datetime.now(UTC), sandbox=True)
    moving = attrs.evolve(parts, settings=known, now=clock.now, ahead=clock.ahead, clock=clock, dues=tables.DUES)
    return make_market(moving)


async def moved(market: Market, admin: Person, to: datetime) -> dict[str, Any]:
    """What moving the clock answers."""
    answer = await admin.post("/api/admin/clock", {"to": text(to)})
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def text(at: datetime) -> str:
    """A time as the contract writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def body(now: datetime, opens: float = 1, closes: float = 25, **more: Any) -> dict[str, Any]:
    """A day that opens and closes so many hours from now."""
    return {
        "name": "Saturday", "opens_at": text(now + timedelta(hours=opens)), "closes_at": text(now + timedelta(hours=closes)), **more
    }  # fmt: skip


def delivery(now: datetime, start: float = 30, end: float = 34, **more: Any) -> dict[str, Any]:
    """A window for deliveries anywhere, from and to so many hours from now."""
    return {
        "method": "delivery",
        "from": text(now + timedelta(hours=start)),
        "to": text(now + timedelta(hours=end)),
        **more,
    }


def weekly(**more: Any) -> dict[str, Any]:
    """Every Saturday: open from Monday at 8 to Thursday at 20, handed over on the day."""
    return {
        "name": "Saturday", "rule": "FREQ=WEEKLY;BYDAY=SA", "first": "2026-01-03", "opens": {"day": -5, "at": "08:00"},
        "closes": {"day": -2, "at": "20:00"}, "windows": [{"method": "delivery", "from": {"at": "09:00"}, "to": {"at": "12:00"}}], **more,
    }  # fmt: skip


async def made(who: Person, given: dict[str, Any]) -> dict[str, Any]:
    """A market day."""
    answer = await who.post("/api/market-days", given)
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def told(market: Market) -> list[Any]:
    """What was told of days."""
    return await market.parts.database.rows(TOLD)


def at(market: Market, moment: datetime) -> Market:
    """The same market at another time."""
    return make_market(attrs.evolve(market.parts, now=lambda: moment))


async def stepped(market: Market, moment: datetime) -> None:
    """Have the days take the steps that are due at a moment."""
    await day_steps.step_all(at(market, moment).parts)
