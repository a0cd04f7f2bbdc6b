"""Orders that wait at the same time: as many as may go at once are held up by a lock until all others have come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from psycopg2.extensions import TransactionRollbackError
from twisted.internet.defer import Deferred

from harvestd import tables
from harvestd.kernel.errors import Unavailable
from harvestd.market.orders import placing_together
from harvestd.runtime import gathering
from harvestd.store.postgres.statements import Statement
from harvestd.store.postgres.transactions import CommitUncertain
from harvestd.web.gate import Gate
from harvestd.web.server import make_site
from tests.locks import holding, waiting
from tests.people import Market
from tests.waiting import eventually
from tests.web.client import Client

END = Statement("test.together_end", "select pg_terminate_backend(pg_backend_pid())", lambda done: done)


@attrs.define
class Crowd:
    """A market in which nobody runs out of patience; ``sizes`` are those of the groups in which orders were placed, ``before`` is what those are answered whom they
    wait for: an order without a window; ``after`` is called once the group waits for a lock."""

    market: Market
    gate: Gate
    sizes: list[int] = attrs.field(factory=list)
    before: int = 201
    after: Callable[[], None] | None = None

    @property
    def gathered(self) -> Any:
        return self.gate._sharing["post_api_orders"]._gathering

    async def at_once(self, *orders: Awaitable[Any]) -> list[Any]:
        """The answers to orders that come one after the other while others are under way, and are placed as soon as one of these is."""
        farmer, buyer = await self.market.farmer("Elsewhere"), await self.market.person()
        held = await self.market.product(farmer, unit="box", stock=10)
        url = self.market.parts.database.settings.dsn
        with holding(url, "update products set title = title where id = %s", held["id"]) as lock:
            before = [Deferred.fromCoroutine(buyer.order((held["id"], 1))) for _ in range(gathering.LANES)]
            await eventually("those before wait for the lock", lambda: waiting(url, lock) == gathering.LANES)
            begun: list[Deferred[Any]] = []
            for number, order in enumerate(orders, 1):
                begun.append(Deferred.fromCoroutine(order))  # type: ignore[arg-type]
                await eventually(f"{number} wait", lambda number=number: self.gathered.waiting == number)
            lock.commit()
            if self.after is not None:
                await eventually("the group waits", lambda: waiting(url) == 1)
                self.after()
        assert [(await one).status for one in before] == [self.before] * gathering.LANES
        return [await one for one in begun]


async def before(*given: Any, **more: Any) -> Any:
    raise Unavailable("no connection within 2 s")


def deadlocked(change: Any) -> Any:
    async def changed(parts: Any, work: Any, **more: Any) -> Any:
        async def failing(unit: Any) -> Any:
            await work(unit)
            raise TransactionRollbackError("deadlock detected")

        return await change(parts, failing, **more)

    return changed


def cut_off(change: Any) -> Any:
    async def changed(parts: Any, work: Any, **more: Any) -> Any:
        async def failing(unit: Any) -> Any:
            await work(unit)
            await unit.tx.row(END)

        return await change(parts, failing, **more)

    return changed


def unheard(change: Any) -> Any:
    async def changed(*given: Any, **more: Any) -> Any:
        await change(*given, **more)
        raise CommitUncertain("the connection was lost while it committed")

    return changed


#: What can become of a whole group, by what it is called: each takes ``change``, and answers what is called instead.
FAILING: dict[str, Callable[[Any], Callable[..., Awaitable[Any]]]] = {
    "before": lambda change: before,
    "deadlock": deadlocked,
    "connection lost": cut_off,
    "commit unheard of": unheard,
}


def crowd(market: Market, patch: pytest.MonkeyPatch) -> Crowd:
    """The same market, behind another gate."""
    patch.setattr(gathering, "PATIENCE", 60.0)
    gate = Gate(market.parts, tables.ROUTES)
    found = Crowd(Market(market.parts, Client(make_site(market.parts, tables.ROUTES, gate))), gate)
    original = placing_together.place

    async def counted(unit: Any, orderings: Any, *more: Any) -> Any:
        found.sizes.append(len(orderings))
        return await original(unit, orderings, *more)

    patch.setattr(placing_together, "place", counted)
    return found
