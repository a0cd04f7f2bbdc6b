"""The catalogue at size: pages of each sort and filter, near and far, searches, and how fast search documents are made anew.

One client asks one after another with the cache off, so what is told is how long an answer takes, not how many a machine gives. The large market has ``--rows`` products (a million in
the full form, else thirty thousand) of a five hundredth as many farms; page 10,000 is the last full one of what has fewer.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import attrs
import psycopg2

from benchmarks import rate
from benchmarks.ground import Ground
from benchmarks.load import LoadError
from benchmarks.results import Figure, Target
from benchmarks.served import Served, ctl, harvestd
from harvestd.kernel import cursors
from harvestd.loading.synthetic import words
from harvestd.market.catalogue.listing_terms import SORTS

SMALL, SIZE, DEEP = 10_000, 20, 10_000
#: Requests of a measurement, of as many different pages; slower than so many times the small market is a miss, and than so many times page 1.
EACH, SLOWER, DEEPER = 100, 2.0, 1.5
#: Seconds for a search, so that a slow one is measured and not refused.
PATIENT = 30
#: What is listed: the query, and the condition in SQL.
LISTINGS: dict[str, tuple[str, str]] = {
    **{sort: (f"sort={sort}", "true") for sort in SORTS},
    "category": ("category=tomatoes-peppers", "category_id = (select id from categories where slug = 'tomatoes-peppers')"),
    "tag": ("tag=heirloom", "tags && '{heirloom}'"),
    "unit": ("unit=litre", "unit = 'litre'"),
    "in stock": ("in_stock=true", "stock > reserved"),
    "prices": ("min_price=300&max_price=400&sort=price", "price between 300 and 400"),
    "free from": ("free_from=milk&free_from=gluten", "not allergens && '{milk,gluten}'"),
    "near": ("near=44.48,-73.21&radius_km=60", ""),
}  # fmt: skip


@attrs.frozen
class Market:
    """A market, the process before it, and its size in words."""

    url: str
    served: Served
    name: str


def run(ground: Ground) -> list[Figure]:
    """A small market against a large one."""
    rows = ground.rows
    urls = {SMALL: ground.market(SMALL), rows: ground.market(rows, farms=max(20, rows // 500))}
    with (
        harvestd(urls[SMALL], cache_size=0, search_timeout=PATIENT) as small,
        harvestd(urls[rows], cache_size=0, search_timeout=PATIENT) as large,
    ):
        markets = [Market(urls[SMALL], small, f"{SMALL:,}"), Market(urls[rows], large, f"{rows:,}")]
        figures = [
            _pages(ground, markets),
            _searches(ground, markets, "catalogue-search", "searches", questions()),
            _searches(
                ground, markets, "catalogue-sorted", "searches by something else than relevance", sorted_questions()
            ),
        ]
    return [*figures, _reindexed(ground, urls)]


def _pages(ground: Ground, markets: Sequence[Market]) -> Figure:
    found: dict[str, dict[str, list[float]]] = {}
    for market in markets:
        for where in ("page 1", "page 10,000"):
            asked = {name: _paths(market, name, where) for name in LISTINGS}
            each = {
                name: [_p99(market, paths) for _ in range(ground.rounds + 1)][1:]
                for name, paths in asked.items()
                if paths
            }
            found[f"{market.name} products, {where}"] = each
            ground.say(f"{market.name}, {where}: the worst is {max(map(max, each.values())):.1f} ms")
    first, *others = found
    worst = {who: [max(times) for times in zip(*each.values(), strict=True)] for who, each in found.items()}
    return Figure(
        name="catalogue-pages", title="The slowest of all sorts and filters: p99 of an answer with 20 products", unit="ms", better="less", rounds=worst,
        targets=[*(Target(who, first, 1 / SLOWER) for who in others), Target(others[-1], others[-2], 1 / DEEPER)],
        notes=[
            f"One process, its cache off, one client; {EACH} requests each once they were asked for, p99, of the slowest of {len(LISTINGS)} listings; PostgreSQL shares the machine.",
            *(f"{who}: {_told(each)}." for who, each in found.items()),
        ],
    )  # fmt: skip


def _told(each: Mapping[str, Sequence[float]]) -> str:
    return ", ".join(f"{name} {statistics.median(times):.1f}" for name, times in each.items())


def _paths(market: Market, name: str, where: str) -> list[str]:
    """As many different pages; near places have no far pages that anybody reads."""
    query, condition = LISTINGS[name]
    path = f"/api/products?limit={SIZE}&{query}"
    if where == "page 1":
        return [path]
    return [f"{path}&after={cursor}" for cursor in _cursors(market.url, name, condition)] if condition else []


def _cursors(url: str, name: str, condition: str) -> list[str]:
    """Of the pages up to page 10,000, or the last full one."""
    asked = re.search(r"sort=([-a-z]+)", LISTINGS[name][0])
    sort = asked[1] if asked else "newest"
    columns, order = ", ".join(column for column, _, _ in SORTS[sort].key), SORTS[sort].order
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        where = f"from products p where status = 'published' and {condition}"
        cursor.execute(f"select count(*) {where}")
        [(number,)] = cursor.fetchall()
        last = max(0, min(DEEP, number // SIZE - 1) * SIZE - EACH)
        cursor.execute(f"select {columns} {where} order by {order} offset %s limit %s", (last, EACH))
        keys = cursor.fetchall()
    connection.close()
    return [cursors.encode(sort, *(str(part) if column == "id" else part for part, (column, _, _) in zip(key, SORTS[sort].key, strict=True))) for key in keys]  # fmt: skip


def _p99(market: Market, paths: Sequence[str]) -> float:
    requests = [rate.request("GET", paths[number % len(paths)]) for number in range(EACH)]
    done = rate.paced(market.served.port, requests, 0, 120, connections=1)
    if done.failed:
        raise LoadError(f"{paths[0]}: {done.statuses}, {done.unanswered} without an answer")
    return done.p99


def _searches(
    ground: Ground, markets: Sequence[Market], name: str, title: str, asked: Mapping[str, Sequence[str]]
) -> Figure:
    """All kinds of questions, each kind by itself."""
    found = {}
    for market in markets:
        each = {kind: [_p99(market, paths) for _ in range(ground.rounds + 1)][1:] for kind, paths in asked.items()}
        found[f"{market.name} products"] = each
        ground.say(f"{title}, {market.name}: the worst is {max(map(max, each.values())):.1f} ms")
    worst = {who: [max(times) for times in zip(*each.values(), strict=True)] for who, each in found.items()}
    small, large = worst
    return Figure(
        name=name, title=f"The slowest kind of {title} in PostgreSQL: p99 of an answer with {SIZE} hits", unit="ms", better="less",
        rounds=worst, targets=[Target(large, small, 1 / SLOWER)],
        notes=[
            f"One process, its cache off, one client; {EACH} requests of each kind for what is sold, p99, of the slowest of {len(found[small])} kinds.",
            *(f"{who}: {_told(each)}." for who, each in found.items()),
        ],
    )  # fmt: skip


def questions() -> dict[str, list[str]]:
    """The addresses of each kind of question, always the same."""
    draw = random.Random(9)
    goods = [draw.choice(words.GOODS) for _ in range(EACH)]
    both = [f"{draw.choice(good.varieties)} {good.name}" for good in goods]
    kinds: dict[str, list[dict[str, Any]]] = {
        "a word": [{"q": good.name} for good in goods],
        "two words": [{"q": text} for text in both],
        "many words": [{"q": f"organic {one} {other} from the farm"} for one, other in zip(both, reversed(both), strict=True)],
        "mistyped": [{"q": _mistyped(good.name.split()[0], draw)} for good in goods],
        "nothing like it": [{"q": "".join(draw.choice("bcdfghjklmnpqrstvwxz") for _ in range(9))} for _ in goods],
        "a word in a category": [{"q": good.name, "category": good.category} for good in goods],
        "a word, prices": [{"q": good.name, "max_price": good.price, "in_stock": "true"} for good in goods],
        "a word, near": [{"q": good.name, "near": "44.48,-73.21"} for good in goods],
        "a category": [{"category": good.category} for good in goods],
        "everything": [{}],
    }  # fmt: skip
    return _addresses(kinds)


def sorted_questions() -> dict[str, list[str]]:
    """The same by something else than relevance."""
    draw = random.Random(10)
    goods = [draw.choice(words.GOODS) for _ in range(EACH)]
    return _addresses(
        {sort: [{"q": good.name, "sort": sort} for good in goods] for sort in ("newest", "price", "popular", "rating")}
    )


def _addresses(kinds: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    return {
        kind: [f"/api/search?{urlencode({'limit': SIZE, **one})}" for one in asked] for kind, asked in kinds.items()
    }


def _mistyped(word: str, draw: random.Random) -> str:
    """Two letters have changed places, which is what fingers do."""
    place = draw.randrange(1, max(2, len(word) - 2))
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _reindexed(ground: Ground, urls: Mapping[int, str]) -> Figure:
    """Each once: it takes as long as it takes."""
    found = {}
    for number, url in urls.items():
        began = time.monotonic()
        ctl(url, "reindex")
        found[f"{number:,} products"] = [number / (time.monotonic() - began)]
        ground.say(f"{number:,} products: {found[f'{number:,} products'][0]:,.0f} documents/s")
    return Figure(
        name="catalogue-reindex", title="Search documents made anew in PostgreSQL", unit="documents/s", rounds=found,
        notes=["harvestctl reindex, its start included, with PostgreSQL on the same machine; once each."],
    )  # fmt: skip
