"""What the cache answers of a mix of reads and writes over three processes, and how old that is, while Redis dies and returns.

The mix, and what is checked of it, are those of the fault runs (``tests/faults/mix.py``): product pages and listings by Zipf,
one request in a hundred a write, readers who stay with a process and readers who wander.
"""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import attrs
from psycopg2.extensions import parse_dsn

from benchmarks.cpu import Meter, Spent, told
from benchmarks.ground import Ground
from benchmarks.results import Figure, Target
from servers import free_port, temporary_folder
from servers.redis import RedisServer
from tests.daemons import Daemon, register
from tests.faults.market import Market
from tests.faults.mix import LISTED, WRITTEN, Back, Lookups, Mix, lookups
from tests.faults.raw import Wire

PROCESSES, FARMERS, BUYERS = 3, 4, 8
#: Pages that are read, of a market of ten times as many products; reads a second of all processes.
PAGES, PACE = 1_000, 800.0
#: Products that can be bought by the piece in any season, by falling popularity; they are given to farms that can sign in.
_GOODS = """
select id::text from products where status = 'published' and season_from is null
 order by sales desc, id desc limit %s"""
_GIVE = """
update products set farm_id = %s, unit = 'each', quantity_step = 1, min_quantity = 1, stock = reserved + 100000
 where id = any(%s::uuid[])"""
_LEDGER = """
insert into stock_ledger (id, product_id, kind, change, level, reason, created_at)
select gen_random_uuid(), p.id, 'correction', p.stock - l.sum, p.stock, 'for the benchmark', now()
  from products p join (select product_id, sum(change) from stock_ledger group by 1) l on l.product_id = p.id
 where p.stock <> l.sum"""


def run(ground: Ground) -> list[Figure]:
    """See the module."""
    with ExitStack() as stack:
        redis = RedisServer()
        stack.callback(redis.remove)
        redis.start()
        shop = _shop(ground, redis, stack)
        products = _products(shop)
        _warm([api.port for api in shop.apis], [product for product, _ in products])
        found = []
        for number in range(1 if ground.quick else ground.rounds):
            mix = Mix(shop, products, PACE, readers=12, seed=number + 1)
            found.append(_round(mix, redis, 2.0 if ground.quick else 4.0))
            ground.say(f"round {number + 1}: {100 * found[-1].all.rate:.1f} % from the cache")
    notes = _notes(found)
    return [
        Figure(
            name="mix-hits", title="Of a mix with 1 % writes, answered from the cache", unit="%",
            rounds={
                "cache": [100 * each.all.rate for each in found],
                "of it the process's own": [100 * each.all.near for each in found],
                "cache while Redis is away": [100 * each.away.rate for each in found],
            },
            targets=[Target("cache", value=90)], notes=notes,
        ),
        Figure(
            name="mix-age", title="How old an answer was at most, after a write", unit="ms", better="less",
            rounds={
                "oldest answer": [1000 * max(each.ages) for each in found],
                "p99.9": [1000 * sorted(each.ages)[int(len(each.ages) * 0.999)] for each in found],
            },
            targets=[Target("oldest answer", value=1000)], notes=notes,
        ),
    ]  # fmt: skip


@attrs.frozen
class Round:
    """What was looked up in all of it, and while Redis was away; how old each answer was, in seconds."""

    mix: Mix
    seconds: float
    all: Lookups
    away: Lookups
    ages: list[float]
    spent: Spent


def _round(mix: Mix, redis: RedisServer, part: float) -> Round:
    """Three parts of so many seconds, with Redis, without, and with a new one. RuntimeError when a request went wrong."""
    ports = [api.port for api in mix.shop.apis]
    meter = Meter(ports)
    mix.begin()
    time.sleep(1)
    before = lookups(ports)
    time.sleep(part)
    redis.kill()
    away = lookups(ports)
    time.sleep(part)
    back = lookups(ports)
    redis.start()
    time.sleep(part)
    after = lookups(ports)
    mix.finish()
    spent = meter.spent(len(mix.answers) + len(mix.writes))
    if mix.wrong:
        raise RuntimeError(f"{len(mix.wrong)} requests went wrong: {mix.wrong[:3]}")
    return Round(mix, 3 * part, after.since(before), back.since(away), mix.age(), spent)


def _shop(ground: Ground, redis: RedisServer, stack: ExitStack) -> Market:
    url = ground.market(10 * PAGES, "mix")
    folder = Path(temporary_folder("mix", disk=True))
    shared = {"database_url": url, "redis_url": redis.url(), "access_token_ttl": 86400}
    apis = [Daemon("harvest-api", folder, http_port=free_port(), workers="off", **shared) for _ in range(PROCESSES)]
    worker = Daemon("harvest-worker", folder, **shared)
    for daemon in [*apis, worker]:
        stack.callback(daemon.kill)
        daemon.start()
    return Market(ground.postgres, str(parse_dsn(url)["dbname"]), folder, apis, [worker])


def _products(shop: Market) -> list[tuple[str, str]]:
    """The most popular ones, each with the token of who may change it."""
    farmers = [register(shop.api.port, f"mixer{n}", "farmer", f"Mixed Farm {n}")[0] for n in range(FARMERS)]
    shop.buyers = [register(shop.api.port, f"mixbuyer{n}")[0] for n in range(BUYERS)]
    farms = [row[0] for row in shop.query("select id::text from farms where name like 'Mixed Farm _' order by name")]
    goods = [row[0] for row in shop.query(_GOODS, PAGES)]
    for n, farm in enumerate(farms):
        shop.query(_GIVE, farm, goods[n::FARMERS])
    shop.query(_LEDGER)
    return [(good, farmers[n % FARMERS]) for n, good in enumerate(goods)]


def _warm(ports: list[int], products: list[str]) -> None:
    """As processes are that have run for a while: each page was asked for once, by one process or another."""
    wires = [Wire(port) for port in ports]
    for wire in wires:
        for product in products:
            wire.get(f"/api/products/{product}")
        wire.close()


def _notes(found: list[Round]) -> list[str]:
    ages = [age for each in found for age in each.ages]
    old = [age for age in ages if age > 0]
    writes = sum(len(each.mix.writes) for each in found)
    stay, wander = ([back for each in found for back in each.mix.went_back(wanders)] for wanders in (False, True))
    return [
        f"{PROCESSES} API processes and a worker on one PostgreSQL and one Redis, which is killed after a third of the {found[0].seconds:.0f} s of a round "
        f"and back after two. {PACE:.0f} reads a second: {LISTED:.0%} of listings, the rest of the pages of {PAGES:,} products of "
        f"{10 * PAGES:,}, both by Zipf; {WRITTEN:.0%} are writes: titles, prices, amounts, orders, each by another process.",
        f"{len(ages):,} answers, {writes} writes. {len(old)} answers did not know of a write that had been acknowledged "
        f"when they were asked for, half of them for less than {1000 * statistics.median(old or [0.0]):.0f} ms. The longest that a thread "
        f"with nothing to do was kept waiting: {1000 * max(each.mix.stalled for each in found):.0f} ms.",
        "Of one product, less was shown to a reader than before: to those who stay with a process "
        f"{_said(stay)}; to those who wander over all {_said(wander)}.",
        told([each.spent for each in found]),
    ]


def _said(backs: list[Back]) -> str:
    longest = max((back.after for back in backs), default=0.0)
    same = sum(back.same for back in backs)
    return (
        f"{len(backs)} times ({same} at the same address; after {1000 * longest:.0f} ms at most)" if backs else "never"
    )
