"""SIGKILL at every place where it could hurt: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import Clients, Daemon
from tests.faults.market import Market, baskets, goods_of, market
from tests.faults.region import Accelerators, region, trusting
from tests.lengths import length

#: Where each process dies; the order, and the hit at which it does, are drawn from the seed.
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
    ("worker", "mail.before_mark"),
    ("relay", "relay.after_mark"),
)

#: Who comes by more often dies later; the second relay has one batch left to die at.
MOST_HITS = {"api": 40, "worker": 5, "relay": 1}
#: Every process has a relay: when the leader dies another takes over, and dies too. So do workers that share the queues.
ROLES: dict[str, Callable[[Market], list[Daemon]]] = {
    "api": lambda shop: [shop.api],
    "worker": lambda shop: shop.workers,
    "relay": lambda shop: shop.apis + shop.workers,
}


@pytest.mark.timeout(300)
def test_a_death_at_any_place_loses_nothing_and_repeats_nothing(
    postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    with market(postgres, tmp_path) as shop:
        all_deaths(shop, measured, number=int(length(4, len(DEATHS))))


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("region")
def test_nor_does_one_with_redis_rabbitmq_elasticsearch_and_several_processes(
    postgres: PostgresServer, accelerators: Accelerators, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    with region(postgres, accelerators, tmp_path, stop_grace=0.2) as here:
        all_deaths(here.market, measured, here.port, trusting(), int(length(2, len(DEATHS))))
        here.converged()


def all_deaths(
    shop: Market, measured: Callable[[str], None], port: int = 0, context: ssl.SSLContext | None = None,
    number: int = len(DEATHS),
) -> None:  # fmt: skip
    """All of :data:`DEATHS`, or a ``number`` of them drawn from the seed, under a load on ``port``, or on the first api; then
    see that each order had each effect once."""
    seed = random.randrange(10**6)
    measured(f"seed {seed}")
    chance = random.Random(seed)
    real = baskets(500, seed)
    shop.populate(goods_of(real), farms=2, buyers=16)
    clients = Clients(lambda: port or shop.api.port, shop.endless(real), number=8, context=context, pause=0.1)
    clients.begin()
    for who, point in chance.sample(DEATHS, number):
        die(ROLES[who](shop), point, chance.randint(1, MOST_HITS[who]))
    clients.enough()
    book = clients.finish()
    shop.rest()
    assert book.wrong == [], f"seed {seed}"
    assert len(book.acknowledged) == book.begun == shop.count("orders"), f"seed {seed}"
    assert set(book.acknowledged.values()) == {row[0] for row in shop.query("select id from orders")}
    assert shop.broken() == [], f"seed {seed}"
    assert shop.mail_files() == shop.count("mails"), f"seed {seed}"


def die(daemons: list[Daemon], point: str, hit: int) -> None:
    """Let processes run until each has died at a fail point, and start them again whole."""
    for daemon in daemons:
        daemon.stop()
    for daemon in daemons:
        daemon.begin(fail_points=f"{point}=kill@{hit}")
    for daemon in daemons:
        assert daemon.process is not None
        process = daemon.process
        wait_until(f"{daemon.plugin} dies at {point}", lambda process=process: process.poll() is not None, 30)  # type: ignore[misc]
        assert process.returncode == -9, daemon.log.read_text()[-2000:]
    for daemon in daemons:
        daemon.start()
