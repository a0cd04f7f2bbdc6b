"""Databases that tests have one after another: a clone costs more than most tests do with it, and emptying one a tenth of that.

One is given to the next test only as the clone was: the same rows, sequences at their beginning, nobody connected, and a catalogue
in which nothing was changed. Whatever is otherwise, or has become large, is dropped, and the next test has a new clone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

import attrs
import psycopg2

from servers.postgres import PostgresServer

#: Tests that have one in turn: what was deleted stays in its files, dead, until it is dropped.
TURNS = 50
#: Bytes of all tables above which one is dropped.
LARGE = 2 << 20
#: Seconds in which those who are still connected must have gone.
PATIENCE = 5.0

#: Nothing but the next test may change how it is planned, or where its rows are put.
_NO_VACUUM = """
update pg_class set reloptions = array_append(reloptions, 'autovacuum_enabled=false')
 where relkind in ('r', 't') and oid >= 16384
"""
_OTHERS = """
select pg_terminate_backend(pid) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
   and pid <> all(%s)
"""
#: What anybody did to the catalogue shows in the transactions that wrote its rows; then the tables that have a file, and their size.
_LOOK = """
prepare look as
select (select array[sum(rows), sum(written)] from (
            select count(*) as rows, sum(xmin::text::bigint) as written from pg_class where oid >= 16384 and relkind <> 't'
  union all select count(*), sum(a.xmin::text::bigint) from pg_class c join pg_attribute a on a.attrelid = c.oid
             where c.oid >= 16384 and c.relkind = 'r' and attnum > 0
  union all select count(*), sum(xmin::text::bigint) from pg_constraint
  union all select count(*), sum(xmin::text::bigint) from pg_trigger
  union all select count(*), sum(xmin::text::bigint) from pg_proc where oid >= 16384
  union all select count(*), sum(xmin::text::bigint) from pg_namespace
  union all select count(*), sum(xmin::text::bigint) from pg_db_role_setting
       ) as catalogue)::text,
       coalesce(array_agg(oid::regclass::text) filter (where size > 0), '{}'), coalesce(sum(size), 0)
  from (select oid, pg_relation_size(oid) as size from pg_class
         where relkind = 'r' and relnamespace = 'public'::regnamespace) as tables
"""
_FROM_THE_START = "select setval(seqrelid::regclass, seqstart, false) from pg_sequence"


class Staying(Protocol):
    """A connection that the next test is to have."""

    @property
    def pid(self) -> int: ...

    def close(self) -> None: ...


@attrs.define
class _Lent:
    """A database that somebody has had, or has; ``seeded`` are the rows of the tables that are not empty in a clone, as JSON."""

    name: str
    connection: Any
    catalogue: str
    seeded: dict[str, str]
    turns: int = 0
    staying: list[Any] = attrs.field(factory=list)


class LentDatabases:
    """Of one server, cloned as needed; each is known by its URL."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._all: dict[str, _Lent] = {}
        self._idle: list[str] = []

    def lend(self) -> str:
        """A migrated database in which nothing is yet."""
        if self._idle:
            return self._idle.pop()
        name = self._server.clone()
        url = self._server.url(name)
        connection = psycopg2.connect(url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_NO_VACUUM)
            cursor.execute(_LOOK)
            catalogue, tables, _ = _look(cursor)
            self._all[url] = _Lent(name, connection, catalogue, {table: _rows(cursor, table) for table in tables})
        return url

    def connections(self, url: str) -> list[Any]:
        """Those that were left of it, which are no longer."""
        lent = self._all[url]
        found, lent.staying = lent.staying, []
        return found

    def leave(self, url: str, connections: Sequence[Staying]) -> None:
        """Leave them for the next."""
        self._all[url].staying.extend(connections)

    def take_back(self, url: str) -> None:
        """Empty it for the next, or drop it."""
        lent = self._all[url]
        lent.turns += 1
        try:
            if lent.turns < TURNS and _emptied(lent):
                self._idle.append(url)
                return
        except psycopg2.Error:
            pass  # somebody ended our connection too, or holds what is to be deleted
        self._dropped(url)

    def end(self) -> None:
        """Drop them all."""
        self._idle.clear()
        for url in list(self._all):
            self._dropped(url)

    def _dropped(self, url: str) -> None:
        lent = self._all.pop(url)
        for one in (*lent.staying, lent.connection):
            one.close()
        self._server.drop(lent.name)


def _emptied(lent: _Lent) -> bool:
    """Whether it is again as it was cloned."""
    with lent.connection.cursor() as cursor:
        if not _left_alone(cursor, [one.pid for one in lent.staying]):
            return False
        catalogue, tables, size = _look(cursor)
        if catalogue != lent.catalogue or size > LARGE:
            return False
        steps = [f"delete from {table}" for table in tables if table not in lent.seeded]
        values = []
        for table, rows in lent.seeded.items():
            if _rows(cursor, table) != rows:
                steps.append(f"delete from {table}")
                steps.append(
                    f"insert into {table} overriding system value select * from json_populate_recordset(null::{table}, %s)"
                )
                values.append(rows)
        # as one who applies what a primary sent: no trigger fires, no other table is asked
        cursor.execute(
            "; ".join(["begin", "set local session_replication_role = replica", *steps, _FROM_THE_START, "commit"]),
            values,
        )
        return True


def _left_alone(cursor: Any, staying: Sequence[int]) -> bool:
    """Whether nobody else is connected: who still was has been made to go."""
    end = time.monotonic() + PATIENCE
    while True:
        cursor.execute(_OTHERS, (list(staying),))
        if not cursor.rowcount:
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.001)


def _look(cursor: Any) -> tuple[str, list[str], int]:
    cursor.execute("execute look")
    found: tuple[str, list[str], int] = cursor.fetchone()
    return found


def _rows(cursor: Any, table: str) -> str:
    cursor.execute(f"select coalesce(json_agg(t order by t::text)::text, '[]') from {table} t")
    return str(cursor.fetchone()[0])
