"""Two that meet for certain: both wait for a row that the test holds, and go on, in the order in which they came, when it lets go."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg2
from twisted.internet.defer import Deferred

from tests.waiting import eventually

Result = TypeVar("Result")


@contextmanager
def holding(url: str, sql: str, *parameters: object) -> Iterator[Any]:
    """Somebody with a connection of their own who has run one statement, and not committed it."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
        yield connection
    finally:
        connection.close()


def waiting(url: str, held: Any = None) -> int:
    """How many of the database wait for a lock; with the connection of :func:`holding`, for what that holds, or for one who waits for it: whoever waits a moment for
    something else (each commit with a NOTIFY does) is not the one that is meant."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            if held is None:
                cursor.execute(_ANY)
            else:
                cursor.execute(_FOR, {"holder": held.info.backend_pid})
            (number,) = cursor.fetchone()
            return int(number)
    finally:
        connection.close()


_ANY = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
_FOR = """with recursive others as materialized (
        select pid, pg_blocking_pids(pid) as behind from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
    ), queue (pid) as (
        select pid from others where %(holder)s = any(behind)
        union select o.pid from others o join queue q on q.pid = any(o.behind)
    )
    select count(*) from queue"""


async def meeting(url: str, held: Any, *actions: Awaitable[Result]) -> list[Result]:
    """Begin each action when those before it wait, let go of what is ``held`` with a commit, and answer their results."""
    begun = []
    for number, action in enumerate(actions, 1):
        begun.append(Deferred.fromCoroutine(action))  # type: ignore[arg-type]
        await eventually(f"{number} wait", lambda number=number: waiting(url, held) == number)
    held.commit()
    return [await one for one in begun]
