"""Search with Elasticsearch while it works, and with PostgreSQL, marked as degraded, while it does not.

Both are always kept up to date: :meth:`SearchWithFallback.index` writes PostgreSQL's documents and marks them as pending, in one
transaction, and waits for nothing remote. One process (the elected leader of this periodic task of the workers) pushes pending
documents to the engine in bulk, five times a second; new documents and the backlog of an outage take the same path. An index that
was not fully built from PostgreSQL's documents (the engine was emptied, replaced, or has another language or version) is rebuilt
by that process.

A process queries the engine only while it answers, its index is fully built, and its oldest pending document is no older than
:data:`BEHIND`. It checks this each second, and a circuit breaker keeps searches from waiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import Document, Found, IStoredSearch, Search, Suggestion
from harvestd.kernel.errors import Unavailable
from harvestd.market.search.elasticsearch import builds as search_builds
from harvestd.market.search.elasticsearch import shown as search_shown
from harvestd.market.search.elasticsearch.documents import Refused
from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.postgres import pending as search_pending
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.market.search.postgres.pending import Pending
from harvestd.market.search.totals import Comparison
from harvestd.runtime.breaker import Breaker
from harvestd.runtime.health import Condition
from harvestd.runtime.lifecycle import sleep
from harvestd.runtime.shortages import OnceAMinute
from harvestd.runtime.spawn import spawn
from harvestd.store.elasticsearch.client import EngineError
from harvestd.store.leases import GoingOn, Lease, always
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.transactions import Transaction

#: Seconds that the engine may lag behind PostgreSQL's documents before it is no longer queried.
BEHIND = 3.0
#: Seconds between two checks of the engine, and before a retry after it failed to accept documents.
LOOK = 1.0
#: Documents pushed in one request.
BATCH = 500
#: The lease of the process that builds the engine's index, and its seconds: longer than one page of the build may take.
BUILDING, BUILDING_LEASE = "search:building", 30.0


class NotWhole(EngineError):
    """The engine works, but its index is incomplete or out of date."""


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
        self._building = Lease(reactor, database, session, BUILDING, BUILDING_LEASE)
        self._compared = Comparison(reactor, database, engine)
        self._one = DeferredLock()
        self._resting = self._looked = 0.0
        self._uuid = ""
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
        """Search with the engine, or with PostgreSQL, marked ``degraded``."""
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

    async def catch_up(self, going_on: GoingOn = always) -> None:
        """Push pending documents until none are left or ``going_on`` returns False; build the engine's index if it is due.
        Only one process runs this at a time. An unreachable engine raises nothing: the breaker and :meth:`condition` report it."""
        if self._reactor.seconds() < self._resting:
            return
        try:
            if not await self._built(going_on):
                return
            while await going_on() and await self._push():
                pass
            if self._uuid and (why := await self._compared.look(LOOK)):
                await self._accuse(why)
        except EngineError as error:
            self._resting = self._reactor.seconds() + LOOK
            if not error.status:
                self.breaker.failed(error.detail)

    async def _push(self) -> bool:
        marked = await search_pending.oldest(self._database, BATCH)
        if not marked:
            return False
        documents = [one.document for one in marked]
        self._compared.pushed()
        taken = await self.engine.documents.put(documents)
        if taken.held and (why := await self._made_up(documents, taken.held)):
            await self._accuse(why)
            return False
        self._tell(taken.refused)
        await self._database.transaction(lambda tx: search_pending.settle(tx, marked, taken.refused))
        return len(marked) == BATCH

    async def _made_up(self, documents: Sequence[Document], held: Sequence[str]) -> str | None:
        """The engine's fault if it rejected documents as older than a version that was never written: it would go on rejecting
        every later write of them."""
        theirs = await self.engine.versions(held)
        ours = await search_pending.versions(self._database, documents)  # read last: a document may have become newer
        made_up = [f"{id} in version {version}" for id, version in theirs.items() if version > ours.get(id, version)]
        return f"it holds {made_up[0]}, which nobody wrote" if made_up else None

    async def _accuse(self, why: str) -> None:
        """Distrust the index in every process, so that it is rebuilt."""
        self._looked = 0.0
        if await search_builds.accuse(self._database, self.engine.names.alias, self._uuid, why):
            self.log.error("Elasticsearch's index is not what was put there, and is built anew: {why}", why=why)

    def _tell(self, refused: Sequence[Refused]) -> None:
        for one in refused:
            self.log.error("Elasticsearch refuses {kind} {id}: {why}", kind=one.kind, id=one.id, why=one.why)

    async def _built(self, going_on: GoingOn) -> bool:
        """Whether the engine has an index to push to; checked each second."""
        if self._reactor.seconds() < self._looked + LOOK:
            return True
        state = await self.engine.indices.state()
        self._uuid = state.uuid if state is not None else ""
        if state is None or not state.current or not await self._whole(state.uuid):
            if (await search_builds.lately(self._database, self.engine.names.alias)).wait > 0:
                self._resting = self._reactor.seconds() + LOOK
                return False
            self.log.info("Elasticsearch's index is built anew")
            self._uuid = ""
            if not await self._build(lambda done: None, going_on):
                return False
        self._looked = self._reactor.seconds()
        return True

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
            while not await self._build(lambda done: progress(min(count, count // 2 + done // 2))):
                progress(count // 2)
                await sleep(self._reactor, LOOK)
        except EngineError as error:
            self.log.warn("Elasticsearch's index is built anew later: {why}", why=error.detail)
            await self._database.transaction(lambda tx: search_builds.none(tx, self.engine.names.alias))
            self._failed(NotWhole(error.detail))
        progress(count)

    async def _build(self, progress: Callable[[int], None], going_on: GoingOn = always) -> bool:
        """Build the engine's index from PostgreSQL's documents; False while another process builds it."""
        alias, last = self.engine.names.alias, None

        async def page(after: str | None, size: int) -> Sequence[Document]:
            nonlocal last
            if not (await self._building.held() and await going_on()):
                raise EngineError("interrupted", 499)
            found = await search_pending.page(self._database, last, size)
            last = found[-1] if found else last
            return found

        async def before(uuid: str) -> None:
            async def note(tx: Any) -> None:
                await self._building.check(tx)
                await search_builds.built(tx, alias, uuid)

            await self._database.transaction(note)

        await self._one.acquire()
        try:
            if not await self._building.held():
                return False
            try:
                refused: list[Refused] = []
                await self.engine.reindexing.build(page, progress, refused.append, before)
                self._tell(refused)
                await self._database.transaction(lambda tx: search_pending.refuse(tx, refused))
                state = await self.engine.indices.state()
                if state is not None:
                    uuid = state.uuid
                    await self._database.transaction(lambda tx: search_builds.done(tx, alias, uuid))
            finally:
                await self._building.give_back()
        finally:
            self._one.release()
        return True

    # --- how it is ---

    async def _whole(self, uuid: str) -> bool:
        return await search_builds.whole(self._database, self.engine.names.alias, uuid)

    async def _why_not(self) -> str:
        """Why the index is not fully built: it has a fault, or is not the one that was built."""
        builds = await search_builds.lately(self._database, self.engine.names.alias)
        fault = builds.fault or "its index was not built from this market"
        when = f" in {builds.wait:.0f} s, since that was done {builds.times} times" if builds.wait > 0 else ""
        return f"{fault}: the workers build it anew{when}"

    async def _check(self) -> None:
        """Check that the engine is complete and up to date. Raises :class:`EngineError`."""
        state = await self.engine.indices.state()
        if state is None:
            raise NotWhole("it has no index yet: the workers build it")
        if not await self._whole(state.uuid):
            raise NotWhole(await self._why_not())
        if not state.current:
            raise NotWhole("its index is of another language or version: the workers build it anew")
        pending = await search_pending.state(self._database)
        if pending.oldest > BEHIND:
            raise NotWhole(f"it lacks {pending.count} documents, the oldest for {pending.oldest:.0f} s")

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
