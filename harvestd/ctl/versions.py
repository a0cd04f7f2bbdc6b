"""The minimum versions of servers, and measurements of their latency."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

#: The oldest version of each that has the features the daemon uses: Redis's commands, at-least-once dead-lettering of quorum queues,
#: composable templates and point-in-time searches.
MIN = {"Redis": (6, 0), "RabbitMQ": (3, 10), "Elasticsearch": (7, 10), "OpenSearch": (2, 0), "PostgreSQL": (14, 0)}
#: Round trips measured.
TRIPS = 9


def aged(name: str, version: str) -> str:
    """The cure for a server that is too old; "" if it is not, or does not tell its version."""
    found = re.match(r"([0-9]+)(?:\.([0-9]+))?", version)
    if found is None or (int(found[1]), int(found[2] or 0)) >= MIN[name]:
        return ""
    return f"harvestd is made for {name} {'.'.join(map(str, MIN[name]))} and newer: upgrade the server"


def within(seconds: float) -> str:
    """A latency in words."""
    return f"in {seconds * 1000:.1f} ms" if seconds >= 0.0001 else "in under 0.1 ms"


async def latency(reactor: Any, ask: Callable[[], Awaitable[object]]) -> float:
    """The median duration of several questions, in seconds."""
    trips: list[float] = []
    for _ in range(TRIPS):
        began = reactor.seconds()
        await ask()
        trips.append(reactor.seconds() - began)
    return statistics.median(trips)


def median(trip: Callable[[], object]) -> float:
    """The median duration of several runs, in seconds."""

    def timed() -> float:
        began = time.perf_counter()
        trip()
        return time.perf_counter() - began

    return statistics.median(timed() for _ in range(TRIPS))
