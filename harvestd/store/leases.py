"""Leases for work that one process at a time does: each has a deadline and is renewed by the work itself.

A lease ends in one of three ways: given back; taken over at once, when the session of its holder is gone (a dead
process); or taken over once it has expired (a process that is frozen, or works without asking whether it may go on).
Each takeover raises the fencing token. So for a moment two processes may believe they hold it: the writes are guarded
by :meth:`Lease.check`, or by the rows themselves (an attempt's number, a status, a version).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from harvestd.kernel.errors import Unavailable
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: Passed to the work, which awaits it now and then: it renews the lease, and returns whether the work may go on.
GoingOn = Callable[[], Awaitable[bool]]


async def always() -> bool:
    """For work that no other process does."""
    return True


#: A lease is renewed after this share of its duration; a process without it asks again as often, but at least each second.
PART = 1 / 3
ASK_AGAIN = 1.0

_TAKE = Statement(
    "leases_take",
    """insert into leases as l (name, holder, fence, until) values (:name, :holder, 1, clock_timestamp() + :seconds * interval '1 second')
       on conflict (name) do update
          set holder = excluded.holder, until = excluded.until, fence = l.fence + (l.holder <> excluded.holder)::int
        where l.holder = excluded.holder or l.until < clock_timestamp() or pg_try_advisory_xact_lock(l.holder)
       returning fence""",
    scalar,
)
_CHECK = Statement(
    "leases_check", "select true from leases where name = :name and holder = :holder and fence = :fence", scalar
)  # fmt: skip
_GIVE = Statement(
    "leases_give", "update leases set until = '-infinity' where name = :name and holder = :holder", nothing
)


class Lost(Unavailable):
    """Another does it by now: what was to be written is not."""


class Lease:
    """The lease ``name`` for ``seconds`` at a time, as seen by this process."""

    def __init__(self, reactor: Any, database: Database, session: ControlConnection, name: str, seconds: float) -> None:
        self._reactor = reactor
        self._database = database
        self._session = session
        self._name = name
        self._seconds = seconds
        self._fence: int | None = None
        self._holder = 0
        self._asked = self._until = float("-inf")

    @property
    def mine(self) -> bool:
        """Whether this process holds it, as far as it knows; never true after expiry."""
        return (
            self._fence is not None
            and self._reactor.seconds() < self._until
            and self._session.locks.holds(self._holder)
        )

    async def held(self) -> bool:
        """Take or renew it when that is due; returns whether this process holds it. Raises ``Unavailable``."""
        now = self._reactor.seconds()
        if now < self._asked + min(ASK_AGAIN if self._fence is None else self._seconds, self._seconds * PART):
            return self.mine
        holder = await self._session.locks.identity()
        if holder is None:
            return self.mine
        self._asked = now
        fence = await self._database.transaction(
            lambda tx: tx.row(_TAKE, name=self._name, holder=holder, seconds=self._seconds)
        )
        self._fence, self._holder, self._until = fence, holder, now + self._seconds
        return self.mine

    async def check(self, tx: Transaction) -> None:
        """Check the fencing token in a transaction that writes as the holder; raises :class:`Lost`.

        It locks nothing, so that a process that freezes with its transaction open does not block a takeover.
        """
        if self._fence is None or not await tx.row(_CHECK, name=self._name, holder=self._holder, fence=self._fence):
            raise Lost(f"another process does {self._name} by now")

    async def give_back(self) -> None:
        """Let another process take over at once, if this one holds it. Never raises ``Unavailable``: the lease then expires."""
        if self._fence is None:
            return
        self._fence, self._asked = None, float("-inf")
        try:
            await self._database.transaction(lambda tx: tx.run(_GIVE, name=self._name, holder=self._holder))
        except Unavailable:
            pass
