"""What a day decides is not shown from a cache on the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from twisted.internet.task import Clock

from harvestd.settings.table import Settings
from harvestd.web.market_day import left_of
from harvestd.web.server import make_site
from tests.web.client import Client
from tests.web.conftest import make_parts
from tests.web.dummies import ROUTES


@pytest.mark.parametrize(
    ("zone", "now", "left"),
    [
        ("UTC", datetime(2026, 5, 9, 12, tzinfo=UTC), 12 * 3600), ("UTC", datetime(2026, 5, 9, tzinfo=UTC), 24 * 3600),
        ("Europe/Vienna", datetime(2026, 5, 9, 21, 59, tzinfo=UTC), 60), ("Europe/Vienna", datetime(2026, 5, 9, 22, tzinfo=UTC), 24 * 3600),
        ("Europe/Vienna", datetime(2026, 10, 24, 22, tzinfo=UTC), 25 * 3600), ("Pacific/Auckland", datetime(2026, 5, 9, 11, 59, 59, tzinfo=UTC), 1),
    ],
)  # fmt: skip
def test_what_is_left_of_the_market_s_day(settings: Settings, zone: str, now: datetime, left: float) -> None:
    assert left_of(attrs.evolve(settings, market_timezone=zone), now) == left


async def test_an_answer_in_the_cache_ends_with_the_market_s_day(web_settings: Settings) -> None:
    clock, evening = Clock(), datetime(2026, 5, 9, 23, 59, tzinfo=UTC)
    parts = make_parts(web_settings, None, clock)
    parts = attrs.evolve(parts, now=lambda: evening + timedelta(seconds=clock.seconds()))
    client = Client(make_site(parts, ROUTES))
    for after, misses in ((0, 1), (50, 1), (11, 2)):
        clock.advance(after)
        assert (await client.get("/api/cached")).status == 200
        assert parts.cache.state().misses + parts.cache.state().stale == misses
