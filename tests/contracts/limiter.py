"""What every ILimiter keeps. A module that subclasses :class:`LimiterContract` gives the fixture ``world``.

Periods are long, so that the time that a test itself takes, by a clock that no test can hold, is nothing beside them.
"""

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

    async def hits(self, number: int, key: str = "a", limit: int = 5, period: float = 1000.0) -> list[Allowance]:
        return [await self.limiter.hit(key, limit, period) for _ in range(number)]


class LimiterContract:
    """Conformance: ``limit`` requests in ``period`` seconds, in one burst or spread."""

    async def test_a_burst_of_the_limit_is_allowed_and_no_more(self, world: World) -> None:
        allowances = await world.hits(7)
        assert [a.allowed for a in allowances] == [True] * 5 + [False] * 2
        assert [a.remaining for a in allowances] == [4, 3, 2, 1, 0, 0, 0]

    async def test_one_comes_back_each_period_by_limit(self, world: World) -> None:
        await world.hits(5)
        world.advance(190)
        assert not (await world.hits(1))[0].allowed
        world.advance(10)
        assert [a.allowed for a in await world.hits(2)] == [True, False]

    async def test_spread_evenly_all_are_allowed(self, world: World) -> None:
        for _ in range(30):
            assert (await world.hits(1))[0].allowed
            world.advance(200)

    async def test_no_window_lets_twice_the_limit_through(self, world: World) -> None:
        """Unlike a fixed window, at whose edge two bursts can meet."""
        allowed = 0
        for _ in range(20):
            allowed += sum(a.allowed for a in await world.hits(5))
            world.advance(50)
        assert allowed <= 5 + 5

    async def test_it_says_when_the_next_is_allowed_and_when_all_are_back(self, world: World) -> None:
        first = (await world.hits(1))[0]
        assert (first.reset, first.retry_after) == (pytest.approx(200, abs=1), 0.0)
        last = (await world.hits(5))[-1]
        assert last.retry_after == pytest.approx(200, abs=1)
        assert last.reset == pytest.approx(1000, abs=1)
        world.advance(last.retry_after)
        assert (await world.hits(1))[0].allowed

    async def test_the_refused_are_not_counted(self, world: World) -> None:
        await world.hits(50)
        world.advance(1000)
        assert [a.allowed for a in await world.hits(6)] == [True] * 5 + [False]

    async def test_keys_are_apart(self, world: World) -> None:
        await world.hits(6, "a")
        odd = ["b", "a:b", "", " ", "a" * 3000, "a" * 3001, "ада@example.org", "a\0b", "a\r\nb", "\ud83c", "*", "{a}"]
        for key in odd:
            assert [a.allowed for a in await world.hits(2, key, 1)] == [True, False], key

    async def test_all_come_back_after_the_period(self, world: World) -> None:
        await world.hits(5)
        world.advance(1000)
        assert (await world.hits(1))[0].remaining == 4

    @pytest.mark.parametrize(
        "limit, period", [(1, 60), (60, 60), (600, 600), (10, 3600), (7, 300), (1000, 9999), (3, 1e6)]
    )
    async def test_exactly_the_limit_fits_whatever_the_numbers(self, world: World, limit: int, period: float) -> None:
        allowances = await world.hits(limit + 1, f"{limit}", limit, period)
        assert sum(a.allowed for a in allowances) == limit
