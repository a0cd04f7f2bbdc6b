"""A farm's products as a file, which the import takes back: read a page at a time, so memory is constant."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import attrs
import msgspec
from babel.numbers import get_currency_precision

from harvestd.kernel.quantities import shown
from harvestd.market.catalogue import rows as store
from harvestd.market.catalogue.measure_rules import sold_by
from harvestd.market.catalogue.rows import Product
from harvestd.market.catalogue.table_columns import COLUMNS, joined, neutral
from harvestd.store.postgres.statements import Reader

#: Products of a page.
AT_ONCE = 250
_JSON = msgspec.json.Encoder()


@attrs.frozen
class Written:
    """How products are written: what comes first, and each page of them, in a currency."""

    media_type: str
    first: bytes
    page: Callable[[list[Product], str], bytes]


async def pieces(reader: Reader, farm_id: str, currency: str, written: Written) -> AsyncIterator[bytes]:
    """The file of a farm's products of any status, in pieces. What is changed meanwhile is in it before or after its change."""
    yield written.first
    after = None
    while found := await store.of_farm(reader, farm_id, after, AT_ONCE):
        yield written.page(found, currency)
        after = found[-1].id
        if len(found) < AT_ONCE:
            return


def row(product: Product, currency: str) -> dict[str, Any]:
    """A product as a row of JSON that changes nothing of it."""
    return {
        "id": product.id, "external_id": product.external_id, "sku": product.sku, "title": product.title, "description": product.description,
        "category_id": product.category_id, "unit": product.unit, "price": {"amount": product.offer.price, "currency": currency},
        "price_per": {"quantity": shown(product.price_per), "unit": _price_unit(product)}, "sold_by": sold_by(product.unit),
        "priced_by": product.priced_by or sold_by(product.unit),
        "estimated_weight": product.estimated_weight and {"quantity": shown(product.estimated_weight), "unit": product.weight_unit},
        "stock": shown(product.stock),
        "quantity_step": shown(product.quantity_step), "min_quantity": shown(product.min_quantity),
        "season": product.season_from and {"from": product.season_from, "to": product.season_to},
        "harvested_on": product.harvested_on, "tags": product.tags, "status": product.status, "gtin": product.gtin, "lot": product.lot,
        "allergens": product.allergens, "ingredients": product.ingredients, "origin": product.origin, "storage": product.storage,
        "durability": product.durability_kind and {"kind": product.durability_kind, "date": product.durability_date},
        "certifications": product.certifications, "metadata": product.metadata, "translations": product.translations, "visible_to": product.visible_to or [],
        "prices": [{"group": one.group, "price": {"amount": one.price, "currency": currency}} for one in product.offer.prices],
    }  # fmt: skip


def _price_unit(product: Product) -> str:
    return product.weight_unit if product.priced_by and product.weight_unit else product.unit


def _lines(found: list[Product], currency: str) -> bytes:
    return b"".join(_JSON.encode(row(product, currency)) + b"\n" for product in found)


def _table(found: list[Product], currency: str) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerows([neutral(cell) for cell in cells(product, currency)] for product in found)
    return file.getvalue().encode()


def cells(product: Product, currency: str) -> list[str]:
    """A product's cells, in the order of the columns."""
    price = Decimal(product.offer.price).scaleb(-get_currency_precision(currency))
    made = {
        "category": product.category_slug or "", "price": f"{price:f}", "price_per_unit": _price_unit(product), "sold_by": sold_by(product.unit),
        "priced_by": product.priced_by or sold_by(product.unit), "estimated_weight_unit": product.weight_unit or "",
        "estimated_weight": "" if product.estimated_weight is None else shown(product.estimated_weight), "tags": joined(product.tags), "allergens": joined(product.allergens),
        **{name: shown(getattr(product, name)) for name in ("price_per", "stock", "quantity_step", "min_quantity")},
        **{name: _json(getattr(product, name)) for name in ("certifications", "metadata", "translations")},
    }  # fmt: skip
    return [made[name] if name in made else _text(getattr(product, name)) for name in COLUMNS]


def _json(value: Any) -> str:
    return _JSON.encode(value).decode() if value else ""


def _text(value: Any) -> str:
    return "" if value is None else str(value)


#: With a byte order mark: spreadsheets take it for UTF-8 then.
CSV = Written("text/csv; charset=utf-8", "\ufeff".encode() + ",".join(COLUMNS).encode() + b"\r\n", _table)
JSONL = Written("application/jsonl", b"", _lines)
