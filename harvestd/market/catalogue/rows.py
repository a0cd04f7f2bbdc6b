"""Rows of products. The listing is in ``listings.py``, the stock in ``stock_rows.py``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec
from psycopg2 import errors as pg

from harvestd.kernel.errors import AlreadyTaken, Invalid
from harvestd.kernel.slugs import is_id
from harvestd.market.catalogue.rules import Known, Offer
from harvestd.store.postgres.database import FIRST_ID, Reader, Statement, Transaction, nothing


class Product(msgspec.Struct, frozen=True):
    """A product with its farm's and category's names; ``price`` in minor units and for ``price_per``, quantities in ``unit``."""

    id: str
    slug: str
    title: str
    description: str
    farm_id: str
    farm_slug: str
    farm_name: str
    category_id: str | None
    category_slug: str | None
    category_name: str | None
    unit: str
    price: int
    price_per: Decimal
    stock: Decimal
    reserved: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    season_from: str | None
    season_to: str | None
    harvested_on: date | None
    tags: list[str]
    status: str
    upvote_count: int
    view_count: int
    rating_average: Decimal
    rating_count: int
    sales: int
    latitude: float | None
    longitude: float | None
    version: int
    revision: int
    created_at: datetime
    updated_at: datetime

    @property
    def known(self) -> Known:
        """How events name it."""
        return Known(self.id, self.slug, self.farm_id, self.farm_slug)


SELECT = """select p.id, p.slug, p.title, p.description, f.id, f.slug, f.name, c.id, c.slug, c.name, p.unit, p.price,
       p.price_per, p.stock, p.reserved, p.quantity_step, p.min_quantity, p.season_from, p.season_to, p.harvested_on, p.tags,
       p.status, p.upvote_count, p.view_count, p.rating_average, p.rating_count, p.sales, f.latitude, f.longitude,
       p.version, p.revision, p.created_at, p.updated_at
  from products p join farms f on f.id = p.farm_id left join categories c on c.id = p.category_id"""

_BY_ID = Statement("products.by_id", f"{SELECT} where p.id = :token", Product)
_BY_SLUG = Statement("products.by_slug", f"{SELECT} where p.slug = :token", Product)
_BY_IDS = Statement("products.by_ids", f"{SELECT} where p.id = any(:ids::uuid[]) order by p.id", Product)
_PAGE = Statement(
    "products.page", f"{SELECT} where p.id > coalesce(:after::uuid, {FIRST_ID}) order by p.id limit :limit", Product
)
_LOCK = Statement("products.lock", f"{SELECT} where p.id = :product_id for no key update of p", Product)
_INSERT = Statement(
    "products.insert",
    """insert into products (id, slug, farm_id, category_id, title, description, unit, price, stock, quantity_step,
              min_quantity, season_from, season_to, harvested_on, tags, status, price_per, created_at, updated_at)
       values (:id, :slug, :farm_id, :category_id, :title, :description, :unit, :price, :stock, :quantity_step, :min_quantity, :season_from, :season_to, :harvested_on, :tags, :status, :price_per, :now, :now)
       on conflict (slug) do nothing""",
    nothing,
)
_UPDATE = Statement(
    "products.update",
    """update products set category_id = :category_id, title = :title, description = :description, unit = :unit, price = :price, quantity_step = :quantity_step,
              min_quantity = :min_quantity, season_from = :season_from, season_to = :season_to, harvested_on = :harvested_on, tags = :tags, status = :status,
              price_per = :price_per, version = version + 1, revision = revision + 1, updated_at = :now
       where id = :id""",
    nothing,
)


async def find(reader: Reader, token: str) -> Product | None:
    """A product by id or slug, whatever its status."""
    return await reader.row(_BY_ID if is_id(token) else _BY_SLUG, token=token)


async def by_ids(reader: Reader, ids: Sequence[str]) -> list[Product]:
    """Products by id, in id order; those that exist."""
    return await reader.rows(_BY_IDS, ids=list(ids))


async def page(reader: Reader, after: str | None, limit: int) -> list[Product]:
    """Every product in id order, a page at a time: for building the search index anew."""
    return await reader.rows(_PAGE, after=after, limit=limit)


async def lock(tx: Transaction, product_id: str) -> Product | None:
    """A product, locked until the transaction ends."""
    return await tx.row(_LOCK, product_id=product_id)


async def insert(
    tx: Transaction, product_id: str, slugs: Iterable[str], farm_id: str, offer: Offer, stock: Decimal, now: datetime
) -> str:
    """Store a new product (its first ledger row is the caller's) under the first of ``slugs`` that is free, and answer that; raises
    :class:`Invalid` for an unknown category, ``AlreadyTaken`` where none is free."""
    for slug in slugs:
        if await _stored(
            tx, _INSERT, id=product_id, slug=slug, farm_id=farm_id, stock=stock, now=now, **_columns(offer)
        ):
            return slug
    raise AlreadyTaken


async def update(tx: Transaction, product_id: str, offer: Offer, now: datetime) -> None:
    """Store a changed product as its next version; raises :class:`Invalid` for an unknown category."""
    await _stored(tx, _UPDATE, id=product_id, now=now, **_columns(offer))


def _columns(offer: Offer) -> dict[str, object]:
    season = offer.season
    return {
        "category_id": offer.category_id, "title": offer.title, "description": offer.description, "unit": offer.unit,
        "price": offer.price, "price_per": offer.price_per, "quantity_step": offer.quantity_step,
        "min_quantity": offer.min_quantity, "season_from": season.first if season else None,
        "season_to": season.last if season else None, "harvested_on": offer.harvested_on, "tags": list(offer.tags),
        "status": offer.status,
    }  # fmt: skip


async def _stored(tx: Transaction, statement: Statement[None], **values: object) -> int:
    try:
        return await tx.run(statement, **values)
    except pg.ForeignKeyViolation as error:
        raise Invalid.of(
            "category_id",
            "does not exist; GET /api/categories lists the categories",
            "not-found",
            list="GET /api/categories",
        ) from error
