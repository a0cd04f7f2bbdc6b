"""A steady mixed load: what buyers do all the time, at a pace, with a note of how long each took."""

from __future__ import annotations

import http.client
import itertools
import ssl
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from tests.daemons import connect, exchange

#: What an order is told that is under way, and the seconds within which it must be done: an instance that is frozen in the
#: midst of one holds its key until PostgreSQL ends that transaction (HARVEST_IDLE_IN_TRANSACTION_TIMEOUT).
IN_FLIGHT, AGAIN_FOR = "/problems/key-in-flight", 15.0


@attrs.frozen
class Taken:
    """One request: when it began (monotonic seconds), what it was, its status (0: no answer), how long it took."""

    began: float
    kind: str
    status: int
    seconds: float


class Steady:
    """``clients`` threads, each with one kept-alive connection to the ``ports`` in turn, that list, look at a product,
    search and order, one after the other, ``pace`` requests a second all together. Each request is to be answered
    well, and none is sent again but an order that is being worked on at another instance, as its problem says: a proxy asks
    the next one when an instance is slow. While this is ``patient`` an order is sent again, too, when it is told to come later:
    what an instance that is frozen has locked, others wait for no longer than ``lock_timeout``."""

    def __init__(
        self, ports: Sequence[int], buyers: Sequence[str], products: Sequence[str], pace: float = 60.0,
        clients: int = 6, context: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.taken: list[Taken] = []
        self.orders: dict[str, str] = {}
        self.wrong: list[str] = []
        self.degraded: list[float] = []
        self.patient = False
        self._ports = ports
        self._buyers = buyers
        self._products = products
        self._pause = clients / pace
        self._context = context
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(clients)]

    def begin(self) -> None:
        """Start."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """End, with the requests under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client still waits for an answer"

    def between(self, start: float, end: float, kind: str = "") -> list[float]:
        """How long the requests took that began in that time."""
        return [one.seconds for one in self.taken if start <= one.began < end and kind in one.kind]

    def told(self, start: float, end: float) -> str:
        """In words."""
        took = sorted(self.between(start, end))
        at = took[int(len(took) * 0.99)]
        return f"{len(took)} requests, median {statistics.median(took) * 1000:.0f} ms, p99 {at * 1000:.0f} ms, slowest {took[-1] * 1000:.0f} ms"

    def _work(self, who: int) -> None:
        connection: Any = None
        turn = itertools.cycle((self._list, self._product, self._search, self._order))
        while not self._stop.wait(self._pause):
            if connection is None:
                connection = connect(self._ports[who % len(self._ports)], self._context)
            connection = next(turn)(connection, who)
        if connection is not None:
            connection.close()

    def _list(self, connection: Any, who: int) -> Any:
        # what nobody asked before, so that the near cache does not answer alone
        least = next(self._numbers) % 50
        return self._ask(connection, "listing", "GET", f"/api/products?min_price={least}")

    def _product(self, connection: Any, who: int) -> Any:
        chosen = self._products[next(self._numbers) % len(self._products)]
        return self._ask(connection, "product", "GET", f"/api/products/{chosen}")

    def _search(self, connection: Any, who: int) -> Any:
        def look(answer: Any) -> None:
            if answer["degraded"]:
                self.degraded.append(time.monotonic())

        return self._ask(connection, "search", "GET", f"/api/search?q=good&min_price={who}", look=look)

    def _order(self, connection: Any, who: int) -> Any:
        number = next(self._numbers)
        key = f"steady-{number}"
        body = {"lines": [{"product_id": self._products[number % len(self._products)], "quantity": "1"}]}
        headers = {"Authorization": f"Bearer {self._buyers[number % len(self._buyers)]}", "Idempotency-Key": key}

        def note(answer: Any) -> None:
            self.orders[key] = answer["id"]

        return self._ask(connection, "order", "POST", "/api/orders", body, headers, note)

    def _ask(
        self, connection: Any, kind: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None,
        look: Callable[[Any], None] = lambda _: None,
    ) -> Any:  # fmt: skip
        began = time.monotonic()
        try:
            while True:
                asked = time.monotonic()
                status, answer, sent = exchange(connection, method, path, body, headers)
                self.taken.append(Taken(asked, kind, status, time.monotonic() - asked))
                in_flight = status == 409 and answer["type"] == IN_FLIGHT
                later = self.patient and kind == "order" and status == 503 and "retry-after" in sent
                if not (in_flight or later) or time.monotonic() - began > AGAIN_FOR:
                    break
                time.sleep(0.1)
        except (OSError, http.client.HTTPException) as error:
            self.taken.append(Taken(asked, kind, 0, time.monotonic() - asked))
            self.wrong.append(f"{kind} at {began:.1f}: {error!r}")
            connection.close()
            return None
        if status // 100 == 2:
            look(answer)
        else:
            self.wrong.append(f"{kind} at {began:.1f}: {status} {answer}")
        return connection
