"""A process that asks each engine the queries of a file, and prints nDCG@10 of each by query: the engines are used as harvestd uses them, and
beside them a plain ``match`` (BM25) of the same text on the same server."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from benchmarks.search_quality.catalogue import NOW, documents
from benchmarks.search_quality.judging import PAGE, Asked, Query, ndcg, queries
from harvestd.interfaces import Document, ISearch, Search
from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.settings.table import Settings
from harvestd.store.elasticsearch.client import ElasticsearchClient
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.database import Database

#: Seconds for each request, and documents indexed by one.
PATIENCE, BATCH = 60.0, 200
PLAIN = "plain"
Ask = Callable[[str], Awaitable[Sequence[str]]]
#: The index that anybody would make first: one analysed field.
BODY = {"settings": {"number_of_shards": 1, "number_of_replicas": 0},
        "mappings": {"properties": {"all": {"type": "text", "analyzer": "english"}}}}  # fmt: skip


async def measured(reactor: Any, given: Asked) -> dict[str, list[float]]:
    """nDCG@10 of each contestant, query by query."""
    whole, asked = documents(), queries(Path(given.queries))
    database = Database(reactor, ConnectionSettings(given.database, 10.0, PATIENCE, PATIENCE), 2, PATIENCE)
    database.start()
    postgres = PostgresSearch(database, "english", lambda: NOW)
    try:
        await _indexed(postgres, whole)
        found = {"PostgreSQL": await _asked(_ours(postgres), asked, whole)}
    finally:
        await database.stop()
    for name, url in given.engines.items():
        settings = Settings(elasticsearch_url=url, elasticsearch_index="quality", elasticsearch_timeout=PATIENCE)
        engine, client = ElasticsearchSearch(reactor, settings, lambda: NOW, True), ElasticsearchClient(reactor, url)
        try:
            await engine.indices.prepare()
            await _indexed(engine, whole)
            found[name] = await _asked(_ours(engine), asked, whole)
            await _fill(client, whole)
            found[f"plain BM25, {name}"] = await _asked(_plain(client), asked, whole)
        finally:
            await engine.stop()
            await client.close()
    return found


async def _indexed(search: ISearch, whole: Sequence[Document]) -> None:
    for at in range(0, len(whole), BATCH):
        await search.index(whole[at : at + BATCH])


def _ours(search: ISearch) -> Ask:
    async def ask(text: str) -> Sequence[str]:
        return [hit.id for hit in (await search.search(Search(text=text, limit=PAGE))).hits]

    return ask


async def _fill(client: ElasticsearchClient, whole: Sequence[Document]) -> None:
    await client.call("PUT", f"/{PLAIN}", BODY, PATIENCE)
    lines: list[Any] = []
    for one in whole:
        text = " ".join([one.title, one.category_name, one.farm_name, one.text, one.also])
        lines += [{"index": {"_index": PLAIN, "_id": one.id}}, {"all": text}]
    await client.call("POST", "/_bulk?refresh=true", lines, PATIENCE)


def _plain(client: ElasticsearchClient) -> Ask:
    async def ask(text: str) -> Sequence[str]:
        found = await client.call(
            "POST", f"/{PLAIN}/_search", {"size": PAGE, "query": {"match": {"all": text}}}, PATIENCE
        )
        return [hit["_id"] for hit in found["hits"]["hits"]]

    return ask


async def _asked(ask: Ask, asked: Sequence[Query], whole: Sequence[Document]) -> list[float]:
    return [ndcg(query, await ask(query.text), whole) for query in asked]


def main() -> None:
    """Read what is asked from standard input, and write what was found to standard output."""
    from twisted.internet import reactor

    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    outcome: list[Any] = []

    def begin() -> None:
        done = Deferred.fromCoroutine(measured(reactor, given)).addBoth(outcome.append)
        done.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    if not isinstance(outcome[0], dict):
        outcome[0].printTraceback(sys.stderr)
        raise SystemExit(1)
    sys.stdout.buffer.write(msgspec.json.encode(outcome[0]))


if __name__ == "__main__":
    main()
