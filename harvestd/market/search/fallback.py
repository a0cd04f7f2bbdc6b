"""Search with Elasticsearch while it works, and with PostgreSQL, marked as degraded, while it does not.

Both are always kept up to date: :meth:`SearchWithFallback.index` writes PostgreSQL's documents and marks them as pending, in one
transaction, and waits for nothing remote; the elected worker pushes them to the engine (``elasticsearch/indexer.py``), and rebuilds an
index that was not fully built from PostgreSQL's documents (the engine was emptied, replaced, or has another language or version).

A process queries the engine only while it answers and its index is complete and up to date (``elasticsearch/completeness.py``). It
checks this each second, and a circuit breaker keeps searches from waiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import Document, Found, IStoredSearch, Search, Suggestion
from harvestd.kernel.errors import Unavailable
from harvestd.market.search.elasticsearch import builds as search_builds
from harvestd.market.search.elasticsearch import shown as search_shown
from harvestd.market.search.elasticsearch.builder import IndexBuilder
from harvestd.market.search.elasticsearch.completeness import NotWhole, check
from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.elasticsearch.indexer import Indexer
from harvestd.market.search.postgres import pending as search_pending
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.market.search.postgres.pending import Pending
from harvestd.runtime.breaker import Breaker
from harvestd.runtime.health import Condition
from harvestd.runtime.lifecycle import sleep
from harvestd.runtime.shortages import OnceAMinute
from harvestd.runtime.spawn import spawn
from harvestd.store.elasticsearch.client import EngineError
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.transactions import Transaction

#: Seconds between two checks of the engine.
LOOK = 1.0


@implementer(IStoredSearch)
class SearchWithFallback:
    """``engine`` in front of ``postgres``; the process that builds the index holds a lease on ``session``."""

    log = Logger()

    def __init__(
        self, reactor: Any, engine: ElasticsearchSearch, postgres: PostgresSearch, database: Database, session: ControlConnection
    ) -> None:  # fmt: skip
        self.engine = engine
        engine.present = partial(search_shown.of, database)
        self.postgres = postgres
        self.breaker = Breaker(reactor, "Elasticsearch", self._probe)
        self._reactor = reactor
        self._database = database
        self._builder = IndexBuilder(reactor, engine, database, session)
        self.indexer = Indexer(reactor, engine, database, self._builder, self.breaker)
        self._rarely = OnceAMinute(reactor.seconds)
        self._looking: Deferred[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Check the engine, within a time limit; if it does not work, keep probing it in the background."""
        try:
            await self._check()
        except Unavailable as error:
            self.breaker.open(error.detail)
        self._looking = spawn("looking at Elasticsearch", self._keep_looking())

    async def stop(self) -> None:
        """Stop querying the engine."""
        self._stopping = True
        self.breaker.stop()
        if self._looking is not None:
            self._looking.cancel()
            await self._looking
        await self.engine.stop()

    # --- asking ---

    async def search(self, question: Search) -> Found:
        """Search with the engine, or with PostgreSQL, marked ``degraded``. The engine holds what everybody may find, so who finds more, or pays
        another price, is answered by PostgreSQL."""
        if question.restricted:
            return await self.postgres.search(question)
        found: Found | None = await self._ask(lambda: self.engine.search(question))
        if found is not None:
            return found
        return attrs.evolve(await self.postgres.search(question), degraded=True)

    async def suggest(self, prefix: str, limit: int = 10) -> Sequence[Suggestion]:
        """Suggest from the engine, or from PostgreSQL."""
        found: Sequence[Suggestion] | None = await self._ask(lambda: self.engine.suggest(prefix, limit))
        return found if found is not None else await self.postgres.suggest(prefix, limit)

    async def _ask(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The engine's answer; None if it cannot be queried or fails."""
        if not self.breaker.closed:
            return None
        try:
            found = await ask()
        except EngineError as error:
            self._failed(error)
            return None
        self.breaker.succeeded()
        return found

    def _failed(self, error: EngineError) -> None:
        if error.status == 400:  # only this query is at fault: the others still go to the engine
            self._puzzled(error.detail)
        elif error.status == 404 or isinstance(error, NotWhole):
            self.breaker.open(error.detail)
        else:
            self.breaker.failed(error.detail)

    def _puzzled(self, why: str) -> None:
        """Log one line a minute, so that an impostor that answers for the engine cannot flood the log."""
        times = self._rarely.due()
        if times:
            self.log.error("Elasticsearch does not understand {n} questions; the last: {why}", n=times, why=why)

    # --- writing ---

    async def index(self, documents: Sequence[Document]) -> None:
        """Write PostgreSQL's documents, and mark them as pending for the engine."""
        await self._database.transaction(lambda tx: self.write(tx, documents))

    async def write(self, tx: Transaction, documents: Sequence[Document]) -> None:
        """Do the same as part of a transaction."""
        await self.postgres.write(tx, documents)
        await search_pending.mark(tx, documents)

    async def rebuild(
        self, documents: Callable[[str | None, int], Awaitable[Sequence[Document]]], progress: Callable[[int], None]
    ) -> int:
        """Rebuild PostgreSQL's documents, then the engine's index from them."""
        count = await self.postgres.rebuild(documents, lambda done: progress(done // 2))
        await self.refill(count, progress)
        return count

    async def refill(self, count: int, progress: Callable[[int], None]) -> None:
        """Rebuild the engine's index from PostgreSQL's ``count`` documents, the second half of the work. If the engine is
        unreachable, the workers build it once it is back."""
        try:
            while not await self._builder.build(lambda done: progress(min(count, count // 2 + done // 2))):
                progress(count // 2)
                await sleep(self._reactor, LOOK)
        except EngineError as error:
            self.log.warn("Elasticsearch's index is built anew later: {why}", why=error.detail)
            await self._database.transaction(lambda tx: search_builds.none(tx, self.engine.names.alias))
            self._failed(NotWhole(error.detail))
        progress(count)

    # --- how it is ---

    async def _check(self) -> None:
        await check(self.engine, self._database)

    async def _probe(self) -> None:
        await self._check()
        await self.engine.search(Search(text="market", limit=1))

    async def _keep_looking(self) -> None:
        while not self._stopping:
            try:
                await sleep(self._reactor, LOOK)
                if self.breaker.closed:
                    await self._check()
            except EngineError as error:
                if not self._stopping:
                    self._failed(error)
            except Exception as error:  # a database error, which its own probes report, or the shutdown
                self.log.debug("Elasticsearch was not looked at: {why}", why=repr(error))

    def usage(self) -> tuple[bool, int]:
        """Whether the engine is queried now, and how often the breaker has opened."""
        return self.breaker.closed, self.breaker.opened

    async def pending(self) -> Pending:
        """The documents that are still to be pushed to the engine."""
        return await search_pending.state(self._database)

    async def condition(self) -> Condition:
        """For readiness; never down, since PostgreSQL answers."""
        if not self.breaker.closed:
            return Condition("degraded", f"PostgreSQL answers searches: {self.breaker.cause}")
        pending = await self.pending()
        if pending.refused:
            return Condition("degraded", f"{pending.refused} documents are refused: {pending.why}")
        return Condition("ok")
