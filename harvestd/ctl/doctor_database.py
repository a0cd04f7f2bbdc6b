"""Doctor's checks of PostgreSQL and its replicas.

Each function blocks, and yields findings: one line each, with a cure if something is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import psycopg2

from harvestd.ctl.check_result import CheckResult, first_line
from harvestd.ctl.versions import aged, median, within
from harvestd.ctl.words import counted
from harvestd.market.search.postgres.engine import configuration
from harvestd.settings.table import Settings
from harvestd.settings.urls import mask_url
from harvestd.store.postgres import clock_skew
from harvestd.store.postgres.migrations import SchemaError, pending

#: A round trip to the database that takes longer, in seconds, makes every request slow.
MAX_LATENCY = 0.02


def database(settings: Settings, url: str) -> Generator[CheckResult, None, bool]:
    """Check that it answers, its latency, version and schema; returns whether the market's tables can be read."""
    kind = "database" if settings.database_url else "embedded database"
    try:
        with closing(psycopg2.connect(url, connect_timeout=5, application_name="harvestctl-doctor")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                latency = median(lambda: _one(cursor))
                version = connection.server_version
                troubles, ahead = list(_troubles(settings, cursor)), _ahead(cursor)
    except psycopg2.Error as error:
        words = f"{mask_url(url)} does not answer: {first_line(error)}"
        yield CheckResult(kind, False, words, "start it, mend the network, or correct database_url")
        return False
    words = f"PostgreSQL {version // 10000}.{version % 10000} answers {within(latency)}"
    old = aged("PostgreSQL", f"{version // 10000}.{version % 10000}")
    cure = old or "an order takes several round trips: put the database nearer to the daemon"
    yield CheckResult(kind, not old and latency < MAX_LATENCY, words, cure)
    yield from (CheckResult(kind, False, words, cure) for words, cure in troubles)
    how = f"this machine's is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} PostgreSQL's"
    yield CheckResult("clock", abs(ahead) <= clock_skew.MAX, how if ahead else "as PostgreSQL's", clock_skew.CURE)
    return False if any("rights" in words for words, _ in troubles) else (yield from _schema(url))


#: Tables on which this role lacks the privileges that the daemon needs.
_UNUSABLE = """
    select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and not (has_schema_privilege(c.relnamespace, 'usage') and has_table_privilege(c.oid, 'select')
                and has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')
                and has_table_privilege(c.oid, 'delete'))
     order by 1
"""


def _troubles(settings: Settings, cursor: Any) -> Iterator[tuple[str, str]]:
    """Problems of the database for the daemon, each with its cure."""
    cursor.execute(
        "select current_user, current_database(), pg_encoding_to_char(encoding) from pg_database where datname = current_database()"
    )
    role, name, encoding = cursor.fetchone()
    if encoding != "UTF8":
        cure = "make one with encoding 'UTF8' template template0, and move the data there by pg_dump and pg_restore"
        yield f"the encoding of {name} is {encoding}, which lacks most letters: searches fail, and so do names", cure
    cursor.execute(_UNUSABLE)
    tables = [table for (table,) in cursor.fetchall()]
    if tables:
        words = f"role {role} lacks rights on {', '.join(tables[:3])}" + f" and {len(tables) - 3} more" * (
            len(tables) > 3
        )
        yield (
            words,
            f"let it own them: as their owner, REASSIGN OWNED BY … TO {role}; or name the owner in database_url",
        )
    cursor.execute(
        "select exists (select from pg_ts_config where cfgname = %s)", (configuration(settings.search_language),)
    )
    if not cursor.fetchone()[0]:
        yield (
            f"it has no text search configuration {settings.search_language}",
            "correct search_language; psql's \\dF lists them",
        )
    try:
        cursor.execute("select pg_logical_emit_message(true, 'harvest.doctor', '')")
    except psycopg2.Error as error:
        cure = "name the primary in database_url; if it is that, look at its disk and its log"
        yield f"it takes no writes: {first_line(error)}", cure


def _schema(url: str) -> Generator[CheckResult, None, bool]:
    try:
        waiting = pending(url)
    except SchemaError as error:
        yield CheckResult("schema", False, str(error))
        return False
    words = "of this version" if not waiting else f"lacks {counted(len(waiting), 'migration')}: {', '.join(waiting)}"
    yield CheckResult("schema", not waiting, words, "harvestctl migrate")
    return not waiting


def replica(settings: Settings, number: int, url: str) -> Iterator[CheckResult]:
    """Check that it answers, is a replica, and how far it lags behind."""
    subject = f"replica {number}"
    try:
        rows = query(
            url,
            """select pg_is_in_recovery(), case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
               else coalesce(extract(epoch from now() - pg_last_xact_replay_timestamp()), 0) end""",
        )
    except psycopg2.Error as error:
        words = f"{mask_url(url)} does not answer: {first_line(error)}"
        yield CheckResult(
            subject, False, words, "start it, or take it out of replica_urls; the primary is read meanwhile"
        )
        return
    standby, lag = rows[0][0], float(rows[0][1])
    if not standby:
        yield CheckResult(
            subject, False, "it is no replica, it takes writes", "name a streaming replica of the primary"
        )
        return
    cure = f"it is not read while it is more than {settings.replica_max_lag:g} s behind: look at its load and network"
    yield CheckResult(subject, lag <= settings.replica_max_lag, f"{lag:.1f} s behind", cure)


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows of one query, on a connection of its own."""
    with closing(psycopg2.connect(url, connect_timeout=5, application_name="harvestctl-doctor")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())


def _one(cursor: Any) -> None:
    cursor.execute("select 1")
    cursor.fetchone()


def _ahead(cursor: Any) -> float:
    asked = time.time()
    cursor.execute(clock_skew.QUESTION)
    return clock_skew.ahead_by(asked, cursor.fetchone()[0], time.time())
