"""The search worker's own: what is kept for an Elasticsearch that is no more."""

from __future__ import annotations

from harvestd.market.operations import housekeeping
from harvestd.market.search import handlers as search
from harvestd.store.postgres.statements import Statement, nothing, scalar
from tests.people import Market

MARK = Statement("test.mark", "insert into search_pending (kind, id) select 'product', id from products", nothing)
BUILT = Statement("test.built", "insert into search_engines (alias, uuid) values ('harvest-products', 'x')", nothing)
LEFT = Statement(
    "test.left", "select (select count(*) from search_pending) + (select count(*) from search_engines)", scalar
)


async def test_without_an_elasticsearch_in_the_settings_what_waits_for_it_is_forgotten(market: Market) -> None:
    """With what is known of its indices: one that comes back later is built anew."""
    await market.product(await market.farmer())
    for statement in (MARK, BUILT):
        await market.parts.database.transaction(lambda tx, statement=statement: tx.run(statement))
    assert await market.parts.database.row(LEFT) == 2
    await search.catch_up(market.parts)
    await housekeeping.tidy(market.parts)
    assert await market.parts.database.row(LEFT) == 0
