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
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import quantiles
from time import perf_counter, sleep
from typing import Any

import attrs

from benchmarks.contest import of, spent
from benchmarks.cpu import Meter, Spent
from benchmarks.events_market import Run, Waiting, until, waiting
from benchmarks.events_process import QUEUE
from benchmarks.ground import Ground
from benchmarks.results import Figure, Target
from benchmarks.served import ROOT, harvestd
from harvestd.tables import PERIODIC
from servers import free_port
from servers.rabbitmq import RabbitServer
from tests.daemons import Daemon, connect, environment, exchange, register

OURS, PLAIN, BROKERS = "harvestd", "a plain loop", ("PostgreSQL", "RabbitMQ")
LOOP = Path(__file__).parent / "peers" / "queues" / "loop.py"
BEFORE = ", before"

#: How often each event is there where a half is timed, so that it takes a second or more; orders whose effect is timed; in
#: how many rounds the two slow ones take part that have no target: mails, and latency.
TIMES, TIMES_QUICK, LATE, SLOW = 10, 3, 80, 3

_LEFT = "select exists (select from outbox where sent_at is null) or exists (select from queue_messages)"
_UNMAILED = "select exists (select from mails where state = 'pending')"
_LOCKS = """
select count(*) from pg_locks where locktype = 'advisory' and granted
   and database = (select oid from pg_database where datname = current_database())"""
_MARKS = "select count(*) from inbox"
_ACKED = "select not exists (select from queue_messages where queue = %s)"


@attrs.frozen
class Broker:
    """One of the two, as the settings of a process name it. ``emptied`` asks it about one queue, or about all."""

    name: str
    settings: dict[str, str]
    emptied: Callable[[Run, str], bool]
    url: str = ""


@attrs.frozen
class Went:
    """Events a second, and the CPU of them; where mails are waited for, events a second until the last is handed over."""

    rate: float
    spent: Spent
    mailed: float = 0.0


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
def process(
    command: list[str], folder: Path, settings: Mapping[str, Any], source: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has said that it is ready, of the checkout ``source``."""
    started = subprocess.Popen(
        [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=source,
        env=environment(folder, **settings) | {"PYTHONPATH": str(source)}, start_new_session=True,
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


def end_to_end(backlog: Waiting, broker: Broker, mails: bool) -> Went:
    """Until every event has all its effects and is acknowledged, and, where that is waited for, until every mail of theirs is
    handed over. Then the books are checked afterwards."""
    with backlog.fresh() as run:
        settings: dict[str, Any] = {"data_dir": run.folder, "demo": False, **broker.settings}
        worker = harvestd(run.url, plugin="harvest-worker", source=run.source, cores=None, **settings)
        with worker:
            until("the worker relays", lambda: _relays(run))
            meter = Meter(pids=[worker.pid])
            began = run.let_go()
            until("all is relayed", lambda: not run.query(_LEFT)[0][0])
            until("all is handled", lambda: int(run.query(_MARKS)[0][0]) >= backlog.marks, 0.05)
            handled = until("all is acknowledged", lambda: not run.query(_LEFT)[0][0] and broker.emptied(run, QUEUE))
            cost, mailed = meter.spent(backlog.total, 0.0), 0.0
            if mails:
                ended = until("all is mailed", lambda: not run.query(_UNMAILED)[0][0], 0.05)
                mailed = backlog.total / (ended - began)
        if mails:
            run.check()
        return Went(backlog.total / (handled - began), cost, mailed)


def _relays(run: Run) -> bool:
    """Whether a worker has the lease of the relay, and those of all that is done from time to time, which follow its consumers.
    In an earlier revision these are locks."""
    if not run.query("select to_regclass('leases') is not null")[0][0]:
        return int(run.query(_LOCKS)[0][0]) >= 5
    return int(run.query("select count(*) from leases where until > now()")[0][0]) > len(PERIODIC)


def halves(backlog: Waiting, broker: Broker, times: int, consumers: Sequence[str]) -> dict[str, Went]:
    """The speed of the relay alone, then of the consumer of one queue alone; and of the plain loop in its place, where
    it is among the ``consumers``. Each event is there so many times."""
    found: dict[str, Went] = {}
    orders = times * backlog.events["order.created"]
    for consumer in consumers:
        with backlog.fresh(times) as run:
            settings = {"database_url": run.url} | broker.settings
            run.let_go()
            with process(["-m", "benchmarks.events_process", "relay"], run.folder, settings, run.source) as relay:
                meter = Meter(pids=[relay.pid])
                began = fire(relay)
                ended = until("all is relayed", lambda run=run: not run.query(_UNSENT)[0][0])  # type: ignore[misc]
                events = times * backlog.total
                found["relay"] = Went(events / (ended - began), meter.spent(events, 0.0))
            url = broker.url or run.url
            plain = [str(LOOP), broker.name.lower(), url, str(orders)]
            command = ["-m", "benchmarks.events_process", "consumer"] if consumer == OURS else plain
            with process(command, run.folder, settings, run.source) as consuming:
                meter = Meter(pids=[consuming.pid])
                began = fire(consuming)
                ended = _consumed(run, broker, consuming, orders, consumer == OURS)
                found[consumer] = Went(orders / (ended - began), meter.spent(orders, 0.0))
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

    from harvestd.tables import TOPOLOGY

    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    for queue in TOPOLOGY.queues.values():
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
        with ExitStack() as stack:
            backlogs = {"": stack.enter_context(waiting(ground.postgres, orders, updates))}
            if ground.against is not None:
                backlogs[BEFORE] = stack.enter_context(waiting(ground.postgres, orders, updates, ground.against))
            return _figures(ground, backlogs, rabbit)
    finally:
        rabbit.remove()


def _figures(ground: Ground, backlogs: dict[str, Waiting], rabbit: RabbitServer) -> list[Figure]:
    whole, relay, alone = (defaultdict[str, list[Went]](list) for _ in range(3))
    mails, late = (defaultdict[str, list[float]](list) for _ in range(2))
    backlog = backlogs[""]
    rounds, slow, times = (2, 0, TIMES_QUICK) if ground.quick else (ground.rounds, SLOW, TIMES)
    consumers = (OURS,) if ground.quick else (OURS, PLAIN)
    for number in range(rounds):
        for server in (None, rabbit):
            for when in list(backlogs)[:: -1 if number % 2 else 1]:
                with _broker(server) as broker:
                    ground.say(f"events, round {number + 1}: {broker.name}{when}")
                    mailing = number < slow and not when
                    whole[f"{broker.name}, events{when}"].append(went := end_to_end(backlogs[when], broker, mailing))
                    found = halves(backlogs[when], broker, times, (OURS,) if when else consumers)
                    relay[broker.name + when].append(found["relay"])
                    alone[broker.name + when].append(found[OURS])
                    if PLAIN in found:
                        alone[f"plain loop, {broker.name}"].append(found[PLAIN])
                    if mailing:
                        mails[broker.name].append(went.mailed)
                        after = quantiles(latencies(backlog, broker, LATE), n=100)
                        late[f"{broker.name}, p50"].append(after[49])
                        late[f"{broker.name}, p99"].append(after[98])
    messages = {
        f"{b}, messages": [each.rate * backlog.marks / backlog.total for each in whole[f"{b}, events"]] for b in BROKERS
    }
    per = f"{backlog.marks / backlog.total:.1f}"
    mix = f"{backlog.events['order.created']} orders and {backlog.events['product.updated']} changes of products"
    repeated = f"The same events, each {times} times with an id of its own."
    figures = [
        Figure(
            name="events-end-to-end", title="A worker end to end: relay, all queues, inbox, effects, acknowledgements",
            unit="events/s", rounds=of(whole, _rate) | messages, per="event", **_costs(whole), notes=[f"{mix}; each event is {per} messages.", *[CHECKED] * bool(slow)],
            targets=[Target(f"{b}, events", value=2000) for b in BROKERS] + _before(backlogs, "{}, events"),
        ),
        Figure(
            name="events-relay", title="The relay alone: published with confirms and marked", unit="events/s", rounds=of(relay, _rate),
            notes=[repeated], per="event", **_costs(relay), targets=_before(backlogs, "{}"),
        ),
        Figure(
            name="events-consumer", title="One consumer: inbox, one row of effect each, acknowledgements", unit="events/s",
            rounds=of(alone, _rate), per="message", **_costs(alone), notes=[repeated, *LOOPS[: 2 * (PLAIN in consumers)]],
            targets=[Target(b, value=2000) for b in BROKERS] + _before(backlogs, "{}"),
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


def _rate(each: Went) -> float:
    return each.rate


def _costs(found: Mapping[str, list[Went]]) -> dict[str, Any]:
    """Nobody sends: there is no client that could be the limit."""
    return spent(found) | {"clients": {}}


def _before(backlogs: Mapping[str, Waiting], named: str) -> list[Target]:
    return [Target(named.format(b), named.format(b) + BEFORE, ratio=0.97) for b in BROKERS if BEFORE in backlogs]


CHECKED = "Afterwards harvestctl check finds nothing."
LOOPS = [
    "The plain loop on PostgreSQL runs the same statements by synchronous psycopg2 and does not read the messages.",
    "The plain loop on RabbitMQ consumes and acknowledges by pika's BlockingConnection, without any database.",
]
