"""Migrations: each once, in order, whole; two migrators take turns; what cannot be used is refused with its cure."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from harvestd.store.postgres import migrations
from harvestd.store.postgres.migrations import Migration, SchemaError, known, migrate, pending
from servers import PostgresServer, wait_until

ONE = Migration(1, "one", "create table one (n int); insert into one values (1), (100 % 7);")
TWO = Migration(2, "two", "create table two (n int);")


@pytest.fixture
def empty(postgres: PostgresServer) -> Iterator[str]:
    """The name of a database without any table."""
    name = postgres.clone("template1")
    yield name
    postgres.drop(name)


def tables(postgres: PostgresServer, name: str) -> set[str]:
    return {str(row[0]) for row in postgres.query(name, "select tablename from pg_tables where schemaname = 'public'")}


def test_the_files_are_numbered_from_one_without_gaps() -> None:
    assert [migration.number for migration in known()] == list(range(1, len(known()) + 1))


def test_what_is_missing_is_applied_once_and_in_order(postgres: PostgresServer, empty: str) -> None:
    url = postgres.url(empty)
    assert pending(url, [TWO, ONE]) == ["001_one", "002_two"]
    assert tables(postgres, empty) == set(), "to ask changes nothing"
    assert migrate(url, [ONE]) == ["001_one"]
    assert pending(url, [TWO, ONE]) == ["002_two"]
    assert migrate(url, [TWO, ONE]) == ["002_two"]
    assert migrate(url, [TWO, ONE]) == [] and pending(url, [TWO, ONE]) == []
    assert postgres.query(empty, "select n from one order by n") == [(1,), (2,)]


def test_the_real_ones_make_the_schema_from_nothing_without_an_extension(postgres: PostgresServer, empty: str) -> None:
    assert migrate(postgres.url(empty)) == [migration.title for migration in known()]
    assert {"orders", "outbox", "inbox", "products"} <= tables(postgres, empty)
    assert postgres.query(empty, "select extname from pg_extension where extname <> 'plpgsql'") == []


def test_a_migration_that_fails_changes_nothing_and_those_before_it_stay(postgres: PostgresServer, empty: str) -> None:
    broken = Migration(2, "broken", "create table two (n int); insert into nowhere values (1);")
    with pytest.raises(SchemaError, match=r"002_broken failed and changed nothing.*nowhere"):
        migrate(postgres.url(empty), [ONE, broken])
    assert tables(postgres, empty) == {"one", "schema_migrations"}
    assert migrate(postgres.url(empty), [ONE, TWO]) == ["002_two"]


def test_a_migration_and_its_entry_are_one(postgres: PostgresServer, empty: str) -> None:
    """Here the entry fails; the migration is undone with it."""
    rude = Migration(2, "rude", "create table two (n int); drop table schema_migrations;")
    with pytest.raises(SchemaError, match="002_rude failed and changed nothing"):
        migrate(postgres.url(empty), [ONE, rude])
    assert tables(postgres, empty) == {"one", "schema_migrations"}


def test_a_schema_newer_than_this_version_is_refused(postgres: PostgresServer, empty: str) -> None:
    migrate(postgres.url(empty), [ONE, TWO])
    for act in (migrate, pending):
        with pytest.raises(SchemaError, match=r"002_two, newer than this harvestd, which knows 001 .* run the version"):
            act(postgres.url(empty), [ONE])


def test_a_migration_that_was_changed_after_it_was_applied_is_refused(postgres: PostgresServer, empty: str) -> None:
    migrate(postgres.url(empty), [ONE])
    changed = Migration(1, "one", ONE.sql + "-- a word")
    for act in (migrate, pending):
        with pytest.raises(SchemaError, match=r"001_one was applied with another text"):
            act(postgres.url(empty), [changed])


def test_line_ends_are_no_change() -> None:
    assert Migration(1, "a", "x;\r\ny;\r\n").checksum == Migration(1, "a", "x;\ny;\n").checksum


def test_two_migrators_at_once_take_turns(postgres: PostgresServer, empty: str) -> None:
    """The first is held in its migration until the second waits for the lock; then only one has done anything."""
    postgres.query(empty, "create function public.held() returns void language sql as 'select pg_advisory_lock(77)'")
    slow = [Migration(1, "slow", "create table slow (n int); select public.held();")]
    holder = _connection(postgres, empty)
    holder.cursor().execute("select pg_advisory_lock(77)")
    done: list[list[str]] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(postgres.url(empty), slow))) for _ in range(2)]
    for thread in threads:
        thread.start()
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    wait_until("one waits in its migration, one for the lock", lambda: postgres.query(empty, waiting) == [(2,)])
    holder.close()
    for thread in threads:
        thread.join(20)
    assert sorted(done) == [[], ["001_slow"]]


def test_a_table_that_somebody_holds_is_told_and_not_waited_for_long(
    postgres: PostgresServer, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for it would make every query on the table wait behind the migration."""
    monkeypatch.setattr(migrations, "TABLE_WAIT", 0.2)
    migrate(postgres.url(empty), [ONE])
    holder = _connection(postgres, empty)
    holder.autocommit = False
    holder.cursor().execute("select * from one")
    alter = Migration(2, "alter", "alter table one add m int;")
    try:
        with pytest.raises(SchemaError, match="locked, by another migration or by long transactions"):
            migrate(postgres.url(empty), [ONE, alter])
    finally:
        holder.close()
    assert migrate(postgres.url(empty), [ONE, alter]) == ["002_alter"]


def test_a_user_who_may_not_is_told_who_may(postgres: PostgresServer, empty: str) -> None:
    postgres.query(empty, "create role visitor login")
    try:
        url = postgres.url(empty).replace("harvest@", "visitor@")
        with pytest.raises(SchemaError, match="migrate as the owner of the database"):
            migrate(url, [ONE])
    finally:
        postgres.query(empty, "drop role visitor")


def test_a_database_that_does_not_answer_is_told() -> None:
    with pytest.raises(SchemaError, match="the database does not answer"):
        pending("postgresql://nobody@/nothing?host=/nowhere")


def test_families_of_refresh_tokens_become_sign_ins(postgres: PostgresServer, empty: str) -> None:
    """Whoever was signed in stays so; of a family that was revoked nothing holds, whatever came of it beside that."""
    (number,) = [migration.number for migration in known() if migration.name == "sign_ins"]
    migrate(postgres.url(empty), [migration for migration in known() if migration.number < number])
    postgres.query(
        empty,
        """with ada as (insert into users (id, email, email_key, username, username_key, name, password_hash, role, created_at,
                                           updated_at)
                        values (gen_random_uuid(), 'a', 'a', 'a', 'a', 'a', 'x', 'buyer', now(), now()) returning id)
           insert into refresh_tokens (id, family_id, user_id, token_hash, created_at, expires_at, used_at, revoked_at)
           select gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || family)::uuid, ada.id, sha256(token::bytea),
                  '2026-05-01Z'::timestamptz + day * interval '1 day', '2026-06-01Z'::timestamptz + day * interval '1 day',
                  case when used then now() end, case when revoked then '2026-05-09Z'::timestamptz end
             from ada, (values ('a', 1, 0, true, false), ('b', 1, 5, false, false),
                               ('c', 2, 0, true, true), ('d', 2, 3, false, false)) t (token, family, day, used, revoked)""",
    )
    migrate(postgres.url(empty))
    found = postgres.query(
        empty,
        """select right(s.id::text, 1), email, s.created_at = '2026-05-01Z', extract(day from s.expires_at at time zone 'UTC')::int,
                  s.ended_at = '2026-05-09Z'
             from sign_ins s join users u on u.id = s.user_id order by 1""",
    )
    assert found == [("1", "a", True, 6, None), ("2", "a", True, 4, True)]


def _connection(postgres: PostgresServer, name: str):  # type: ignore[no-untyped-def]
    import psycopg2

    connection = psycopg2.connect(postgres.url(name))
    connection.autocommit = True
    return connection


def test_addresses_get_their_present_keys_but_for_those_that_another_account_has(
    postgres: PostgresServer, empty: str
) -> None:
    before = next(number for number, migration in enumerate(known()) if migration.name == "texts")
    migrate(postgres.url(empty), known()[:before])
    emails = [
        "li@bücher.example",
        "li@xn--bcher-kva.example",
        "ada@faß.example",
        "jürgen@example.org",
        "bo@example.org",
    ]
    for number, email in enumerate(emails):
        postgres.query(
            empty,
            f"""insert into users (id, email, email_key, username, username_key, name, password_hash, role, created_at, updated_at)
                values (gen_random_uuid(), '{email}', '{email}', 'u{number}', 'u{number}', 'U', 'x', 'buyer', now(), now())
                returning 1""",
        )
    migrate(postgres.url(empty))
    assert [row[0] for row in postgres.query(empty, "select email_key from users order by username")] == [
        "li@bücher.example", "li@xn--bcher-kva.example", "ada@xn--fa-hia.example", "jürgen@example.org", "bo@example.org"
    ]  # fmt: skip
