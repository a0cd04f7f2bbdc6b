"""Stores markets of the directory as farms with categories, products and their opening stock, in batches.

Plain psycopg2, for a thread or a command: an import has thousands of rows, and the asynchronous connections have no batching.
A farm is identified by its ``source``, a product by its slug, so an interrupted import can be rerun: existing rows
are left unchanged, except that a farm that nobody has claimed follows the directory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import attrs
import psycopg2
from psycopg2.extras import execute_values

from harvestd.kernel.slugs import slug
from harvestd.kernel.units import default_step
from harvestd.loading.usda.goods import CATEGORIES, price, title
from harvestd.loading.usda.reading import BadRow, Market

BATCH = 250

_CATEGORIES = (
    """insert into categories (id, slug, name, created_at, updated_at) values %s on conflict (slug) do nothing"""
)
_FARMS = """
insert into farms (id, slug, name, description, latitude, longitude, address, certifications, benefits, season_from, season_to, source,
                   created_at, updated_at) values %s
on conflict (source) do update
   set name = excluded.name, description = excluded.description, latitude = excluded.latitude,
       longitude = excluded.longitude, address = excluded.address, certifications = excluded.certifications,
       benefits = excluded.benefits, season_from = excluded.season_from, season_to = excluded.season_to,
       version = farms.version + 1, updated_at = excluded.updated_at
 where not exists (select 1 from farm_members m where m.farm_id = farms.id)
   and (farms.name, farms.description, farms.latitude, farms.longitude, farms.address, farms.certifications, farms.benefits,
        farms.season_from, farms.season_to)
       is distinct from
       (excluded.name, excluded.description, excluded.latitude, excluded.longitude, excluded.address,
        excluded.certifications, excluded.benefits, excluded.season_from, excluded.season_to)
returning xmax = 0"""
_IDS = "select source, id from farms where source = any(%s)"
_OWNERS = """insert into farm_members (farm_id, user_id) select f.id, %s from farms f
              where f.source = any(%s) and not exists (select 1 from farm_members m where m.farm_id = f.id)"""
_PRODUCTS = """
insert into products (id, slug, farm_id, category_id, title, description, unit, price, stock, quantity_step, min_quantity,
                      tags, status, created_at, updated_at) values %s
on conflict (slug) do nothing returning id, stock"""
_LEDGER = """insert into stock_ledger (id, product_id, kind, change, level, reason, created_at) values %s"""


@attrs.define
class Stored:
    """The progress of an import; ``bad`` has every row that could not be stored."""

    rows: int = 0
    farms_new: int = 0
    farms_changed: int = 0
    products_new: int = 0
    seasons_unread: int = 0
    bad: list[BadRow] = attrs.field(factory=list)

    @property
    def changed(self) -> bool:
        """Whether the import has changed the database."""
        return bool(self.farms_new or self.farms_changed or self.products_new)


@attrs.frozen
class Storing:
    """One import: ``owner`` is the user who becomes owner of each farm without one, or None."""

    connection: Any
    new_id: Callable[[], str]
    now: datetime
    owner: str | None = None

    def store(self, rows: Iterable[Market | BadRow], progress: Callable[[Stored], None]) -> Stored:
        """Store every row, one transaction for each batch; ``progress`` is called after each batch."""
        stored = Stored()
        categories = self._categories()
        for batch in _batches(rows):
            markets = [row for row in batch if isinstance(row, Market)]
            stored.bad.extend(row for row in batch if isinstance(row, BadRow))
            try:
                self._batch(markets, categories, stored)
            except psycopg2.IntegrityError:  # one row violates a constraint of the database: find which
                for market in markets:
                    self._alone(market, categories, stored)
            stored.rows += len(batch)
            stored.seasons_unread += sum(bool(market.unread) for market in markets)
            progress(stored)
        return stored

    def _categories(self) -> dict[str, str]:
        rows = [(self.new_id(), at, name, self.now, self.now) for at, name in CATEGORIES.items()]
        with self.connection, self.connection.cursor() as cursor:
            execute_values(cursor, _CATEGORIES, rows)
            cursor.execute("select slug, id from categories where slug = any(%s)", (list(CATEGORIES),))
            return dict(cursor.fetchall())

    def _alone(self, market: Market, categories: dict[str, str], stored: Stored) -> None:
        try:
            self._batch([market], categories, stored)
        except psycopg2.IntegrityError as error:
            stored.bad.append(BadRow(market.line, f"the database refuses it: {str(error).splitlines()[0]}"))

    def _batch(self, markets: Sequence[Market], categories: dict[str, str], stored: Stored) -> None:
        if not markets:
            return
        sources = [market.source for market in markets]
        with self.connection, self.connection.cursor() as cursor:
            farms = execute_values(cursor, _FARMS, [self._farm(m) for m in markets], page_size=BATCH, fetch=True)
            cursor.execute(_IDS, (sources,))
            ids = dict(cursor.fetchall())
            if self.owner is not None:
                cursor.execute(_OWNERS, (self.owner, sources))
            offers = [row for m in markets for row in self._products(m, ids[m.source], categories)]
            products = execute_values(cursor, _PRODUCTS, offers, page_size=1000, fetch=True) if offers else []
            if products:
                execute_values(cursor, _LEDGER, [self._first(*product) for product in products], page_size=1000)
        stored.farms_new += sum(is_new for (is_new,) in farms)
        stored.farms_changed += sum(not is_new for (is_new,) in farms)
        stored.products_new += len(products)

    def _farm(self, m: Market) -> tuple[Any, ...]:
        certifications = ["organic"] if m.organic else []
        season = m.season or (None, None)
        return (
            self.new_id(), m.slug, m.name, m.description, m.latitude, m.longitude, m.address, certifications, list(m.benefits), *season,
            m.source, self.now, self.now,
        )  # fmt: skip

    def _products(self, m: Market, farm_id: str, categories: dict[str, str]) -> Iterator[tuple[Any, ...]]:
        number = m.source.partition(":")[2]
        for good in m.goods:
            name = title(good, m.source)
            tags = [*good.tags, *(["organic"] if m.organic else [])]
            step = default_step(good.unit)
            yield (
                self.new_id(), slug(f"{good.column} {name}", number), farm_id, categories[good.category], name,
                good.description, good.unit, price(good, m.source), good.stock, step, step, tags, "published", self.now,
                self.now,
            )  # fmt: skip

    def _first(self, product_id: str, stock: Any) -> tuple[Any, ...]:
        return self.new_id(), product_id, "initial", stock, stock, "from the directory", self.now


def _batches(rows: Iterable[Market | BadRow]) -> Iterator[list[Market | BadRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH)):
        yield batch
