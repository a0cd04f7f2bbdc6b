"""``harvestctl seed``: a made-up catalogue whose books agree, that can be listed and found, and the same for the same seed."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from urllib.request import urlopen

import psycopg2
import pytest

from harvestd.assembly.clock import new_id, now
from harvestd.ctl import main
from harvestd.ctl.command import Misused
from harvestd.ctl.command_line import parser
from harvestd.ctl.seed import numbers
from harvestd.interfaces import Search
from harvestd.loading.picturing import of_best
from harvestd.loading.synthetic.bulk_load import bulk_load
from harvestd.loading.synthetic.catalogue import SALES, Plan, zipf
from harvestd.market.catalogue import cards, listing_terms, listings
from harvestd.market.catalogue import filter_rows as filters
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.store.postgres.database import Database
from servers import wait_until
from servers.elasticsearch import ElasticsearchServer
from tests.ctl.test_ctl import changes, rows
from tests.daemons import HARVESTCTL, ctl, environment
from tests.people import Market

Run = Callable[..., subprocess.CompletedProcess[str]]
VIEW = cards.View("EUR", "2026-06-01")
COUNTS = "select (select count(*) from farms), (select count(*) from products), (select count(*) from search_documents)"
#: Everything of products that is not of the run: ids and times are, and days of harvest.
CATALOGUE = """
select p.slug, f.slug, c.slug, p.title, p.description, p.unit, p.price, p.stock, p.quantity_step, p.tags, p.sales, p.season_from
  from products p join farms f on f.id = p.farm_id join categories c on c.id = p.category_id order by p.slug"""
DOCUMENTS = "select (to_jsonb(d) - '{indexed_at}'::text[])::text from search_documents d order by id"


@pytest.fixture
def run(tmp_path: Path, database_url: str) -> Run:
    """harvestctl seed on a migrated, empty database."""
    return lambda *words, command="seed": ctl(tmp_path, command, *words, database_url=database_url)


def test_a_seeded_market_is_whole(run: Run, database_url: str) -> None:
    done = run("--products=600", "--farms=20")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("600 products of 20 farms added with their search documents: "), done.stdout
    assert rows(database_url, COUNTS) == [(20, 600, 600)]
    checked = run("--at-rest", command="check")
    assert checked.returncode == 0, checked.stdout
    for rule, wrong in (
        ("a product without a category", "category_id is null"),
        ("quantities that cannot be sold", "min_quantity % quantity_step <> 0 or stock < 0"),
        ("a product before the one made before it", "id::text < lag"),
    ):
        sql = f"select slug from (select *, lag(id::text) over (order by substring(slug from 'n([0-9]+)$')::integer) as lag from products) p where {wrong}"
        assert rows(database_url, sql) == [], rule
    ((few, spread, sold_out),) = rows(
        database_url,
        """select count(distinct category_id), count(distinct farm_id), count(*) filter (where stock = 0) from products""",
    )
    assert isinstance(few, int) and few > 15 and spread == 20 and sold_out
    before = rows(database_url, DOCUMENTS)
    words = rows(database_url, "select word, lexeme from search_words order by word")
    assert run(command="reindex").returncode == 0
    assert rows(database_url, DOCUMENTS) == before, "the same as if each product had been indexed by itself"
    assert set(rows(database_url, "select word, lexeme from search_words")) <= set(words)


#: What a seed of 600 products has at least, by what it is.
FILLED = {
    "products with allergens": "select count(*) from products where allergens <> '{}'",
    "with ingredients and a number of their own": "select count(*) from products where ingredients <> '' and gtin <> ''",
    "with an origin and ids elsewhere": "select count(*) from products where origin <> '' and sku <> '' and external_id is not null and lot <> ''",
    "with a place to keep them": "select count(*) from products where storage = 'chilled'",
    "to be eaten by a day": "select count(*) from products where durability_kind = 'use_by' and durability_date > current_date",
    "certified": "select count(*) from products where jsonb_array_length(certifications) > 0",
    "farms with certificates": "select count(*) from farms where jsonb_array_length(certificates) > 0 and turns_on is not null",
    "that deliver": "select count(*) from farms where delivery is not null",
    "that are away some time": "select count(*) from farms where away <> '[]' and turns_on > current_date",
    "with a position and hours": "select count(*) from farms where pickup_points -> 0 -> 'position' ->> 'latitude' is not null and pickup_points -> 0 ->> 'hours' <> ''",
    "categories in two more languages": "select count(*) from categories where translations ? 'de' and translations ? 'fr' and not translations ? 'es' and icon <> '' and color <> ''",
    "synonyms": "select count(*) from search_rules where kind = 'synonym'",
    "pins": "select count(*) from search_rules where kind = 'pin'",
    "boosts": "select count(*) from search_rules where kind = 'boost'",
    "pictures": "select count(*) from product_images where status = 'ready' and alt <> ''",
}  # fmt: skip


def test_a_seed_fills_what_the_catalogue_has(run: Run, database_url: str, tmp_path: Path) -> None:
    """As the API would have taken it; and the same for the same seed."""
    done = ctl(
        tmp_path,
        "seed",
        "--products=600",
        "--farms=40",
        "--pictures=5",
        database_url=database_url,
        market_languages="en,de,fr",
    )
    assert done.returncode == 0 and "5 pictures drawn" in done.stdout, done.stdout
    empty = [what for what, sql in FILLED.items() if not rows(database_url, sql)[0][0]]
    assert empty == []
    assert rows(database_url, FILLED["pictures"]) == [(5,)]
    checked = run("--at-rest", command="check")
    assert checked.returncode == 0, checked.stdout
    assert run("check", "--content", command="blobs").returncode == 0
    wrong = """select p.gtin from products p where p.gtin <> ''
        and (select sum(substr(p.gtin, n, 1)::int * case when n % 2 = 0 then 3 else 1 end) from generate_series(1, 13) n) % 10 <> 0"""
    assert rows(database_url, wrong) == []


async def test_what_was_seeded_is_what_the_api_reads(market: Market, database_url: str) -> None:
    """Each farm and product is shown, whatever it was filled with."""
    connection = psycopg2.connect(database_url)
    bulk_load(connection, Plan(200, 20, 1, now(), new_id), "english", lambda what, done: None)
    connection.close()
    assert await of_best(market.parts, "seed:1:%", 3, lambda done: None) == 3
    page = (await market.stranger.get("/api/products?sort=popular&limit=100")).json()["items"]
    assert [len(one["images"]) for one in page[:4]] == [1, 1, 1, 0]
    picture = await market.stranger.get(page[0]["images"][0]["sizes"]["small"]["webp"])
    assert (picture.status, picture.headers["content-type"]) == (200, "image/webp")
    for one in page[:30]:
        shown = await market.stranger.get(f"/api/products/{one['slug']}")
        assert shown.status == 200, shown.text
    farms = (await market.stranger.get("/api/farms?limit=20")).json()["items"]
    for farm in farms:
        assert (await market.stranger.get(f"/api/farms/{farm['slug']}")).status == 200
    assert any(one["allergens"] for one in page) and any(one["certifications"] for one in page)
    assert (await market.stranger.get("/api/categories")).status == 200
    assert (await market.stranger.get("/api/search?q=zucchini")).json()["items"], "a synonym"
    assert market.broken() == []


def test_popularity_is_zipfs(run: Run, database_url: str) -> None:
    assert run("--products=1000", "--no-search").returncode == 0
    sales = [int(str(n)) for (n,) in rows(database_url, "select sales from products order by sales desc")]
    assert abs(sum(sales) / 1000 - SALES) < 1
    for rank in (2, 5, 10, 50, 100):
        assert abs(sales[0] / rank - sales[rank - 1]) <= 1, rank
    assert rows(database_url, "select count(*) from farms") == [(10,)], "one for a hundred products"
    assert rows(database_url, "select count(*) from products where rating_count > sales or upvote_count > sales") == [
        (0,)
    ]
    changes(database_url, "update products set sales = sales + 1 where slug like '%n3'")
    broken = run(command="check")
    assert (broken.returncode, "the number of sales differs" in broken.stdout) == (1, True), (
        "what was sold before is told apart, and what never was is found"
    )


def test_sales_of_any_number_of_products_are_on_the_average_the_same() -> None:
    for number in (1, 10, 10_000):
        assert abs(sum(zipf(number, Random(1))) / number - SALES) < 1


def test_the_same_seed_is_the_same_catalogue(
    run: Run, database_url: str, second_database_url: str, tmp_path: Path
) -> None:
    assert run("--products=300", "--seed=7", "--no-search").returncode == 0
    again = ctl(tmp_path, "seed", "--products=300", "--seed=7", "--no-search", database_url=second_database_url)
    assert again.returncode == 0
    first = rows(database_url, CATALOGUE)
    assert rows(second_database_url, CATALOGUE) == first
    refused = run("--products=300", "--seed=7")
    assert (refused.returncode, "the catalogue of --seed 7 already" in refused.stdout) == (1, True), refused.stdout
    assert run("--products=300", "--seed=8", "--no-search").returncode == 0
    other = rows(database_url, CATALOGUE)
    assert len(other) == 600
    assert len({(row[3], row[4]) for row in other}) > 400, "another seed is another catalogue"


def test_a_real_market_is_not_seeded(run: Run, database_url: str) -> None:
    assert run("ada@example.org", "--generate", command="create-admin").returncode == 0
    refused = run("--products=10")
    assert (refused.returncode, "has accounts already" in refused.stdout, "--force" in refused.stdout) == (
        1,
        True,
        True,
    )
    assert rows(database_url, COUNTS) == [(0, 0, 0)]
    assert run("--products=10", "--force").returncode == 0
    assert rows(database_url, COUNTS) == [(1, 10, 10)]


@pytest.mark.parametrize(
    "words, why",
    [
        (["--products=0"], "--products 0: must be 1 to 10000000"),
        (["--products=5", "--farms=0"], "--farms 0: must be 1 to"),
        (["--products=5", "--seed=-1"], "--seed -1: must be 0 to"),
    ],
)
def test_numbers_out_of_range_are_named(words: list[str], why: str) -> None:
    with pytest.raises(Misused) as failed:
        numbers(parser("seed").parse_args(["seed", *words]))
    assert why in str(failed.value)


def test_the_number_of_products_has_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--products=many"]):
        with pytest.raises(SystemExit) as ended:
            main(["seed", *words])
        assert ended.value.code == 2
    capsys.readouterr()


async def test_what_was_seeded_is_listed_and_found(database: Database, database_url: str) -> None:
    connection = psycopg2.connect(database_url)
    bulk_load(connection, Plan(200, 5, 1, now(), new_id), "english", lambda what, done: None)
    connection.close()
    listed = await listings.products(
        database,
        listing_terms.Filters.of(
            categories=[id for id, _ in (await filters.named(database, ["vegetables"], [])).categories]
        ),
        "popular",
        None,
        20,
        VIEW,
    )
    assert len(listed) == 20, "those of the categories below, too"
    assert [p.key for p in listed] == sorted((p.key for p in listed), reverse=True)
    newest = await listings.products(database, listing_terms.Filters(), "newest", None, 1, VIEW)
    product = json.loads(newest[0].text)
    assert product["slug"].endswith("-s1n199")
    found = await PostgresSearch(database).search(Search(text=product["title"]))
    assert product["id"] in [hit.id for hit in found.hits]


def test_an_interrupted_seed_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    indexes = "select count(*) from pg_indexes where tablename = 'products' and indexdef like '%published%'"
    before = rows(database_url, indexes)
    process = subprocess.Popen(
        [HARVESTCTL, "seed", "--products=1000000"], env=environment(tmp_path, database_url=database_url),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    locked = """select count(*) > 0 from pg_locks l join pg_class c on c.oid = l.relation
                 where c.relname = 'stock_ledger' and l.mode = 'RowExclusiveLock'"""
    wait_until("it stores", lambda: rows(database_url, locked) == [(True,)])
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "harvestctl seed: stopping\n")
    assert rows(database_url, COUNTS) == [(0, 0, 0)]
    assert rows(database_url, indexes) == before, "the indexes are there"


@pytest.mark.xdist_group("elasticsearch")
def test_elasticsearch_has_what_was_seeded(
    tmp_path: Path, database_url: str, elasticsearch: ElasticsearchServer
) -> None:
    settings = {"elasticsearch_url": elasticsearch.url, "elasticsearch_index": f"seeded-{new_id()}"}
    done = ctl(tmp_path, "seed", "--products=30", database_url=database_url, **settings)
    assert done.returncode == 0, done.stdout
    assert rows(database_url, "select count(*) from search_pending") == [(0,)], "nothing waits for it"
    with urlopen(f"{elasticsearch.url}/{settings['elasticsearch_index']}-*/_count") as answer:
        assert json.load(answer)["count"] == 30
