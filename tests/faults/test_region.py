"""The same market on the real servers: the journey, the baskets, and every one of the servers going away under load."""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import Clients, ctl, request
from tests.faults.market import baskets, goods_of, market
from tests.faults.region import ACCELERATORS, SCRAPER, Accelerators, Region, region, trusting
from tests.faults.steady import Steady
from tests.journey.test_journey import JOURNEY
from tests.lengths import WHOLE, length

pytestmark = pytest.mark.xdist_group("region")

#: Seconds that a frozen server stays frozen, longer than whatever waits for it may wait; and that a killed one stays away.
FROZEN, AWAY = length(8.0, 60.0), length(2.0, 5.0)
#: Requests a second.
PACE = length(24.0, 60.0)
#: Longer than this, in seconds, nobody waits for what is away.
EXTRA = 0.05


def walk(base: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", JOURNEY, base, "--mail", folder / "mail", "--insecure"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(180)
def test_the_journey_through_nginx_three_instances_and_two_workers(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path
) -> None:
    with region(postgres, accelerators, tmp_path) as here:
        walk(f"https://127.0.0.1:{here.port}", tmp_path)
        here.market.rest()
        here.converged()
        assert here.market.broken() == []
        doctor = ctl(tmp_path, "doctor", **here.market.api.settings)
        assert doctor.returncode == 0, doctor.stdout
        for name in ("Redis", "RabbitMQ", "Elasticsearch"):
            assert name in doctor.stdout


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ACCELERATORS)
def test_the_journey_with_one_of_them_alone(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path, name: str
) -> None:
    vhost, given = accelerators.settings((name,))
    waiting = (lambda: accelerators.rabbitmq.waiting(vhost)) if vhost else dict
    with market(postgres, tmp_path, waiting=waiting, **given) as shop:
        walk(f"http://127.0.0.1:{shop.api.port}", tmp_path)
        shop.rest()
        assert shop.broken() == []


@pytest.mark.timeout(300)
def test_real_baskets_by_sixteen_clients_through_nginx(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    real = baskets(int(length(120, 2000)))
    with region(postgres, accelerators, tmp_path) as here:
        shop = here.market
        shop.populate(goods_of(real), farms=3, buyers=16)
        clients = Clients(lambda: here.port, shop.jobs(real), context=trusting())
        clients.begin()
        book = clients.finish()
        shop.rest()
        assert book.wrong == [] and book.refused == {}
        assert len(book.acknowledged) == len(real) == shop.count("orders")
        assert set(book.acknowledged.values()) == {row[0] for row in shop.query("select id from orders")}
        assert shop.broken() == []
        assert shop.mail_files() == shop.count("mails")
        rate = len(real) / book.seconds
        measured(f"{rate:.0f} orders/s for {book.seconds:.0f} s through Nginx, slowest {book.slowest * 1000:.0f} ms")


@pytest.mark.timeout(120)
def test_what_one_instance_does_the_others_know_within_a_second_also_without_redis(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    with region(postgres, accelerators, tmp_path, workers=1) as here:
        shop = here.market
        shop.populate(["eggs"], farms=1, buyers=4, stock="100")
        here.converged()
        here_port, *others = [api.port for api in shop.apis]
        for n in range(1, 5):
            if n == 3:
                accelerators.redis.kill()
            seen = [_available(port, shop.goods["eggs"]) for port in [here_port, *others]]
            assert seen == [f"{101 - n}.000"] * 3, "and it is in every cache now"
            key, signed_in = f"key-{n}", {"Authorization": f"Bearer {shop.buyers[n - 1]}"}
            body = {"lines": [{"product_id": shop.goods["eggs"], "quantity": 1}]}
            assert request(here_port, "POST", "/api/orders", body, signed_in | {"Idempotency-Key": key})[0] == 201
            began = time.monotonic()
            for port in others:
                wait_until(
                    "the others show the order",
                    lambda p=port, n=n: _available(p, shop.goods["eggs"]) == f"{100 - n}.000",  # type: ignore[misc]
                    1,
                )
                assert request(port, "GET", "/api/orders", None, signed_in)[0] == 200
            shown = time.monotonic() - began
            assert request(here_port, "POST", "/api/auth/logout", None, signed_in)[0] == 204
            began = time.monotonic()
            for port in others:
                wait_until(
                    "the others know that he signed out",
                    lambda p=port, s=signed_in: request(p, "GET", "/api/orders", None, s)[0] == 401,  # type: ignore[misc]
                    1,
                )
            measured(f"order shown after {shown:.3f} s, sign-out known after {time.monotonic() - began:.3f} s")


def _available(port: int, product: str) -> str:
    return str(request(port, "GET", f"/api/products/{product}")[1]["available"])


@pytest.mark.timeout(900)
def test_one_and_all_of_them_killed_and_frozen_under_load(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    with region(postgres, accelerators, tmp_path) as here:
        shop = here.market
        shop.populate([f"good {n}" for n in range(30)], farms=3, buyers=16)
        here.converged()
        load = Steady([api.port for api in shop.apis], shop.buyers, list(shop.goods.values()), pace=PACE)
        load.begin()
        wait_until("the caches have what is asked for", lambda: len(load.taken) > 2 * PACE)
        usual = time.monotonic()
        time.sleep(length(4.0, 5.0))
        before = (usual, time.monotonic())
        alone = ACCELERATORS if WHOLE else random.sample(ACCELERATORS, 1)
        for names in [(name,) for name in alone] + [ACCELERATORS]:
            _without(here, names, load, before, measured, "killed", AWAY)
            if WHOLE or names == ACCELERATORS:  # tests/faults/test_frozen_servers.py freezes each
                _without(here, names, load, before, measured, "frozen", FROZEN)
        load.finish()
        assert load.wrong == []
        shop.rest()
        assert len(load.orders) == shop.count("orders")
        assert shop.broken() == []
        assert shop.mail_files() == shop.count("mails")
        checked = ctl(tmp_path, "check", "--at-rest", **shop.api.settings)
        assert checked.returncode == 0, checked.stdout


def _without(
    here: Region, names: Sequence[str], load: Steady, before: tuple[float, float], measured: Callable[[str], None],
    how: str, seconds: float,
) -> None:  # fmt: skip
    """Take servers away for a time: readiness says so, nothing waits for them, and afterwards all is as it was."""
    servers = [here.accelerators.all()[name] for name in names]
    began = time.monotonic()
    for server in servers:
        server.kill() if how == "killed" else server.freeze()
    for number in range(len(here.market.apis)):
        wait_until(
            f"instance {number} says that {names} are away, and not {here.ready(number)}",
            lambda n=number: all(here.ready(n)[name] == "degraded" for name in names),  # type: ignore[misc]
            10,
        )
        used = here.used(number)
        assert all(used[name] == (name not in names) for name in ACCELERATORS), used
    for kind in ("listing", "product", "search", "order"):
        usual = statistics.median(load.between(*before, kind))
        wait_until(
            f"no {kind} waits for {names} {how}, nor takes more than the {usual:.3f} s that it took before and {EXTRA:g} s",
            lambda kind=kind, usual=usual: _of_late(load, kind) < usual + EXTRA,  # type: ignore[misc]
            20,
        )
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    end = time.monotonic()
    for server in servers:
        server.start() if how == "killed" else server.thaw()
    here.converged()
    measured(f"{' and '.join(names)} {how} for {end - began:.0f} s: {load.told(began, end)}")


def _of_late(load: Steady, kind: str) -> float:
    """The median, in seconds, of what began in the last second."""
    now = time.monotonic()
    return statistics.median(load.between(now - 1, now, kind) or [math.inf])


@pytest.mark.timeout(120)
def test_rabbitmq_under_memory_alarm_takes_nothing_and_orders_go_on(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path
) -> None:
    with region(postgres, accelerators, tmp_path, apis=1, workers=1) as here:
        shop = here.market
        shop.populate(["eggs"], farms=1, buyers=4)
        shop.rest()
        accelerators.rabbitmq.alarm(True)
        try:
            clients = Clients(lambda: shop.api.port, shop.jobs([["eggs"]] * 50), number=4)
            clients.begin()
            book = clients.finish()
            assert len(book.acknowledged) == 50 and book.wrong == []
            wait_until("the events wait", lambda: shop.query("select 1 from outbox where sent_at is null") != [])
            wait_until("readiness says so", lambda: here.ready()["rabbitmq"] == "degraded")
            _, text, _ = request(shop.api.port, "GET", "/metrics", headers=SCRAPER)
            assert b'harvest_accelerator_used{accelerator="rabbitmq"} 0.0' in text
        finally:
            accelerators.rabbitmq.alarm(False)
        shop.rest()
        here.converged()
        assert shop.broken() == []
        assert accelerators.rabbitmq.waiting(here.vhost) == {}

        def told() -> set[str]:  # counted every five seconds
            columns = ("list_queues", "-q", "-p", here.vhost, "messages")
            return set(accelerators.rabbitmq.ctl(*columns, program="rabbitmq-diagnostics").split())

        wait_until("an operator sees that nothing waits", lambda: told() == {"messages", "0"}, 30)
