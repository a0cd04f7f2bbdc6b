"""Search on PostgreSQL: the contract, and what is this implementation's own."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import AsyncIterator
from copy import copy
from datetime import timedelta
from typing import Any

import attrs
import psycopg2
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from harvestd.interfaces import Boost, Document, ISearch, Rules, Search, Suggestion
from harvestd.market.search.places import Place
from harvestd.market.search.postgres import candidates, counts
from harvestd.market.search.postgres import pending as search_pending
from harvestd.market.search.postgres.candidates import RANKED
from harvestd.market.search.postgres.engine import MAX_MISTYPED, PostgresSearch
from harvestd.market.search.postgres.parameters import parameters
from harvestd.market.search.postgres.query import find
from harvestd.market.search.postgres.scoring import Form
from harvestd.market.search.postgres.similar import SIMILAR
from harvestd.market.search.postgres.suggest import BEGINS
from harvestd.market.search.text import PRICE_EDGES, QUERY_WORDS
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.literals import bind
from harvestd.store.postgres.statements import Statement, nothing, scalar
from tests.contracts.search import NOON, STALL, SearchContract, everything, id_of, pages, product

WORDS = Statement("test.words", "select word from search_words order by word", scalar)
#: As documents were before they had keys, and what says that they are made anew.
STRIPPED = Statement("test.stripped", "update search_documents set lexemes = ts_filter(lexemes, '{a,b,c}')", nothing)
RENEWED = Statement(
    "test.renewed", "insert into search_renewals (source, id) values ('search', gen_random_uuid())", nothing
)
#: Questions that are looked up by keys.
KEYED = (
    Search(category="bakery"), Search(text="carrots", tag="organic"), Search(text="jam", farm="hill-farm", unit="each"), Search(min_price=600),
    Search(category=("dairy", "bakery"), max_price=1000),
)  # fmt: skip
VERSION = Statement("test.version", "select version from search_documents where id = :id", scalar)


@pytest.fixture
def search(database: Database) -> PostgresSearch:
    return PostgresSearch(database, "english", lambda: NOON)


@pytest_twisted.async_yield_fixture
async def stall(search: PostgresSearch) -> AsyncIterator[PostgresSearch]:
    await search.index(STALL)
    yield search


class TestPostgresSearchContract(SearchContract):
    pass


def test_it_is_an_ISearch(search: PostgresSearch) -> None:
    assert verifyObject(ISearch, search)


class Renamed:
    """A reader whose statements have names of their own, so that no connection has them prepared otherwise."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def rows(self, statement: Statement[Any], **values: Any) -> Any:
        return await self.database.rows(self._renamed(statement), **values)

    async def row(self, statement: Statement[Any], **values: Any) -> Any:
        return await self.database.row(self._renamed(statement), **values)

    def _renamed(self, statement: Statement[Any]) -> Statement[Any]:
        other = copy(statement)
        object.__setattr__(other, "name", f"whole.{statement.name}")
        return other


class Counting:
    """A reader that counts round trips."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.trips = 0

    async def rows(self, statement: Statement[Any], **values: Any) -> Any:
        self.trips += 1
        return await self.database.rows(statement, **values)

    async def row(self, statement: Statement[Any], **values: Any) -> Any:
        self.trips += 1
        return await self.database.row(statement, **values)


@pytest.mark.parametrize(
    ("question", "trips"),
    [(Search(text="honey"), 1), (Search(text="honey", farm="green-acre", near=(48.0, 11.0), radius=10.0), 3), (Search(), 1),
     (Search(text="hony"), 3), (Search(text="🥕"), 0), (Search(text="qqqqqqq"), 2), (Search(text="hony qqqqqqq"), 3)],
)  # fmt: skip
async def test_a_question_costs_one_round_trip_and_a_mistyped_one_three(
    database: Database, question: Search, trips: int
) -> None:
    reader = Counting(database)
    search = PostgresSearch(database, "english", lambda: NOON, reader)
    await search.index([product(n, "Honey") for n in range(1, 10)])
    await search.search(question)
    assert reader.trips == trips


@pytest.mark.parametrize(
    ("statement", "given", "index"),
    [(find(Form(True, "relevance")), parameters("english", Search(text="honey"), ["honey"], None, None, Place(NOON)), "search_documents_lexemes"),
     (find(Form(True, "relevance", ruled=True)), parameters("english", Search(text="honey", rules=Rules(pins=(id_of(1),))), ["honey"], None, None, Place(NOON)),
      "search_documents_lexemes"),
     (SIMILAR, {"language": "english", "words": ["hony"], "grams": ["  h| ho|hon|ny |ony"], "allowed": [1]}, "search_words_trigrams"),
     (BEGINS, {"key": "hon", "last": "hoo", "limit": 10}, "search_documents_title"), (BEGINS, {"key": "hon", "last": "hoo", "limit": 10}, "search_documents_farm"),
     (BEGINS, {"key": "hon", "last": "hoo", "limit": 10}, "search_documents_category")],
)  # fmt: skip
def test_each_index_serves_its_statement_also_under_a_plan_for_any_parameters(
    untouched_database_url: str, statement: Statement[Any], given: dict[str, Any], index: str
) -> None:
    connection = psycopg2.connect(untouched_database_url)
    try:
        cursor = connection.cursor()
        cursor.execute("set enable_seqscan = off; set plan_cache_mode = force_generic_plan")
        cursor.execute(f"prepare s as {statement.sql}")
        values = [bind(value) for value in statement.call(given)[2]]
        cursor.execute(f"explain execute s({','.join(['%s'] * len(values))})", values)
        assert any(index in line for (line,) in cursor.fetchall())
    finally:
        connection.close()


#: Of one document, many more.
MANY = Statement(
    "test.many",
    """insert into search_documents select (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid()))).*
         from search_documents d, generate_series(1, :count::int) where d.id = :id""",
    nothing,
)


async def test_counts_stop_at_some_thousand_and_pages_do_not(database: Database, search: PostgresSearch) -> None:
    await search.index(
        [product(1, "Honey", category="pantry", tags=("sweet",)), product(2, "Honey, best", popularity=9.0)]
    )
    for _ in range(RANKED // 500 + 1):
        await database.transaction(lambda tx: tx.run(MANY, count=500, id=id_of(1)))
    for question in (Search(), Search(text="honey")):
        found = await search.search(question)
        assert found.total == RANKED
        assert all(value.count <= RANKED for values in found.facets.values() for value in values)
        assert found.facets["tag"][0].count >= RANKED - 1
        assert found.next is not None
    assert (await search.search(Search(limit=1))).hits[0].id == id_of(2), "the best of all, counted or not"


async def of_very_many(search: PostgresSearch) -> list[Document]:
    """More honey than is ranked, each a little better or worse than the others, in three pools: by its title, by its category, sold out."""
    chance = random.Random(5)
    made = [
        product(
            n, *chance.choice([("Honey",), ("Linden honey",), ("Very good linden honey",), ("Candle",)]), category="honey", category_name="Honey",
            farm=f"farm-{n % 9}", farm_name=f"Farm {n % 9}", price=chance.randrange(100, 900), in_stock=chance.random() < 0.9,
            popularity=float(chance.paretovariate(1) - 1), rating=chance.choice([0.0, 3.5, 4.0, 4.5, 5.0]),
            fresh_at=NOON - timedelta(days=chance.randrange(90)), latitude=40.0 + n % 9, longitude=-70.0,
        )
        for n in range(1, 3 * RANKED)
    ]  # fmt: skip
    for start in range(0, len(made), 500):
        await search.index(made[start : start + 500])
    return made


@pytest.mark.limit(60)
async def test_the_first_hits_of_very_many_are_those_of_all_ranked(
    search: PostgresSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await of_very_many(search)
    boost = Rules(boosts=(Boost("farm", ("farm-4",), 3.0),), pins=(id_of(700),))
    questions = [
        Search(text="honey"), Search(text="linden honey"), Search(), Search(text="honey", near=(44.0, -70.0)), Search(text="honey", rules=boost),
        Search(text="honey", max_price=800), Search(text="honey", farm=("farm-1", "farm-2", "farm-3", "farm-4")), Search(text="hony"),
        *(Search(text="honey", sort=sort) for sort in ("newest", "price", "-price", "popular", "rating")),
    ]  # fmt: skip
    quickly = [[hit.id for hit in (await search.search(question)).hits] for question in questions]
    for module in (candidates, counts):
        monkeypatch.setattr(module, "RANKED", 10**6)
    find.cache_clear()
    one_by_one = PostgresSearch(search._database, "english", lambda: NOON, Renamed(search._database))
    try:
        for question, ids in zip(questions, quickly, strict=True):
            assert ids == [hit.id for hit in (await one_by_one.search(question)).hits], question
    finally:
        find.cache_clear()


@pytest.mark.limit(60)
async def test_the_pages_of_very_many_hits_have_each_once(search: PostgresSearch) -> None:
    made = await of_very_many(search)
    left = sum(document.in_stock for document in made)
    for question, number in ((Search(text="honey", limit=100), len(made)), (Search(limit=100, in_stock=True), left)):
        ids = await everything(search, question)
        assert len(ids) == len(set(ids)) == number


async def test_filters_hold_while_documents_are_still_without_keys(database: Database, search: PostgresSearch) -> None:
    await search.index(STALL)
    found = [await search.search(question) for question in KEYED]
    assert all(one.total for one in found)
    for statement in (STRIPPED, RENEWED):
        await database.transaction(lambda tx, statement=statement: tx.run(statement))
    assert [await search.search(question) for question in KEYED] == found


@pytest.mark.parametrize(
    "odd", ["it's", "back\\slash", "'", "\\", "a b & !c | (d) <-> e", "~0", "=carrot", "x" * 3000, "é🥕"]
)
async def test_a_filter_may_have_any_value(search: PostgresSearch, odd: str) -> None:
    await search.index([product(1, "Honey", tags=(odd,), category=odd), product(2, "Honey", tags=("other",))])
    for question in (
        Search(tag=odd),
        Search(text="honey", tag=odd),
        Search(category=odd),
        Search(text="honey", category=odd, tag=odd),
    ):
        assert [hit.id for hit in (await search.search(question)).hits] == [id_of(1)]


async def test_no_word_is_a_key(search: PostgresSearch) -> None:
    await search.index(STALL)
    for text in ("=carrot", "~0", "tag:organic", "unit:kg ~out", "'~0'"):
        assert (await search.search(Search(text=text))).total == (
            await search.search(Search(text=text.translate(dict.fromkeys(map(ord, "=~:'"), " "))))
        ).total


@pytest.mark.parametrize("number", [3, QUERY_WORDS])
async def test_of_many_mistyped_words_the_longest_are_looked_up(search: PostgresSearch, number: int) -> None:
    """To compare one with every word of a market takes long."""
    asked: list[list[int]] = []

    class Noting(Counting):
        async def rows(self, statement: Statement[Any], **values: Any) -> Any:
            asked.append(values["allowed"])
            return await super().rows(statement, **values)

    await search.index([product(1, "Strawberries"), product(2, "Pears")])
    noting = PostgresSearch(search._database, "english", lambda: NOON, Noting(search._database))
    words = ["strawbrries", *(f"pea{'xyz'[n % 3]}{chr(97 + n)}" for n in range(number - 1))]
    assert [hit.id for hit in (await noting.search(Search(text=" ".join(words)))).hits] == [id_of(1)]
    assert [sum(1 for errors in one if errors) for one in asked] == [min(number, MAX_MISTYPED)]


async def test_many_writers_of_the_same_documents_leave_the_newest(database: Database, search: PostgresSearch) -> None:
    """In whatever order their transactions meet, without a deadlock."""
    batches = [
        [product(n, f"Honey {version} word{version}", version=version) for n in (range(1, 21) if version % 2 else range(20, 0, -1))]
        for version in range(1, 13)
    ]  # fmt: skip
    for writing in [Deferred.fromCoroutine(search.index(batch)) for batch in batches]:
        await writing
    assert [await database.row(VERSION, id=id_of(n)) for n in (1, 10, 20)] == [12, 12, 12]
    assert (await search.search(Search(text="word12"))).total == 20


async def test_a_farm_is_suggested_as_a_farm(search: PostgresSearch) -> None:
    farm = Document(kind="farm", id=id_of(1), version=1, title="Orchard Hill", farm="orchard-hill", body={})
    await search.index([farm, product(2, "Orchard apples")])
    assert set(await search.suggest("orch")) == {
        Suggestion("Orchard Hill", "farm", "orchard-hill"),
        Suggestion("Orchard apples", "product", "p2", id_of(2), 1),
    }


async def test_words_that_no_document_has_any_more_are_forgotten_by_a_rebuild(
    database: Database, search: PostgresSearch
) -> None:
    await search.index([*STALL, product(50, "Quinces")])
    assert "quinces" in await database.rows(WORDS)
    await search.rebuild(pages(STALL, 100), lambda count: None)
    left = await database.rows(WORDS)
    assert "quinces" not in left and {"carrots", "creme", "sugar"} <= set(left)


async def test_another_language_holds_after_a_rebuild(database: Database, search: PostgresSearch) -> None:
    await search.index([product(1, "Häuser")])
    german = PostgresSearch(database, "german", lambda: NOON)
    await german.rebuild(pages([product(1, "Häuser")], 10), lambda count: None)
    assert (await german.search(Search(text="haus"))).total == 1
    (hit,) = (await german.search(Search(text="haus"))).hits
    assert hit.highlight["title"] == "<em>Häuser</em>"


async def test_without_a_language_words_are_found_as_they_stand(database: Database) -> None:
    plain = PostgresSearch(database, "simple", lambda: NOON)
    await plain.index([product(n, "The carrots") for n in range(1, 8)])
    assert (await plain.search(Search(text="the carrots"))).total == 7


async def test_the_statement_draws_the_same_price_brackets_as_the_table(search: PostgresSearch) -> None:
    prices = sorted({*PRICE_EDGES, *[edge + 1 for edge in PRICE_EDGES], *[max(0, edge - 1) for edge in PRICE_EDGES]})
    await search.index([product(n, "Honey", price=price) for n, price in enumerate(prices, 1)])
    found = await search.search(Search())
    expected = [sum(bisect_right(PRICE_EDGES, price) - 1 == n for price in prices) for n in range(len(PRICE_EDGES))]
    assert [facet.count for facet in found.facets["price"]] == expected


async def test_no_facet_has_more_than_its_share_of_values(search: PostgresSearch) -> None:
    await search.index([product(n, "Honey", farm=f"farm-{n}", tags=(f"tag {n}",)) for n in range(1, 41)])
    found = await search.search(Search())
    assert (len(found.facets["farm"]), len(found.facets["tag"])) == (20, 20)


async def test_the_pages_of_one_search_keep_their_moment(database: Database) -> None:
    """Freshness is taken at the first page's moment, so that scores do not drift under the cursor."""
    now = NOON
    search = PostgresSearch(database, "english", lambda: now)
    await search.index([product(n, "Honey", popularity=float(n)) for n in range(1, 31)])
    first = await search.search(Search(limit=10))
    from datetime import timedelta

    now += timedelta(days=3)
    ids = [hit.id for hit in first.hits]
    question: Search | None = Search(limit=10, after=first.next)
    while question is not None:
        found = await search.search(question)
        ids += [hit.id for hit in found.hits]
        question = attrs.evolve(question, after=found.next) if found.next else None
    assert ids == [id_of(n) for n in range(30, 0, -1)]


async def test_elasticsearch_is_told_every_field_of_a_document(database: Database, search: PostgresSearch) -> None:
    """It is filled from PostgreSQL's documents alone."""
    whole = product(
        1, "Honey", text="Sweet.", texts={"fr": ("Miel", "Doux.")}, also="Tyrol\nhoney", category="pantry", category_name="Pantry", category_names={"fr": "Épicerie"}, tags=("a", "b"),
        allergens=("milk", "nuts"), benefits=("snap", "wic"),
        codes=("AB-12", "4006381333931"), season_from="05-01", season_to="06-01", popularity=3.0, rating=4.5, latitude=1.0, longitude=2.0,
    )  # fmt: skip
    told = attrs.fields_dict(Document).keys() - {
        "removed",
        "sight",
    }  # who finds what not everybody does is PostgreSQL's alone
    assert all(getattr(whole, name) for name in told), "none is left out here"
    await search.index([whole])
    assert await search_pending.page(database, None, 10) == [whole]
