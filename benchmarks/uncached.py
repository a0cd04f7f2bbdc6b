"""A listing of 20 products from the database, its first pages and those around page 10,000.

Who asks for one page many times at once has it from harvestd with one query, even without a cache. So 64 pages are asked
for in turn, by 32 connections: no two ask for the same one at the same time.
"""

from __future__ import annotations

import json

import psycopg2

from benchmarks import load
from benchmarks.contest import of, spent
from benchmarks.ground import Ground
from benchmarks.pinning import beside_the_load
from benchmarks.readers import BEFORE, LISTING, OURS, Readers, compared, measured, readers
from benchmarks.results import Figure, Target
from harvestd.kernel import cursors

PAGES, SIZE = 64, 20
SMALL, LARGE, DEEP = 10_000, 1_000_000, 10_000
NOTES = [
    "One process each, its cache off, under wrk with 32 connections that ask for 64 pages in turn; PostgreSQL "
    "shares the core of the load.",
    "harvestd has its default settings but for its limits of requests, which are off, and writes its access log to a file; "
    "the others write none.",
]


def run(ground: Ground) -> list[Figure]:
    """Against the peers; first against late pages; a small against a large market."""
    assert ground.postgres.process is not None
    with beside_the_load(ground.postgres.process.pid), readers(ground, SMALL, cache=False) as found:
        figures = [_peers(ground, found), _small(ground, found)]
        if not ground.quick:
            with readers(ground, LARGE, cache=False, peers=False) as large:
                figures.append(_large(ground, found, large))
    return figures


def _peers(ground: Ground, found: Readers) -> Figure:
    same = compared(found, LISTING)
    paths = {name: _walked(served.port) for name, served in found.items()}
    loads = measured(ground, found, paths)
    aims = ((BEFORE, 0.97), ("FastAPI", 2.0), ("Django", 2.0))
    targets = [Target(OURS, name, ratio) for name, ratio in aims if name in loads]
    return Figure(
        name="uncached-listing", title="A listing of 20 products, from the database", unit="requests/s",
        rounds=of(loads, lambda each: each.rate), targets=targets, notes=[*NOTES, f"{SMALL:,} products.", same],
        **spent(loads),
    )  # fmt: skip


def _walked(port: int) -> list[str]:
    """The paths of the first pages, by a server's own cursors."""
    paths = [LISTING]
    while len(paths) < PAGES:
        following = json.loads(load.body(port, paths[-1]))["next"]
        paths.append(f"{LISTING}&after={following}")
    return paths


def _small(ground: Ground, found: Readers) -> Figure:
    """Its first and its last pages."""
    first, last = "first pages", "last pages"
    served, url = found[OURS], ground.market(SMALL)
    loads = measured(
        ground,
        {first: served, last: served},
        {first: _pages(url, 1), last: _pages(url, DEEP)},
        1 if ground.quick else 2,
    )
    return Figure(
        name="uncached-pages", title="Pages of a listing from the database: 10 thousand products", unit="requests/s",
        rounds=of(loads, lambda each: each.rate), targets=[Target(last, first, 0.9)],
        ratio_of="all", **spent(loads),
        notes=[*NOTES, f"First pages are 2 to {PAGES + 1}, last pages the {PAGES} up to the last full one."],
    )  # fmt: skip


def _large(ground: Ground, small: Readers, large: Readers) -> Figure:
    """A hundred times the products, and a page far behind."""
    first, last = "10 thousand, first pages", "10 thousand, last pages"
    million, deep = "1 million, first pages", "1 million, up to page 10,000"
    urls = {first: ground.market(SMALL), million: ground.market(LARGE)}
    paths = {
        first: _pages(urls[first], 1), last: _pages(urls[first], DEEP),
        million: _pages(urls[million], 1), deep: _pages(urls[million], DEEP),
    }  # fmt: skip
    served = {first: small[OURS], last: small[OURS], million: large[OURS], deep: large[OURS]}
    loads = measured(ground, served, paths, 2)
    return Figure(
        name="uncached-million", title="Pages of a listing from the database: 10 thousand and 1 million products",
        unit="requests/s", rounds=of(loads, lambda each: each.rate), ratio_of="all", **spent(loads),
        targets=[
            Target(last, first, 0.9), Target(million, first, 0.9), Target(deep, first, 0.9), Target(deep, million, 0.9),
        ],
        notes=[*NOTES, f"First pages are 2 to {PAGES + 1}, the others the {PAGES} up to page 10,000 or the last full one."],
    )  # fmt: skip


def _pages(url: str, last: int) -> list[str]:
    """The paths of the pages up to page ``last``, or the last full one; of pages 2 to 65 where it is less."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from products where status = 'published'")
        [(published,)] = cursor.fetchall()
    connection.close()
    end = min(max(last, PAGES + 1), int(published) // SIZE)
    return [f"{LISTING}&after={after}" for after in cursors_of(url, (end - PAGES) * SIZE - 1, PAGES, SIZE)]


def cursors_of(url: str, skipped: int, number: int, step: int) -> list[str]:
    """So many cursors of the listing by age: of each ``step``-th of its rows after those skipped."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select id from products where status = 'published' order by id desc offset %s limit %s",
            (skipped, (number - 1) * step + 1),
        )
        ids = [str(id) for (id,) in cursor.fetchall()]
    connection.close()
    return [cursors.encode("newest", id) for id in ids[::step]]
