"""Events: how many a worker process handles, on PostgreSQL's queue and on RabbitMQ, and how soon after their commit.

End to end is a ``twistd harvest-worker`` as anybody runs it: from the commit of a backlog of real orders and changes of
products until each event is relayed, handled by every queue that binds it, marked and acknowledged. Beside it its two
halves: the relay alone, and the consumer of one queue alone with inbox, one row of effect each, and acknowledgements.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import quantiles
from time import perf_counter, sleep
from typing import Any

import attrs

from benchmarks.events_market import Run, Waiting, until, waiting
from benchmarks.events_process import QUEUE
from benchmarks.ground import Ground
from benchmarks.results import Figure, Target
from tests.daemons import Daemon, connect, environment, exchange, free_port, register
from tests.servers.rabbitmq import RabbitServer

OURS, PLAIN, BROKERS = "harvestd", "a plain loop", ("PostgreSQL", "RabbitMQ")
LOOP = Path(__file__).parent / "peers" / "queues" / "loop.py"
ROOT = Path(__file__).parents[1]

#: How often each event is there where a half is timed, so that it takes a second or more; orders whose effect is timed; in
#: how many rounds the two slow ones take part that have no target: mails, and latency.
TIMES, TIMES_QUICK, LATE, SLOW = 10, 3, 80, 3

_LEFT = "select exists (select from outbox where sent_at is null) or exists (select from queue_messages)"
_UNMAILED = "select exists (select from mails where state = 'pending')"
_MARKS = "select count(*) from inbox"
_ACKED = "select not exists (select from queue_messages where queue = %s)"


@attrs.frozen
class Broker:
    """One of the two, as the settings of a process name it. ``emptied`` asks it about one queue, or about all."""

    name: str
    settings: dict[str, str]
    emptied: Callable[[Run, str], bool]
    url: str = ""


@contextmanager
def _broker(server: RabbitServer | None) -> Iterator[Broker]:
    if server is None:
        yield Broker("PostgreSQL", {}, lambda run, queue: bool(run.query(_ACKED, queue)[0][0]))
        return
    vhost = server.vhost()

    def emptied(run: Run, queue: str) -> bool:
        return not any(server.depths(vhost)[queue])

    try:
        yield Broker("RabbitMQ", {"rabbitmq_url": server.url(vhost)}, emptied, server.url(vhost))
    finally:
        server.drop(vhost)


@contextmanager
def process(command: list[str], folder: Path, settings: Mapping[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has said that it is ready."""
    started = subprocess.Popen(
        [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
        env=environment(folder, **settings) | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip
    assert started.stdin is not None and started.stdout is not None
    try:
        while (line := started.stdout.readline()) != b"ready\n":
            assert line, f"{command} ended before it was ready"
        yield started
    finally:
        started.kill()
        started.wait(10)
        for pipe in (started.stdin, started.stdout):
            with suppress(OSError):
                pipe.close()


def fire(started: subprocess.Popen[bytes]) -> float:
    """Tell it to begin; answers when that was."""
    assert started.stdin is not None
    began = perf_counter()
    started.stdin.write(b"go\n")
    started.stdin.flush()
    return began


def end_to_end(backlog: Waiting, broker: Broker, mails: bool) -> tuple[float, float]:
    """Seconds until every event has all its effects and is acknowledged, and until every mail of theirs is handed over, which
    is 0 where that is not waited for. Where it is, the books are checked afterwards."""
    with backlog.fresh() as run:
        worker = Daemon("harvest-worker", run.folder, database_url=run.url, **broker.settings)
        worker.begin()
        try:
            until("the worker relays", lambda: _relays(run))
            began = run.let_go()
            until("all is relayed", lambda: not run.query(_LEFT)[0][0])
            until("all is handled", lambda: int(run.query(_MARKS)[0][0]) >= backlog.marks, 0.05)
            handled = until("all is acknowledged", lambda: not run.query(_LEFT)[0][0] and broker.emptied(run, QUEUE))
            mailed = began
            if mails:
                mailed = until("all is mailed", lambda: not run.query(_UNMAILED)[0][0], 0.05)
        finally:
            worker.stop()
        if mails:
            run.check()
        return handled - began, mailed - began


def _relays(run: Run) -> bool:
    """Whether a worker has the lock of the relay, and enough others to show that its consumers run."""
    held = run.query(
        "select count(*) from pg_locks where locktype = 'advisory' and granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    return int(held[0][0]) >= 5


def halves(backlog: Waiting, broker: Broker, times: int, consumers: Sequence[str]) -> dict[str, float]:
    """Events a second of the relay alone, then of the consumer of one queue alone; and of the plain loop in its place, where
    it is among the ``consumers``. Each event is there so many times."""
    found = {}
    orders = times * backlog.events["order.created"]
    for consumer in consumers:
        with backlog.fresh(times) as run:
            settings = {"database_url": run.url} | broker.settings
            run.let_go()
            with process(["-m", "benchmarks.events_process", "relay"], run.folder, settings) as relay:
                began = fire(relay)
                ended = until("all is relayed", lambda run=run: not run.query(_UNSENT)[0][0])  # type: ignore[misc]
                found["relay"] = times * backlog.total / (ended - began)
            url = broker.url or run.url
            plain = [str(LOOP), broker.name.lower(), url, str(orders)]
            command = ["-m", "benchmarks.events_process", "consumer"] if consumer == OURS else plain
            with process(command, run.folder, settings) as consuming:
                began = fire(consuming)
                ended = _consumed(run, broker, consuming, orders, consumer == OURS)
                found[consumer] = orders / (ended - began)
        if broker.url:
            _purge(broker)
    return found


_UNSENT = "select exists (select from outbox where sent_at is null)"


def _consumed(run: Run, broker: Broker, started: subprocess.Popen[bytes], orders: int, ours: bool) -> float:
    if not ours:
        assert started.stdout is not None and started.stdout.readline() == b"done\n"
        ended = perf_counter()
        until("the broker knows it, too", lambda: broker.emptied(run, QUEUE), seconds=5)
        return ended
    until("all is handled", lambda: int(run.query(_MARKS)[0][0]) >= orders)
    ended = until("all is acknowledged", lambda: broker.emptied(run, QUEUE))
    assert run.query("select count(*) from bench_effects") == [(orders,)]
    return ended


def _purge(broker: Broker) -> None:
    """RabbitMQ's other queues still hold theirs."""
    import pika

    from harvestd.queue.topology import QUEUES

    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    for queue in QUEUES:
        connection.channel().queue_purge(queue.name)
    connection.close()


def latencies(backlog: Waiting, broker: Broker, orders: int) -> list[float]:
    """Milliseconds from the answer to an order, which follows its commit at once, until its stock is sold: one order at a
    time, api and worker two processes, the queues empty before."""
    with backlog.fresh() as run:
        shared = {"database_url": run.url, "access_token_ttl": 86400} | broker.settings
        api = Daemon("harvest-api", run.folder, http_port=free_port(), workers="off", **shared)
        worker = Daemon("harvest-worker", run.folder, **shared)
        try:
            api.start()
            worker.begin()
            until("the worker is there", lambda: _relays(run))
            good = run.query("select id::text from products limit 1")[0][0]
            token, _ = register(api.port, "latecomer")
            return _one_by_one(run, api.port, str(good), token, orders)
        finally:
            worker.stop()
            api.stop()


def _one_by_one(run: Run, port: int, good: str, token: str, orders: int) -> list[float]:
    import psycopg2

    link = connect(port)
    looking = psycopg2.connect(run.url)
    looking.autocommit = True
    cursor = looking.cursor()
    cursor.execute("prepare sold as select from reservations where order_id = $1::uuid and state = 'sold'")
    found = []
    for number in range(orders + 3):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"late-{number}"}
        body = {"lines": [{"product_id": good, "quantity": "1"}]}
        status, answer, _ = exchange(link, "POST", "/api/orders", body, headers)
        began = perf_counter()
        assert status == 201, answer
        rowcount = 0
        while not rowcount:
            cursor.execute("execute sold(%s)", (answer["id"],))
            rowcount = cursor.rowcount
            sleep(0.0005)
            assert perf_counter() < began + 30, "an order was not handled"
        if number >= 3:  # the first ones prepare statements
            found.append(1000 * (perf_counter() - began))
        sleep(0.02)
    link.close()
    looking.close()
    return found


def run(ground: Ground) -> list[Figure]:
    """All of it, both brokers side by side."""
    orders, updates = (1200, 300) if ground.quick else (2000, 1000)
    rabbit = RabbitServer()
    rabbit.start()
    try:
        ground.say(f"placing {orders} orders")
        with waiting(ground.postgres, orders, updates) as backlog:
            return _figures(ground, backlog, rabbit)
    finally:
        rabbit.remove()


def _figures(ground: Ground, backlog: Waiting, rabbit: RabbitServer) -> list[Figure]:
    whole, mails, relay, alone, late = (defaultdict[str, list[float]](list) for _ in range(5))
    rounds, slow, times = (2, 0, TIMES_QUICK) if ground.quick else (ground.rounds, SLOW, TIMES)
    consumers = (OURS,) if ground.quick else (OURS, PLAIN)
    for number in range(rounds):
        for server in (None, rabbit):
            with _broker(server) as broker:
                ground.say(f"events, round {number + 1}: {broker.name}")
                handled, mailed = end_to_end(backlog, broker, number < slow)
                whole[f"{broker.name}, events"].append(backlog.total / handled)
                whole[f"{broker.name}, messages"].append(backlog.marks / handled)
                found = halves(backlog, broker, times, consumers)
                relay[broker.name].append(found["relay"])
                alone[broker.name].append(found[OURS])
                if PLAIN in found:
                    alone[f"plain loop, {broker.name}"].append(found[PLAIN])
                if number < slow:
                    mails[broker.name].append(backlog.total / mailed)
                    after = quantiles(latencies(backlog, broker, LATE), n=100)
                    late[f"{broker.name}, p50"].append(after[49])
                    late[f"{broker.name}, p99"].append(after[98])
    per = f"{backlog.marks / backlog.total:.1f}"
    mix = f"{backlog.events['order.created']} orders and {backlog.events['product.updated']} changes of products"
    repeated = f"The same events, each {times} times with an id of its own."
    figures = [
        Figure(
            name="events-end-to-end", title="A worker end to end: relay, all queues, inbox, effects, acknowledgements",
            unit="events/s", rounds=whole, notes=[f"{mix}; each event is {per} messages.", *[CHECKED] * bool(slow)],
            targets=[Target(f"{b}, events", value=2000) for b in BROKERS],
        ),
        Figure(
            name="events-relay", title="The relay alone: published with confirms and marked", unit="events/s", rounds=relay,
            notes=[repeated],
        ),
        Figure(
            name="events-consumer", title="One consumer: inbox, one row of effect each, acknowledgements", unit="events/s",
            rounds=alone, notes=[repeated, *LOOPS[: 2 * (PLAIN in consumers)]], targets=[Target(b, value=2000) for b in BROKERS],
        ),
    ]  # fmt: skip
    if not slow:
        return figures
    return [
        *figures,
        Figure(name="events-mailed", title="A worker end to end, until every mail of it is handed over", unit="events/s", rounds=mails),
        Figure(
            name="events-latency", title="From the answer to an order to its effect, at low load", unit="ms", better="less",
            rounds=late,
        ),
    ]  # fmt: skip


CHECKED = "Afterwards harvestctl check finds nothing."
LOOPS = [
    "The plain loop on PostgreSQL runs the same statements by synchronous psycopg2 and does not read the messages.",
    "The plain loop on RabbitMQ consumes and acknowledges by pika's BlockingConnection, without any database.",
]
