"""Counts what a request costs the database: its statements by name, and its round trips.

A request is known by its id, which its coroutines carry; so what the process does besides is not counted. BEGIN and COMMIT
are no statements, though each may be a round trip of its own; preparing a statement is neither, since a connection does it once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from harvestd.runtime.tracing import current_trace
from harvestd.store.postgres.connection import Call, Connection


@attrs.define
class Cost:
    """Of one request: the names of its statements in their order, and its round trips."""

    statements: list[str] = attrs.field(factory=list)
    trips: int = 0


@contextmanager
def counting() -> Iterator[dict[str, Cost]]:
    """The cost of each request so far, by its id."""
    costs: dict[str, Cost] = defaultdict(Cost)
    execute, run = Connection.execute, Connection.run

    async def counted_execute(link: Connection, sql: str, parameters: Sequence[Any] = ()) -> Any:
        if 'PREPARE "' not in sql:
            costs[current_trace().request_id].trips += 1
        return await execute(link, sql, parameters)

    async def counted_run(link: Connection, *calls: Call, **around: str) -> Any:
        costs[current_trace().request_id].statements.extend(name for name, _, _ in calls)
        return await run(link, *calls, **around)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "execute", counted_execute)
        patch.setattr(Connection, "run", counted_run)
        yield costs
