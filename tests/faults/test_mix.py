"""Three instances under a mix of readers and writers, with Redis killed in the middle: the cache answers nearly all, nothing
it answers is a second old, and what a reader has seen does not go back. And many who miss at once cost one query."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from harvestd.store.topics import CHANNEL
from servers import PostgresServer, wait_until
from tests.daemons import request
from tests.faults.market import Market, market
from tests.faults.mix import Mix, lookups, stocked
from tests.faults.raw import Wire
from tests.faults.region import Accelerators

pytestmark = pytest.mark.xdist_group("region")

PRODUCTS, CROWD = 100, 500


@pytest.mark.timeout(120)
def test_a_mix_over_three_instances_is_answered_from_the_cache_fresh_and_forwards_while_redis_dies_and_returns(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    vhost, given = accelerators.settings(("redis", "rabbitmq"))
    with market(postgres, tmp_path, 3, 1, lambda: accelerators.rabbitmq.waiting(vhost), **given) as shop:
        mix = Mix(shop, stocked(shop, PRODUCTS), pace=450)
        ports = [api.port for api in shop.apis]
        mix.begin()
        time.sleep(2)  # every page that is read often is in the caches now
        before = lookups(ports)
        time.sleep(3)
        accelerators.redis.kill()
        away = lookups(ports)
        time.sleep(2.5)
        back = lookups(ports)
        accelerators.redis.start()
        time.sleep(3)
        mix.finish()
        found, without = lookups(ports).since(before), back.since(away)
        assert mix.wrong == []
        assert len(mix.writes) > 20 and len({write.product for write in mix.writes}) > 10
        assert found.rate >= 0.9, found
        ages = mix.age()
        assert max(ages) <= 1.0 + mix.stalled
        assert mix.went_back(wanders=False) == [], "who stays with a process sees nothing go back, at whatever address"
        assert [back for back in mix.went_back(wanders=True, same=True) if back.version] == []
        assert max((back.after for back in mix.backs), default=0.0) <= 1.0 + mix.stalled
        measured(
            f"{len(ages)} reads, {len(mix.writes)} writes: {found.rate:.1%} from the cache ({found.near:.1%} from the process's), "
            f"{without.rate:.1%} without Redis; oldest {max(ages) * 1000:.0f} ms; {len(mix.backs)} of them went back"
        )
        shop.rest()
        _shows_what_is(shop, ports)


def _shows_what_is(shop: Market, ports: list[int]) -> None:
    """At rest, what each cache shows of each product is what the database has of it, though nothing ends by its age."""
    rows = shop.query("select id::text, version, stock::text, (stock - reserved)::text from products")
    for port in ports:
        wire = Wire(port)
        for product, *truth in rows:
            answer = json.loads(wire.get(f"/api/products/{product}")[2])
            assert [answer["version"], answer["stock"], answer["available"]] == truth
        wire.close()


@pytest.mark.timeout(60)
def test_500_clients_that_miss_at_once_cost_one_query(postgres: PostgresServer, tmp_path: Path) -> None:
    with market(postgres, tmp_path, connections_per_address=2000, workers=0) as shop:
        shop.populate(["eggs"], farms=1, buyers=0)
        crowd = [Wire(shop.api.port) for _ in range(CROWD)]
        for wire in crowd:
            assert wire.get("/health/ready")[0] == 200
        shop.query(f"alter database {shop.database} set log_statement = 'all'")
        log = postgres.folder / "log"
        begin = log.stat().st_size
        shop.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()"
        )
        # what it may have missed meanwhile empties its near cache, and whatever is on the way to it then is asked again
        wait_until("the process listens again", lambda: f'listen "{CHANNEL}"' in log.read_text()[begin:])
        wait_until("the process has connected again", lambda: request(shop.api.port, "GET", "/health/ready")[0] == 200)
        begin = log.stat().st_size
        holder = psycopg2.connect(shop.url)
        try:
            holder.cursor().execute("lock table products in access exclusive mode")
            for wire in crowd:
                wire.send(f"/api/products/{shop.goods['eggs']}")
            wait_until("all of them wait", lambda: _in_flight(shop.api.port) >= CROWD)
        finally:
            holder.close()
        answers = {wire.receive()[2] for wire in crowd}
        for wire in crowd:
            wire.close()
        assert len(answers) == 1 and shop.goods["eggs"].encode() in answers.pop()
        asked = log.read_text()[begin:].count(' LOG:  statement: EXECUTE "cards.by_id"')
        assert asked == 1


def _in_flight(port: int) -> float:
    text = request(port, "GET", "/metrics")[1].decode()
    return float(text.partition("\nharvest_http_in_flight ")[2].split("\n")[0])
