"""Rows of products. The listing is in ``listings.py``, the stock in ``stock_rows.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import attrs
import msgspec
from psycopg2 import errors as pg

from harvestd.kernel.claims import Certification
from harvestd.kernel.errors import AlreadyTaken, FieldError, Invalid
from harvestd.kernel.seasons import Season
from harvestd.kernel.units import Amount
from harvestd.market.catalogue import group_rules, markdown_rules
from harvestd.market.catalogue.fact_rules import Durability
from harvestd.market.catalogue.markdown_rules import Markdown
from harvestd.market.catalogue.product_events import Known
from harvestd.market.catalogue.rules import OFFERED, Offer
from harvestd.store.postgres.statements import FIRST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Product(msgspec.Struct, frozen=True):
    """A product with its farm's and category's names; ``price`` in minor units and for ``price_per``, quantities in ``unit``. While it is reduced,
    ``regular_price`` is what it returns to. ``priced_by`` is None for what is priced by what it is sold by, ``variants`` the number of pack sizes
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
        values = {name: getattr(self, name) for name in _KEPT_AS_IT_IS}
        values["price"] = self.price if self.regular_price is None else self.regular_price
        return Offer(**values, **{name: kept.read(self) for name, kept in _KEPT.items()})


#: Fields of a :class:`Product` that are not columns of its own row.
_OTHERS = {
    "farm_id": "f.id", "farm_slug": "f.slug", "farm_name": "f.name", "farm_state": "f.state", "latitude": "f.latitude", "longitude": "f.longitude", "benefits": "f.benefits",
    "category_id": "c.id", "category_slug": "c.slug", "category_name": "c.name", "visible_to": "p.visible_to::text[]",
}  # fmt: skip
SELECT = f"""select {", ".join(_OTHERS.get(name, f"p.{name}") for name in Product.__struct_fields__)}
  from products p join farms f on f.id = p.farm_id left join categories c on c.id = p.category_id"""


@attrs.frozen
class Kept:
    """How a field is kept that is not the column of its name as it is: the columns' values of it, and it of a row."""

    written: Callable[[Any], dict[str, Any]]
    read: Callable[[Product], Any]


def _days(season: Season | None) -> dict[str, Any]:
    return {"season_from": season and season.first, "season_to": season and season.last}


def _weight(weight: Amount | None) -> dict[str, Any]:
    return {"estimated_weight": weight and weight.quantity, "weight_unit": weight and weight.unit}


def _until(durability: Durability | None) -> dict[str, Any]:
    return {"durability_kind": durability and durability.kind, "durability_date": durability and durability.date}


def _reduced(row: Product) -> Markdown | None:
    if row.prior_price is None or row.markdown_until is None:
        return None
    return Markdown(row.price, row.prior_price, row.markdown_until, row.markdown_reason or "")


_KEPT: dict[str, Kept] = {
    "season": Kept(_days, lambda row: Season(row.season_from, row.season_to) if row.season_from and row.season_to else None),
    "estimated_weight": Kept(
        _weight, lambda row: Amount(row.estimated_weight, row.weight_unit) if row.estimated_weight and row.weight_unit else None
    ),
    "tags": Kept(lambda tags: {"tags": list(tags)}, lambda row: tuple(row.tags)),
    "allergens": Kept(lambda allergens: {"allergens": list(allergens)}, lambda row: tuple(row.allergens)),
    "durability": Kept(
        _until, lambda row: Durability(row.durability_kind, row.durability_date) if row.durability_kind and row.durability_date else None
    ),
    "certifications": Kept(
        lambda claims: {"certifications": msgspec.json.encode(claims).decode()},
        lambda row: msgspec.convert(row.certifications, tuple[Certification, ...]),
    ),
    "metadata": Kept(lambda notes: {"metadata": msgspec.json.encode(notes).decode()}, lambda row: row.metadata),
    "translations": Kept(lambda texts: {"translations": msgspec.json.encode(texts).decode()}, lambda row: row.translations),
    "visible_to": Kept(lambda groups: {"visible_to": list(groups) or None}, lambda row: tuple(row.visible_to or ())),
    "prices": Kept(lambda prices: {"group_prices": group_rules.stored(prices)}, lambda row: group_rules.of_stored(row.group_prices)),
    "markdown": Kept(markdown_rules.columns, lambda row: _reduced(row)),
}  # fmt: skip
#: The fields of an offer that are a column each, and the columns of all.
_KEPT_AS_IT_IS = tuple(name for name in OFFERED if name not in _KEPT)
COLUMNS = (*_KEPT_AS_IT_IS, *_days(None), *_weight(None), "tags", "allergens", *_until(None), "certifications", "metadata", "translations",
           "visible_to", "group_prices", *markdown_rules.columns(None))  # fmt: skip
#: Those of them whose value is JSON already.
KEPT_AS_JSON = ("certifications", "metadata", "translations", "group_prices")

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
               version = version + 1, revision = revision + 1, updated_at = :now
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


async def update(tx: Transaction, product_id: str, offer: Offer, now: datetime) -> None:
    """Store a changed product as its next version; raises :class:`Invalid` for an unknown category."""
    await _stored(tx, _UPDATE, id=product_id, now=now, **columns_of(offer))


def columns_of(offer: Offer) -> dict[str, Any]:
    """The values of :data:`COLUMNS`."""
    columns = {name: getattr(offer, name) for name in _KEPT_AS_IT_IS}
    for name, kept in _KEPT.items():
        columns |= kept.written(getattr(offer, name))
    return columns | markdown_rules.columns(offer.markdown, offer.price)


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
