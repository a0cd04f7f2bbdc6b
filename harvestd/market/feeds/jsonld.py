"""A farm and what it sells in the words of schema.org, as JSON-LD. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
from babel.numbers import get_currency_precision

from harvestd.kernel.quantities import line_total
from harvestd.kernel.units import UNITS
from harvestd.market.catalogue.product_shapes import Product
from harvestd.market.farms.rows import Farm
from harvestd.market.feeds.links import Links, name

MEDIA_TYPE = "application/ld+json"
_SCHEMA = "https://schema.org/"
#: Benefit programmes as people know them.
_CALLED = {"snap": "SNAP", "wic": "WIC", "wic_fmnp": "WIC FMNP", "senior_fmnp": "SFMNP", "incentives": "Nutrition incentives"}  # fmt: skip
#: Characters that would end a <script>, begin a comment or an entity, or end a line of JavaScript: in JSON they are in texts alone.
_ESCAPED = {
    one.encode(): rb"\u%04x" % ord(one) for one in ("<", ">", "&", "\u2028", "\u2029")
}  # fmt: skip


def encoded(nodes: Iterable[dict[str, Any]]) -> bytes:
    """A document of these nodes, which a page may also have inside of ``<script type="application/ld+json">``."""
    text = msgspec.json.encode({"@context": _SCHEMA, "@graph": list(nodes)})
    for one, escaped in _ESCAPED.items():
        text = text.replace(one, escaped)
    return text


def seller(farm: Farm, links: Links) -> dict[str, Any]:
    """A farm: a local business where it says where it is, else an organization."""
    imprint, local = farm.imprint, bool(farm.address) or farm.at is not None
    found = {
        "@type": "LocalBusiness" if local else "Organization", "@id": name(farm.id), "name": farm.name, "url": links.farms.shows(farm.id, farm.slug),
        "description": farm.description, "address": farm.address or imprint.get("address"), "legalName": imprint.get("legal_name"),
        "taxID": imprint.get("tax_number"), "aggregateRating": _rating(float(farm.rating_average), farm.rating_count),
    }  # fmt: skip
    if local:
        found["paymentAccepted"] = ", ".join(_CALLED[one] for one in farm.benefits)
    if farm.at is not None:
        found["geo"] = {"@type": "GeoCoordinates", "latitude": farm.at[0], "longitude": farm.at[1]}
    return _said(found)


def product(one: Product, links: Links) -> dict[str, Any]:
    """A product with its offer."""
    return _said({
        "@type": "Product", "@id": name(one.id), "name": one.title, "description": one.description, "url": links.products.shows(one.id, one.slug),
        "sku": one.sku, "gtin": one.gtin, "category": one.category.name if one.category else None, "keywords": one.tags,
        "image": [links.at(image.sizes.large.jpeg) for image in one.images],
        "aggregateRating": _rating(one.rating.average or 0.0, one.rating.count), "offers": _offer(one, links),
    })  # fmt: skip


def _offer(one: Product, links: Links) -> dict[str, Any]:
    each, code, of_price = _price(one.price.amount, one.price.currency), one.unit_code, UNITS[one.price_per.unit].code
    least, per = float(one.min_quantity), float(one.price_per.quantity)
    price = each if one.sold_by == one.priced_by else _estimate(one)
    return {
        "@type": "Offer", "url": links.products.shows(one.id, one.slug), "price": price, "priceCurrency": one.price.currency,
        "availability": _SCHEMA + ("InStock" if _can_be_had(one) else "OutOfStock"), "seller": {"@id": name(one.farm.id)},
        "eligibleQuantity": {"@type": "QuantitativeValue", "minValue": least, "unitCode": code},
        "inventoryLevel": {"@type": "QuantitativeValue", "value": float(one.available), "unitCode": code},
        "priceSpecification": {
            "@type": "UnitPriceSpecification", "price": each, "priceCurrency": one.price.currency, "unitCode": of_price,
            "referenceQuantity": {"@type": "QuantitativeValue", "value": per, "unitCode": of_price},
        },
        **dict(_when(one)),
    }  # fmt: skip


def _estimate(one: Product) -> str:
    """What a piece comes to that is priced by its weight: an offer has a price of what is sold."""
    assert one.estimated_weight is not None
    weight, per = Decimal(one.estimated_weight.quantity), Decimal(one.price_per.quantity)
    return _price(line_total(one.price.amount, weight, per), one.price.currency)


def _can_be_had(one: Product) -> bool:
    """Whether somebody can order some of it today."""
    least = max(Decimal(one.min_quantity), Decimal(one.quantity_step))
    return one.orderable and one.in_season and Decimal(one.available) >= least


def _when(one: Product) -> Iterator[tuple[str, str]]:
    """The days between which it is sold, if it is sold in one year alone."""
    if one.season is not None and len(one.season.from_) == len("2026-05-01"):
        yield "availabilityStarts", one.season.from_
        yield "availabilityEnds", one.season.to


def _price(amount: int, currency: str) -> str:
    return f"{Decimal(amount).scaleb(-get_currency_precision(currency)):f}"


def _rating(average: float, count: int) -> dict[str, Any] | None:
    if not count:
        return None
    return {"@type": "AggregateRating", "ratingValue": average, "ratingCount": count, "bestRating": 5, "worstRating": 1}


def _said(node: dict[str, Any]) -> dict[str, Any]:
    """The node without what is not known."""
    return {key: value for key, value in node.items() if value not in (None, "", [])}
