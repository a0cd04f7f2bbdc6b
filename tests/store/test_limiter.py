"""The limiter in memory: the contract, and its bound."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from harvestd.interfaces import ILimiter
from harvestd.store.limiter import MemoryLimiter
from tests.contracts.limiter import LimiterContract, World


class TestMemoryLimiter(LimiterContract):
    @pytest.fixture
    def world(self) -> World:
        clock = Clock()
        return World(MemoryLimiter(clock.seconds), clock.advance)

    @pytest.mark.parametrize("limit, period", [(1, 1.0), (7, 3.0), (1000, 1.0)])
    async def test_exactly_the_limit_fits_in_short_periods(self, world: World, limit: int, period: float) -> None:
        assert sum(a.allowed for a in await world.hits(limit + 1, "a", limit, period)) == limit


def test_it_is_a_limiter() -> None:
    verifyObject(ILimiter, MemoryLimiter(Clock().seconds))


async def test_its_memory_is_bounded_and_the_longest_untouched_go_first() -> None:
    limiter = MemoryLimiter(Clock().seconds, most=100)
    await limiter.hit("busy", 2, 60.0)
    for number in range(1000):
        await limiter.hit(f"stranger {number}", 2, 60.0)
        await limiter.hit("busy", 2, 60.0)
    assert len(limiter) <= 100


async def test_whoever_is_refused_and_goes_on_is_not_forgotten_among_strangers() -> None:
    """Nobody is freed by as many new keys as are kept."""
    limiter = MemoryLimiter(Clock().seconds, most=100)
    for _ in range(2):
        await limiter.hit("guesser", 2, 60.0)
    for number in range(1000):
        await limiter.hit(f"stranger {number}", 2, 60.0)
        assert not (await limiter.hit("guesser", 2, 60.0)).allowed
    assert len(limiter) <= 100
