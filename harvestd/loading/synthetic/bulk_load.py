"""Stores a made-up catalogue by COPY, in one transaction: either all of it is there afterwards, or nothing.

Plain psycopg2, for a thread. In a catalogue that was empty, secondary indexes are made after the rows, which is several
times as fast; that is in the same transaction, so that whatever happens they are there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg2.extras import execute_values

from harvestd.loading.synthetic import catalogue, searching, words
from harvestd.loading.synthetic.catalogue import Plan

#: Products in one COPY.
BATCH = 5_000
#: Below so many products, indexes stay where they are.
MANY = 20_000
#: What the statistics and the visibility map are of afterwards.
TABLES = ("farms", "categories", "products", "stock_ledger", "search_documents", "search_words")

_SOWN = "select exists (select from farms where source = %s)"
_CATEGORIES = """insert into categories (id, slug, name, parent_id, created_at, updated_at)
select v.id::uuid, v.slug, v.name, p.id, v.at, v.at from (values %s) v(id, slug, name, parent, at)
  left join categories p on p.slug = v.parent on conflict (slug) do nothing"""
_INDEXES = """
select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
 where i.indrelid = %s::regclass and not i.indisunique"""


class AlreadyLoaded(Exception):
    """The market has the catalogue of this seed."""


def bulk_load(connection: Any, plan: Plan, language: str | None, progress: Callable[[str, int], None]) -> None:
    """Store it all; ``progress`` hears what is being done and how many products are, and may raise to undo everything.

    ``language`` is the text search configuration of the search documents, or None for none. Raises :class:`AlreadyLoaded`.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("set local maintenance_work_mem = '128MB'; set local lock_timeout = '10s'")
        cursor.execute(_SOWN, (catalogue.farm_source(plan.seed, 0),))
        if cursor.fetchone()[0]:
            raise AlreadyLoaded
        made = catalogue.farms(plan)
        _copy(cursor, "farms", catalogue.FARM_COLUMNS, "".join(farm.line for farm in made))
        with _indexes_last(cursor, ("products", "stock_ledger"), plan.products, progress):
            _products(cursor, plan, made, progress)
        if language is not None:
            cursor.execute("analyze farms, products")
            with _indexes_last(cursor, ("search_documents",), plan.products, progress):
                searching.write(cursor, language, plan, progress)


def settle(connection: Any) -> None:
    """Statistics for the planner, and a visibility map for scans of indexes alone."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"vacuum (analyze) {', '.join(TABLES)}")


def _products(cursor: Any, plan: Plan, made: Sequence[catalogue.Farm], progress: Callable[[str, int], None]) -> None:
    done = 0
    for lines, ledger, number in catalogue.products(plan, made, _categories(cursor, plan), BATCH):
        _copy(cursor, "products", catalogue.PRODUCT_COLUMNS, lines)
        _copy(cursor, "stock_ledger", catalogue.LEDGER_COLUMNS, ledger)
        done += number
        progress("products", done)


def _categories(cursor: Any, plan: Plan) -> dict[str, str]:
    for tops in (True, False):
        rows = [(plan.new_id(), *row, plan.now) for row in words.CATEGORIES if (row[2] is None) == tops]
        execute_values(cursor, _CATEGORIES, rows, "(%s, %s, %s, %s, %s::timestamptz)")
    cursor.execute("select slug, id from categories where slug = any(%s)", ([row[0] for row in words.CATEGORIES],))
    return dict(cursor.fetchall())


def _copy(cursor: Any, table: str, columns: str, lines: str) -> None:
    cursor.copy_expert(f"copy {table} ({columns}) from stdin", io.StringIO(lines), 1 << 20)


@contextmanager
def _indexes_last(
    cursor: Any, tables: Sequence[str], number: int, progress: Callable[[str, int], None]
) -> Iterator[None]:
    """What is done within goes without the indexes of those of the tables that are empty."""
    dropped = []
    for table in tables:
        cursor.execute(f"select exists (select from {table})")
        if number >= MANY and not cursor.fetchone()[0]:
            cursor.execute(_INDEXES, (table,))
            dropped += cursor.fetchall()
    if dropped:
        cursor.execute(f"drop index {', '.join(name for name, _ in dropped)}")
    yield
    for _, definition in dropped:
        progress(f"indexes of {' and '.join(tables)}", number)
        cursor.execute(definition)
