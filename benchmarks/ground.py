"""What a benchmark stands on: how long and how often it measures, and the servers that it may use."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from servers import PostgresServer


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
        """How long one measurement takes: 1 s, or 2 s."""

    @property
    def rows(self) -> int:
        """Products of the large market where that is asked for (``--rows``)."""

    @property
    def postgres(self) -> PostgresServer:
        """The one private server, with the settings of a small production machine."""

    @property
    def against(self) -> Path | None:
        """The checkout of an earlier revision that takes part as "harvestd before", if there is one."""

    def market(self, products: int, whose: str = "readers", source: Path = ..., farms: int = 0) -> str:
        """The URL of a database with a seeded market of that many products (of a hundredth as many farms), analysed. Asked for again, the same; who
        writes says ``whose``, and has one of their own. ``source`` is the checkout whose schema it has: ours."""

    def say(self, text: str) -> None:
        """A line of progress."""
