"""What is new, as a feed (Atom, RFC 4287). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import attrs

from harvestd.kernel import languages
from harvestd.kernel.formatting import money, number
from harvestd.market.catalogue.product_shapes import Product
from harvestd.market.feeds.links import Links, name
from harvestd.market.feeds.xml import element

MEDIA_TYPE = "application/atom+xml"
#: When a feed without entries was changed.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class Feed:
    """``address`` is its own, which also names it; ``listing`` that of the same as JSON; ``language`` that of its texts."""

    title: str
    address: str
    listing: str
    language: str
    links: Links


def written(feed: Feed, products: Sequence[Product]) -> bytes:
    """The feed of these products, the newest first. Their ids stay as they are for good, whatever the address of the market is."""
    updated = max((one.updated_at for one in products), default=NEVER)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{feed.language}">',
        element("title", feed.title),
        element("id", feed.address),
        element("link", None, {"rel": "self", "type": MEDIA_TYPE, "href": feed.address}),
        element("link", None, {"rel": "alternate", "type": "application/json", "href": feed.listing}),
        element("updated", _moment(updated)),
        element("generator", "harvestd"),
    ]
    for product in products:
        lines += ["<entry>", *_entry(feed, product), "</entry>"]
    return "\n".join([*lines, "</feed>", ""]).encode()


def _entry(feed: Feed, product: Product) -> Iterator[str]:
    links = feed.links
    yield element("id", name(product.id))
    yield element("title", product.title)
    yield element("link", None, {"rel": "alternate", "href": links.products.shows(product.id, product.slug)})
    yield element("published", _moment(product.created_at))
    yield element("updated", _moment(product.updated_at))
    yield f"<author>{element('name', product.farm.name)}{element('uri', links.farms.shows(product.farm.id, product.farm.slug))}</author>"
    if product.category is not None:
        yield element("category", None, {"term": product.category.slug, "label": product.category.name})
    yield from (element("category", None, {"term": tag}) for tag in product.tags)
    for image in product.images[:1]:
        file = links.at(image.sizes.medium.jpeg)
        yield element("link", None, {"rel": "enclosure", "type": "image/jpeg", "href": file, "title": image.alt})
    yield element("summary", _price(feed, product))
    if product.description:
        yield element("content", product.description, {"type": "text"})


def _price(feed: Feed, product: Product) -> str:
    """``€3.50 / kg``, ``€6.40 / 1,000 g``, ``4,80 € / Kiste``; of a piece the price alone where a language has no word for one."""
    price = money(product.price.amount, product.price.currency, feed.language)
    per, unit = Decimal(product.price_per.quantity), product.price_per.unit
    quantity = languages.quantity(per, unit, feed.language)
    said = quantity if per != 1 else quantity.removeprefix(number(per, feed.language)).strip()
    return f"{price} / {said}" if said else price


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
