"""What a benchmark stands on: how long and how often it measures, and the servers that it may use."""

from __future__ import annotations

from typing import Protocol

from tests.servers import PostgresServer


class Ground(Protocol):
    """A benchmark is a module with ``def run(ground: Ground) -> list[Figure]``; ``benchmarks/__main__.py`` has the table."""

    @property
    def quick(self) -> bool:
        """Whether this is the quick form: fewer rounds, shorter, the small market."""

    @property
    def rounds(self) -> int:
        """How often each contestant is measured: 3, or at least 5 in the full form."""

    @property
    def seconds(self) -> float:
        """How long one measurement takes: 1.5 s, or 5 s."""

    @property
    def postgres(self) -> PostgresServer:
        """The one private server, with the settings of a small production machine."""

    def market(self, products: int) -> str:
        """The URL of a database of its own with a seeded market of that many products, analysed; asked for again, the same."""

    def say(self, text: str) -> None:
        """A line of progress."""
