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


async def test_its_farm_alone_sees_certificates_that_are_over_so_that_it_does_not_lose_them(
    dated: Market,
) -> None:
    farmer = await dated.farmer()
    packer = await dated.person("farmer")
    await dated.join(packer, farmer.farm_id, "packer")
    given = [{"scheme": "Organic", "valid_until": day(-1)}, {"scheme": "For good"}]
    await changed(farmer, certificates=given)
    path = f"/api/farms/{farmer.farm_id}"
    whole = [("Organic", day(-1)), ("For good", None)]
    for who, seen in (
        (farmer, whole), (await dated.person("manager"), whole), (packer, whole[1:]), (await dated.farmer("Other"), whole[1:]), (await dated.person(), whole[1:]),
        (dated.stranger, whole[1:]), (farmer, whole), (dated.stranger, whole[1:]),
    ):  # fmt: skip
        shown = (await who.get(path)).json()["certificates"]
        assert [(one["scheme"], one["valid_until"]) for one in shown] == seen
    (listed,) = [one for one in (await farmer.get("/api/farms")).json()["items"] if one["id"] == farmer.farm_id]
    assert len(listed["certificates"]) == 1, "the list of everybody"
    read = (await farmer.get(path)).json()["certificates"]
    kept = await changed(farmer, description="Anew.", certificates=read)
    assert [one["scheme"] for one in kept["certificates"]] == ["Organic", "For good"]


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


async def test_a_farm_that_is_away_sells_nothing_and_says_until_when(dated: Market, clock: Clock) -> None:
    """From the morning of the first day to the end of the last, everywhere, and without anybody's doing."""
    farmer = await dated.farmer("Green Acres")
    product = await dated.product(farmer, unit="each", stock="9")
    made = await changed(
        farmer, away=[{"from": day(2), "to": day(3), "note": "In Italy."}, {"from": day(4), "to": day(4)}]
    )
    assert (made["away_until"], [one["note"] for one in made["away"]]) == (None, ["In Italy.", ""])
    buyer = await dated.person()
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    await dated.work()
    for now, hour, away, left in (
        (0, 12, False, 2),
        (1, 23, False, 2),
        (2, 0, True, 2),
        (3, 12, True, 2),
        (4, 23, True, 1),
        (5, 0, False, 0),
    ):
        clock.to(now, hour)
        await turning.turn(dated.parts)
        farm = (await dated.stranger.get(f"/api/farms/{farmer.farm_id}")).json()
        assert (farm["away_until"], len(farm["away"])) == (day(4) if away else None, left), now
        for path in (
            f"/api/products/{product['id']}",
            "/api/products",
            "/api/search",
            f"/api/products?farm={farm['slug']}",
        ):
            answer = (await dated.stranger.get(path)).json()
            shown = answer["items"][0] if "items" in answer else answer
            expected = (False, "farm-away", day(4)) if away else (True, None, None)
            assert (shown["orderable"], shown["not_orderable"], shown["away_until"]) == expected, (now, path)
        await _is_sold(await dated.person(), product["id"], None if not away else day(4))
    await dated.work()
    assert dated.broken(at_rest=True) == []


async def _is_sold(buyer: Person, product_id: str, until: str | None) -> None:
    put = await buyer.request("PUT", f"/api/cart/items/{product_id}", {"quantity": 1})
    warnings = (await buyer.get("/api/cart")).json()["warnings"]
    assert put.status == 200 and [one["code"] for one in warnings] == ([] if until is None else ["farm-away"])
    order = await buyer.order((product_id, 1))
    if until is None:
        assert order.status == 201, order.text
        return
    (error,) = order.json()["errors"]
    assert (order.status, error["field"], error["code"]) == (422, "lines[0].product_id", "farm-away")
    assert error["params"]["until"] == warnings[0]["params"]["until"] == until
    assert "Green Acres is away until" in error["message"]


async def test_an_absence_that_begins_today_or_is_called_off_shows_at_once(dated: Market) -> None:
    farmer = await dated.farmer()
    product = await dated.product(farmer, unit="each", stock="9")
    for away in ([{"from": day(-1), "to": day(1)}], []):
        await changed(farmer, away=away)
        for path in (f"/api/products/{product['id']}", "/api/products"):
            answer = (await dated.stranger.get(path)).json()
            shown = answer["items"][0] if "items" in answer else answer
            assert shown["orderable"] is not bool(away), path
