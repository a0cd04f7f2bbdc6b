"""Reads that may be slightly stale, from replicas with little replication lag; otherwise from the primary.

Each replica's lag is measured in the background, never during a read. A replica that fails a read is excluded until its
next measurement, and that read goes to the primary.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import attrs
from psycopg2.extensions import TransactionRollbackError
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.kernel.errors import Unavailable
from harvestd.runtime.health import Condition
from harvestd.runtime.spawn import spawn
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Reader, Row, Statement, scalar

Result = TypeVar("Result")
Probe = Callable[[Database], Awaitable[float]]

#: The WAL position that the primary has written and a replica has replayed, in bytes; a server that is not (or no
#: longer) a replica returns null.
WRITTEN = Statement("wal written", "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint", scalar)
REPLAYED = Statement(
    "wal replayed",
    "select case when pg_is_in_recovery() then pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint end",
    scalar,
)
#: WAL positions of the primary that are remembered.
MARKS = 200


class LogLag:
    """A replica's lag by WAL position: it has everything committed before the latest time at which the primary had
    written no more than the replica has replayed by now.

    ``pg_last_xact_replay_timestamp`` would grow while nothing is written, and says little of a replica that receives
    nothing from its primary.
    """

    def __init__(self, primary: Reader, clock: Callable[[], float]) -> None:
        self._primary = primary
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque(maxlen=MARKS)

    async def __call__(self, replica: Database) -> float:
        """In seconds; infinite when unknown. Raises ``Unavailable``."""
        time = self._clock()
        written = await self._primary.row(WRITTEN)
        if written is not None:
            self._marks.append((time, written))
        replayed = await replica.row(REPLAYED)
        if replayed is None:
            return float("inf")
        reached = [time for time, written in self._marks if written <= replayed]
        return self._clock() - max(reached) if reached else float("inf")


@attrs.define(eq=False)
class _Replica:
    database: Database
    name: str
    lag: float = float("inf")
    measured_at: float = float("-inf")
    timer: Any = None
    measuring: Deferred[None] | None = None


class Replicas:
    """A :class:`Reader` over a primary and its replicas. ``max_lag`` and ``every`` are in seconds; the data read is at
    most about their sum old. ``probe`` returns a replica's lag."""

    log = Logger()

    def __init__(
        self, reactor: Any, primary: Reader, replicas: Sequence[Database], max_lag: float = 1.0, every: float = 0.5,
        probe: Probe | None = None,
    ) -> None:  # fmt: skip
        self._reactor = reactor
        self._primary = primary
        self._replicas = [_Replica(database, f"replica {n}") for n, database in enumerate(replicas, 1)]
        self._turns = itertools.count()
        self._max_lag = max_lag
        self._every = every
        self._probe = probe or LogLag(primary, reactor.seconds)
        self._stopping = False

    async def start(self) -> None:
        """Connect to the replicas and start measuring; the caller starts and stops the primary."""
        for replica in self._replicas:
            replica.database.start()
            self._measure(replica)

    async def condition(self) -> Condition:
        """For readiness: which replicas lag too far behind to be read."""
        far = {name: lag for name, lag in self.lags().items() if lag > self._max_lag}
        detail = ", ".join(
            f"{name} {'is out of reach' if lag == float('inf') else f'is {lag:.1f} s behind'}"
            for name, lag in far.items()
        )
        return Condition("degraded", f"{detail}: not read") if far else Condition("ok")

    async def stop(self) -> None:
        """Stop measuring, and disconnect from the replicas."""
        self._stopping = True
        for replica in self._replicas:
            if replica.timer is not None and replica.timer.active():
                replica.timer.cancel()
            await replica.database.stop()
            if replica.measuring is not None:
                await replica.measuring

    def lags(self) -> dict[str, float]:
        """The lag of each replica in seconds, for the metrics; infinite for one that does not answer."""
        return {replica.name: self._lag(replica) for replica in self._replicas}

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """All rows, from the chosen server."""
        return await self._read(lambda reader: reader.rows(statement, **values))

    async def row(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row, or None."""
        return await self._read(lambda reader: reader.row(statement, **values))

    async def _read(self, read: Callable[[Reader], Awaitable[Result]]) -> Result:
        near = [replica for replica in self._replicas if self._lag(replica) <= self._max_lag]
        if near:
            replica = near[next(self._turns) % len(near)]
            try:
                return await read(replica.database)
            except (Unavailable, TransactionRollbackError) as error:  # the second: a conflict with WAL replay
                replica.lag = float("inf")
                self.log.warn("{name} failed, reading the primary: {why}", name=replica.name, why=str(error))
        return await read(self._primary)

    def _lag(self, replica: _Replica) -> float:
        """The measured lag, unless the measurement is too old to mean anything."""
        old = self._reactor.seconds() - replica.measured_at > self._every + self._max_lag
        return float("inf") if old else replica.lag

    def _measure(self, replica: _Replica) -> None:
        replica.measuring = spawn(f"measuring {replica.name}", self._measured(replica))
        replica.measuring.addCallback(lambda _: self._again(replica))

    def _again(self, replica: _Replica) -> None:
        if not self._stopping:
            replica.timer = self._reactor.callLater(self._every, self._measure, replica)

    async def _measured(self, replica: _Replica) -> None:
        before = replica.lag <= self._max_lag
        try:
            replica.lag = await self._probe(replica.database)
        except Unavailable as error:
            replica.lag = float("inf")
            if before:
                self.log.warn("the lag of {name} cannot be measured: {why}", name=replica.name, why=error.detail)
            return
        replica.measured_at = self._reactor.seconds()
        if before != (replica.lag <= self._max_lag):
            which = "too far behind" if before else "near enough to read"
            self.log.info("{name} is {which}, by {lag:.2f} s", name=replica.name, which=which, lag=replica.lag)
