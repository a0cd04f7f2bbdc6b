"""The days that change what a farm shows are told once, and nothing stale is shown after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from harvestd.market.farms import turning
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, scalar
from tests.people import Market, Person
from tests.web.conftest import make_market, settled

ZONE = ZoneInfo("Pacific/Auckland")
EVENTS = Statement("test.turned", "select data from outbox where type = 'farm.updated' order by seq", scalar)


class Clock:
    """The market's: it stands where it is put."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def to(self, days: int, hour: int = 12) -> None:
        """Noon, or another hour, so many days from now where the market is."""
        day = datetime.now(ZONE) + timedelta(days=days)
        self.at = day.replace(hour=hour, minute=0, second=0).astimezone(UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dated(parts: Parts, clock: Clock) -> Market:
    """A market in another time zone, whose clock is the test's."""
    settings = attrs.evolve(parts.settings, market_timezone="Pacific/Auckland")
    clock.to(0)
    return make_market(attrs.evolve(parts, settings=settings, now=lambda: clock.at))


def day(days: int) -> str:
    return (datetime.now(ZONE) + timedelta(days=days)).date().isoformat()


async def changed(farmer: Person, **body: Any) -> dict[str, Any]:
    answer = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", body, If_Match="*")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def told(market: Market) -> list[list[str]]:
    """What each event of a farm says has changed."""
    return [data["changed"] for data in await market.parts.database.rows(EVENTS)]


async def test_a_certificate_is_shown_until_its_last_day_has_gone_also_from_the_cache(
    dated: Market, clock: Clock
) -> None:
    farmer = await dated.farmer()
    made = await changed(farmer, certificates=[{"scheme": "Organic", "valid_until": day(1)}, {"scheme": "For good"}])
    path = f"/api/farms/{farmer.farm_id}"
    for now, hour, shown in ((1, 23, ["Organic", "For good"]), (2, 0, ["For good"])):
        clock.to(now, hour)
        await turning.turn(dated.parts)
        for answer in (
            (await dated.stranger.get(path)).json(),
            (await dated.stranger.get("/api/farms")).json()["items"][0],
        ):
            assert [claim["scheme"] for claim in answer["certificates"]] == shown
    assert answer["version"] == made["version"] + 1
    await dated.work()
    assert dated.broken(at_rest=True) == []


async def test_a_day_is_told_of_once_however_many_tell(dated: Market, clock: Clock) -> None:
    farmer = await dated.farmer()
    await changed(farmer, certificates=[{"scheme": "Organic", "valid_until": day(1)}])
    clock.to(1)
    await turning.turn(dated.parts)
    assert await told(dated) == [["certificates"]]
    clock.to(5)  # nobody was there on the day itself
    await settled(*(turning.turn(dated.parts) for _ in range(5)))
    await turning.turn(dated.parts)
    assert await told(dated) == [["certificates"], ["certificates"]]
