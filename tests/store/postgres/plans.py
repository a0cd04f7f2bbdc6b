"""What PostgreSQL would do for the statements that the store runs: a reader that asks for each plan, and what is wrong with one.

Each statement is prepared under its name and explained as the house runs it: at its first use on a connection, planned for
its values; and after so many uses that PostgreSQL has settled on that or on a plan for any values, whichever it finds cheaper.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from harvestd.store.postgres.literals import bind, teach
from harvestd.store.postgres.statements import Row, Statement

Result = TypeVar("Result")

#: Uses of a statement before it is explained: none, and more than the five after which PostgreSQL considers a generic plan.
USES = {"at first": 0, "settled": 6}
#: As transactions of requests have it: planned once, for any value.
ONCE = "once"
#: What a request may sort: more rows than a page or a person has, far fewer than a market has.
MAX_SORTED = 5_000


@attrs.frozen
class Plan:
    """Of one statement after some uses; ``root`` as EXPLAIN (FORMAT JSON) has it."""

    statement: str
    use: str
    root: dict[str, Any]

    def __str__(self) -> str:
        return "\n".join([f"{self.statement} ({self.use}):", *_lines(self.root, 1)])


class Planner:
    """Stands where the store wants a reader or a transaction; answers what the statement answers, and keeps the plans (``measured``: as it ran)."""

    def __init__(self, connection: Any, use: str, *, measured: bool = False) -> None:
        self.plans: list[Plan] = []
        self._connection, self._use = connection, use
        self._how = "analyze, buffers, format json" if measured else "format json"
        self._prepared: set[str] = set()
        teach(connection)

    async def rows(self, statement: Statement[Row], **values: Any) -> list[Row]:
        return [statement.into(*row) for row in self._run(statement, values)]

    async def row(self, statement: Statement[Row], **values: Any) -> Row | None:
        found = self._run(statement, values)
        return statement.into(*found[0]) if found else None

    async def run(self, statement: Statement[Any], **values: Any) -> int:
        self._run(statement, values)
        return 0

    def later(self, statement: Statement[Any], **values: Any) -> None:
        self._run(statement, values)

    def _run(self, statement: Statement[Any], values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        bound = [bind(value) for value in statement.call(values)[2]]
        call = f'execute "{statement.name}"' + (f"({','.join(['%s'] * len(bound))})" if bound else "")
        with self._connection.cursor() as cursor:
            if self._use == ONCE:
                cursor.execute("set local plan_cache_mode = force_generic_plan")
            if statement.name not in self._prepared:
                cursor.execute(f'prepare "{statement.name}" as {statement.sql}')
                for _ in range(USES.get(self._use, 0)):
                    cursor.execute(f"explain {call}", bound)
                self._prepared.add(statement.name)
            cursor.execute(f"explain ({self._how}) {call}", bound)
            self.plans.append(Plan(statement.name, self._use, cursor.fetchone()[0][0]["Plan"]))
            cursor.execute(call, bound)
            return list(cursor.fetchall()) if cursor.description else []

    def forget(self) -> None:
        """What was done and what was prepared, as if on a fresh connection."""
        self._connection.rollback()
        with self._connection.cursor() as cursor:
            cursor.execute("deallocate all")
        self._prepared.clear()


def finished(coroutine: Awaitable[Result]) -> Result:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)  # type: ignore[attr-defined]
    except StopIteration as end:
        found: Result = end.value
        return found
    raise AssertionError("it waits for something other than the planner")


def faults(plan: Plan, big: Collection[str]) -> list[str]:
    """Whole scans of big tables, and sorts of more than a request may sort."""
    return [fault for node in nodes(plan.root) for fault in _of_node(node, big)]


def _of_node(node: dict[str, Any], big: Collection[str]) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    if kind == "Seq Scan" and table in big:
        yield f"reads the whole of {table}"
    if kind == "Sort" and node["Plans"][0]["Plan Rows"] > MAX_SORTED:
        yield f"sorts about {node['Plans'][0]['Plan Rows']:,} rows by {', '.join(node['Sort Key'])}"


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a plan, the root first."""
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def _lines(node: dict[str, Any], depth: int) -> Iterator[str]:
    what = [node["Node Type"], node.get("Index Name") or "", node.get("Relation Name") or node.get("CTE Name") or ""]
    shown = [f"{name}: {node[name]}" for name in ("Index Cond", "Filter", "Sort Key") if name in node]
    yield "  " * depth + f"{' '.join(filter(None, what))} (about {node['Plan Rows']:,} rows)  " + "  ".join(shown)
    for child in node.get("Plans", ()):
        yield from _lines(child, depth + 1)
