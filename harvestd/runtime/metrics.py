"""Prometheus metrics. One :class:`Metrics` per process, on its own registry.

Counters are methods that the parts call; gauges are read on demand (``scrape.py``), so that nothing polls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from harvestd import __version__
from harvestd.interfaces import QueueState
from harvestd.runtime.scrape import Scrape
from harvestd.runtime.shortages import Shortages

REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WORK_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


class Metrics:
    """All metrics of one process. Labels have low cardinality and are known beforehand: route names, queue names, outcomes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self._declare()
        self.scrape = Scrape(self.registry)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _declare(self) -> None:
        def counter(name: str, meaning: str, *labels: str) -> Any:
            return Counter(f"harvest_{name}", meaning, labels, registry=self.registry)

        def gauge(name: str, meaning: str, *labels: str) -> Any:
            return Gauge(f"harvest_{name}", meaning, labels, registry=self.registry)

        def histogram(name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Any:
            return Histogram(f"harvest_{name}", meaning, labels, registry=self.registry, buckets=buckets)

        self._requests = counter("http_requests", "Requests answered.", "method", "route", "status")
        self._seconds = histogram("http_request_seconds", "From last byte in to answer.", REQUEST_SECONDS, "route")
        self._in_flight = gauge("http_in_flight", "Requests being worked on.")
        self._connections = gauge("http_connections", "Open client connections.")
        self._refused = counter("http_refused", "Connections ended before a request was whole.", "why")
        self._published = counter("relay_published", "Events that the relay published.")
        self._skew = gauge("clock_skew_seconds", "This process's clock ahead of PostgreSQL's; negative: behind.")
        self._backlog = gauge("outbox_backlog", "Events recorded and not yet published.")
        self._oldest = gauge("outbox_oldest_seconds", "Age of the oldest of them.")
        self._due = gauge("mails_due", "Mails that are due and that nobody has taken in hand.")
        self._overdue = gauge("mails_due_seconds", "For how long the oldest of them is due.")
        self._pending = gauge("search_pending", "Documents that Elasticsearch has not got yet.", "state")
        self._depth = gauge("queue_messages", "Messages of a queue.", "queue", "state")
        self._handled = counter("consumer_handled", "Messages handled.", "queue", "outcome")
        self._handling = histogram("consumer_seconds", "Work on one message.", WORK_SECONDS, "queue")
        self._mails = counter("mails", "Mails handed over or given up.", "outcome")
        self._swept = counter("blobs_swept", "Blobs without a row, deleted; and rows without a blob.", "what")
        shortages = counter("shortages", "How often something ran out, by its name in the log's warnings.", "what")
        self.shortages = Shortages(lambda name: shortages.labels(name).inc())
        self._buffers = gauge("http_buffered_bytes", "Requests that are not whole and answers that are not taken.")
        self._views = counter(
            "views",
            "Views of products: counted, not counted since a program asked, or left since a batch was full.",
            "outcome",
        )
        self._viewed: dict[str, Any] = {outcome: self._views.labels(outcome) for outcome in ("counted", "bot", "left")}
        info = Info("harvest_build", "What runs.", registry=self.registry)
        info.info({"version": __version__})

    # --- reported by the web ---

    def began(self) -> None:
        """A request is in progress."""
        self._in_flight.inc()

    def ended(self) -> None:
        """A request is done, whether or not its client is still connected."""
        self._in_flight.dec()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered; ``route`` is the route's name or ``unmatched``."""
        children = self._children.get((method, route, status))
        if children is None:
            children = self._requests.labels(method, route, str(status)), self._seconds.labels(route)
            self._children[method, route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def viewed(self, outcome: str) -> None:
        """A product was looked at; the view was ``counted``, ``left``, or a ``bot``'s."""
        self._viewed[outcome].inc()

    def refused(self, why: str) -> None:
        """A connection was closed before its request was complete; ``why`` is a problem's slug or ``deadline`` ..."""
        self._refused.labels(why).inc()

    def connections(self, number: int) -> None:
        """How many client connections are open now."""
        self._connections.set(number)

    def watch_buffers(self, count: Callable[[], int]) -> None:
        """``count()`` returns the bytes buffered by all client connections."""
        self._buffers.set_function(count)

    # --- reported by the queue and the workers ---

    def published(self, number: int) -> None:
        """The relay published ``number`` events, confirmed by the broker."""
        self._published.inc(number)

    def backlog(self, number: int, oldest: float) -> None:
        """Unpublished events in the outbox, as last counted, and the age of the oldest in seconds."""
        self._backlog.set(number)
        self._oldest.set(oldest)

    def due(self, number: int, oldest: float) -> None:
        """Due mails, as last counted, and the seconds by which the oldest is overdue."""
        self._due.set(number)
        self._overdue.set(oldest)

    def searchable(self, waiting: int, refused: int) -> None:
        """Documents waiting for Elasticsearch, and those that it refused."""
        self._pending.labels("waiting").set(waiting)
        self._pending.labels("refused").set(refused)

    def queues(self, states: Iterable[QueueState]) -> None:
        """The broker's state of each queue."""
        for state in states:
            for kind in ("ready", "delayed", "unacknowledged", "dead", "consumers"):
                self._depth.labels(state.name, kind).set(getattr(state, kind))

    def handled(self, queue: str, outcome: str, seconds: float, number: int = 1) -> None:
        """``number`` messages of ``queue`` had ``outcome`` (handled, repeated, retried, dropped) after ``seconds`` of work."""
        self._handled.labels(queue, outcome).inc(number)
        self._handling.labels(queue).observe(seconds)

    def mailed(self, outcome: str) -> None:
        """One mail was ``sent``, will be ``retried``, ``failed`` permanently, or was ``left`` over its recipient's limit."""
        self._mails.labels(outcome).inc()

    def swept(self, what: str) -> None:
        """The sweep of blobs found one ``without_row``, or a row ``without_thing``."""
        self._swept.labels(what).inc()

    # --- read at the scrape ---

    def watch_clock(self, ahead: Callable[[], float]) -> None:
        """Seconds that this process's clock is ahead of PostgreSQL's."""
        self._skew.set_function(ahead)

    def value(self, name: str, **labels: str) -> float | None:
        """One sample, for tests and for ``doctor``: e.g. ``value("harvest_mails_total", outcome="sent")``."""
        found = self.registry.get_sample_value(name, labels)
        return None if found is None else float(found)
