"""The market's clock in several processes: a move is adopted by all of them, also by one that could not hear of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_twisted
from twisted.internet import reactor

from harvestd.store.market_clock import MarketClock
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from tests.waiting import eventually


@pytest_twisted.async_yield_fixture
async def clocks(database: Database, database_url: str) -> AsyncIterator[tuple[MarketClock, MarketClock]]:
    """Those of two processes of a sandbox."""
    controls = [ControlConnection(reactor, ConnectionSettings(database_url)) for _ in range(2)]
    made = [MarketClock(database, control, lambda: datetime.now(UTC), sandbox=True) for control in controls]
    for control, clock in zip(controls, made, strict=True):
        await control.start()
        await clock.start()
    yield made[0], made[1]
    for control, clock in zip(controls, made, strict=True):
        clock.stop()
        await control.stop()


def ahead(clock: MarketClock) -> bool:
    return clock.ahead() > timedelta(days=6)


async def test_a_move_is_told_to_every_process(clocks: tuple[MarketClock, MarketClock], database: Database) -> None:
    one, other = clocks
    to = one.now() + timedelta(days=7)
    await eventually("the others may be told", lambda: _told(one, other, to))
    assert ahead(one) and not one.moving and abs(one.now() - other.now()) < timedelta(seconds=5)
    later: Any = MarketClock(database, None, lambda: datetime.now(UTC), sandbox=True)
    await later.adopt()
    assert ahead(later)


async def _told(one: MarketClock, other: MarketClock, to: datetime) -> bool:
    """Moved again until it is heard: listening may begin after the first move."""
    await one.move(to, moving=False)
    return ahead(other)


async def test_it_never_goes_back(clocks: tuple[MarketClock, MarketClock]) -> None:
    one, _ = clocks
    first = await one.move(one.now() + timedelta(days=7), moving=True)
    assert one.moving
    assert await one.move(one.now() - timedelta(days=3), moving=False) == first + 1
    assert ahead(one) and not one.moving
