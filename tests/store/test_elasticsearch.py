"""Search on Elasticsearch and OpenSearch: the contract, and what is this implementation's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_twisted
from zope.interface.verify import verifyObject

from harvestd.interfaces import ISearch
from harvestd.settings import Settings
from harvestd.store.elasticsearch import ElasticsearchSearch
from tests.contracts.search import SearchContract
from tests.servers.elasticsearch import ElasticsearchServer
from tests.store.engines import engine


@pytest_twisted.async_yield_fixture
async def search(request: pytest.FixtureRequest) -> AsyncIterator[ElasticsearchSearch]:
    server: ElasticsearchServer = request.getfixturevalue(request.cls.server if request.cls else "elasticsearch")
    async with engine(server) as made:
        yield made


@pytest.mark.xdist_group("elasticsearch")
class TestElasticsearchContract(SearchContract):
    server = "elasticsearch"


@pytest.mark.xdist_group("opensearch")
class TestOpenSearchContract(SearchContract):
    server = "opensearch"


@pytest.mark.xdist_group("elasticsearch")
def test_it_is_an_ISearch() -> None:
    from twisted.internet import reactor

    assert verifyObject(ISearch, ElasticsearchSearch(reactor, Settings(elasticsearch_url="http://127.0.0.1:1")))
