"""What one test has done to its database, and to its connections, the next sees nothing of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from twisted.internet import reactor

from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.statements import Statement, scalar
from servers import PostgresServer
from servers.lent import LARGE, TURNS, LentDatabases
from tests.kept import AsNeeded, program

PERSON = """insert into users (id, email, email_key, username, username_key, name, password_hash, role, created_at, updated_at)
            select gen_random_uuid(), n || '@b.c', n || '@b.c', 'u' || n, 'u' || n, 'n', 'x', 'buyer', now(), now()
              from generate_series(1, {}) n"""


@pytest.fixture
def lent(postgres: PostgresServer) -> Iterator[LentDatabases]:
    found = LentDatabases(postgres)
    yield found
    found.end()


def done(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    for statement in statements:
        connection.cursor().execute(statement)
    connection.close()


def asked(url: str, statement: str) -> Any:
    connection = psycopg2.connect(url)
    cursor = connection.cursor()
    cursor.execute(statement)
    found = cursor.fetchall()
    connection.close()
    return found


def everything(url: str) -> dict[str, Any]:
    """The rows of each table, where each sequence is, and how each column, constraint and trigger is."""
    tables = asked(url, "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1")  # fmt: skip
    found = {table: asked(url, f"select to_jsonb(t) from {table} t order by to_jsonb(t)::text") for (table,) in tables}
    found["sequences"] = asked(url, "select sequencename, last_value from pg_sequences order by 1")
    found["columns"] = asked(url, "select table_name, column_name, is_nullable, column_default from information_schema.columns where table_schema = 'public' order by 1, 2")  # fmt: skip
    found["constraints"] = asked(url, "select conname, pg_get_constraintdef(oid) from pg_constraint order by 1, 2")
    found["triggers"] = asked(url, "select tgname, tgrelid::regclass::text, tgenabled from pg_trigger where not tgisinternal order by 1, 2")  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("what", "same"),
    [
        ("select 1", True),
        (PERSON.format(3), True),
        ("select nextval('order_numbers'), nextval('search_marks')", True),
        ("update audit_head set seq = 7, hash = 'x'", True),
        ("delete from schema_migrations", True),
        ("create table counters (n int)", False),
        ("alter table audit disable trigger audit_refuse", False),
        ("alter table products drop constraint products_check", False),
        ("alter table users alter column name drop not null", False),
        ("create index named on users (name)", False),
        ("create function one() returns int language sql as 'select 1'", False),
        ("alter table users add column age int", False),
    ],
)  # fmt: skip
def test_the_next_has_it_as_it_was_cloned(lent: LentDatabases, what: str, same: bool) -> None:
    first = lent.lend()
    before = everything(first)
    done(first, what)
    lent.take_back(first)
    second = lent.lend()
    assert everything(second) == before
    assert (second == first) is same, "what a clone costs is spared, unless the catalogue is another"
    lent.take_back(second)


def test_who_is_still_connected_is_ended_and_undoes_nothing(lent: LentDatabases) -> None:
    first = lent.lend()
    left = psycopg2.connect(first)
    left.cursor().execute(PERSON.format(1))
    lent.take_back(first)
    assert lent.lend() == first
    with pytest.raises(psycopg2.OperationalError):
        left.cursor().execute("commit")
    assert asked(first, "select count(*) from users") == [(0,)]
    lent.take_back(first)


def test_one_that_has_become_large_is_dropped(lent: LentDatabases) -> None:
    first = lent.lend()
    done(first, PERSON.format(LARGE // 100))
    lent.take_back(first)
    second = lent.lend()
    assert second != first and asked(second, "select count(*) from users") == [(0,)]
    lent.take_back(second)


def test_one_that_has_had_its_turns_is_dropped(lent: LentDatabases) -> None:
    first, turns = lent.lend(), 1
    lent.take_back(first)
    while (url := lent.lend()) == first and turns <= TURNS:
        lent.take_back(url)
        turns += 1
    assert turns == TURNS
    lent.take_back(url)


async def test_the_next_has_connections_on_which_only_the_program_has_prepared_anything(database_url: str) -> None:
    settings = ConnectionSettings(database_url)
    name, sql = next(iter(program().items()))
    first = AsNeeded(reactor, settings, size=4, wait=2.0)
    link = await first.take()
    await link._prepare(name, sql, "")
    await link.run(("mine", "select 1", ()))
    await link.execute("set work_mem = '7MB'; listen there; select pg_advisory_lock(7)")
    first.give(link)
    (kept,) = await first.let_go()
    await first.stop()
    second = AsNeeded(reactor, settings, size=4, wait=2.0)
    second.adopt([kept])
    assert await second.take() is link
    second.give(link)
    prepared = Statement("test.prepared", "select array_agg(name order by name) from pg_prepared_statements", scalar)
    link = await second.take()
    for statement, value in (
        (prepared.sql, [name]), ("select current_setting('work_mem')", "4MB"), ("select count(*) from pg_listening_channels()", 0),
        ("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()", 0),
    ):  # fmt: skip
        assert (await link.execute(statement)).fetchone()[0] == value, statement
    second.give(link)
    await second.stop()
