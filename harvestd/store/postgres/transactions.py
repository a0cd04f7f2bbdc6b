"""One transaction: its statements, those that travel with the next one, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger

from harvestd.kernel.errors import Unavailable
from harvestd.kernel.events import Event
from harvestd.runtime.failpoints import failpoint
from harvestd.store.postgres.connection import Call, Connection
from harvestd.store.postgres.faults import ConnectionLost, TimedOut
from harvestd.store.postgres.statements import Row, Statement, all_of, first_of

#: How a transaction begins whose statements find rows by their keys: with a generic plan, on an index. By default
#: PostgreSQL plans ``id = any(:ids)`` anew for each short list, since it assumes ten elements in an unknown list; and a
#: plan made while a table was small is a sequential scan, until the next ANALYZE, however much the table has grown by
#: then.
BY_KEYS = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off"


class CommitUncertain(Unavailable):
    """The connection was lost while a transaction committed: whether it did is known to the next reader only."""

    shown = (
        "Whether the change was kept is not known. Send the request again with the same Idempotency-Key, or read what it "
        "would have changed."
    )


class Transaction:
    """One transaction on one connection; begun by its first statement, in the same round trip."""

    log = Logger()

    def __init__(self, link: Connection, begin: str = "BEGIN") -> None:
        self._link = link
        self._begin = begin
        self._begun = False
        self._waiting: list[Call] = []
        #: Events the outbox recorded in it, for actions after the commit.
        self.events: list[Event] = []

    @property
    def begun(self) -> bool:
        """Whether any statement has run."""
        return self._begun

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """All rows of the statement."""
        return all_of(statement, await self._run(statement, values))

    async def row(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """Its first row, or None."""
        return first_of(statement, await self._run(statement, values))

    async def run(self, statement: Statement[Any], /, **values: Any) -> int:
        """Run it for its effect; returns the number of affected rows."""
        return int((await self._run(statement, values)).rowcount)

    def later(self, statement: Statement[Any], /, **values: Any) -> None:
        """Run it for its effect, in the round trip of the next statement or of the commit, which raises its error: not
        for statements that a caller's input can make fail."""
        self._waiting.append(statement.call(values))

    async def commit(self) -> None:
        """Commit, if it has begun. For :meth:`Database.transaction` alone."""
        if not (self._begun or self._waiting):
            return
        if self._link.aborted:
            raise RuntimeError(
                "the work of a transaction went on after a statement failed: nothing of it can be kept; "
                "let the error pass, or ask in SQL (on conflict …) instead of catching it"
            )
        await failpoint("transaction.before_commit")
        try:
            await self._send(after="COMMIT")
        except (ConnectionLost, TimedOut) as error:
            if self._link.aborted:
                raise  # something before the commit timed out: nothing was committed
            raise CommitUncertain(f"{error.detail}: whether the change was kept is not known, so ask again") from error
        await failpoint("transaction.after_commit")

    async def roll_back(self) -> None:
        """Roll back, if it has begun; a connection on which that fails is closed, which has the same effect."""
        if self._link.idle or self._link.closed:
            return
        try:
            await self._link.execute("ROLLBACK")
        except Exception as error:
            self.log.warn("could not roll back, closing the connection: {why}", why=str(error))
            self._link.close()

    async def _run(self, statement: Statement[Any], values: Mapping[str, Any]) -> Any:
        return await self._send(statement.call(values))

    async def _send(self, *calls: Call, after: str = "") -> Any:
        """Send the pending statements, then these."""
        before, self._begun = ("" if self._begun else self._begin), True
        waiting, self._waiting = self._waiting, []
        return await self._link.run(*waiting, *calls, before=before, after=after)
