"""Clients at a steady pace, as people's programs are: with kept-alive connections over TLS that they look at before they use
them again.

A kept-alive connection may be closed by the other side at the moment at which a request is sent on it (RFC 9112, 9.3.1): then
nothing comes back, and a client sends what may be repeated again, as browsers and HTTP libraries do. That is
counted; it is nothing that a server can always prevent. Everything else that is not a good answer is a failure.
"""

from __future__ import annotations

import http.client
import itertools
import json
import select
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import attrs

#: What is asked for, in turn: what the daemon must do each time, what Nginx may have, and what must be done once.
KINDS = ("listing", "order", "own", "health")


@attrs.define
class Outcome:
    """``answered`` by kind, ``again`` the requests that were sent a second time, ``failed`` all others, in words."""

    answered: Counter[str] = attrs.field(factory=Counter)
    orders: dict[str, str] = attrs.field(factory=dict)
    again: list[str] = attrs.field(factory=list)
    failed: list[str] = attrs.field(factory=list)
    slowest: float = 0.0
    seconds: float = 0.0


class Load:
    """``pace`` requests a second by ``clients`` threads, each on a connection of its own."""

    def __init__(
        self, connect: Callable[[], http.client.HTTPSConnection], buyers: Sequence[str], product: str,
        pace: float = 200.0, clients: int = 20,
    ) -> None:  # fmt: skip
        self.outcome = Outcome()
        self._connect, self._buyers, self._product = connect, buyers, product
        self._every = clients / pace
        self._numbers = itertools.count(1)
        self._mark = f"{time.monotonic_ns():x}"
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(n / pace,), daemon=True) for n in range(clients)]
        self._began = time.monotonic()

    def __enter__(self) -> Load:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(40)
            assert not thread.is_alive(), "a client still waits for an answer"
        self.outcome.seconds = time.monotonic() - self._began

    def _work(self, offset: float) -> None:
        connection = self._connect()
        due = self._began + offset
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            self._one(connection, next(self._numbers))
            due = max(due + self._every, time.monotonic() - self._every)  # a late client does not make up for all of it
        connection.close()

    def _one(self, connection: http.client.HTTPSConnection, number: int) -> None:
        kind = KINDS[number % len(KINDS)]
        method, path, body, headers = self._request(kind, number)
        began = time.monotonic()
        for attempt in (1, 2):
            used = connection.sock is not None
            if used and select.select([connection.sock], [], [], 0)[0]:
                connection.close()  # the other side has said good-bye: an orderly end, before anything was sent
                used = False
            try:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if used and attempt == 1:
                    self._note_again(f"{kind} {number}: {error!r}")
                    continue
                return self._note_failure(f"{kind} {number}: {error!r} on a {'used' if used else 'new'} connection")
            break
        try:
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return self._note_failure(f"{kind} {number}: {error!r} within the answer")
        if response.status // 100 != 2:
            return self._note_failure(f"{kind} {number}: {response.status} {content[:300]!r}")
        with self._lock:
            self.outcome.answered[kind] += 1
            self.outcome.slowest = max(self.outcome.slowest, time.monotonic() - began)
            if kind == "order":
                self.outcome.orders[headers["Idempotency-Key"]] = json.loads(content)["id"]

    def _request(self, kind: str, number: int) -> tuple[str, str, str | None, dict[str, str]]:
        sign = {"Authorization": f"Bearer {self._buyers[number % len(self._buyers)]}"}
        if kind == "order":
            body = json.dumps({"lines": [{"product_id": self._product, "quantity": "1"}]})
            return (
                "POST",
                "/api/orders",
                body,
                sign | {"Idempotency-Key": f"{self._mark}-{number}", "Content-Type": "application/json"},
            )
        if kind == "own":
            return "GET", "/api/users/me", None, sign
        if kind == "health":
            return "GET", "/health", None, {}
        return "GET", f"/api/products?min_price={number % 40}", None, {}

    def _note_again(self, text: str) -> None:
        with self._lock:
            self.outcome.again.append(text)

    def _note_failure(self, text: str) -> None:
        with self._lock:
            self.outcome.failed.append(text)
