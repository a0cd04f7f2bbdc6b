"""Daily totals: of the market and of each farm, in the market's time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs

from harvestd.market.analytics.rows import MARKET
from harvestd.store.postgres.statements import Statement
from tests.people import Market
from tests.web.conftest import make_market

_TOTALS = Statement(
    "test.totals",
    "select day::text, farm_id, orders, cancelled, completed, goods from daily_totals order by 1, 2",
    lambda *row: row,
)


async def test_orders_are_counted_once_on_the_day_that_the_market_has(market: Market) -> None:
    at = datetime(2026, 7, 3, 23, 30, tzinfo=UTC)  # the fourth, in Paris
    settings = attrs.evolve(market.parts.settings, market_timezone="Europe/Paris", access_token_ttl=86400)
    shop = make_market(attrs.evolve(market.parts, settings=settings, now=lambda: at))
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await shop.person()
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    first = (await buyer.order((carrots["id"], 1), (eggs["id"], 1))).json()
    await buyer.order((carrots["id"], "0.5"))
    await buyer.post(f"/api/orders/{first['id']}/cancel", {})
    await shop.work(twice=True)
    assert await shop.parts.database.rows(_TOTALS) == [
        ("2026-07-04", MARKET, 2, 1, 0, 835),
        ("2026-07-04", one.farm_id, 2, 1, 0, 585),
        ("2026-07-04", two.farm_id, 1, 1, 0, 250),
    ]
