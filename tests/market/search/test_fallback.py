"""Elasticsearch in front of PostgreSQL's search: what is lost when it is away (nothing), and how it comes back."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from harvestd.interfaces import Document, ISearch, Search
from harvestd.kernel.errors import Unavailable
from harvestd.market.search import fallback as search_fallback
from harvestd.market.search.elasticsearch import builds as search_builds
from harvestd.market.search.elasticsearch import indexer as search_indexer
from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.fallback import SearchWithFallback
from harvestd.market.search.postgres import pending as search_pending
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.invariants import rules, violations
from harvestd.store.postgres.statements import Statement, nothing
from servers import Proxy
from servers.elasticsearch import ElasticsearchServer
from servers.pace import Pace
from tests.contracts.search import NOON, STALL, id_of, pages, product
from tests.market.search.engines import settings_for
from tests.waiting import eventually

pytestmark = pytest.mark.xdist_group("elasticsearch")

#: Make what waits older than the engine may be behind.
AGE = Statement("test.age", "update search_pending set since = since - interval '10 s'", nothing)


@attrs.define
class World:
    """A search with both, a proxy before the engine, and what the elected process would do."""

    search: SearchWithFallback
    proxy: Proxy
    server: ElasticsearchServer
    database: Database
    session: ControlConnection

    async def caught_up(self) -> None:
        """The workers' periodic task, until nothing waits and the engine is asked."""

        async def done() -> bool:
            await self.search.indexer.catch_up()
            return self.search.breaker.closed and not (await self.search.pending()).count

        await eventually("the engine has caught up", done, 20.0, 0.05)

    def impatient(self) -> None:
        """Wait for the engine only shortly, in a test whose engine will not answer."""
        self.search.engine._timeout = self.search.engine.indices.timeout = 0.4

    def mend(self) -> None:
        """The engine is there again, and has time."""
        self.proxy.mend()
        self.proxy.cut()
        self.search.engine._timeout = self.search.engine.indices.timeout = 10.0

    async def away(self) -> None:
        """Until nobody asks the engine any more."""
        await eventually("the breaker is open", lambda: not self.search.breaker.closed)

    async def served_by_postgres(self, text: str = "carrots", total: int = 4) -> None:
        found = await self.search.search(Search(text=text))
        assert (found.degraded, found.total) == (True, total)

    async def served_by_engine(self, text: str = "carrots", total: int = 4) -> None:
        found = await self.search.search(Search(text=text))
        assert (found.degraded, found.total) == (False, total)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Of the engine itself, blocking, past the proxy. A list is sent as lines."""
        data = "".join(json.dumps(line) + "\n" for line in body) if isinstance(body, list) else json.dumps(body)
        request = urllib.request.Request(
            self.server.url + path, method=method, data=data.encode() if body is not None else None,
            headers={"Content-Type": "application/x-ndjson" if isinstance(body, list) else "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    @property
    def alias(self) -> str:
        return self.search.engine.names.alias


@asynccontextmanager
async def standing(
    server: ElasticsearchServer, database: Database, visible: bool = True, **more: Any
) -> AsyncIterator[World]:
    from twisted.internet import reactor

    proxy = Proxy(("127.0.0.1", server.port))
    settings = settings_for(server, elasticsearch_url=f"http://127.0.0.1:{proxy.port}", **more)
    session = ControlConnection(reactor, database.settings)
    engine = ElasticsearchSearch(reactor, settings, lambda: NOON, visible=visible)
    search = SearchWithFallback(reactor, engine, PostgresSearch(database, "english", lambda: NOON), database, session)
    await session.start()
    await eventually("the session is connected", lambda: session.connected)
    await search.start()
    try:
        yield World(search, proxy, server, database, session)
    finally:
        proxy.mend()
        if server.process is not None:
            await engine.indices.remove()
        await search.stop()
        await session.stop()
        proxy.close()


@pytest_twisted.async_yield_fixture
async def world(elasticsearch: ElasticsearchServer, database: Database) -> AsyncIterator[World]:
    async with standing(elasticsearch, database) as made:
        await made.search.index(STALL)
        await made.caught_up()
        yield made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (search_fallback, search_indexer):
        monkeypatch.setattr(module, "LOOK", 0.1)


def broken(database: Database) -> list[Any]:
    """The rule of what the engine holds, once nothing is under way."""
    pending = [rule for rule in rules("at_rest.sql") if "Elasticsearch" in rule.name]
    assert pending
    return list(violations(database.settings.dsn, pending))


async def test_it_is_an_ISearch(world: World) -> None:
    assert verifyObject(ISearch, world.search)


async def test_the_engine_answers_what_was_indexed_in_postgresql(world: World) -> None:
    await world.served_by_engine()
    assert (await world.search.condition()).state == "ok"
    assert not broken(world.database)


async def test_indexing_waits_for_nothing_remote_and_what_is_not_pushed_is_told(world: World) -> None:
    world.proxy.blackhole = True
    await world.search.index([product(20, "Carrot seeds")])
    assert [violation.count for violation in broken(world.database)] == [1]


@pytest.mark.parametrize("fault", ["refuse", "blackhole", "slow", "frozen_halfway"])
async def test_while_the_engine_is_away_postgresql_answers_and_afterwards_the_engine_has_what_it_missed(
    world: World, fault: str
) -> None:

    world.impatient()
    match fault:
        case "refuse":
            world.proxy.refuse = True
            world.proxy.cut()
        case "blackhole":
            world.proxy.blackhole = True
        case "slow":
            world.proxy.delay_back = 5.0
        case _:
            world.proxy.reset_after = 10
            world.proxy.cut()
    pace = Pace()
    await world.served_by_postgres()
    assert pace.seconds() < 1.0, "a search waits for its time-out at most"
    for asking in [Deferred.fromCoroutine(world.served_by_postgres()) for _ in range(5)]:
        await asking
    await world.away()
    assert (await world.search.condition()).state == "degraded"
    await world.search.index([product(1, "Parsnips", version=2), product(2, "Purple carrots", version=2, removed=True)])
    await world.search.index([product(20, "Quinces")])
    await world.search.indexer.catch_up()
    await world.served_by_postgres("quinces", 1)
    assert [s.text for s in await world.search.suggest("quin")] == ["Quinces"]
    world.mend()
    await world.caught_up()
    await world.served_by_engine("quinces", 1)
    await world.served_by_engine("carrots", 2)
    assert not broken(world.database)


async def test_nobody_asks_an_engine_that_is_known_to_be_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.impatient()
    world.proxy.blackhole = True
    for _ in range(3):
        await world.served_by_postgres()
    assert not world.search.breaker.closed and world.search.usage() == (False, 2)

    async def search(question: Search) -> Any:
        raise AssertionError("it was asked")

    monkeypatch.setattr(world.search.engine, "search", search)
    await world.served_by_postgres()
    world.search.breaker.stop()


async def test_a_question_that_the_engine_does_not_understand_is_answered_and_leaves_it_in_use(
    world: World, monkeypatch: pytest.MonkeyPatch, expected_errors: Any
) -> None:
    call = world.search.engine._client.call

    async def wrong(method: str, path: str, body: Any, seconds: float) -> Any:
        return await call(method, path, {"query": {"nonsense": {}}} if path.endswith("_search") else body, seconds)

    monkeypatch.setattr(world.search.engine._client, "call", wrong)
    for _ in range(5):
        await world.served_by_postgres()
    assert world.search.breaker.closed
    assert expected_errors()


async def test_what_was_marked_survives_the_process(world: World) -> None:
    """The process that indexed is gone before anything was pushed; another one pushes."""
    await world.search.index([product(20, "Quinces")])
    from twisted.internet import reactor

    other = SearchWithFallback(reactor, world.search.engine, world.search.postgres, world.database, world.session)
    await other.indexer.catch_up()
    await world.served_by_engine("quinces", 1)


async def test_an_index_that_takes_no_writes_is_not_asked_once_it_is_behind_and_converges_later(world: World) -> None:
    """What Elasticsearch does when its disk is full."""
    world.ask("PUT", f"/{world.alias}/_settings", {"index.blocks.read_only_allow_delete": True})
    await world.search.index([product(20, "Carrot seeds")])
    await world.search.indexer.catch_up()
    assert (await world.search.pending()).count == 1
    await world.database.transaction(lambda tx: tx.run(AGE))
    await world.away()
    await world.served_by_postgres("carrots", 5)
    assert "lacks 1 documents" in (await world.search.condition()).detail
    world.ask("PUT", f"/{world.alias}/_settings", {"index.blocks.read_only_allow_delete": None})
    await world.caught_up()
    await world.served_by_engine("carrots", 5)


@pytest.mark.parametrize("left", ["nothing", "an empty index", "a stranger's index"])
async def test_an_engine_that_was_emptied_or_replaced_is_not_believed_and_is_built_anew(
    world: World, left: str
) -> None:
    (index,) = world.ask("GET", f"/_alias/{world.alias}")
    world.ask("DELETE", f"/{index}")
    if left == "an empty index":
        await world.search.engine.indices.prepare()
    elif left == "a stranger's index":
        world.ask("PUT", f"/{index}x", {"aliases": {world.alias: {}}, "settings": {"number_of_replicas": 0}})
    await world.away()
    await world.served_by_postgres()
    await world.caught_up()
    await world.served_by_engine()


async def test_an_index_of_another_language_is_built_anew(world: World) -> None:
    from twisted.internet import reactor

    settings = settings_for(world.server, elasticsearch_index=world.search.engine.names.prefix, search_language="none")
    plain = ElasticsearchSearch(reactor, settings, lambda: NOON, visible=True)
    other = SearchWithFallback(reactor, plain, world.search.postgres, world.database, world.session)
    await other.indexer.catch_up()
    assert (await plain.search(Search(text="baking"))).total == 0
    assert (await plain.search(Search(text="carrots"))).total == 4
    await plain.stop()


async def test_a_document_that_the_engine_refuses_keeps_no_other(world: World, expected_errors: Any) -> None:
    """Not when it is pushed, nor when everything is built anew."""
    nowhere = product(20, "Carrots from nowhere", latitude=95.0, longitude=0.0)
    await world.search.index([nowhere, product(21, "Quinces")])
    await world.caught_up()
    await world.served_by_engine("quinces", 1)
    condition = await world.search.condition()
    assert condition.state == "degraded" and "1 documents are refused" in condition.detail
    await world.search.rebuild(pages([*STALL, nowhere, product(21, "Quinces")], 100), lambda done: None)
    assert (await world.search.condition()) == condition
    assert len(expected_errors()) == 2
    await world.search.index([attrs.evolve(nowhere, latitude=5.0, version=2)])
    await world.caught_up()
    assert (await world.search.condition()).state == "ok"
    await world.served_by_engine("nowhere", 1)


async def test_a_search_goes_on_with_the_other_engine_about_where_it_was(world: World) -> None:
    """The cursor of the one is good for the other."""
    many = [product(n, "Honey", popularity=float(n % 7)) for n in range(100, 140)]
    await world.search.index(many)
    await world.caught_up()
    first = await world.search.search(Search(text="honey", limit=10))
    second = await world.search.postgres.search(Search(text="honey", limit=10, after=first.next))
    third = await world.search.engine.search(Search(text="honey", limit=10, after=second.next))
    assert not first.degraded and len(second.hits) == len(third.hits) == 10
    assert all(found.total == 40 for found in (first, second, third))


async def test_a_rebuild_renews_both(world: World) -> None:
    renamed = [attrs.evolve(document, title=document.title + " renewed") for document in STALL]
    told: list[int] = []
    assert await world.search.rebuild(pages(renamed, 3), told.append) == 8
    assert told == sorted(told) and told[-1] == 8
    await world.served_by_engine("renewed", 8)
    assert (await world.search.postgres.search(Search(text="renewed"))).total == 8
    assert list(world.ask("GET", f"/_cat/indices/{world.alias}*?format=json")[0])  # the old one is gone
    assert len(world.ask("GET", f"/_cat/indices/{world.alias}*?format=json")) == 1


async def test_a_rebuild_without_the_engine_is_done_by_the_workers_when_it_is_back(world: World) -> None:
    world.proxy.refuse = True
    world.proxy.cut()
    renamed = [attrs.evolve(document, title=document.title + " renewed") for document in STALL]
    assert await world.search.rebuild(pages(renamed, 3), lambda done: None) == 8
    await world.served_by_postgres("renewed", 8)
    world.mend()
    await world.caught_up()
    await world.served_by_engine("renewed", 8)


async def test_searches_are_answered_and_changes_are_kept_while_it_is_rebuilt(world: World) -> None:
    """Searches, index calls and pushes go on all through two rebuilds at once; nothing is missing at any moment or lost."""
    present = {document.id: document for document in STALL}
    going, searched, written = True, 0, 0

    async def documents(after: str | None, size: int) -> Sequence[Document]:
        return await pages(sorted(present.values(), key=lambda one: one.id), 3)(after, size)

    async def asking() -> None:
        nonlocal searched
        while going:
            assert (await world.search.search(Search(category="bakery"))).total == 1
            searched += 1

    async def writing() -> None:
        nonlocal written
        while going:
            written += 1
            number = 200 + written % 10
            present[id_of(number)] = product(number, f"Honey {written}", version=written)
            await world.search.index([present[id_of(number)]])
            await world.search.indexer.catch_up()

    tasks = [Deferred.fromCoroutine(asking()), Deferred.fromCoroutine(writing())]
    rebuilt = 0
    while rebuilt < 3 or searched <= 10 or written <= 10:
        for rebuilding in [
            Deferred.fromCoroutine(world.search.rebuild(documents, lambda done: None)) for _ in range(2)
        ]:
            await rebuilding
        rebuilt += 1
    going = False
    for task in tasks:
        await task
    await world.caught_up()
    found = await world.search.engine.search(Search(text="honey", limit=50))
    last = {present[id_of(200 + n)].title for n in range(10) if id_of(200 + n) in present}
    assert {hit.highlight["title"].replace("<em>", "").replace("</em>", "") for hit in found.hits} == last
    assert not broken(world.database)


async def test_the_later_of_two_rebuilds_by_strangers_wins_and_the_other_says_so(world: World) -> None:
    engine = world.search.engine

    async def overtaken(after: str | None, size: int) -> Sequence[Document]:
        if after is None:
            await engine.rebuild(pages(STALL[:4], 100), lambda done: None)
        return await pages(STALL, 100)(after, size)

    with pytest.raises(Unavailable, match="another rebuild took over"):
        await engine.rebuild(overtaken, lambda done: None)
    assert (await engine.search(Search())).total == 4


async def test_without_an_engine_in_the_settings_nothing_is_kept_for_one(world: World) -> None:
    await world.search.index([product(20, "Quinces")])
    for forget in (search_pending.forget, search_builds.forget):
        await world.database.transaction(forget)
    assert not broken(world.database)
    await world.away()  # one that comes back was not told of everything
    await world.caught_up()
    await world.served_by_engine("quinces", 1)


@pytest.mark.limit(90)
async def test_a_killed_engine_that_comes_back_with_its_data_or_without_serves_again(
    elasticsearch: ElasticsearchServer, database: Database
) -> None:
    """The one that all share, which nobody else asks meanwhile: it keeps what it has, and another takes seconds of CPU to start."""
    server = elasticsearch
    try:
        async with standing(server, database) as world:
            await world.search.index(STALL)
            await world.caught_up()
            server.kill()
            for _ in range(4):
                await world.served_by_postgres()
            await world.search.index([product(20, "Quinces")])
            server.start()
            await world.caught_up()
            await world.served_by_engine("quinces", 1)
            world.impatient()
            server.freeze()
            for _ in range(4):
                await world.served_by_postgres()
            server.thaw()
            world.mend()
            await world.caught_up()
            await world.served_by_engine()
    finally:
        server.thaw() if server.process else server.start()
