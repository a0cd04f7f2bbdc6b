"""The market's clock: the machine's or, in a sandbox, ahead of it by what is stored. Every process adopts a move as soon as it is committed.

What people mean by time goes by it: days, cut-offs, seasons, holds, retention. Machinery does not: leases, tokens, keys, limits, mails and the outbox go by
``machine_now`` of the parts, of a unit of work and of a request.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
from twisted.logger import Logger

from harvestd.runtime.spawn import spawn
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement
from harvestd.store.postgres.transactions import Transaction

#: The NOTIFY channel that says that the clock was moved, or is being moved.
CHANNEL = "harvest_clock"
MICROSECOND = timedelta(microseconds=1)


@attrs.frozen
class Standing:
    """How far ahead the clock is, its version, and whether somebody moves it."""

    ahead: timedelta
    version: int
    moving: bool


def _standing(ahead: int, version: int, moving: bool, *told: Any) -> Standing:
    return Standing(ahead * MICROSECOND, version, moving)


_READ = Statement(
    "market_clock.read", "select ahead, version, moving_until > clock_timestamp() from market_clock", _standing
)
_MOVE = Statement(
    "market_clock.move",
    f"""with moved as (
           update market_clock set ahead = greatest(ahead, :ahead::bigint), version = version + 1,
                  moving_until = case when :moving then clock_timestamp() + interval '30 seconds' else '-infinity' end
           returning ahead, version)
       select ahead, version, :moving::boolean, pg_notify('{CHANNEL}', '') from moved""",
    _standing,
)


class MarketClock:
    """``real`` is the machine's clock; without ``sandbox`` this one is the same, whatever is stored."""

    log = Logger()

    def __init__(self, database: Database, control: Any, real: Callable[[], datetime], sandbox: bool) -> None:
        self._database = database
        self._control = control
        self._real = real
        self._sandbox = sandbox
        self._standing = Standing(timedelta(), 0, False)
        self._unlisten: Callable[[], None] | None = None

    def now(self) -> datetime:
        """The market's time in UTC."""
        return self._real() + self._standing.ahead

    def ahead(self) -> timedelta:
        """How far ahead of the machine's time that is."""
        return self._standing.ahead

    @property
    def moving(self) -> bool:
        """Whether somebody moves it, who then also does what is due."""
        return self._standing.moving

    async def start(self) -> None:
        """Adopt what is stored and, in a sandbox, each move from now on."""
        if self._sandbox:
            self._unlisten = self._control.notifications.listen(CHANNEL, lambda _: self._follow(), self._follow)
        await self.adopt()

    def stop(self) -> None:
        """Follow it no more."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None

    def _follow(self) -> None:
        spawn("adopting the market's time", self.adopt())

    async def adopt(self) -> None:
        """Take over what is stored."""
        found = await self._database.row(_READ)
        assert found is not None, "the row of the market's clock is missing"
        if self._sandbox:
            self._standing = found
        elif found.ahead:
            self.log.warn(
                "this was a sandbox, whose clock is {ahead} ahead: the market's time is the machine's again, and what happened later stays so",
                ahead=str(found.ahead),
            )

    async def move(self, to: datetime, *, moving: bool) -> int:
        """Have the market's time be ``to``, unless it is later already, in all processes; returns the clock's version. ``moving`` is whether it
        is moved further. For the use case that also does what is due."""
        ahead = (to - self._real()) // MICROSECOND

        async def store(tx: Transaction) -> Standing:
            found = await tx.row(_MOVE, ahead=max(0, ahead), moving=moving)
            assert found is not None, "the row of the market's clock is missing"
            return found

        self._standing = await self._database.transaction(store, by_keys=True)
        return self._standing.version
