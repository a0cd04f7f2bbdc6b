"""What every ILimiter keeps. A module that subclasses :class:`LimiterContract` gives the fixture ``world``."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from harvestd.interfaces import Allowance, ILimiter


@attrs.define(eq=False)
class World:
    """A limiter, and how its clock is moved on by seconds."""

    limiter: ILimiter
    advance: Callable[[float], None]

    async def hits(self, number: int, key: str = "a", limit: int = 5, period: float = 10.0) -> list[Allowance]:
        return [await self.limiter.hit(key, limit, period) for _ in range(number)]


class LimiterContract:
    """Conformance: ``limit`` requests in ``period`` seconds, in one burst or spread."""

    async def test_a_burst_of_the_limit_is_allowed_and_no_more(self, world: World) -> None:
        allowances = await world.hits(7)
        assert [a.allowed for a in allowances] == [True] * 5 + [False] * 2
        assert [a.remaining for a in allowances] == [4, 3, 2, 1, 0, 0, 0]

    async def test_one_comes_back_each_period_by_limit(self, world: World) -> None:
        await world.hits(5)
        world.advance(1.9)
        assert not (await world.hits(1))[0].allowed
        world.advance(0.1)
        assert [a.allowed for a in await world.hits(2)] == [True, False]

    async def test_spread_evenly_all_are_allowed(self, world: World) -> None:
        for _ in range(30):
            assert (await world.hits(1))[0].allowed
            world.advance(2.0)

    async def test_no_window_lets_twice_the_limit_through(self, world: World) -> None:
        """Unlike a fixed window, at whose edge two bursts can meet."""
        allowed = 0
        for _ in range(20):
            allowed += sum(a.allowed for a in await world.hits(5))
            world.advance(0.5)
        assert allowed <= 5 + 5

    async def test_it_says_when_the_next_is_allowed_and_when_all_are_back(self, world: World) -> None:
        first = (await world.hits(1))[0]
        assert (first.reset, first.retry_after) == (pytest.approx(2.0, abs=0.01), 0.0)
        last = (await world.hits(5))[-1]
        assert last.retry_after == pytest.approx(2.0, abs=0.01)
        assert last.reset == pytest.approx(10.0, abs=0.01)
        world.advance(last.retry_after)
        assert (await world.hits(1))[0].allowed

    async def test_the_refused_are_not_counted(self, world: World) -> None:
        await world.hits(50)
        world.advance(10.0)
        assert [a.allowed for a in await world.hits(6)] == [True] * 5 + [False]

    async def test_keys_are_apart(self, world: World) -> None:
        await world.hits(6, "a")
        assert (await world.hits(1, "b"))[0].allowed
        assert (await world.hits(1, "a:b"))[0].allowed

    async def test_all_come_back_after_the_period(self, world: World) -> None:
        await world.hits(5)
        world.advance(10.0)
        assert (await world.hits(1))[0].remaining == 4

    @pytest.mark.parametrize("limit, period", [(1, 1.0), (60, 60.0), (600, 60.0), (10, 3600.0), (7, 3.0), (1000, 1.0)])
    async def test_exactly_the_limit_fits_whatever_the_numbers(self, world: World, limit: int, period: float) -> None:
        allowances = await world.hits(limit + 1, f"{limit}", limit, period)
        assert sum(a.allowed for a in allowances) == limit
