"""Each process but PostgreSQL frozen in turn, the instances, the workers and the servers: slower for a moment, and nothing else."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harvestd.runtime.health import LATE
from servers import PostgresServer, wait_until
from servers.pace import Pace, bounded
from tests.daemons import connect, ctl, exchange, request
from tests.faults.region import ACCELERATORS, Accelerators, Region, region, trusting
from tests.faults.steady import Steady
from tests.faults.test_frozen import frozen
from tests.lengths import WHOLE, length

pytestmark = pytest.mark.xdist_group("region")

SEED = int(os.environ.get("HARVEST_SEED", random.randrange(10**6)))
#: Seconds that each is frozen, that a request may take at most, and within which an order is told and its mail sent.
FROZEN, SLOWEST, TOLD = length(6.0, 60.0), 5.0, 15.0
INSTANCES, WORKERS = 3, 2

#: The longest, of what was recorded in a time, that a consumer of orders took to handle it, and that a mail took to be sent.
LATEST = """
select (select max(extract(epoch from i.handled_at - o.created_at)) from outbox o join inbox i on i.event_id = o.id
         where o.type = 'order.created' and i.consumer in ('harvest.orders', 'harvest.notifications') and o.created_at between %s and %s),
       (select max(extract(epoch from m.sent_at - o.created_at)) from outbox o join mails m on m.dedupe_key like o.id || ':%%'
         where o.created_at between %s and %s)
"""
#: Mails that are due for longer than readiness leaves unsaid.
OVERDUE = "select id::text from mails where state = 'pending' and due_at < now() - %s * interval '1 second'"


def turns() -> list[str]:
    """What is frozen: everything, or of the instances, the workers and the accelerators one each, which changes with the seed."""
    kinds = [[f"api {n}" for n in range(INSTANCES)], [f"worker {n}" for n in range(WORKERS)], [*ACCELERATORS]]
    chance = random.Random(SEED)
    return [name for kind in kinds for name in (kind if WHOLE else [chance.choice(kind)])]


@contextmanager
def without(here: Region, name: str) -> Iterator[None]:
    """The process frozen."""
    kind, _, number = name.partition(" ")
    if kind in ACCELERATORS:
        server = here.accelerators.all()[kind]
        server.freeze()
        try:
            yield
        finally:
            server.thaw()
    else:
        daemons = here.market.apis if kind == "api" else here.market.workers
        with frozen(daemons[int(number)]):
            yield


def told(here: Region, name: str, until: float) -> None:
    """See that readiness says what is wrong, of every instance that is not frozen, until then."""
    kind, _, number = name.partition(" ")
    living = [n for n in range(INSTANCES) if name != f"api {n}"]
    if kind in ACCELERATORS:
        for n in living:
            wait_until(f"readiness names {name} alone", lambda n=n: _degraded(here, n) == [name], FROZEN)  # type: ignore[misc]
    if kind == "api":
        with pytest.raises(TimeoutError):  # whoever watches it sees that it does not answer
            request(here.market.apis[int(number)].port, "GET", "/health/ready", timeout=1)
    while (left := until - time.monotonic()) > 0:
        before = set(here.market.query(OVERDUE, LATE))
        said = here.ready(living[0])
        still = before & set(here.market.query(OVERDUE, LATE))  # so they were overdue when it was asked
        if kind != "api" and still:
            assert said["mail"] == "degraded", f"{len(still)} mails are overdue, and readiness says {said}"
        if kind == "api":
            # it may have had the lease of either; and where the machine stalls, an accelerator is out of use for a moment
            late = {"outbox", "mail", *ACCELERATORS}
            assert {part for part, state in said.items() if state != "ok"} <= late, said
            assert through_nginx(here) == 200
        time.sleep(min(0.5, left))
    if kind == "api":
        wait_until(
            "readiness of the others names no accelerator for long", lambda: not _degraded(here, living[0]), FROZEN
        )


def _degraded(here: Region, number: int) -> list[str]:
    """The accelerators that an instance says are not well."""
    return [name for name, state in here.ready(number).items() if name in ACCELERATORS and state != "ok"]


def through_nginx(here: Region) -> int:
    """What Nginx answers for readiness of one of them: never later than it answers anything else."""
    connection = connect(here.port, trusting(), timeout=SLOWEST)
    try:
        return exchange(connection, "GET", "/health/ready")[0]
    finally:
        connection.close()


def now(here: Region) -> Any:
    """By the clock of the database."""
    return here.market.query("select clock_timestamp()")[0][0]


@pytest.mark.timeout(900 if WHOLE else 300)
def test_each_process_frozen_in_turn_while_buyers_list_search_and_order_through_nginx(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    with region(postgres, accelerators, tmp_path, apis=INSTANCES, workers=WORKERS) as here:
        shop = here.market
        shop.populate([f"good {n}" for n in range(10)], farms=2, buyers=8)
        here.converged()
        load = Steady([here.port], shop.buyers, list(shop.goods.values()), pace=12, clients=6, context=trusting())
        load.begin()
        wait_until("the load runs", lambda: len(load.taken) > 20)
        frozen_for: dict[str, tuple[Any, Any, float]] = {}
        for name in turns():
            first, began, pace = now(here), time.monotonic(), Pace()
            load.patient = name.startswith("api")
            with without(here, name):
                told(here, name, began + FROZEN)
                end = time.monotonic()
            here.converged()
            frozen_for[name] = first, now(here), pace.kept()
            measured(f"{name} frozen for {end - began:.0f} s: {load.told(began, end)}")
            slowest = max(load.taken, key=lambda one: one.seconds if one.began >= began else 0.0)
            assert slowest.seconds < bounded(SLOWEST, pace.kept()), f"seed {SEED}, {name} frozen: {slowest}"
            assert load.wrong == [], f"seed {SEED}, {name} frozen"
        load.finish()
        assert load.wrong == []
        shop.rest()
        for name, (*window, kept) in frozen_for.items():
            handled, sent = (float(seconds or 0) for seconds in shop.query(LATEST, *window, *window)[0])
            measured(
                f"{name} frozen: an order was handled {handled:.1f} s after it was placed at the latest, a mail sent after {sent:.1f} s"
            )
            assert max(handled, sent) < bounded(TOLD, kept), (
                f"seed {SEED}, {name} frozen: {handled:.1f} s, {sent:.1f} s"
            )
        assert len(load.orders) == shop.count("orders")
        assert shop.broken() == []
        checked = ctl(tmp_path, "check", "--at-rest", **shop.api.settings)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.timeout(180)
def test_while_rabbitmq_is_frozen_orders_are_told_from_the_outbox_and_once(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    with region(postgres, accelerators, tmp_path, apis=1, workers=2) as here:
        shop = here.market
        shop.populate(["eggs"], farms=1, buyers=2)
        shop.rest()
        here.converged()
        with without(here, "rabbitmq"):
            began = time.monotonic()
            for n in range(20):
                headers = {"Authorization": f"Bearer {shop.buyers[n % 2]}", "Idempotency-Key": f"key-{n}"}
                body = {"lines": [{"product_id": shop.goods["eggs"], "quantity": 1}]}
                assert request(shop.api.port, "POST", "/api/orders", body, headers)[0] == 201
            sent = "select count(*) from mails where state = 'sent' and subject like %s"
            wait_until("everybody is told", lambda: shop.query(sent, "%rder%")[0][0] >= 40, TOLD)
            measured(f"20 orders were told {time.monotonic() - began:.1f} s after the first, RabbitMQ being frozen")
        shop.rest()
        here.converged()
        assert shop.query("select count(distinct dedupe_key), count(*) from mails")[0] == (shop.count("mails"),) * 2
        assert shop.mail_files() == shop.count("mails")
        assert shop.broken() == []
        checked = ctl(tmp_path, "check", "--at-rest", **shop.api.settings)
        assert checked.returncode == 0, checked.stdout
