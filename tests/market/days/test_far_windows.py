"""Windows that are years away from their day are mistakes, and are refused before anything has to count with them."""

from __future__ import annotations

import pytest

from tests.market.days.calendar import body, delivery
from tests.people import Market


@pytest.mark.parametrize(
    ("at", "code"), [("9999-12-31T23:59:59Z", "above-maximum"), ("0001-01-01T00:00:00Z", "below-minimum")]
)
async def test_a_copy_is_made_within_a_calendar(market: Market, at: str, code: str) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = (await manager.post("/api/market-days", body(now, windows=[delivery(now)]))).json()
    refused = await manager.post(f"/api/market-days/{day['id']}/copy", {"opens_at": at})
    assert refused.status == 422, refused.text
    assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [("opens_at", code)]


@pytest.mark.parametrize(
    ("name", "at", "code"),
    [("to", "9999-12-31T23:59:59Z", "above-maximum"), ("from", "0001-01-01T00:00:00Z", "before-start")],
)
async def test_a_window_is_near_its_day(market: Market, name: str, at: str, code: str) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    given = body(now, windows=[delivery(now) | {name: at}])
    refused = (await manager.post("/api/market-days", given)).json()
    assert [(one["field"], one["code"]) for one in refused["errors"]] == [(f"windows[0].{name}", code)]
