"""Doctor's checks. Each function blocks, and yields findings: one line each, with a cure if something is wrong."""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from textwrap import shorten
from typing import Any

import psycopg2

from harvestd.ctl.check_result import CheckResult, first_line
from harvestd.ctl.versions import aged, median, within
from harvestd.ctl.words import counted
from harvestd.kernel.formatting import Duration
from harvestd.market.search.postgres.engine import configuration
from harvestd.settings.table import Settings
from harvestd.settings.urls import mask_url
from harvestd.store.blobs.folder import folder_of
from harvestd.store.postgres import clock_skew
from harvestd.store.postgres.migrations import SchemaError, pending

#: The minimum free space, in bytes; less is a finding.
MIN_SPACE = 512 * 1024 * 1024
#: A round trip to the database that takes longer, in seconds, makes every request slow.
MAX_LATENCY = 0.02
#: Bytes written to test for free space.
PROBE = 65536
#: The cure for each file system error.
WRITING = {
    0: "mend its owner and mode, or set data_dir to another folder",
    errno.ENOSPC: "its disk is full: free some space, or set data_dir to a folder on another disk",
    errno.EDQUOT: "its owner's quota is used up: raise it, free some space, or set data_dir to another folder",
    errno.EROFS: "its disk is mounted read-only: look at the system's log for why, and mount it anew",
}
#: Age, in seconds, at which unsent events and mails are overdue.
MAX_BACKLOG, MAX_MAIL = 60, 3600


def data_folder(settings: Settings) -> Iterator[CheckResult]:
    """Check that the folder exists, is writable, and has free space."""
    path = Path(settings.data_dir)
    if not path.is_dir():
        cure = "name the market's folder with --data-dir or data_dir; a daemon makes it at its first start"
        yield CheckResult("data folder", False, f"{path} is not there", cure)
        return
    try:
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"x" * PROBE)
            probe.flush()
    except OSError as error:
        words = f"{path} cannot be written: {error.strerror}"
        yield CheckResult("data folder", False, words, WRITING.get(error.errno or 0, WRITING[0]))
        return
    yield CheckResult("data folder", True, f"{path} can be written")
    free = shutil.disk_usage(path).free
    cure = "free some: without space the embedded database stops, and no mail is written"
    yield CheckResult("free space", free > MIN_SPACE, f"{free / 1e9:.1f} GB", cure)


def blobs(settings: Settings) -> Iterator[CheckResult]:
    """Check that the folder of blobs can be written, if there is one already, and count what an unfinished write left."""
    if settings.s3_url:
        return
    path = folder_of(settings)
    if not path.exists() and not settings.blobs:
        yield CheckResult("blobs", True, f"{path}: nothing was uploaded yet")
        return
    try:
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"x" * PROBE)
            probe.flush()
    except OSError as error:
        cure = "mount it, mend its owner and mode, or correct blobs; pictures and documents are missing meanwhile"
        yield CheckResult("blobs", False, f"{path} cannot be written: {error.strerror}", cure)
        return
    free = shutil.disk_usage(path).free
    words = f"{path} can be written, {free / 1e9:.1f} GB are free"
    yield CheckResult("blobs", free > MIN_SPACE, words, "free some: without space nothing can be uploaded")


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
        rows = _query(
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


def _short(cause: str) -> str:
    return shorten(cause, 120, placeholder=" …")


def market(url: str) -> Iterator[CheckResult]:
    """Queues, outbox, mails and search, according to the tables."""
    dead = _query(url, "select queue, count(*), max(cause) from queue_dead group by queue order by queue")
    words = ", ".join(f"{queue} {count} (such as: {_short(cause)})" for queue, count, cause in dead) or "none"
    yield CheckResult("dead letters", not dead, words, "mend the causes, then harvestctl replay")
    unsent, age = _query(
        url,
        "select count(*), coalesce(extract(epoch from now() - min(created_at)), 0)::int from outbox where sent_at is null",
    )[0]
    cure = "no relay publishes them: is a daemon running, and is its broker there?"
    yield CheckResult(
        "outbox", age < MAX_BACKLOG, f"{counted(unsent, 'event')} unsent, the oldest for {Duration(age)}", cure
    )
    waiting, age = _query(
        url,
        """select count(*), coalesce(extract(epoch from now() - min(available_at)), 0)::int from queue_messages
            where available_at <= now()""",
    )[0]
    cure = "nobody consumes them: is a worker running, or an API process with workers on?"
    words = f"{counted(waiting, 'message')} due, the oldest for {Duration(age)}"
    yield CheckResult("queues", age < MAX_BACKLOG, words, cure)
    late, overdue, since, failed, cause = _query(
        url,
        f"""select count(*) filter (where state = 'pending' and created_at < now() - interval '{MAX_MAIL} s'),
                   count(*) filter (where state = 'pending' and due_at < now() - interval '{MAX_BACKLOG} s'),
                   coalesce(extract(epoch from now() - min(due_at) filter (where state = 'pending')), 0)::int,
                   count(*) filter (where state = 'failed'), max(cause) filter (where cause <> '') from mails
             where state <> 'sent'""",
    )[0]
    words = f"{late} wait for over an hour, {failed} were given up"
    words += f"; some could not be handed over: {_short(cause)}" if cause else ""
    words += (
        f"; {overdue} are due, the oldest for {Duration(since)}, and nobody sends them: is a worker running, and not frozen?"
        if overdue
        else ""
    )
    yield CheckResult("mails", not (late or overdue or failed), words, "mend what the cause names")
    missing = _query(
        url,
        """select count(*) from products p left join search_documents d on d.kind = 'product' and d.id = p.id
            where p.status = 'published' and (d.id is null or d.removed <> (p.visible_to is not null) or d.version < p.revision)""",
    )[0][0]
    cure = "wait until the queues are empty; if it stays, harvestctl reindex"
    yield CheckResult("search", not missing, f"{counted(missing, 'product')} not found as now offered", cure)


def _query(url: str, sql: str) -> list[tuple[Any, ...]]:
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
