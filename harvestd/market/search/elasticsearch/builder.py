"""Building the engine's index from PostgreSQL's documents, by one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from harvestd.interfaces import Document
from harvestd.market.search.elasticsearch import builds as search_builds
from harvestd.market.search.elasticsearch.documents import Refused
from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.elasticsearch.reindexing import Pages
from harvestd.market.search.postgres import pending as search_pending
from harvestd.store.elasticsearch.client import EngineError
from harvestd.store.leases import GoingOn, Lease, always
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.transactions import Transaction

#: The lease of the process that builds the engine's index, and its seconds: longer than one page of the build may take.
BUILDING, BUILDING_LEASE = "search:building", 30.0
log = Logger()


class IndexBuilder:
    """The builds of one process, which holds a lease on ``session`` during each."""

    def __init__(
        self, reactor: Any, engine: ElasticsearchSearch, database: Database, session: ControlConnection
    ) -> None:
        self._engine = engine
        self._database = database
        self._lease = Lease(reactor, database, session, BUILDING, BUILDING_LEASE)
        self._one = DeferredLock()

    async def build(self, progress: Callable[[int], None], going_on: GoingOn = always) -> bool:
        """Build the index and have it searched; False while another process builds it. Raises ``Unavailable``, also once
        ``going_on`` returns False."""
        await self._one.acquire()
        try:
            if not await self._lease.held():
                return False
            try:
                await self._build(progress, going_on)
            finally:
                await self._lease.give_back()
        finally:
            self._one.release()
        return True

    async def _build(self, progress: Callable[[int], None], going_on: GoingOn) -> None:
        refused: list[Refused] = []
        await self._engine.reindexing.build(self._pages(going_on), progress, refused.append, self._note)
        log_refused(refused)
        await self._database.transaction(lambda tx: search_pending.refuse(tx, refused))
        state = await self._engine.indices.state()
        if state is not None:
            alias, uuid = self._engine.names.alias, state.uuid
            await self._database.transaction(lambda tx: search_builds.done(tx, alias, uuid))

    def _pages(self, going_on: GoingOn) -> Pages:
        last: Document | None = None

        async def page(after: str | None, size: int) -> Sequence[Document]:
            nonlocal last
            if not (await self._lease.held() and await going_on()):
                raise EngineError("interrupted", 499)
            found = await search_pending.page(self._database, last, size)
            last = found[-1] if found else last
            return found

        return page

    async def _note(self, uuid: str) -> None:
        """Record the new index as fully built, before the switch to it."""

        async def note(tx: Transaction) -> None:
            await self._lease.check(tx)
            await search_builds.built(tx, self._engine.names.alias, uuid)

        await self._database.transaction(note)


def log_refused(refused: Sequence[Refused]) -> None:
    """Log each document that the engine refuses."""
    for one in refused:
        log.error("Elasticsearch refuses {kind} {id}: {why}", kind=one.kind, id=one.id, why=one.why)
