"""Stores a synthetic catalogue by COPY, in one transaction: all of it or nothing.

Plain psycopg2, for a thread. In an empty catalogue, secondary indexes are created after the rows, which is several
times as fast; this happens in the same transaction, so that they always exist afterwards.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg2.extras import execute_values

from harvestd.loading.synthetic import catalogue, categories, ruling, searching, words
from harvestd.loading.synthetic.catalogue import Plan

#: Products in one COPY.
BATCH = 5_000
#: With fewer products than this, indexes are not dropped.
MANY = 20_000
#: The tables that are vacuumed and analysed afterwards.
TABLES = ("farms", "categories", "products", "stock_ledger", "search_documents", "search_words")

_SOWN = "select exists (select from farms where source = %s)"
_CATEGORIES = """insert into categories (id, slug, name, parent_id, created_at, updated_at, icon, color, translations)
select v.id::uuid, v.slug, v.name, p.id, v.at, v.at, v.icon, v.color, v.translations from (values %s) v(id, slug, name, parent, at, icon, color, translations)
  left join categories p on p.slug = v.parent on conflict (slug) do nothing"""
_INDEXES = """
select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
 where i.indrelid = %s::regclass and not i.indisunique"""


class AlreadyLoaded(Exception):
    """The market already has the catalogue of this seed."""


def bulk_load(connection: Any, plan: Plan, language: str | None, progress: Callable[[str, int], None]) -> None:
    """Store the catalogue; ``progress`` is called with the current step and the number of products done, and may raise to roll back.

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
        ruling.write(cursor, plan)
        if language is not None:
            cursor.execute("analyze farms, products")
            with _indexes_last(cursor, ("search_documents",), plan.products, progress):
                searching.write(cursor, language, plan, progress)


def settle(connection: Any) -> None:
    """Update the planner's statistics, and the visibility map for index-only scans."""
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
        rows = [
            (plan.new_id(), *row, plan.now, *categories.looks(row[0], row[2], plan.languages))
            for row in words.CATEGORIES
            if (row[2] is None) == tops
        ]
        execute_values(cursor, _CATEGORIES, rows, "(%s, %s, %s, %s, %s::timestamptz, %s, %s, %s::jsonb)")
    cursor.execute("select slug, id from categories where slug = any(%s)", ([row[0] for row in words.CATEGORIES],))
    return dict(cursor.fetchall())


def _copy(cursor: Any, table: str, columns: str, lines: str) -> None:
    cursor.copy_expert(f"copy {table} ({columns}) from stdin", io.StringIO(lines), 1 << 20)


@contextmanager
def _indexes_last(
    cursor: Any, tables: Sequence[str], number: int, progress: Callable[[str, int], None]
) -> Iterator[None]:
    """Run the body without the indexes of those tables that are empty, and recreate them afterwards."""
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
