"""Food may not be sold once the day until which it may be eaten is over; what is best before a day may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from harvestd.parts import Parts
from tests.people import Market
from tests.web.conftest import make_market

ZONE = ZoneInfo("Pacific/Auckland")


@pytest.fixture
def clock() -> list[datetime]:
    """The market's: it stands where it is put."""
    return [datetime.now(UTC)]


@pytest.fixture
def dated(parts: Parts, clock: list[datetime]) -> Market:
    settings = attrs.evolve(parts.settings, market_timezone="Pacific/Auckland")
    return make_market(attrs.evolve(parts, settings=settings, now=lambda: clock[0]))


def at(days: int, hour: int) -> datetime:
    day = datetime.now(ZONE) + timedelta(days=days)
    return day.replace(hour=hour, minute=30).astimezone(UTC)


@pytest.mark.parametrize("kind", ["use_by", "best_before"])
async def test_what_may_not_be_eaten_any_more_is_not_sold(dated: Market, clock: list[datetime], kind: str) -> None:
    """Until the last minute of its day where the market is, and not in the first of the next."""
    farmer = await dated.farmer()
    last = (datetime.now(ZONE) + timedelta(days=1)).date().isoformat()
    made = await dated.product(farmer, durability={"kind": kind, "date": last})
    await dated.work()
    for days, hour, over in ((1, 23, False), (2, 0, kind == "use_by")):
        clock[0] = at(days, hour)
        await dated.parts.cache.drop(())
        for path in (f"/api/products/{made['id']}", "/api/products", "/api/search?q=carrots"):
            answer = (await dated.stranger.get(path)).json()
            one = answer["items"][0] if "items" in answer else answer
            assert (one["orderable"], one["not_orderable"]) == (not over, "past-use-by" if over else None), (path, days)
        buyer = await dated.person()  # whose sign-in is of this day
        cart = (await buyer.request("PUT", f"/api/cart/items/{made['id']}", {"quantity": 1})).json()
        assert [w["code"] for w in cart["warnings"]] == ["past-use-by"] * over
        order = await buyer.order((made["id"], 1))
        if over:
            (error,) = order.json()["errors"]
            assert (order.status, error["field"], error["code"]) == (422, "lines[0].product_id", "past-use-by")
            assert error["params"]["until"] == last and made["title"] in error["message"]
        else:
            assert order.status == 201, order.text


async def test_the_reason_is_told_in_the_buyer_s_language(parts: Parts) -> None:
    settings = attrs.evolve(parts.settings, market_languages=("en", "de"))
    market = make_market(attrs.evolve(parts, settings=settings))
    made = await market.product(await market.farmer(), durability={"kind": "use_by", "date": "2020-02-28"})
    buyer = await market.person()
    body: Any = {"lines": [{"product_id": made["id"], "quantity": 1}]}
    refused = await buyer.post("/api/orders", body, Idempotency_Key="a", Accept_Language="de")
    assert "Verbrauchsdatum" in refused.json()["errors"][0]["message"]
