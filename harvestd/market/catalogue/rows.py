"""Rows of products. How an offer is kept in columns is in ``offer_columns.py``, the listing in ``listings.py``, the stock in ``stock_rows.py``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from psycopg2 import errors as pg

from harvestd.kernel.errors import AlreadyTaken, FieldError, Invalid
from harvestd.market.catalogue.offer_columns import COLUMNS, columns_of, offer_of
from harvestd.market.catalogue.product_events import Known
from harvestd.market.catalogue.rules import Offer
from harvestd.store.postgres.statements import FIRST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Product(msgspec.Struct, frozen=True):
    """A product with its farm's and category's names, ``category_texts`` in the market's other languages; ``price`` in minor units and for ``price_per``, quantities in ``unit``. While it is reduced,
    ``regular_price`` is what it returns to. ``shown_at`` is when everybody last saw a change, where that is before ``updated_at``. ``priced_by`` is None for what is priced by what it is sold by, ``variants`` the number of pack sizes
    that it is offered in."""

    id: str
    slug: str
    title: str
    description: str
    farm_id: str
    farm_slug: str
    farm_name: str
    farm_state: str
    category_id: str | None
    category_slug: str | None
    category_name: str | None
    category_texts: dict[str, dict[str, str]] | None
    unit: str
    price: int
    price_per: Decimal
    priced_by: str | None
    estimated_weight: Decimal | None
    weight_unit: str | None
    variants: int
    stock: Decimal
    reserved: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    season_from: str | None
    season_to: str | None
    harvested_on: date | None
    tags: list[str]
    status: str
    sku: str
    external_id: str | None
    gtin: str
    lot: str
    allergens: list[str]
    ingredients: str
    origin: str
    storage: str | None
    durability_kind: str | None
    durability_date: date | None
    certifications: list[dict[str, Any]]
    metadata: dict[str, str]
    translations: dict[str, dict[str, str]]
    upvote_count: int
    view_count: int
    rating_average: Decimal
    rating_count: int
    sales: int
    latitude: float | None
    longitude: float | None
    benefits: list[str]
    version: int
    revision: int
    created_at: datetime
    updated_at: datetime
    shown_at: datetime | None
    visible_to: list[str] | None
    group_prices: list[dict[str, Any]] | None
    regular_price: int | None
    prior_price: int | None
    markdown_until: datetime | None
    markdown_reason: str | None

    @property
    def known(self) -> Known:
        """The product as events name it."""
        return Known(self.id, self.slug, self.farm_id, self.farm_slug, bool(self.visible_to))

    @property
    def offer(self) -> Offer:
        """The fields that its farm edits."""
        return offer_of(self)


#: Fields of a :class:`Product` that are not columns of its own row.
_OTHERS = {
    "farm_id": "f.id", "farm_slug": "f.slug", "farm_name": "f.name", "farm_state": "f.state", "latitude": "f.latitude", "longitude": "f.longitude", "benefits": "f.benefits",
    "category_id": "c.id", "category_slug": "c.slug", "category_name": "c.name", "category_texts": "c.translations", "visible_to": "p.visible_to::text[]",
}  # fmt: skip
SELECT = f"""select {", ".join(_OTHERS.get(name, f"p.{name}") for name in Product.__struct_fields__)}
  from products p join farms f on f.id = p.farm_id left join categories c on c.id = p.category_id"""

_ID_OF = Statement("products.id_of", "select id from products where slug = :slug", scalar)
_BY_IDS = Statement("products.by_ids", f"{SELECT} where p.id = any(:ids::uuid[]) order by p.id", Product)
_PAGE = Statement(
    "products.page", f"{SELECT} where p.id > coalesce(:after::uuid, {FIRST_ID}) order by p.id limit :limit", Product
)
_OF_FARM = Statement(
    "products.of_farm",
    f"{SELECT} where p.farm_id = :farm_id and p.id > coalesce(:after::uuid, {FIRST_ID}) order by p.id limit :limit",
    Product,
)
_LOCK = Statement("products.lock", f"{SELECT} where p.id = :product_id for no key update of p", Product)
_INSERT = Statement(
    "products.insert",
    f"""insert into products (id, slug, farm_id, stock, created_at, updated_at, {", ".join(COLUMNS)})
        values (:id, :slug, :farm_id, :stock, :now, :now, {", ".join(f":{column}" for column in COLUMNS)})
        on conflict (slug) do nothing""",
    nothing,
)
_UPDATE = Statement(
    "products.update",
    f"""update products set {", ".join(f"{column} = :{column}" for column in COLUMNS)},
               version = version + 1, quiet = quiet + :quiet, revision = revision + 1, updated_at = :now
        where id = :id""",
    nothing,
)


async def id_of(reader: Reader, slug: str) -> str | None:
    """The id of the product with this slug, of any status."""
    return await reader.row(_ID_OF, slug=slug)


async def by_ids(reader: Reader, ids: Sequence[str]) -> list[Product]:
    """The products with these ids that exist, in id order."""
    return await reader.rows(_BY_IDS, ids=list(ids))


async def page(reader: Reader, after: str | None, limit: int) -> list[Product]:
    """Every product in id order, a page at a time, for rebuilding the search index."""
    return await reader.rows(_PAGE, after=after, limit=limit)


async def of_farm(reader: Reader, farm_id: str, after: str | None, limit: int) -> list[Product]:
    """A farm's products of any status in id order, a page at a time."""
    return await reader.rows(_OF_FARM, farm_id=farm_id, after=after, limit=limit)


async def lock(tx: Transaction, product_id: str) -> Product | None:
    """A product, locked until the transaction ends."""
    return await tx.row(_LOCK, product_id=product_id)


async def insert(
    tx: Transaction, product_id: str, slugs: Iterable[str], farm_id: str, offer: Offer, stock: Decimal, now: datetime
) -> str:
    """Store a new product (the caller writes its first ledger row) under the first of ``slugs`` that is free, and return that; raises
    :class:`Invalid` for an unknown category, ``AlreadyTaken`` if none is free."""
    for slug in slugs:
        if await _stored(
            tx, _INSERT, id=product_id, slug=slug, farm_id=farm_id, stock=stock, now=now, **columns_of(offer)
        ):
            return slug
    raise AlreadyTaken


async def update(tx: Transaction, product_id: str, offer: Offer, now: datetime, *, quiet: bool = False) -> None:
    """Store a changed product as its next version, of which groups alone are told if it is ``quiet``; raises :class:`Invalid` for an unknown category."""
    await _stored(tx, _UPDATE, id=product_id, now=now, quiet=int(quiet), **columns_of(offer))


async def _stored(tx: Transaction, statement: Statement[None], **values: object) -> int:
    try:
        return await tx.run(statement, **values)
    except pg.UniqueViolation as error:
        message = "is another product's of this farm; PATCH that one, or choose another id"
        raise AlreadyTaken(errors=(FieldError("external_id", message, code="taken"),)) from error
    except pg.ForeignKeyViolation as error:
        raise Invalid.of(
            "category_id",
            "does not exist; GET /api/categories lists the categories",
            "not-found",
            list="GET /api/categories",
        ) from error
