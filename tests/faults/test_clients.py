"""Clients that behave badly, against real processes: they harm nobody but themselves."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import Clients, Job, request
from tests.faults.market import Market, market

#: Who is in a transaction and says nothing. At any moment somebody may be between two statements; nobody stays there.
IN_TRANSACTION = """select pid, xact_start from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%%'"""


def raw_order(shop: Market, job: Job) -> bytes:
    body = json.dumps({"lines": [{"product_id": p, "quantity": q} for p, q in job.lines]}).encode()
    head = (
        f"POST /api/orders HTTP/1.1\r\nHost: 127.0.0.1:{shop.api.port}\r\nAuthorization: Bearer {job.token}\r\n"
        f"Idempotency-Key: {job.key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@pytest.mark.timeout(120)
def test_who_hangs_up_mid_order_leaves_whole_orders_and_a_healthy_pool(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with market(postgres, tmp_path) as shop:
        shop.populate(["eggs", "milk"], farms=2, buyers=5)
        jobs = shop.jobs([["eggs", "milk"]] * 50)
        for job in jobs:
            with socket.create_connection(("127.0.0.1", shop.api.port)) as gone:
                gone.sendall(raw_order(shop, job))
        clients = Clients(lambda: shop.api.port, jobs)  # each asks again with its key, as one who got no answer does
        clients.begin()
        book = clients.finish(60)
        assert (book.wrong, len(book.acknowledged), shop.count("orders")) == ([], 50, 50)
        left = set(shop.query(IN_TRANSACTION))
        wait_until("each of them ends", lambda: left.isdisjoint(shop.query(IN_TRANSACTION)), 30)
        shop.rest()
        assert shop.broken() == []


@pytest.mark.timeout(120)
def test_two_thousand_dripping_sockets_are_dropped_and_delay_nobody(
    postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    with market(postgres, tmp_path, header_deadline=3, connections_most=5000, connections_per_address=5000) as shop:
        sockets = [socket.create_connection(("127.0.0.1", shop.api.port)) for _ in range(2000)]
        try:
            for one in sockets:
                one.sendall(b"GET /api/products HTTP/1.1\r\nHost: localhost\r\n")
            began = time.monotonic()
            took = []
            while time.monotonic() < began + 2:
                start = time.monotonic()
                assert request(shop.api.port, "GET", "/api/products")[0] == 200
                took.append(time.monotonic() - start)
                for one in sockets[len(took) % 20 :: 20]:
                    one.sendall(b"a")
            for one in sockets:
                one.setblocking(False)
            wait_until("all of them are dropped", lambda: all(gone(one) for one in sockets), 15)
            measured(
                f"median {sorted(took)[len(took) // 2] * 1000:.1f} ms, slowest {max(took) * 1000:.1f} ms beside them"
            )
        finally:
            for one in sockets:
                one.close()


def gone(one: socket.socket) -> bool:
    """Whether the server has closed it; what it said before (408) is read and dropped."""
    try:
        while data := one.recv(4096):
            assert data
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
