"""Search engines for one test: names of its own on a server that all share."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.settings.table import Settings
from servers.elasticsearch import ElasticsearchServer
from tests.contracts.search import NOON

_numbers = itertools.count(1)


def settings_for(server: ElasticsearchServer, **more: Any) -> Settings:
    """Settings with a fresh prefix of index names; patient, since tests share two processors."""
    language = "none" if server.flavour.name == "elasticsearch8" else "english"
    given = {
        "elasticsearch_url": server.url, "elasticsearch_index": f"t{next(_numbers)}", "elasticsearch_timeout": 10.0,
        "search_language": language,
    }  # fmt: skip
    return Settings(**{**given, **more})


@asynccontextmanager
async def engine(
    server: ElasticsearchServer, visible: bool = True, **more: Any
) -> AsyncIterator[ElasticsearchSearch]:  # fmt: skip
    """An empty one, in which what is indexed is found at once; its indices are deleted afterwards."""
    from twisted.internet import reactor

    search = ElasticsearchSearch(reactor, settings_for(server, **more), lambda: NOON, visible)
    try:
        await search.indices.prepare()
        yield search
    finally:
        await search.indices.remove()
        await search.stop()
