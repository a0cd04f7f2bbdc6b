"""The same market on the real servers: the journey, the baskets, and every one of the servers going away under load."""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import Clients, ctl, request
from tests.faults.market import baskets, goods_of, market
from tests.faults.region import ACCELERATORS, Accelerators, Region, region, trusting
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


@pytest.mark.timeout(600)
def test_the_journey_real_baskets_and_what_one_instance_does_behind_nginx(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """One after the other in a market of three instances and two workers, which takes as long to start as each of them."""
    with region(postgres, accelerators, tmp_path) as here:
        _journey(here, tmp_path)
        _real_baskets(here, measured)
        _known_to_the_others(here, measured)


def _journey(here: Region, folder: Path) -> None:
    walk(f"https://127.0.0.1:{here.port}", folder)
    here.market.rest()
    here.converged()
    assert here.market.broken() == []
    doctor = ctl(folder, "doctor", **here.market.api.settings)
    assert doctor.returncode == 0, doctor.stdout
    for name in ("Redis", "RabbitMQ", "Elasticsearch"):
        assert name in doctor.stdout


def _real_baskets(here: Region, measured: Callable[[str], None]) -> None:
    """Ordered by sixteen clients at once."""
    shop, real = here.market, baskets(int(length(120, 2000)))
    ordered = "select id from orders"
    before = set(shop.query(ordered))
    shop.populate(goods_of(real), farms=3, buyers=16)
    clients = Clients(lambda: here.port, shop.jobs(real), context=trusting())
    clients.begin()
    book = clients.finish()
    shop.rest()
    assert book.wrong == [] and book.refused == {}
    assert len(book.acknowledged) == len(real)
    assert set(book.acknowledged.values()) == {row[0] for row in set(shop.query(ordered)) - before}
    assert shop.broken() == []
    assert shop.mail_files() == shop.count("mails")
    rate = len(real) / book.seconds
    measured(f"{rate:.0f} orders/s for {book.seconds:.0f} s through Nginx, slowest {book.slowest * 1000:.0f} ms")


def _known_to_the_others(here: Region, measured: Callable[[str], None]) -> None:
    """Within a second, also without Redis."""
    shop = here.market
    good, *_ = shop.goods
    here_port, *others = [api.port for api in shop.apis]
    left = Decimal(_available(here_port, shop.goods[good]))
    for n in range(4):
        if n == 2:
            here.accelerators.redis.kill()
        seen = [_available(port, shop.goods[good]) for port in [here_port, *others]]
        assert seen == [f"{left - n:.3f}"] * 3, "and it is in every cache now"
        key, signed_in = f"known-{n}", {"Authorization": f"Bearer {shop.buyers[n]}"}
        body = {"lines": [{"product_id": shop.goods[good], "quantity": 1}]}
        assert request(here_port, "POST", "/api/orders", body, signed_in | {"Idempotency-Key": key})[0] == 201
        began = time.monotonic()
        for port in others:
            wait_until(
                "the others show the order",
                lambda p=port, n=n: _available(p, shop.goods[good]) == f"{left - n - 1:.3f}",  # type: ignore[misc]
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
        wait_until(
            f"instance {number} uses all but {names}, and not {here.used(number)}",
            lambda n=number: here.used(n) == {name: name not in names for name in ACCELERATORS},  # type: ignore[misc]
            10,
        )
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
            wait_until("and metrics", lambda: not here.used()["rabbitmq"])
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
