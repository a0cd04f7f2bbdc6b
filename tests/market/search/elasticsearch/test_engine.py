"""Search on Elasticsearch and OpenSearch: the contract, and what is this implementation's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from harvestd.interfaces import ISearch, Search
from harvestd.kernel.errors import Unavailable
from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.settings.table import Settings
from servers.elasticsearch import ElasticsearchServer
from tests.contracts.search import NOON, STALL, SearchContract, pages, product, titles
from tests.market.search.engines import engine, settings_for
from tests.waiting import eventually


@pytest_twisted.async_yield_fixture
async def search(request: pytest.FixtureRequest) -> AsyncIterator[ElasticsearchSearch]:
    server: ElasticsearchServer = request.getfixturevalue(request.cls.server if request.cls else "elasticsearch")
    async with engine(server) as made:
        yield made


#: By server, the settings of the index that every test searches which changes nothing: it is filled once.
_STALLS: dict[str, Settings] = {}


@pytest_twisted.async_yield_fixture
async def stall(request: pytest.FixtureRequest) -> AsyncIterator[ElasticsearchSearch]:
    from twisted.internet import reactor

    server: ElasticsearchServer = request.getfixturevalue(request.cls.server)
    settings = _STALLS.setdefault(server.url, settings_for(server))
    search = ElasticsearchSearch(reactor, settings, lambda: NOON, visible=True)
    if await search.indices.state() is None:
        await search.indices.prepare()
        await search.index(STALL)
    yield search
    await search.stop()


@pytest.mark.xdist_group("elasticsearch")
class TestElasticsearchContract(SearchContract):
    server = "elasticsearch"


@pytest.mark.xdist_group("opensearch")
class TestOpenSearchContract(SearchContract):
    server = "opensearch"


def test_it_is_an_ISearch() -> None:
    from twisted.internet import reactor

    assert verifyObject(ISearch, ElasticsearchSearch(reactor, Settings(elasticsearch_url="http://127.0.0.1:1")))


@pytest.mark.xdist_group("elasticsearch")
async def test_what_is_indexed_is_found_within_a_second_without_being_asked_to_hurry(
    elasticsearch: ElasticsearchServer,
) -> None:
    async with engine(elasticsearch, visible=False) as search:
        await search.index(STALL)

        async def found() -> bool:
            return (await search.search(Search(text="carrots"))).total == 4

        await eventually("it is found", found, 5.0)


@pytest.mark.xdist_group("elasticsearch")
async def test_an_engine_of_nothing_is_prepared_by_the_first_who_writes(elasticsearch: ElasticsearchServer) -> None:
    """And by several at once."""
    from twisted.internet import reactor

    search = ElasticsearchSearch(reactor, settings_for(elasticsearch), lambda: NOON, visible=True)
    with pytest.raises(Unavailable, match="index_not_found"):
        await search.search(Search())
    assert await search.indices.state() is None
    for writing in [Deferred.fromCoroutine(search.index([product(n, "Honey")])) for n in range(1, 5)]:
        await writing
    assert (await search.search(Search())).total == 4
    await search.indices.remove()
    await search.stop()


@pytest.mark.xdist_group("elasticsearch")
async def test_what_an_interrupted_rebuild_left_is_cleared_away_by_the_next(search: ElasticsearchSearch) -> None:
    async def interrupted(done: int) -> None:
        raise AssertionError

    await search.index(STALL)
    with pytest.raises(ZeroDivisionError):
        await search.rebuild(pages(STALL, 3), lambda done: 1 // 0)  # type: ignore[arg-type, return-value]
    assert (await search.search(Search())).total == 8
    await search.index([product(1, "Parsnips", version=2)])
    await search.rebuild(pages(STALL, 3), lambda done: None)
    assert (await search.search(Search(text="parsnips"))).total == 1
    assert not await search.indices.behind(search.names.building)
    assert len(await search.indices.behind(search.names.alias)) == 1


@pytest.mark.xdist_group("opensearch")
class TestWithoutAnalysers:
    """Elasticsearch 8.18.0, a core without the analysers of any language."""

    async def test_words_are_found_as_they_stand_and_despite_typing_errors(
        self, elasticsearch8: ElasticsearchServer
    ) -> None:
        async with engine(elasticsearch8) as search:
            await search.index(STALL)
            assert titles(await search.search(Search(text="CRÈME"))) == ["Crème fraîche"]
            assert titles(await search.search(Search(text="zuchini")))[0] == "Zucchini"
            assert (await search.search(Search(text="baking"))).total == 0, "no stems"
            found = await search.search(Search(text="carrots", farm="hill-farm", near=(48.0, 11.0)))
            assert titles(found) == ["Strawberry jam", "Carrot cake"]
            assert found.hits[0].highlight["text"].endswith("Good with <em>carrots</em>? No.")
            assert [(one.value, one.name, one.count) for one in found.facets["farm"]] == [
                ("green-acre", "Green Acre", 2), ("hill-farm", "Hill Farm", 2),
            ]  # fmt: skip
            assert [one.text for one in await search.suggest("carr")][2:] == ["Purple carrots"]
            assert await search.rebuild(pages(STALL, 3), lambda done: None) == 8
            assert (await search.search(Search())).total == 8

    async def test_a_language_that_it_does_not_have_is_named_with_the_cure(
        self, elasticsearch8: ElasticsearchServer
    ) -> None:
        from twisted.internet import reactor

        search = ElasticsearchSearch(reactor, settings_for(elasticsearch8, search_language="english"), lambda: NOON)
        with pytest.raises(Unavailable, match="no analyser for english: set search_language to none"):
            await search.index(STALL)
        await search.stop()
