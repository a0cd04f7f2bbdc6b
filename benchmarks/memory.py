"""What a process keeps in memory: idle, with thousands of idle connections, and after everything has been asked of it."""

from __future__ import annotations

import math
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from time import sleep
from typing import Any

import attrs
import psutil
import psycopg2

from benchmarks import load, rate
from benchmarks.ground import Ground
from benchmarks.orders_market import STAFF
from benchmarks.readers import LISTING
from benchmarks.results import Figure, Target
from benchmarks.served import ROOT, Served, harvestd
from benchmarks.uncached import cursors_of
from harvestd.settings.table import Settings
from harvestd.tables import ROUTES
from tests.daemons import register, request

CONNECTIONS = 5_000
#: Those of one address.
OF_ONE_ADDRESS = 400
IDLE, HOLDING = "idle", f"{CONNECTIONS:,} idle connections"
WARM, WARM_HOLDING = "warm, the near cache full", f"warm, and {CONNECTIONS:,} idle connections"
WORKER = "a worker process, idle"
#: Requests whose answers are more than the near cache holds: pages of 100 products.
FILLING = 800


@attrs.frozen
class Memory:
    """In MB: resident, and of that what this process alone has."""

    rss: float
    uss: float


def run(ground: Ground) -> list[Figure]:
    """A new process in each round."""
    found: dict[str, list[Memory]] = {}
    sources = {"": ROOT} | ({"before: ": ground.against} if ground.against is not None else {})
    for number in range(1 if ground.quick else ground.rounds):
        for prefix, source in sources.items():
            for state, memory in _states(ground, source):
                found.setdefault(prefix + state, []).append(memory)
        ground.say(
            f"round {number + 1}: " + ", ".join(f"{state} {each[-1].rss:.0f} MB" for state, each in found.items())
        )
    each = {
        prefix or "harvestd": [
            (full.rss - idle.rss) * 2**20 / CONNECTIONS
            for idle, full in zip(found[prefix + IDLE], found[prefix + HOLDING], strict=True)
        ]
        for prefix in sources
    }
    own = "; ".join(f"{state} {sum(m.uss for m in all_) / len(all_):.0f} MB" for state, all_ in found.items())
    return [
        Figure(
            name="memory", title="Memory of a process", unit="MB resident", better="less",
            rounds={state: [memory.rss for memory in all_] for state, all_ in found.items()},
            targets=[Target(state, value=120.0) for state in (IDLE, HOLDING, WARM, WARM_HOLDING)],
            notes=[
                "An API process without the consumers, which are the worker's, at its default settings but for limits of "
                "requests, on a market of 10,000 products.",
                "Each idle connection has had one answer and is kept alive. Warm is after a sign-in, an order, each route "
                f"that is read, and pages of 100 products until the near cache of {Settings().cache_size / 2**20:.0f} MiB is full.",
                f"Of that, not shared with other processes: {own}.",
            ],
        ),
        Figure(
            name="memory-connection", title="Memory of an idle connection", unit="bytes", better="less", rounds=each,
            notes=[f"Of the process; what the kernel keeps for its sockets is not in it. The mean of {CONNECTIONS:,}."],
        ),
    ]  # fmt: skip


def _states(ground: Ground, source: Path) -> Iterator[tuple[str, Memory]]:
    whose = ("memory", ROOT) if source == ROOT else ("before", source)
    url = ground.market(10_000, *whose)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("select exists (select from farm_members)")
        if cursor.fetchall() == [(False,)]:
            cursor.execute(STAFF)
    with _room_for(CONNECTIONS):
        with harvestd(url, source=source) as served:
            load.body(served.port, LISTING)
            yield IDLE, _memory(served)
            with _connections(served.port):
                yield HOLDING, _memory(served)
            _everything(served.port, url)
            yield WARM, _memory(served)
            with _connections(served.port):
                yield WARM_HOLDING, _memory(served)
        with harvestd(url, plugin="harvest-worker", source=source) as worker:
            sleep(3)  # it says nothing when it is ready
            yield WORKER, _memory(worker)


def _memory(served: Served) -> Memory:
    found = psutil.Process(served.pid).memory_full_info()
    return Memory(found.rss / 2**20, found.uss / 2**20)


@contextmanager
def _room_for(connections: int) -> Iterator[None]:
    """A limit of open files, here and in what is started here, that lets there be so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, connections + 500)
    if hard not in (resource.RLIM_INFINITY,) and hard < wanted:
        raise RuntimeError(f"this account may open {hard} files, and the benchmark needs {wanted}: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def _connections(port: int) -> Iterator[None]:
    """So many, each of which has had an answer; of addresses that each have fewer than one may have (``connections_per_address``)."""
    asked = rate.request("GET", LISTING)
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            source = (f"127.0.0.{2 + number // OF_ONE_ADDRESS}", 0)
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20, source))
            connection.sendall(asked)
            answer = b""
            while (status := rate.status(answer)) is None:
                piece = connection.recv(1 << 17)
                if not piece:
                    raise load.LoadError("a connection was closed before its answer")
                answer += piece
            if status != 200:
                raise load.LoadError(f"an idle connection was answered with {status}")
        yield
    sleep(0.5)


def _everything(port: int, url: str) -> None:
    """Sign up, order, read each route, and fill the near cache."""
    tag = f"memory{port}"
    token, _ = register(port, tag)
    headers = {"Authorization": f"Bearer {token}"}
    _, page, _ = request(port, "GET", "/api/products?limit=100&in_stock=true&in_season=true")
    product = next((item for item in page["items"] if _ordered(port, item, headers)), None)
    if product is None:
        raise load.LoadError("none of 100 products could be ordered")
    for route in ROUTES:
        if route.method == "GET":
            request(port, "GET", re.sub(r"\{.*?\}", product["id"], route.path), headers=headers)
    fill = [rate.request("GET", path) for path in _pages_of_100(url)]
    done = rate.paced(port, fill, 0, 60, connections=8)
    if done.failed:
        raise load.LoadError(f"the cache could not be filled: {done.statuses}")


def _ordered(port: int, item: dict[str, Any], headers: dict[str, str]) -> bool:
    """Whether enough of it for any farm's least order could be had."""
    least = Decimal(str(item["min_quantity"]))
    wanted = least * math.ceil(100 / (Decimal(str(item["price"]["amount"])) * least))
    body = {"lines": [{"product_id": item["id"], "quantity": str(wanted)}]}
    return request(port, "POST", "/api/orders", body, headers | {"Idempotency-Key": item["id"]})[0] == 201


def _pages_of_100(url: str) -> list[str]:
    return [f"/api/products?limit=100&after={cursor}" for cursor in cursors_of(url, 0, FILLING, 1)]
