"""What doctor looks at. Each function blocks, and answers findings: one line each, with a cure where something is wrong."""

from __future__ import annotations

import shutil
import smtplib
import ssl
import statistics
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import psycopg2

from harvestd.partners.smtp import Server
from harvestd.setting_values import mask_url
from harvestd.settings import Settings
from harvestd.store.migrations import SchemaError, pending

#: Less free space than this is trouble, in bytes.
SPACE_LEAST = 512 * 1024 * 1024
#: A round trip to the database above this, in seconds, makes every request slow.
LATENCY_MOST = 0.02
#: PostgreSQL 14 is the oldest that is tried.
VERSION_LEAST = 140000
#: Age, in seconds, of events and mails that should have been gone.
BACKLOG_MOST, MAIL_MOST = 60, 3600


@attrs.frozen
class Finding:
    """One thing that was looked at: ``words`` say how it is, ``cure`` what to do when it is not ``fine``."""

    subject: str
    fine: bool
    words: str
    cure: str = ""


def data_folder(settings: Settings) -> Iterator[Finding]:
    """Whether it is there, can be written, and has room."""
    path = Path(settings.data_dir)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"x")
    except OSError as error:
        words = f"{path} cannot be written: {error.strerror}"
        yield Finding("data folder", False, words, "mend its owner and mode, or set data_dir to another folder")
        return
    yield Finding("data folder", True, f"{path} can be written")
    free = shutil.disk_usage(path).free
    cure = "free some: without space the embedded database stops, and no mail is written"
    yield Finding("free space", free > SPACE_LEAST, f"{free / 1e9:.1f} GB", cure)


def database(settings: Settings, url: str) -> Generator[Finding, None, bool]:
    """Whether it answers, how fast, its version and schema; returns whether the market's tables can be read."""
    kind = "database" if settings.database_url else "embedded database"
    try:
        with closing(psycopg2.connect(url, connect_timeout=5, application_name="harvestctl-doctor")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                latency = statistics.median(_timed(cursor) for _ in range(9))
                version = connection.server_version
    except psycopg2.Error as error:
        words = f"{mask_url(url)} does not answer: {_first_line(error)}"
        yield Finding(kind, False, words, "start it, mend the network, or correct database_url")
        return False
    words = f"PostgreSQL {version // 10000}.{version % 10000} answers in {latency * 1000:.1f} ms"
    if version < VERSION_LEAST:
        yield Finding(kind, False, words, "harvestd is made for PostgreSQL 14 and newer: upgrade the server")
    else:
        cure = "an order takes several round trips: put the database nearer to the daemon"
        yield Finding(kind, latency < LATENCY_MOST, words, cure)
    return (yield from _schema(url))


def _schema(url: str) -> Generator[Finding, None, bool]:
    try:
        waiting = pending(url)
    except SchemaError as error:
        yield Finding("schema", False, str(error))
        return False
    words = "of this version" if not waiting else f"{len(waiting)} migrations are missing: {', '.join(waiting)}"
    yield Finding("schema", not waiting, words, "harvestctl migrate")
    return not waiting


def replica(settings: Settings, number: int, url: str) -> Iterator[Finding]:
    """Whether it answers, is a replica, and how far it is behind."""
    subject = f"replica {number}"
    try:
        rows = _query(
            url,
            """select pg_is_in_recovery(), case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
               else coalesce(extract(epoch from now() - pg_last_xact_replay_timestamp()), 0) end""",
        )
    except psycopg2.Error as error:
        words = f"{mask_url(url)} does not answer: {_first_line(error)}"
        yield Finding(subject, False, words, "start it, or take it out of replica_urls; the primary is read meanwhile")
        return
    standby, lag = rows[0][0], float(rows[0][1])
    if not standby:
        yield Finding(subject, False, "it is no replica, it takes writes", "name a streaming replica of the primary")
        return
    cure = f"it is not read while it is more than {settings.replica_max_lag:g} s behind: look at its load and network"
    yield Finding(subject, lag <= settings.replica_max_lag, f"{lag:.1f} s behind", cure)


def market(url: str) -> Iterator[Finding]:
    """Queues, outbox, mails and search, as the tables show them."""
    dead = _query(url, "select queue, count(*), max(cause) from queue_dead group by queue order by queue")
    words = ", ".join(f"{queue} {count} (such as: {cause[:80]})" for queue, count, cause in dead) or "none"
    yield Finding("dead letters", not dead, words, "mend the causes, then harvestctl replay")
    unsent, age = _query(
        url,
        "select count(*), coalesce(extract(epoch from now() - min(created_at)), 0)::int from outbox where sent_at is null",
    )[0]
    cure = "no relay publishes them: is a daemon running?"
    yield Finding("outbox", age < BACKLOG_MOST, f"{unsent} events unsent, the oldest for {age} s", cure)
    waiting, age = _query(
        url,
        """select count(*), coalesce(extract(epoch from now() - min(available_at)), 0)::int from queue_messages
            where available_at <= now()""",
    )[0]
    cure = "nobody consumes them: is a worker running, or an API process with workers on?"
    yield Finding("queues", age < BACKLOG_MOST, f"{waiting} messages due, the oldest for {max(age, 0)} s", cure)
    late, failed, cause = _query(
        url,
        f"""select count(*) filter (where state = 'pending' and created_at < now() - interval '{MAIL_MOST} s'),
                   count(*) filter (where state = 'failed'), max(cause) filter (where cause <> '') from mails
             where state <> 'sent'""",
    )[0]
    words = f"{late} wait for over an hour, {failed} were given up" + (f" (such as: {cause[:80]})" if cause else "")
    yield Finding("mails", not late and not failed, words, "mend what the cause names")
    missing = _query(
        url,
        """select count(*) from products p left join search_documents d on d.kind = 'product' and d.id = p.id
            where p.status = 'published' and (d.id is null or d.removed or d.version < p.revision)""",
    )[0][0]
    cure = "wait until the queues are empty; if it stays, harvestctl reindex"
    yield Finding("search", not missing, f"{missing} products are not found as they are", cure)


def mail(settings: Settings) -> Iterator[Finding]:
    """Whether mail can be handed over."""
    if not settings.smtp_url:
        folder = Path(settings.data_dir) / "mail"
        yield Finding("mail", True, f"goes to the folder {folder}, and to nobody: set smtp_url to send it")
        return
    try:
        server = Server.at(settings.smtp_url)
        client = smtplib.SMTP_SSL if server.implicit_tls else smtplib.SMTP
        with client(server.host, server.port, timeout=10) as connection:
            connection.ehlo()
            if not server.implicit_tls and connection.has_extn("starttls"):
                connection.starttls(context=ssl.create_default_context())
                connection.ehlo()
            if server.user:
                connection.login(server.user.decode(), server.password.decode())
            connection.noop()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        yield Finding("mail", False, f"{mask_url(settings.smtp_url)}: {error}", "correct smtp_url, or mend the server")
        return
    yield Finding("mail", True, f"{server.host}:{server.port} takes it")


def _query(url: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url, connect_timeout=5, application_name="harvestctl-doctor")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())


def _timed(cursor: Any) -> float:
    began = time.perf_counter()
    cursor.execute("select 1")
    cursor.fetchone()
    return time.perf_counter() - began


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
