"""A listing of 24 products with prices and stock, nothing cached: harvestd beside Vendure's ``products`` and its search.

Both have as many products, on one PostgreSQL, one process each. Pages are asked in turn, so that no two requests under way
want the same one and each has its own statements.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from psycopg2.extensions import parse_dsn

from benchmarks import rate, vendure_buyers, vendure_shop
from benchmarks.contest import contest, of, spent
from benchmarks.ground import Ground
from benchmarks.rate import Paced, paced
from benchmarks.results import Figure, Target
from benchmarks.served import Absent, Served, harvestd
from benchmarks.statements import Heard, heard
from servers import PostgresServer
from tests.daemons import request

OURS, PRODUCTS, SEARCH = "harvestd", "Vendure, products", "Vendure, search"
QUERIES = {PRODUCTS: vendure_buyers.PRODUCTS, SEARCH: vendure_buyers.SEARCH}
TAKE, GOODS, CLIENTS = 24, 1_000, 32
PAGES = 20
#: More than any machine answers in the time.
MOST_A_SECOND = 8000
NOTES = [
    f"{TAKE} of {GOODS:,} products with name, description, price and stock, {PAGES} pages in turn, {CLIENTS} clients; harvestd "
    "with a near cache of no bytes.",
    "harvestd also answers farm, category, season and rating, and pages by keyset, so it counts no total, which Vendure does "
    "for each page (totalItems is asked for, as storefronts do).",
    "Vendure's search is its DefaultSearchPlugin, with stock in the index: it has no more than a yes or no of stock.",
]


def run(ground: Ground) -> list[Figure]:
    """See the module. Raises :class:`Absent` in the quick form, and where Vendure is not installed."""
    if ground.quick:
        raise Absent("the quick form leaves Vendure out: filling its shop takes longer than all the rest")
    shop = vendure_shop.shop(ground.postgres, GOODS, "vendure_listing")
    url = ground.market(GOODS)
    counted = _counted(ground.postgres, url, shop)
    with ExitStack() as stack:
        api = stack.enter_context(_serving(url))
        peer = stack.enter_context(shop.serving()).process
        ours = [rate.request("GET", path) for path in _pages(api.port)]
        asked = {OURS: (api.port, ours)} | {
            name: (peer.port, _queries(peer.port, query)) for name, query in QUERIES.items()
        }
        for port, requests in asked.values():
            _load(port, requests, 1.0)
        found = contest(ground, {name: partial(_load, *what, ground.seconds) for name, what in asked.items()})
    return [
        Figure(
            name="vendure-listing", title=f"A listing of {TAKE} products, nothing cached", unit="requests/s",
            rounds=of(found, lambda each: each.rate),
            targets=[Target(OURS, PRODUCTS, ratio=100), Target(OURS, SEARCH, ratio=10)], notes=NOTES, **spent(found),
        ),
        Figure(
            name="vendure-listing-statements", title=f"Statements of a listing of {TAKE} products", unit="statements",
            better="less", rounds={name: [count] * ground.rounds for name, count in counted.items()},
            targets=[Target(OURS, value=2)], notes=["By PostgreSQL's log, with BEGIN and COMMIT. Counted once."],
        ),
    ]  # fmt: skip


def _serving(url: str) -> Served:
    return harvestd(url, cores=None, cache_size=0)


def _pages(port: int) -> list[str]:
    """The paths of the first pages, by their cursors."""
    paths = [f"/api/products?limit={TAKE}"]
    while len(paths) < PAGES:
        status, page, _ = request(port, "GET", paths[-1])
        if status != 200 or len(page["items"]) != TAKE or not page["next"]:
            raise RuntimeError(f"{paths[-1]} is answered with {status}, and not with a page that has a next one")
        paths.append(f"/api/products?limit={TAKE}&after={page['next']}")
    return paths


def _queries(port: int, query: str) -> list[bytes]:
    """The requests of the first pages, each tried once: GraphQL says 200 to errors, too."""
    bodies = [{"query": query, "variables": {"skip": TAKE * page, "take": TAKE}} for page in range(PAGES)]
    for body in bodies:
        _, answer, _ = request(port, "POST", "/shop-api", body)
        if answer.get("errors") or any(len(listing["items"]) != TAKE for listing in answer["data"].values()):
            raise RuntimeError(f"Vendure does not answer with a page: {str(answer)[:300]}")
    return [rate.request("POST", "/shop-api", json.dumps(body).encode()) for body in bodies]


def _load(port: int, requests: Sequence[bytes], seconds: float) -> Paced:
    wanted: Iterator[bytes] = itertools.islice(itertools.cycle(requests), round(MOST_A_SECOND * seconds))
    found = paced(port, wanted, 0, seconds, CLIENTS)
    if found.failed:
        raise RuntimeError(f"not every listing was answered: {found.statuses}, {found.unanswered} without an answer")
    return found


def _counted(server: PostgresServer, url: str, shop: vendure_shop.Shop) -> dict[str, float]:
    """Statements of a listing, of processes that did it before."""
    found = {}
    with heard(server, str(parse_dsn(url)["dbname"])) as log, _serving(url) as api:
        found[OURS] = _each(log, api.port, [rate.request("GET", path) for path in _pages(api.port)])
    with heard(server, shop.database) as log, shop.serving() as peer:
        for name, query in QUERIES.items():
            found[name] = _each(log, peer.process.port, _queries(peer.process.port, query))
    return found


def _each(log: Heard, port: int, requests: Sequence[bytes]) -> float:
    """The statements of one request: those of all, less what the process asks meanwhile of its own."""
    paced(port, requests, 0, 10.0, 1)
    before, began = len(log.trips), time.monotonic()
    paced(port, requests, 0, 10.0, 1)
    during, took = log.trips[before:], time.monotonic() - began
    time.sleep(took)
    idle = log.trips[before + len(during) :]
    statements = sum(len(trip.statements) for trip in during) - sum(len(trip.statements) for trip in idle)
    return max(0, round(statements / len(requests), 1))
