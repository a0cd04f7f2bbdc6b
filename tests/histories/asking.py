"""One client of several processes, of which any may die at any time."""

from __future__ import annotations

import http.client
import itertools
import random
import time
from collections.abc import Sequence
from typing import Any

from tests.daemons import Daemon, connect, exchange

#: Seconds for which a request whose outcome is not known is sent again, with the same key.
PATIENCE = 20.0


#: Of the requests, and of what became of those without an answer.
names = itertools.count(1)


class Lost(Exception):
    """There was no answer."""


class Asking:
    """One client's connections. A request is sent to whichever process takes it; what becomes of one that was sent is known by its answer alone."""

    def __init__(self, apis: Sequence[Daemon], chance: random.Random) -> None:
        self._apis = apis
        self._chance = chance
        self._connections: dict[int, Any] = {}

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def __call__(self, who: str, method: str, path: str, body: Any, **headers: str) -> tuple[float, int, Any]:
        """When it was begun, and its answer. Raises :class:`Lost`, whose only argument is when it was begun; half of the requests without an answer are sent again
        until they have one, with the same key."""
        sent = {"Authorization": f"Bearer {who}", "Idempotency-Key": f"history-{next(names)}"} | headers
        begun, again, end = 0.0, self._chance.random() < 0.5, time.monotonic() + PATIENCE
        while True:
            port, connection = self._connected()
            begun = begun or time.monotonic()
            try:
                status, answer, _ = exchange(connection, method, path, body, sent)
                if status != 503 and not (status == 409 and answer["type"] == "/problems/key-in-flight"):
                    return begun, status, answer
            except (OSError, http.client.HTTPException):
                self._connections.pop(port).close()
            if not again or time.monotonic() > end:
                raise Lost(begun)
            time.sleep(0.02)

    def _connected(self) -> tuple[int, Any]:
        """A connection to any of the processes; one that takes none is none."""
        while True:
            port = self._chance.choice(self._apis).port
            if port in self._connections:
                return port, self._connections[port]
            connection = connect(port)
            try:
                connection.connect()
            except OSError:
                time.sleep(0.01)
                continue
            self._connections[port] = connection
            return port, connection
