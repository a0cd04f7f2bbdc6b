"""A process that dies with a group of orders in its hands: none of them was placed, and each is placed once by the same key."""

from __future__ import annotations

import http.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import request
from tests.faults.market import Market, market
from tests.locks import holding, waiting

#: The first two come alone; the others wait for them, in one group or two.
BUYERS, STOCK, ALONE = 16, 10, 2


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", ["order.before_commit", "write.before_answer"])
def test_carts_are_ordered_once_whenever_the_process_dies(postgres: PostgresServer, tmp_path: Path, point: str) -> None:
    with market(postgres, tmp_path) as shop:
        shop.populate(["Leek"], farms=1, buyers=BUYERS, stock=str(STOCK))
        for token in shop.buyers:
            assert _asked(shop, "PUT", f"/api/cart/items/{shop.goods['Leek']}", token, {"quantity": "1"})[0] == 200
        shop.api.kill()
        shop.api.start(fail_points=f"{point}=kill@{ALONE + 1}")
        dying = shop.api.process
        assert dying is not None
        with ThreadPoolExecutor(BUYERS) as clients:
            with holding(shop.url, "update products set title = title") as lock:
                asked = [clients.submit(_order, shop, n) for n in range(BUYERS)]
                wait_until("a group waits, too", lambda: waiting(shop.url) > ALONE, 30)
                lock.commit()
            wait_until("it dies", lambda: dying.poll() is not None, 30)
            kept = shop.count("orders")
            shop.api.start()
            answers = [one.result(60) for one in asked]
        assert kept == ALONE if point == "order.before_commit" else kept > ALONE
        assert Counter(status for status, _ in answers) == {201: STOCK, 409: BUYERS - STOCK}
        again = [_order(shop, n) for n in range(BUYERS)]
        assert again == answers, "each is answered again as it was"
        assert shop.count("orders") == STOCK == len({answer for status, answer in answers if status == 201})
        assert shop.count("carts") == BUYERS - STOCK
        shop.rest()
        assert shop.broken() == []


def _order(shop: Market, n: int) -> tuple[int, Any]:
    """The answer to an order of somebody's cart: its status, and the order's id or what is wrong. Sent again with the same key until there is one."""
    found: list[tuple[int, Any]] = []

    def answered() -> bool:
        try:
            status, answer, *_ = _asked(shop, "POST", "/api/orders", shop.buyers[n], {}, Idempotency_Key=f"cart-{n}")
        except (OSError, http.client.HTTPException):
            return False
        found.append((status, answer.get("id") or answer["type"]))
        return status != 503

    wait_until(f"{n} is answered", answered, 60)
    return found[-1]


def _asked(shop: Market, method: str, path: str, token: str, body: Any, **headers: str) -> tuple[int, Any, Any]:
    said = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return request(shop.api.port, method, path, body, said)
