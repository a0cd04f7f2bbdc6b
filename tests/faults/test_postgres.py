"""PostgreSQL goes away under load and comes back: 503 with Retry-After meanwhile, recovery by itself after."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import Clients, request
from tests.faults.market import baskets, goods_of, market
from tests.lengths import length


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that this test may stop."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.mark.timeout(240)
def test_a_restart_under_load(own_server: PostgresServer, tmp_path: Path, measured: Callable[[str], None]) -> None:
    drawn = baskets(int(length(250, 1500)))
    with market(own_server, tmp_path) as shop:
        shop.populate(goods_of(drawn), farms=2, buyers=16)
        clients = Clients(lambda: shop.api.port, shop.jobs(drawn))
        clients.begin()
        wait_until("the load is on", lambda: len(clients.book.acknowledged) > 100)
        own_server.stop("immediate")
        headers = {"Authorization": f"Bearer {shop.buyers[0]}"}
        wait_until(
            "requests are told to wait", lambda: request(shop.api.port, "GET", "/api/orders", None, headers)[0] == 503
        )
        status, answer, sent = request(shop.api.port, "GET", "/api/orders", None, headers)
        assert status == 503 and int(sent["retry-after"]) >= 1 and answer["type"] == "/problems/unavailable", answer
        assert request(shop.api.port, "GET", "/health")[0] == 200
        status, answer, _ = request(shop.api.port, "GET", "/health/ready")
        assert status == 503, answer
        own_server.start()
        began = time.monotonic()
        wait_until("orders go on", lambda: request(shop.api.port, "GET", "/api/orders", None, headers)[0] == 200, 5)
        measured(f"recovered {time.monotonic() - began:.2f} s after the server accepted")
        book = clients.finish()
        shop.rest()
        assert book.wrong == []
        assert len(book.acknowledged) == len(drawn) == shop.count("orders")
        assert shop.broken() == []
