"""Metrics are read in the reactor's thread and written in another."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from twisted.internet.defer import ensureDeferred

from harvestd.runtime.metrics import Metrics


class Here:
    """A collector that tells in which thread it was read."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def collect(self) -> Iterable[Any]:
        self.threads.append(threading.get_ident())
        yield GaugeMetricFamily("here", "Where it is read.", value=len(self.threads))


async def test_values_are_read_at_once_and_their_lines_are_written_without_holding_the_reactor() -> None:
    metrics, here = Metrics(), Here()
    metrics.registry.register(here)
    metrics.answered("GET", "listProducts", 200, 0.01)
    here.threads.clear()
    text = ensureDeferred(metrics.scrape.render())
    assert here.threads == [threading.get_ident()]
    assert not text.called
    metrics.answered("GET", "listProducts", 200, 0.01)
    body = (await text).decode()
    assert 'harvest_http_requests_total{method="GET",route="listProducts",status="200"} 1.0\n' in body
    assert "\nhere 1.0\n" in body
    here.threads.clear()
    assert names(body) == names(generate_latest(metrics.registry).decode())


def names(body: str) -> list[str]:
    """The lines without their values."""
    return [line.rpartition(" ")[0] for line in body.splitlines()]
