"""A market whose events wait: real orders and changes of products, made through the API, none of them told to anybody yet."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from benchmarks.rate import paced, request
from benchmarks.served import ROOT, ctl, harvestd
from harvestd.tables import TOPOLOGY
from servers import PostgresServer, free_port
from tests.daemons import connect, exchange, register

FARMS, GOODS, BUYERS = 4, 40, 8
#: What is in a basket, from a good that moves on with each: four lines, of two farms' goods.
BASKET = (0, 2, 20, 22)

#: Clients that place the orders at once.
CLIENTS = 16
#: The events are kept aside until a measurement lets them go; ``effects`` is what the consumer by itself writes.
_ASIDE = """
create table bench_events as select * from outbox order by seq;
delete from outbox;
create table bench_effects (event_id uuid primary key, farms integer not null);
"""
#: In the one transaction that a market's commit would be, with the word that wakes the relay.
_LET_GO = """
with gone as (insert into outbox overriding system value select * from bench_events order by seq returning 1)
select count(*), pg_notify('harvest_outbox', '') from gone
"""
#: Each of them some times more, with an id of its own: the halves alone are over too soon to be timed by what there is.
_REPEAT = """
insert into bench_events (seq, id, type, aggregate, version, data, trace, created_at)
select e.seq + n * (select max(seq) from bench_events), gen_random_uuid(), type, aggregate, version, data, trace, created_at
  from bench_events e, generate_series(1, %s) n"""


@attrs.define
class Waiting:
    """``template`` is a database to clone; ``events`` by type, ``marks`` those of all queues together (events x queues).
    ``source`` is the checkout whose market it is."""

    server: PostgresServer
    template: str
    folder: Path
    events: dict[str, int]
    source: Path = ROOT

    @property
    def total(self) -> int:
        """Events."""
        return sum(self.events.values())

    @property
    def marks(self) -> int:
        """Messages that they become, and inbox rows."""
        return sum(number * len(TOPOLOGY.queues_for(type)) for type, number in self.events.items())

    @contextmanager
    def fresh(self, times: int = 1) -> Iterator[Run]:
        """A market of its own in which they wait, each so many times."""
        database = self.server.clone(self.template)
        with tempfile.TemporaryDirectory(prefix="harvest-bench-") as folder:
            run = Run(self.server, database, Path(folder), self.source)
            try:
                run.query(_REPEAT, times - 1)
                yield run
            finally:
                self.server.drop(database)


@attrs.frozen
class Run:
    """One clone, and the folder of the processes that work on it."""

    server: PostgresServer
    database: str
    folder: Path
    source: Path

    @property
    def url(self) -> str:
        return self.server.url(self.database)

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """One statement, by itself."""
        return self.server.query(self.database, sql, *parameters)

    def let_go(self) -> float:
        """Commit the events; answers when that was."""
        self.query(_LET_GO)
        return time.perf_counter()

    def check(self) -> None:
        """The books agree, or RuntimeError with what does not."""
        ctl(self.url, "check", source=self.source)


@contextmanager
def waiting(server: PostgresServer, orders: int, updates: int, source: Path = ROOT) -> Iterator[Waiting]:
    """Place so many orders, and change products so often, while there is no broker; their events wait in the outbox."""
    template = server.clone() if source == ROOT else _of_its_own(server, source)
    with tempfile.TemporaryDirectory(prefix="harvest-bench-") as name:
        folder = Path(name)
        nobody = f"amqp://nobody:there@127.0.0.1:{free_port()}/"
        with harvestd(
            server.url(template), source=source, cores=None, data_dir=folder, rabbitmq_url=nobody, access_token_ttl=86400,
            demo=False,
        ) as api:  # fmt: skip
            _fill(api.port, orders, updates)
        server.query(
            template, "update users set verified_at = now()"
        )  # who has not verified their address gets few mails
        found = server.query(template, "select type, count(*) from outbox where sent_at is null group by type")
        for statement in filter(str.strip, _ASIDE.split(";")):
            server.query(template, statement)
        server.query(template, "vacuum analyze")
        try:
            events = {str(type): int(str(number)) for type, number in found}
            yield Waiting(server, template, folder, events, source)
        finally:
            server.drop(template)


def _of_its_own(server: PostgresServer, source: Path) -> str:
    """A database with the schema of another revision."""
    name = "events_before"
    server.query("postgres", f"create database {name}")
    ctl(server.url(name), "migrate", source=source)
    return name


def _fill(port: int, orders: int, updates: int) -> None:
    farmers = [register(port, f"farmer{n}", "farmer", f"Farm {n}")[0] for n in range(FARMS)]
    link = connect(port)
    goods = [_product(link, farmers[n % FARMS], n) for n in range(GOODS)]
    buyers = [register(port, f"buyer{n}")[0] for n in range(BUYERS)]
    placed = paced(port, [_order(n, goods, buyers[n % BUYERS]) for n in range(orders)], 0, 300.0, CLIENTS)
    assert placed.statuses == {201: orders}, placed
    for n in range(updates):
        good, lap = n % GOODS, n // GOODS
        status, answer, _ = exchange(
            link, "PATCH", f"/api/products/{goods[good]}", {"price": 200 + lap},
            {"Authorization": f"Bearer {farmers[good % FARMS]}", "If-Match": f'"v{lap + 1}"'},
        )  # fmt: skip
        assert status == 200, answer
    link.close()


def _order(number: int, goods: list[str], token: str) -> bytes:
    lines = [{"product_id": goods[(number * 7 + k) % GOODS], "quantity": "1"} for k in BASKET]
    body = json.dumps({"lines": lines}).encode()
    return request("POST", "/api/orders", body, Authorization=f"Bearer {token}", Idempotency_Key=f"basket-{number}")


def _product(link: Any, token: str, number: int) -> str:
    body = {"title": f"Good number {number}", "unit": "each", "price": 100 + number, "stock": "1000000"}
    status, answer, _ = exchange(link, "POST", "/api/products", body, {"Authorization": f"Bearer {token}"})
    assert status == 201, answer
    return str(answer["id"])


def until(what: str, condition: Callable[[], bool], pause: float = 0.02, seconds: float = 120.0) -> float:
    """Look until it is so; answers when it was seen. AssertionError after ``seconds``."""
    end = time.perf_counter() + seconds
    while not condition():
        assert time.perf_counter() < end, f"{what}: not within {seconds:g} s"
        time.sleep(pause)
    return time.perf_counter()
