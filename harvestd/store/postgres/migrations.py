"""Numbered SQL files, each applied once, in order, in a transaction of its own.

``schema/NNN_name.sql`` are plain SQL. Applied files are recorded in ``schema_migrations`` with a checksum. One advisory
lock serializes concurrent migrators: the second finds nothing to do. The functions block and are meant for a thread or
a command.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from itertools import pairwise
from typing import Any

import attrs
import psycopg2
from psycopg2 import errors as pg

from harvestd.store.postgres import email_keys
from harvestd.store.postgres.statements import Statement, scalar

#: The migrators' advisory lock.
LOCK = 0x48415256_53434D41
#: Lock timeouts, in seconds: for another migrator, and for a table in use.
LOCK_WAIT, TABLE_WAIT = 600, 10

FILE_NAME = re.compile(r"^(\d{3})_([a-z0-9_]+)\.sql$")

#: The steps of a migration that SQL cannot express, by its name; run in its transaction.
AFTER: dict[str, Callable[[Any], object]] = {"texts": email_keys.renew}

BOOK = """
create table if not exists schema_migrations (
    number      integer primary key,
    name        text not null,
    checksum    text not null,
    applied_at  timestamptz not null default now()
)
"""

#: The newest applied one, or null.
APPLIED = Statement("migrations_applied", "select max(number) from schema_migrations", scalar)


class SchemaError(Exception):
    """This version cannot use or change the database's schema; the text says why, and the remedy."""


@attrs.frozen
class Migration:
    """One file. ``checksum`` is the SHA-256 of its text, in hex."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Of the text with normalized line endings."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()

    @property
    def title(self) -> str:
        """The file name without its extension."""
        return f"{self.number:03d}_{self.name}"


def known() -> list[Migration]:
    """The migrations of this version, in order. Raises ValueError where two share a number: one of them would be left out."""
    found = []
    for file in resources.files("harvestd.store").joinpath("schema").iterdir():
        match = FILE_NAME.match(file.name)
        if match:
            found.append(Migration(int(match.group(1)), match.group(2), file.read_text("utf-8")))
    found.sort(key=lambda migration: migration.number)
    for one, other in pairwise(found):
        if one.number == other.number:
            raise ValueError(f"{one.title} and {other.title} have one number: give the later one the next")
    return found


def migrate(dsn: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Apply the pending migrations; returns their titles. Raises :class:`SchemaError`."""
    applied = []
    with _connection(dsn) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(f"set lock_timeout = '{LOCK_WAIT}s'")
            cursor.execute("select pg_advisory_lock(%s)", (LOCK,))
            cursor.execute(f"set lock_timeout = '{TABLE_WAIT}s'")
            _can_hold_texts(cursor)
            cursor.execute(BOOK)
            for migration in _missing(cursor, migrations):
                _apply(cursor, migration)
                applied.append(migration.title)
        except pg.LockNotAvailable as error:
            raise SchemaError(
                "the schema is locked, by another migration or by long transactions: "
                "wait until they are done, or end them, and migrate again"
            ) from error
        except pg.InsufficientPrivilege as error:
            raise SchemaError(
                f"the database user may not change the schema ({_first_line(error)}): "
                "migrate as the owner of the database, with harvestctl migrate"
            ) from error
    return applied


def _can_hold_texts(cursor: Any) -> None:
    """Raises :class:`SchemaError` for a database whose encoding lacks most letters."""
    cursor.execute("select current_database(), current_setting('server_encoding')")
    name, encoding = cursor.fetchone()
    if encoding != "UTF8":
        raise SchemaError(
            f"the encoding of {name} is {encoding}, which lacks most letters: "
            "make a database with encoding 'UTF8' template template0, and name it in database_url"
        )


def pending(dsn: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Titles of the pending migrations; changes nothing. Raises :class:`SchemaError` for an unusable schema."""
    with _connection(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('schema_migrations') is not null")
        begun = cursor.fetchone()[0]
        return [migration.title for migration in _missing(cursor, migrations, begun)]


def _missing(cursor: Any, migrations: Sequence[Migration] | None, begun: bool = True) -> list[Migration]:
    steps = {migration.number: migration for migration in (known() if migrations is None else migrations)}
    applied = []
    if begun:
        cursor.execute("select number, name, checksum from schema_migrations order by number")
        applied = cursor.fetchall()
    newest = max(steps, default=0)
    for number, name, checksum in applied:
        step = steps.get(number)
        if number > newest:
            raise SchemaError(
                f"the database has migration {number:03d}_{name}, newer than this harvestd, which knows {newest:03d} "
                "as the last: run the version that made it, or restore a backup from before"
            )
        if step is None or step.checksum != checksum:
            raise SchemaError(
                f"migration {number:03d}_{name} was applied with another text than this version has: "
                "install the release that the database was made by; a released migration is never changed, "
                "put changes into a new one"
            )
    done = {number for number, _, _ in applied}
    return [step for number, step in sorted(steps.items()) if number not in done]


def _apply(cursor: Any, migration: Migration) -> None:
    cursor.execute("begin")
    try:
        cursor.execute(migration.sql)
        AFTER.get(migration.name, _nothing)(cursor)
        cursor.execute(
            "insert into schema_migrations (number, name, checksum) values (%s, %s, %s)",
            (migration.number, migration.name, migration.checksum),
        )
        cursor.execute("commit")
    except (pg.LockNotAvailable, pg.InsufficientPrivilege):
        raise
    except psycopg2.Error as error:
        raise SchemaError(f"migration {migration.title} failed and changed nothing: {_first_line(error)}") from error


@contextmanager
def _connection(dsn: str) -> Iterator[Any]:
    try:
        connection = psycopg2.connect(dsn, connect_timeout=10, application_name="harvestd-migrate")
    except psycopg2.OperationalError as error:
        raise SchemaError(f"the database does not answer: {_first_line(error)}") from error
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def _nothing(cursor: Any) -> None:
    pass


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
