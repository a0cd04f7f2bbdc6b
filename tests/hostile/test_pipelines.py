"""Many requests in few bytes, from a client that does not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers import PostgresServer
from tests.faults.market import market
from tests.hostile.raw import Stranger, connected, cpu, get, resident

MB = 1_000_000


@pytest.mark.timeout(120)
@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/api/products?limit=100"])
def test_a_pipeline_that_nobody_reads_costs_no_memory_and_delays_nobody(
    postgres: PostgresServer, tmp_path: Path, path: str
) -> None:
    with market(postgres, tmp_path, workers=0) as shop:  # what holds its reactor is told to tests/slow.py
        shop.populate([f"good {n}" for n in range(60)], farms=1, buyers=0)
        process = shop.api.process
        assert process is not None
        stranger = Stranger(shop.api.port)
        stranger.ask(20)  # what is made once is made
        with connected(shop.api.port) as first:
            first.sendall(get(path))
            assert first.recv(1000)
        before, used = resident(process.pid), cpu(process.pid)
        with connected(shop.api.port, receive_buffer=4096) as greedy:
            greedy.sendall(get(path) * 400)
            stranger.ask(100)
            assert resident(process.pid) - before < 20 * MB
        assert set(stranger.statuses) == {200}
        assert cpu(process.pid) - used < 5
