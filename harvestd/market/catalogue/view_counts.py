"""Views of products, counted in this process and written down in batches: one statement for hundreds of products every few seconds.

Nothing is kept of who looked, so one who looks twice counts twice. A view changes no version and drops no cache: a page shows the count of when it was
made, so it lags by :data:`BATCH` seconds and the lifetime of a cached page. A process that is stopped writes what it has counted; one that is
killed loses a batch.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import IViews
from harvestd.kernel.agents import is_bot
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.families import shown
from harvestd.market.catalogue import view_rows as rows
from harvestd.runtime.metrics import Metrics
from harvestd.runtime.spawn import spawn
from harvestd.store.postgres.database import Database

#: Seconds from the first view of a batch until it is written; products of one statement; products of a batch, beyond which views are not counted.
BATCH, AT_ONCE, MAX_DIFFERENT = 5.0, 500, 20_000
#: Batches in which a product may be locked, before it is given up: nobody holds one for so long.
TRIES = 5
_FAMILY = shown("")


@implementer(IViews)
class Views:
    """Of one process."""

    log = Logger()

    def __init__(self, reactor: Any, database: Database, metrics: Metrics) -> None:
        self._reactor = reactor
        self._database = database
        self._metrics = metrics
        self._counts: dict[str, int] = {}
        self._tries: dict[str, int] = {}
        self._due: Any = None
        self._writing: Deferred[None] | None = None

    def start(self) -> None:
        """Do nothing: a batch begins with the first view."""

    async def stop(self) -> None:
        """Write what is counted."""
        if self._writing is not None:
            await self._writing
        await self._write_all(wait=True)

    def note(self, what: str, agent: str) -> None:
        """Count one view."""
        if is_bot(agent):
            self._metrics.viewed("bot")
            return
        product_id = what.removeprefix(_FAMILY)
        if product_id in self._counts or len(self._counts) < MAX_DIFFERENT:
            self._counts[product_id] = self._counts.get(product_id, 0) + 1
            self._metrics.viewed("counted")
            if self._due is None:
                self._due = self._reactor.callLater(BATCH, self._write)
        else:
            self._metrics.viewed("left")

    def _write(self) -> None:
        self._due = None
        self._writing = spawn("writing down views", self.flush())

    async def flush(self) -> None:
        """Write down what was counted so far; what cannot be written now, because the database is away or somebody has the product, is tried again
        later."""
        await self._write_all(wait=False)

    async def _write_all(self, wait: bool) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        counts, self._counts = self._counts, {}
        while counts:
            some = dict(islice(counts.items(), AT_ONCE))
            try:
                done = await self._database.transaction(lambda tx: rows.add(tx, some, wait=wait), by_keys=True)  # noqa: B023  (awaited at once)
            except Unavailable:
                return self._again(counts)
            counts = {one: count for one, count in counts.items() if one not in some}
            self._again({one: count for one, count in some.items() if one not in done and self._may_be_free(one)})
            for one in done:
                self._tries.pop(one, None)

    def _may_be_free(self, product_id: str) -> bool:
        tries = self._tries[product_id] = self._tries.get(product_id, 0) + 1
        if tries < TRIES:
            return True
        del self._tries[product_id]
        return False

    def _again(self, counts: dict[str, int]) -> None:
        for one, count in counts.items():
            self._counts[one] = self._counts.get(one, 0) + count
        if counts and self._due is None:
            self._due = self._reactor.callLater(BATCH, self._write)
