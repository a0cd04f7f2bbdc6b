"""A farm's products as a file, which the import takes back: read a page at a time, so memory is constant."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
import msgspec
from babel.numbers import get_currency_precision

from harvestd.kernel.quantities import shown
from harvestd.market.catalogue import rows as store
from harvestd.market.catalogue import variant_rows
from harvestd.market.catalogue.group_choice import named, slugs
from harvestd.market.catalogue.measure_rules import sold_by
from harvestd.market.catalogue.rows import Product
from harvestd.market.catalogue.table_cells import joined, neutral
from harvestd.market.catalogue.table_columns import written
from harvestd.market.catalogue.variant_rules import Variant
from harvestd.store.postgres.statements import Reader

#: Products of a page.
AT_ONCE = 250
_JSON = msgspec.json.Encoder()


@attrs.frozen
class Beside:
    """What is written beside a page's products: their pack sizes, by product, and the slugs of the groups that they name, by id."""

    packs: Mapping[str, Sequence[Variant]]
    groups: Mapping[str, str]


@attrs.frozen
class Written:
    """How products are written: what comes first, and each page of them with what is beside them, in a currency."""

    media_type: str
    first: bytes
    page: Callable[[list[Product], Beside, str], bytes]


async def pieces(reader: Reader, farm_id: str, currency: str, written: Written) -> AsyncIterator[bytes]:
    """The file of a farm's products of any status, in pieces. What is changed meanwhile is in it before or after its change."""
    yield written.first
    after = None
    while found := await store.of_farm(reader, farm_id, after, AT_ONCE):
        yield written.page(found, Beside(await _packs(reader, found), await _groups(reader, found)), currency)
        after = found[-1].id
        if len(found) < AT_ONCE:
            return


async def _packs(reader: Reader, found: Sequence[Product]) -> Mapping[str, Sequence[Variant]]:
    kept = await variant_rows.of_products(reader, [one.id for one in found if one.variants])
    return {id: [one.variant for one in packs if one.active] for id, packs in kept.items()}


async def _groups(reader: Reader, found: Sequence[Product]) -> Mapping[str, str]:
    offers = [one.offer for one in found if one.visible_to or one.group_prices]
    return await slugs(reader, {id for offer in offers for id in named(offer)})


def row(product: Product, packs: Sequence[Variant], currency: str, others: Collection[str]) -> dict[str, Any]:
    """A product as a row of JSON that changes nothing of it; of its translations those into ``others``, which the market takes back."""
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
        "certifications": product.certifications, "metadata": product.metadata,
        "translations": {language: texts for language, texts in product.translations.items() if language in others}, "visible_to": product.visible_to or [],
        "prices": [{"group": one.group, "price": {"amount": one.price, "currency": currency}} for one in product.offer.prices],
        "variants": _variants(packs, currency),
    }  # fmt: skip


def _variants(packs: Sequence[Variant], currency: str) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id, "title": one.title, "unit": one.unit, "price": {"amount": one.price, "currency": currency}, "takes": shown(one.takes),
            "sku": one.sku, "external_id": one.external_id,
        }
        for one in packs
    ]  # fmt: skip


def _price_unit(product: Product) -> str:
    return product.weight_unit if product.priced_by and product.weight_unit else product.unit


def _lines(others: Collection[str], found: list[Product], beside: Beside, currency: str) -> bytes:
    rows = (row(product, beside.packs.get(product.id, ()), currency, others) for product in found)
    return b"".join(_JSON.encode(one) + b"\n" for one in rows)


def _table(columns: Sequence[str], found: list[Product], beside: Beside, currency: str) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    for product in found:
        made = cells(product, beside, currency, columns)
        writer.writerow([neutral(cell) for cell in made])
    return file.getvalue().encode()


def cells(product: Product, beside: Beside, currency: str, columns: Sequence[str]) -> list[str]:
    """A product's cells, in the order of the columns; its groups by their slugs, or by the ids of those that are gone."""
    groups, places, offer = beside.groups, get_currency_precision(currency), product.offer
    packs = beside.packs.get(product.id, ())
    made = {
        "category": product.category_slug or "", "price": _price(offer.price, places), "price_per_unit": _price_unit(product), "sold_by": sold_by(product.unit),
        "priced_by": product.priced_by or sold_by(product.unit), "estimated_weight_unit": product.weight_unit or "",
        "estimated_weight": "" if product.estimated_weight is None else shown(product.estimated_weight), "tags": joined(product.tags), "allergens": joined(product.allergens),
        **{name: shown(getattr(product, name)) for name in ("price_per", "stock", "quantity_step", "min_quantity")},
        **{name: _json(getattr(product, name)) for name in ("certifications", "metadata")}, "variants": _json(_variants(packs, currency)),
        "visible_to": joined([groups.get(id, id) for id in offer.visible_to]),
        "prices": joined([f"{groups.get(one.group, one.group)}={_price(one.price, places)}" for one in offer.prices]),
        **{f"{name}_{language}": text for language, texts in product.translations.items() for name, text in texts.items()},
    }  # fmt: skip
    return [made[name] if name in made else _text(getattr(product, name, None)) for name in columns]


def _price(amount: int, places: int) -> str:
    return f"{Decimal(amount).scaleb(-places):f}"


def _json(value: Any) -> str:
    return _JSON.encode(value).decode() if value else ""


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def csv_of(languages: Sequence[str]) -> Written:
    """A table, with columns for texts in the market's ``languages`` but the first. With a byte order mark: spreadsheets take it for UTF-8 then."""
    columns = written(languages)
    first = "\ufeff".encode() + ",".join(columns).encode() + b"\r\n"
    return Written("text/csv; charset=utf-8", first, partial(_table, columns))


def jsonl_of(languages: Sequence[str]) -> Written:
    """Lines of JSON, with texts in the market's ``languages``."""
    return Written("application/jsonl", b"", partial(_lines, frozenset(languages[1:])))
