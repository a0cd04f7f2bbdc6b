"""Searches that are sorted by something else than relevance: in exact order, however many hits there are; and the steps that they are looked up by."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from harvestd.interfaces import Document, Search
from harvestd.interfaces.search import Sort
from harvestd.market.search.postgres import sorting
from harvestd.market.search.postgres.candidates import RANKED
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.market.search.postgres.keys import ELSEWHERE, LAST_ELSEWHERE, TITLED
from harvestd.market.search.postgres.keys import STEPS as ALL
from harvestd.market.search.postgres.query import find
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement, scalar
from tests.contracts.search import NOON, everything, product

#: What comes first by each sort; ties by the latest id, by rising price by the first.
ORDERS: dict[Sort, Callable[[Document], tuple[float, str]]] = {
    "newest": lambda one: (0, one.id), "-price": lambda one: (one.price or 0, one.id), "popular": lambda one: (one.popularity, one.id),
    "rating": lambda one: (round(one.rating, 4), one.id),
}  # fmt: skip
#: The two marks of what stands like this, in stock, with a title of a word.
STANDINGS = Statement(
    "test.standings",
    "select search_standing(true, 'x', r, s) from unnest(:stars::real[], :sales::real[]) as u(r, s)",
    scalar,
)
#: A step, and whether each step up to the highest is found by the keys for a range of them.
STEP = Statement(
    "test.step",
    "select search_step(:sort, a) from unnest(:amounts::bigint[]) with ordinality as u(a, n) order by n",
    scalar,
)
FOUND = Statement(
    "test.found_steps",
    """with keyed as materialized (
           select search_step(:sort, a) as step, array_to_tsvector(search_keys_of(jsonb_populate_record(null::search_documents, jsonb_build_object(
                      'kind', 'product', 'title_key', 'x', 'tags', '{}'::text[], 'benefits', '{}'::text[], 'in_stock', true, 'lexemes', '',
                      'price', a / 1000000, 'popularity', a / 1000000.0, 'rating', a / 1000000.0)))) as keys
             from unnest(:amounts::bigint[]) as a
       ), steps as materialized (select query from search_steps(:sort, :low, :high))
       select array_agg(step order by step) filter (where (select count(*) from steps where keyed.keys @@ steps.query) = 1) from keyed""",
    scalar,
)


@pytest.fixture
def search(database: Database) -> PostgresSearch:
    return PostgresSearch(database, "english", lambda: NOON)


async def many(search: PostgresSearch, number: int) -> list[Document]:
    """Of all prices, few of which are far from the others; sold and rated as things are: most hardly, some often."""
    chance = random.Random(3)
    made = [
        product(
            n, chance.choice(["Honey", "Linden honey", "Candle"]), text="Honey of the year.", price=chance.choice([None, 0, 1, 250, chance.randrange(200, 900), chance.randrange(10**6)]),
            in_stock=chance.random() < 0.9, popularity=float(int(chance.paretovariate(0.7)) - 1), rating=chance.choice([0.0, 0.0, 3.5, 4.0, 4.25, 5.0]),
            fresh_at=NOON - timedelta(days=chance.randrange(90)), category=chance.choice(["honey", "wax"]),
        )
        for n in range(1, number + 1)
    ]  # fmt: skip
    for start in range(0, number, 500):
        await search.index(made[start : start + 500])
    return made


@pytest.mark.limit(60)
async def test_all_pages_of_very_many_hits_are_in_the_exact_order(search: PostgresSearch) -> None:
    made = await many(search, RANKED + 400)
    wax = [one for one in made if one.category == "wax"]
    for sort, key in ORDERS.items():
        expected = [one.id for one in sorted(made, key=key, reverse=True)]
        assert await everything(search, Search(text="honey", sort=sort, limit=100)) == expected, sort
    expected = [one.id for one in sorted(made, key=lambda one: (one.price or 0, one.id))]
    assert await everything(search, Search(text="honey", sort="price", limit=100)) == expected
    assert await everything(search, Search(sort="price", limit=100)) == expected
    expected = [one.id for one in sorted(wax, key=lambda one: (one.price or 0, one.id))]
    assert await everything(search, Search(text="honey", category="wax", sort="price", limit=100)) == expected


@pytest.mark.limit(60)
async def test_the_newest_of_a_word_that_was_rare_of_late(
    search: PostgresSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not among the newest of all."""
    made = await many(search, RANKED + 50)
    await search.index([product(n, "Candle") for n in range(RANKED + 100, RANKED + 130)])
    expected = [one.id for one in sorted(made, key=lambda one: one.id, reverse=True)]
    monkeypatch.setattr(sorting, "_WALKED", sorting._WALKED.replace(f"limit {sorting.NEWEST}", "limit 20"))
    find.cache_clear()
    try:
        assert [hit.id for hit in (await search.search(Search(text="honey", sort="newest"))).hits] == expected[:20]
    finally:
        find.cache_clear()


#: Amounts in millionths: each small number, and around the beginnings of steps.
AMOUNTS = sorted(
    {10**6 * (n + d) for n in (*range(130), *(2**k for k in range(7, 40))) for d in (-1, 0, 1) if n + d >= 0}
)


@pytest.mark.parametrize(("sort", "most"), [("price", 16 * 36), ("popular", 72), ("rating", 100)])
async def test_no_greater_amount_is_in_a_lower_step(database: Database, sort: str, most: int) -> None:
    steps = await database.rows(STEP, sort=sort, amounts=AMOUNTS)
    assert steps == sorted(steps) and (steps[0], steps[-1]) == (0, most)
    assert await database.rows(STEP, sort=sort, amounts=[-5, 2**62]) > [0]


async def test_a_price_is_in_a_step_with_those_that_differ_by_less_than_seven_in_a_hundred(database: Database) -> None:
    first, last = await database.rows(STEP, sort="price", amounts=[10_000 * 10**6, 10_500 * 10**6])
    lower, _ = await database.rows(STEP, sort="price", amounts=[9_300 * 10**6, 1])
    assert lower < first and last - first <= 1
    assert await database.rows(STEP, sort="price", amounts=[n * 10**6 for n in range(32)]) == list(range(32))


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (0, 15), (0, 16), (3, 20), (10, 12), (15, 16), (16, 31), (16, 47), (17, 300), (0, 600)]
)
@pytest.mark.parametrize("sort", ["price", "popular", "rating"])
async def test_the_keys_of_a_range_find_what_is_in_it_and_nothing_else(
    database: Database, sort: str, low: int, high: int
) -> None:
    amounts = [one for one in AMOUNTS if one <= 10**6 * {"price": 2**40, "popular": 2**22, "rating": 5}[sort]]
    steps = await database.rows(STEP, sort=sort, amounts=amounts)
    expected = [step for step in steps if low <= step <= high]
    assert (await database.row(FOUND, sort=sort, low=low, high=high, amounts=amounts) or []) == expected


async def test_nothing_stands_further_back_than_the_last_step_that_is_looked_up(database: Database) -> None:
    """Whatever its stars and sales: the least that there are, none, and odd ones."""
    standings = await database.rows(STANDINGS, stars=[0, 0.001, 1, 3, 5] * 3, sales=[0] * 5 + [-7] * 5 + [10**6] * 5)
    last = max(int(elsewhere.removeprefix(ELSEWHERE)) for elsewhere, _ in standings)
    assert last == LAST_ELSEWHERE and all(int(titled.removeprefix(TITLED)) < ALL for _, titled in standings)
