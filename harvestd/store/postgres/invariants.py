"""The market's invariants, as SQL that returns no row: ``invariants.sql`` always, ``at_rest.sql`` also while no event is in flight."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import attrs
import psycopg2

#: Rows kept of each broken rule.
SHOWN = 5
_NAME = re.compile(r"^-- name: *(.+)$", re.MULTILINE)


@attrs.frozen
class Rule:
    """``sql`` returns one row per violation; ``name`` says what a row means."""

    name: str
    sql: str


@attrs.frozen
class Violation:
    """A broken rule: the number of rows, the column names and the first rows."""

    rule: str
    count: int
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def rules(file: str = "invariants.sql") -> list[Rule]:
    """The statements of a file beside the store, each under its ``-- name:``."""
    text = resources.files("harvestd.store.postgres").joinpath(file).read_text("utf-8")
    parts = _NAME.split(text)[1:]
    return [Rule(name.strip(), sql.strip()) for name, sql in zip(parts[::2], parts[1::2], strict=True)]


def violations(url: str, checked: list[Rule], go_on: Callable[[], object] = lambda: None) -> Iterator[Violation]:
    """Check the rules in one transaction with one snapshot; blocks. ``go_on`` is called before each, and may raise."""
    connection = psycopg2.connect(url, application_name="harvestctl-check", options="-c timezone=UTC")
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection, connection.cursor() as cursor:
            for rule in checked:
                go_on()
                cursor.execute(rule.sql)
                rows = cursor.fetchall()
                if rows:
                    columns = tuple(column.name for column in cursor.description)
                    yield Violation(rule.name, len(rows), columns, tuple(rows[:SHOWN]))
    finally:
        connection.close()
