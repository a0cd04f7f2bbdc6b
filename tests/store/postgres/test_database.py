"""Statements and values: what goes in comes out, prepared once a connection."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors as pg

from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.faults import TimedOut
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction
from servers import PostgresServer

ONE = Statement("test one", "select :n::int + 1", scalar)
PID = Statement("test pid", "select pg_backend_pid()", scalar)
PREPARED = Statement("test prepared", "select name, calls from prepared_calls()", lambda name, calls: (name, calls))


async def test_a_statement_is_answered(database: Database) -> None:
    assert await database.row(ONE, n=41) == 42
    assert await database.rows(ONE, n=41) == [42]


async def test_no_row_is_none_and_no_rows_are_an_empty_list(database: Database) -> None:
    none = Statement("test none", "select 1 where false", scalar)
    assert await database.row(none) is None
    assert await database.rows(none) == []


async def test_rows_become_their_type_in_the_order_of_columns(database: Database) -> None:
    pairs = Statement(
        "test pairs", "select n, n * n from generate_series(1, :most::int) n", lambda n, square: (n, square)
    )
    assert await database.rows(pairs, most=3) == [(1, 1), (2, 4), (3, 9)]


VALUES: list[tuple[str, Any]] = [
    ("text", 'it\'s "quoted" \\ and %s $1 {braces}, новый 🥕\n\t'),
    ("text", ""),
    ("text", None),
    ("int", -2147483648),
    ("bigint", 2**63 - 1),
    ("numeric", Decimal("12.500")),
    ("numeric", Decimal("-0.001")),
    ("boolean", True),
    ("boolean", False),
    ("double precision", 0.1),
    ("bytea", b"\x00\xff'\\%s"),
    ("bytea", b""),
    ("date", date(2026, 2, 28)),
    ("timestamptz", datetime(2026, 5, 1, 12, 30, 15, 123456, tzinfo=UTC)),
    ("uuid", "01890a5d-ac96-774b-bcce-b302099a8057"),
    ("jsonb", {"a": [1, 2.5, None, True], "q": 'it\'s "quoted" \\ %s', "nested": {"é": "🥕"}}),
    ("text[]", ["a", 'quote " here', "back\\slash", "", "NULL", "null", "{x,y}", " spaced ", "it's", "%s", "🥕", None]),
    ("text[]", []),
    ("int[]", [1, -2, None]),
    ("numeric[]", [Decimal("1.500"), Decimal("-2")]),
    ("boolean[]", [True, False, None]),
    ("uuid[]", ["01890a5d-ac96-774b-bcce-b302099a8057"]),
    ("bytea[]", [b"\x00\x01", b"'\\\"", b""]),
    ("timestamptz[]", [datetime(2026, 5, 1, tzinfo=UTC)]),
    ("date[]", [date(2026, 5, 1)]),
    ("jsonb[]", [{"a": 'x"y\\z'}, {"b": [1, "two"]}]),
]


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=lambda v: str(v)[:20].encode("unicode_escape").decode())
async def test_a_value_comes_back_as_it_went_in(database: Database, kind: str, value: Any) -> None:
    statement = Statement(f"test {kind}", f"select :value::{kind}", scalar)
    back = await database.row(statement, value=value)
    assert back == value
    assert type(back) is type(value)


async def test_tuples_are_arrays_and_unnest_takes_them_in_step(database: Database) -> None:
    both = Statement("test both", "select * from unnest(:names::text[], :numbers::int[])", lambda a, b: (a, b))
    assert await database.rows(both, names=("x", "y"), numbers=[1, 2]) == [("x", 1), ("y", 2)]


@pytest.mark.parametrize("value", ["a\0b", ["a\0b"], {"k": "a\0b"}, [{"k": "\0"}]])
async def test_nul_is_refused_clearly_and_the_connection_lives_on(database: Database, value: Any) -> None:
    kind = "jsonb" if isinstance(value, dict) else "text[]" if isinstance(value, list) else "text"
    with pytest.raises(ValueError, match="NUL"):
        await database.row(Statement(f"test nul {kind}", f"select :value::{kind}", scalar), value=value)
    assert await database.row(ONE, n=1) == 2


async def test_a_backslash_before_u0000_is_no_nul(database: Database) -> None:
    value = {"path": "C:\\u0000"}
    assert await database.row(Statement("test json", "select :value::jsonb", scalar), value=value) == value


async def test_an_error_of_postgresql_reaches_the_caller_and_the_connection_lives_on(
    connected: Any, database_url: str
) -> None:
    database = connected(database_url, size=1)
    pid = await database.row(PID)
    with pytest.raises(pg.DivisionByZero):
        await database.row(Statement("test zero", "select 1 / :value::int", scalar), value=0)
    with pytest.raises(psycopg2.ProgrammingError):
        await database.row(Statement("test typo", "selec 1", scalar))
    with pytest.raises(psycopg2.ProgrammingError):
        await database.row(ONE, n=object())
    assert await database.row(PID) == pid


async def test_a_statement_is_prepared_once_and_used_again(connected: Any, database_url: str) -> None:
    database = connected(database_url, size=1)
    for n in range(5):
        assert await database.row(ONE, n=n) == n + 1
    link = await database.pool.take()
    cursor = await link.execute("select name, generic_plans + custom_plans from pg_prepared_statements")
    found = cursor.fetchall()
    database.pool.give(link)
    assert found == [("test one", 5)]


async def test_two_statements_of_one_name_are_refused(connected: Any, database_url: str) -> None:
    database = connected(database_url, size=1)
    await database.row(ONE, n=1)
    with pytest.raises(ValueError, match="two statements are called 'test one'"):
        await database.row(Statement("test one", "select 2", scalar))


async def test_a_table_that_a_migration_changes_is_read_on(connected: Any, database_url: str) -> None:
    """ "cached plan must not change result type" costs a connection, not a request."""
    database = connected(database_url, size=1)

    async def make(tx: Transaction) -> None:
        await tx._link.execute("create table changing (a int); insert into changing values (1)")

    await database.transaction(make)
    every = Statement("test every", "select * from changing", lambda *columns: columns)
    assert await database.row(every) == (1,)
    link = await database.pool.take()
    await link.execute("alter table changing add b int default 2")
    database.pool.give(link)
    assert await database.row(every) == (1, 2)


async def test_a_long_statement_is_timed_out_by_the_server_and_its_connection_lives_on(
    connected: Any, database_url: str
) -> None:
    database = connected(database_url, size=1, statement_timeout=0.1)
    pid = await database.row(PID)
    with pytest.raises(TimedOut):
        await database.row(Statement("test sleep", "select pg_sleep(30)", nothing))
    assert await database.row(PID) == pid


async def test_keywords_of_the_url_win(connected: Any, database_url: str) -> None:
    database = connected(database_url + "&application_name=mine&options=-c%20work_mem%3D7MB", statement_timeout=3.0)
    shown = "select current_setting('application_name') || ' ' || current_setting('work_mem') || ' ' || current_setting('statement_timeout')"
    assert await database.row(Statement("test shown", shown, scalar)) == "mine 7MB 3s"


async def test_a_host_name_is_looked_up_and_its_addresses_are_tried_in_turn(connected: Any) -> None:
    """localhost is ::1 too, where this server does not listen; and a first host that is not there is passed over."""
    server = PostgresServer(tcp=True)
    try:
        server.start()
        database = connected(f"postgresql://harvest@/postgres?host=/nowhere,localhost&port={server.port}", size=1)
        assert await database.row(Statement("test address", "select host(inet_server_addr())", scalar)) == "127.0.0.1"
    finally:
        await database.stop()
        server.remove()


def test_the_password_is_not_in_what_is_printed_of_the_settings() -> None:
    assert "hunter2" not in repr(ConnectionSettings("postgresql://u:hunter2@h/d"))
