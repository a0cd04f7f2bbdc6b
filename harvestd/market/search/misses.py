"""Searches that found nothing, counted in this process and written down in batches: what people look for and the market lacks.

What is counted has nobody's name: a query's words, a language, a degree by a degree of the earth, a day. It is lost with the process, which
does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from zope.interface import implementer

from harvestd.interfaces import ISearchMisses
from harvestd.kernel.errors import Unavailable
from harvestd.market.search import miss_rows as rows
from harvestd.runtime.spawn import spawn
from harvestd.store.postgres.database import Database

#: Seconds from the first search of a batch until it is written; different searches of a batch, beyond which others are not counted.
BATCH, MAX_DIFFERENT = 10.0, 1_000


class Missed(NamedTuple):
    """What is counted together."""

    day: date
    query: str
    language: str
    area: str


@implementer(ISearchMisses)
class Misses:
    """Of one process."""

    def __init__(self, reactor: Any, database: Database, now: Callable[[], datetime]) -> None:
        self._reactor = reactor
        self._database = database
        self._now = now
        self._counts: dict[Missed, int] = {}
        self._due: Any = None
        self._writing: Deferred[None] | None = None

    def start(self) -> None:
        """Do nothing: a batch begins with the first search."""

    async def stop(self) -> None:
        """Write what is counted."""
        if self._writing is not None:
            await self._writing
        await self.flush()

    def note(self, query: str, language: str, area: str) -> None:
        """Count one search."""
        missed = Missed(self._now().date(), query, language, area)
        if missed in self._counts or len(self._counts) < MAX_DIFFERENT:
            self._counts[missed] = self._counts.get(missed, 0) + 1
            self._wait()

    def _wait(self) -> None:
        if self._due is None:
            self._due = self._reactor.callLater(BATCH, self._write)

    def _write(self) -> None:
        self._due = None
        self._writing = spawn("writing down what was not found", self.flush())

    async def flush(self) -> None:
        """Write down what was counted so far; if the database is away, it is tried again later."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            await self._database.transaction(lambda tx: rows.add(tx, counts), by_keys=True)
        except Unavailable:
            for missed, count in counts.items():
                self._counts[missed] = self._counts.get(missed, 0) + count
            self._wait()
