"""A process that is frozen keeps its connections, and nothing else: what it had in hand, others do within seconds."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harvestd.market.notifications.mail_batch import MAX_TWICE
from servers import PostgresServer, wait_until
from servers.nginx import NginxServer
from servers.pace import Pace, bounded
from tests.daemons import Daemon, request
from tests.faults.market import Market, market
from tests.faults.region import trusting
from tests.faults.steady import Steady
from tests.faults.test_mail import WAITING, arrived, serve
from tests.partners.test_smtp import Running

#: Seconds within which what a frozen process had in hand is done by another.
SOON = 15.0


@pytest.fixture
def server() -> Iterator[Running]:
    yield from serve()


@contextmanager
def frozen(daemon: Daemon) -> Iterator[None]:
    """Stopped in the midst of what it does, its connections open."""
    assert daemon.process is not None
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)


def holder(shop: Market, name: str) -> int:
    """Of a lease."""
    found = shop.query("select holder from leases where name = %s and until > now()", name)
    return int(found[0][0]) if found else 0


def named(shop: Market) -> None:
    """Have each worker's connections carry its number."""
    for number, worker in enumerate(shop.workers):
        worker.stop()
        joint = "&" if "?" in shop.url else "?"
        worker.settings["database_url"] = f"{shop.url}{joint}application_name=worker{number}"
        worker.start()


def has(shop: Market, name: str) -> Daemon:
    """The worker that has a lease: its holder's key is an advisory lock of that process's session."""
    found: list[str] = []

    def seen() -> bool:
        found[:] = [
            application
            for (application,) in shop.query(
                """select application_name from pg_stat_activity join pg_locks using (pid)
                    where locktype = 'advisory' and (classid::bigint << 32) | objid::bigint = %s""",
                holder(shop, name),
            )
            if application.startswith("worker")
        ]
        return len(found) == 1

    wait_until(f"a worker has {name}", seen, 20)
    return shop.workers[int(found[0].removeprefix("worker"))]


@pytest.mark.timeout(180)
def test_what_a_frozen_worker_had_in_hand_another_does_within_seconds_and_little_of_it_twice(
    postgres: PostgresServer, tmp_path: Path, server: Running, measured: Callable[[str], None]
) -> None:
    with market(postgres, tmp_path, workers=2, smtp_url=f"smtp://127.0.0.1:{server.port}") as shop:
        shop.populate(["eggs"], farms=1, buyers=2)
        shop.rest()
        named(shop)
        victim = has(shop, "periodic:mails")
        before = sum(arrived(server).values())
        shop.query(WAITING, 200)
        wait_until("it is in the midst of it", lambda: sum(arrived(server).values()) > before)
        with frozen(victim):
            began, pace = time.monotonic(), Pace()
            body = {"lines": [{"product_id": shop.goods["eggs"], "quantity": 1}]}
            for n in range(12):
                headers = {"Authorization": f"Bearer {shop.buyers[n % 2]}", "Idempotency-Key": f"key-{n}"}
                assert request(shop.api.port, "POST", "/api/orders", body, headers)[0] == 201
            wait_until("all is sent", lambda: not shop.query("select 1 from mails where state <> 'sent'"), 2 * SOON)
            shop.rest(2 * SOON)
            measured(f"mails and orders are told {time.monotonic() - began:.1f} s after a worker froze")
            latest = shop.query("select extract(epoch from max(sent_at - created_at)) from mails")[0][0]
            soon = bounded(SOON, pace.kept())
            assert float(latest) < soon, f"a mail was sent after {latest} s"
            late = "select extract(epoch from max(sent_at - created_at)) from outbox"
            assert float(shop.query(late)[0][0]) < soon
        shop.rest()
        wait_until("it works again", lambda: holder(shop, "periodic:mails"), 20)
        found = arrived(server)
        assert len(found) == shop.count("mails")
        twice = sum(times - 1 for times in found.values())
        assert twice <= MAX_TWICE, f"{twice} mails came twice"
        shop.query("delete from mails where dedupe_key ~ '^k[0-9]+$'")  # which no event told of
        assert shop.broken() == []


@pytest.mark.timeout(120)
def test_while_nobody_sends_mail_readiness_and_metrics_say_since_when(postgres: PostgresServer, tmp_path: Path) -> None:
    with market(postgres, tmp_path) as shop:
        shop.rest()
        with frozen(shop.worker):
            shop.query(WAITING.replace("now(), now()", "now() - interval '20 s', now()"), 3)
            shop.query("""insert into outbox (id, type, aggregate, version, data, trace, created_at)
                select gen_random_uuid(), 'stock.low', 'product:1', 1, '{}', '{}', now() - interval '20 s'""")  # fmt: skip
            _, answer, _ = request(shop.api.port, "GET", "/health/ready")
            assert answer["parts"]["mail"]["state"] == "degraded"
            assert "3 mails are due" in answer["parts"]["mail"]["detail"]
            _, text, _ = request(shop.api.port, "GET", "/metrics")
            lines = dict(line.split() for line in text.decode().splitlines() if line.startswith("harvest_mails_due"))
            assert float(lines["harvest_mails_due"]) == 3 and float(lines["harvest_mails_due_seconds"]) >= 20
        shop.rest()


@pytest.mark.timeout(180)
def test_of_three_instances_one_is_frozen_and_every_request_is_answered_well_within_the_bound(
    postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    with market(postgres, tmp_path, apis=3, trusted_proxies="127.0.0.1") as shop, ExitStack() as stack:
        shop.populate([f"good {n}" for n in range(5)], farms=1, buyers=6)
        nginx = NginxServer([api.port for api in shop.apis])
        stack.callback(nginx.remove)
        nginx.start()
        load = Steady([nginx.tls_port], shop.buyers, list(shop.goods.values()), pace=12, clients=6, context=trusting())
        load.patient = True
        load.begin()
        began = time.monotonic()
        wait_until("the load runs", lambda: len(load.taken) > 20, 20)
        with frozen(shop.apis[1]):
            frozen_at, pace = time.monotonic(), Pace()
            wait_until("it went on", lambda: len(load.between(frozen_at, time.monotonic())) > 100, 60)
            thawed_at, kept = time.monotonic(), pace.kept()
        load.finish()
        measured(f"before {load.told(began, frozen_at)}; one of three frozen {load.told(frozen_at, thawed_at)}")
        assert load.wrong == []
        assert max(load.between(frozen_at, thawed_at)) < bounded(5, kept)
        shop.rest()
        assert shop.broken() == []
