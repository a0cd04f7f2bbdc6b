"""SIGKILL at every place where it could hurt: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.daemons import Clients, Daemon
from tests.faults.market import baskets, goods_of, market
from tests.servers import PostgresServer

#: Where each process dies, in turn; the hit at which it does is drawn from the seed.
DEATHS: tuple[tuple[str, str], ...] = (
    ("api", "order.before_commit"),
    ("worker", "consumer.before_transaction"),
    ("api", "transaction.after_commit"),
    ("worker", "consumer.before_commit"),
    ("api", "write.before_answer"),
    ("worker", "consumer.after_commit"),
    ("relay", "relay.after_publish"),
    ("worker", "mail.after_send"),
    ("api", "transaction.before_commit"),
    ("relay", "relay.after_mark"),
)


@pytest.mark.timeout(300)
def test_ten_deaths_lose_nothing_and_repeat_nothing(postgres: PostgresServer, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    real = baskets(3000, seed)
    with market(postgres, tmp_path) as shop:
        shop.populate(goods_of(real), farms=2, buyers=16)
        clients = Clients(lambda: shop.api.port, shop.jobs(real))
        clients.begin()
        for who, point in DEATHS:
            assert clients.working, f"seed {seed}: the load was over before {point}"
            # the relay runs in both processes; with the api's standing by, the worker's leads
            daemon = shop.api if who == "api" else shop.worker
            die(daemon, point, chance.randint(1, 40) if who == "api" else chance.randint(1, 5))
        book = clients.finish()
        shop.rest()
        assert book.wrong == [], f"seed {seed}"
        assert len(book.acknowledged) == len(real) == shop.count("orders"), f"seed {seed}"
        assert set(book.acknowledged.values()) == {row[0] for row in shop.query("select id from orders")}
        assert shop.broken() == [], f"seed {seed}"
        assert shop.mail_files() == shop.count("mails"), f"seed {seed}"


def die(daemon: Daemon, point: str, hit: int) -> None:
    """Let a process run until it dies at a fail point, and start it again whole."""
    daemon.stop()
    daemon.begin(fail_points=f"{point}=kill@{hit}")
    assert daemon.process is not None
    end = time.monotonic() + 30
    while daemon.process.poll() is None:
        assert time.monotonic() < end, f"{point} was not reached: {daemon.log.read_text()[-2000:]}"
        time.sleep(0.01)
    assert daemon.process.returncode == -9, daemon.log.read_text()[-2000:]
    daemon.start()
