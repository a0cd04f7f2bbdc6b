"""What feeds the engine: pending documents are pushed in bulk, and an index that was not fully built is built from PostgreSQL's documents.

One process does so (the elected leader of this periodic task of the workers), five times a second; new documents and the backlog of an
outage take the same path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.logger import Logger

from harvestd.interfaces import Document
from harvestd.market.search.elasticsearch import builds as search_builds
from harvestd.market.search.elasticsearch.builder import IndexBuilder, log_refused
from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.postgres import pending as search_pending
from harvestd.market.search.totals import Comparison
from harvestd.runtime.breaker import Breaker
from harvestd.store.elasticsearch.client import EngineError
from harvestd.store.leases import GoingOn, always
from harvestd.store.postgres.database import Database

#: Seconds between two checks of the index, and before a retry after the engine failed to accept documents.
LOOK = 1.0
#: Documents pushed in one request.
BATCH = 500
Followed = Callable[[], Awaitable[None]]


async def _nobody() -> None:
    """Nobody keeps anything."""


class Indexer:
    """That of one process, which tells ``breaker`` of an engine that does not answer."""

    log = Logger()

    def __init__(
        self, reactor: Any, engine: ElasticsearchSearch, database: Database, builder: IndexBuilder, breaker: Breaker
    ) -> None:
        self._reactor = reactor
        self._engine = engine
        self._database = database
        self._builder = builder
        self._breaker = breaker
        self._compared = Comparison(reactor, database, engine)
        self._resting = self._looked = 0.0
        self._unseen = False
        self._uuid = ""

    async def catch_up(self, going_on: GoingOn = always, followed: Followed = _nobody) -> None:
        """Push pending documents until none are left or ``going_on`` returns False; build the engine's index if it is due. ``followed`` is called once what
        was pushed is found, for whoever keeps answers from before.
        Only one process runs this at a time. An unreachable engine raises nothing: the breaker reports it."""
        if self._reactor.seconds() < self._resting:
            return
        try:
            if not await self._built(going_on):
                return
            while await going_on() and await self._push(followed):
                pass
            if self._uuid and (why := await self._compared.look(LOOK)):
                await self._accuse(why)
        except EngineError as error:
            self._resting = self._reactor.seconds() + LOOK
            if not error.status:
                self._breaker.failed(error.detail)

    async def _push(self, followed: Followed) -> bool:
        """Push some; whether there may be more. The last ones are waited for until they are found, and those before them with them: each time would be
        slow where there are many."""
        marked = await search_pending.oldest(self._database, BATCH)
        more = len(marked) == BATCH
        if not marked:
            if self._unseen:
                await self._engine.indices.refresh()
                self._unseen = False
                await followed()
            return False
        documents = [one.document for one in marked]
        self._compared.pushed()
        taken = await self._engine.documents.put(documents, seen=not more)
        self._unseen = more
        await followed()
        if taken.held and (why := await self._made_up(documents, taken.held)):
            await self._accuse(why)
            return False
        log_refused(taken.refused)
        await self._database.transaction(lambda tx: search_pending.settle(tx, marked, taken.refused))
        return more

    async def _made_up(self, documents: Sequence[Document], held: Sequence[str]) -> str | None:
        """The engine's fault if it rejected documents as older than a version that was never written: it would go on rejecting
        every later write of them."""
        theirs = await self._engine.versions(held)
        ours = await search_pending.versions(self._database, documents)  # read last: a document may have become newer
        made_up = [f"{id} in version {version}" for id, version in theirs.items() if version > ours.get(id, version)]
        return f"it holds {made_up[0]}, which nobody wrote" if made_up else None

    async def _accuse(self, why: str) -> None:
        """Distrust the index in every process, so that it is rebuilt."""
        self._looked = 0.0
        if await search_builds.accuse(self._database, self._engine.names.alias, self._uuid, why):
            self.log.error("Elasticsearch's index is not what was put there, and is built anew: {why}", why=why)

    async def _built(self, going_on: GoingOn) -> bool:
        """Whether the engine has an index to push to; checked each second."""
        if self._reactor.seconds() < self._looked + LOOK:
            return True
        alias, state = self._engine.names.alias, await self._engine.indices.state()
        self._uuid = state.uuid if state is not None else ""
        if state is None or not state.current or not await search_builds.whole(self._database, alias, state.uuid):
            if (await search_builds.lately(self._database, alias)).wait > 0:
                self._resting = self._reactor.seconds() + LOOK
                return False
            self.log.info("Elasticsearch's index is built anew")
            self._uuid = ""
            if not await self._builder.build(lambda done: None, going_on):
                return False
        self._looked = self._reactor.seconds()
        return True
