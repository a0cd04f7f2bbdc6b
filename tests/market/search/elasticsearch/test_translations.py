"""Texts in the market's other languages are found on Elasticsearch and OpenSearch as they are on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_twisted

from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.elasticsearch.mapping import about
from servers.elasticsearch import ElasticsearchServer
from tests.market.search.engines import engine
from tests.market.search.translated import TEXTS, Translated


@pytest_twisted.async_yield_fixture
async def search(request: pytest.FixtureRequest) -> AsyncIterator[ElasticsearchSearch]:
    server: ElasticsearchServer = request.getfixturevalue(request.cls.server)
    if server.flavour.name == "elasticsearch8":
        pytest.skip("it has no analysers of languages")
    async with engine(server, market_languages=("en", "fr", "de")) as made:
        await made.index(TEXTS)
        yield made


@pytest.mark.xdist_group("elasticsearch")
class TestElasticsearchTranslations(Translated):
    server = "elasticsearch"


@pytest.mark.xdist_group("opensearch")
class TestOpenSearchTranslations(Translated):
    server = "opensearch"


def test_an_index_of_other_languages_is_another() -> None:
    assert about("english") != about("english", {"fr": "french"}) != about("english", {"de": "german"})
