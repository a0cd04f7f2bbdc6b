"""What one process writes, another soon shows, though it had the old answer in its cache."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import PostgresServer, free_port, wait_until
from tests.daemons import Daemon, request
from tests.faults.market import market


@pytest.mark.timeout(120)
def test_an_order_through_one_api_shows_at_the_other(
    postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    with market(postgres, tmp_path) as shop:
        shop.populate(["eggs"], farms=1, buyers=1, stock="100")
        other = Daemon("harvest-api", tmp_path, **shop.api.settings | {"http_port": free_port()})
        try:
            other.start()
            path, headers = f"/api/products/{shop.goods['eggs']}", {"Authorization": f"Bearer {shop.buyers[0]}"}

            def available(daemon: Daemon) -> str:
                return str(request(daemon.port, "GET", path)[1]["available"])

            for n in range(1, 6):
                assert available(other) == available(other) == f"{101 - n}.000"  # it is in the cache now
                body = {"lines": [{"product_id": shop.goods["eggs"], "quantity": 1}]}
                status, answer, _ = request(
                    shop.api.port, "POST", "/api/orders", body, headers | {"Idempotency-Key": f"key-{n}"}
                )
                assert status == 201, answer
                began, left = time.monotonic(), f"{100 - n}.000"
                assert available(shop.api) == left, "who wrote it shows it at once"
                wait_until("the other shows it too", lambda left=left: available(other) == left)  # type: ignore[misc]
                measured(f"shown at the other after {time.monotonic() - began:.3f} s")
        finally:
            other.kill()
