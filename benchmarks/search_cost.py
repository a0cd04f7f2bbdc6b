"""What a search costs PostgreSQL in a small and a large market: the CPU time of its process, by kind of question, which is the same beside any load.

The statements are those that the daemon runs, under the settings under which it runs them (``store/postgres/database.py``); the answers are read and forgotten.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg2

from benchmarks.catalogue import SMALL, questions, sorted_questions
from benchmarks.ground import Ground
from benchmarks.results import Figure, Target
from harvestd.interfaces import Search
from harvestd.market.search.places import place_of
from harvestd.market.search.postgres.parameters import parameters
from harvestd.market.search.postgres.query import statement
from harvestd.market.search.text import asked
from harvestd.store.postgres.database import ALONE
from harvestd.store.postgres.literals import bind

#: Questions of a kind; more of the large market's time than so many times the small one's is a miss.
EACH, SLOWER = 25, 2.0


def run(ground: Ground) -> list[Figure]:
    """Each kind by itself; the figure is of the costliest."""
    sizes = {SMALL: ground.market(SMALL), ground.rows: ground.market(ground.rows, farms=max(20, ground.rows // 500))}
    return [
        _figure("search-cost", "sorted by relevance", sizes, questions()),
        _figure("search-cost-sorted", "sorted by something else", sizes, sorted_questions()),
    ]


def _figure(name: str, how: str, sizes: Mapping[int, str], asked: Mapping[str, Sequence[str]]) -> Figure:
    found = {f"{size:,} products": measured(url, asked) for size, url in sizes.items()}
    worst = {who: [max(_p99(times) for times in kinds.values())] for who, kinds in found.items()}
    small, large = worst
    return Figure(
        name=name, title=f"The costliest kind of searches, {how}: PostgreSQL's CPU, p99", unit="ms", better="less", rounds=worst,
        targets=[Target(large, small, 1 / SLOWER)],
        notes=[f"{EACH} questions of each kind, asked once before; the median and p99 of the CPU of PostgreSQL's process, {how}.",
               *(f"{who}: {told(kinds)}." for who, kinds in found.items())],
    )  # fmt: skip


def measured(url: str, asked: Mapping[str, Sequence[str]]) -> dict[str, list[float]]:
    """The milliseconds of each question, by its kind."""
    with psycopg2.connect(url) as connection:
        asking = Asking(connection)
        found = {kind: asking.each([_question(path) for path in paths[:EACH]]) for kind, paths in asked.items()}
    connection.close()
    return found


def told(kinds: Mapping[str, Sequence[float]]) -> str:
    """The median and, in parentheses, the p99 of each kind."""
    return ", ".join(f"{kind} {statistics.median(times):.1f} ({_p99(times):.1f})" for kind, times in kinds.items())


class Asking:
    """A connection that searches as the daemon does."""

    def __init__(self, connection: Any) -> None:
        self._cursor, self._prepared = connection.cursor(), dict[str, str]()
        self._spent = Path(f"/proc/{connection.info.backend_pid}/schedstat")
        self._cursor.execute(ALONE)

    def each(self, those: Sequence[Search]) -> list[float]:
        """Milliseconds of CPU for each question, when it is asked for the second time."""
        return [[self._asked(one) for one in those] for _ in range(2)][1]

    def _asked(self, question: Search) -> float:
        words = asked(question.text)
        found = statement(question, words)
        if found.name not in self._prepared:
            self._prepared[found.name] = f"s{len(self._prepared)}"
            self._cursor.execute(f"prepare {self._prepared[found.name]} as {found.sql}")
        given = parameters("english", question, words, None, None, place_of(question, datetime.now(UTC)))
        values = [bind(value) for value in found.call(given)[2]]
        before = self._cpu()
        self._cursor.execute(f"execute {self._prepared[found.name]}({','.join(['%s'] * len(values))})", values)
        self._cursor.fetchall()
        return (self._cpu() - before) / 1e6

    def _cpu(self) -> int:
        return int(self._spent.read_text().split()[0])


def _question(path: str) -> Search:
    """An address of the API as what the engine is asked."""
    given: dict[str, Any] = dict(parse_qsl(urlsplit(path).query))
    latitude, _, longitude = given.get("near", "").partition(",")
    near = (float(latitude), float(longitude)) if latitude else None
    most = int(given["max_price"]) if "max_price" in given else None
    return Search(
        text=given.get("q", ""), category=given.get("category", ()), max_price=most, in_stock="in_stock" in given, near=near, limit=int(given["limit"]),
        sort=given.get("sort", "relevance"),
    )  # fmt: skip


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]
