"""Site maps (sitemaps.org, protocol 0.9). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from harvestd.market.feeds.sitemap_rows import Kind, Part
from harvestd.market.feeds.xml import element

MEDIA_TYPE = "application/xml"
_OPENED = '<?xml version="1.0" encoding="UTF-8"?>\n<{} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'


def written(urls: Iterable[str]) -> bytes:
    """The site map of ``<url>`` elements, or a part of one."""
    found = "\n".join(urls)
    return f"{_OPENED.format('urlset')}{found}\n</urlset>\n".encode()


def index(parts: Iterable[Part], address: str) -> bytes:
    """The index of a map in parts; ``address`` is its own."""
    found = "\n".join(_entry(part, address) for part in parts)
    return f"{_OPENED.format('sitemapindex')}{found}\n</sitemapindex>\n".encode()


def url(address: str) -> str:
    """An address of which nothing more is known."""
    return f"<url>{element('loc', address)}</url>"


def part(asked: str) -> tuple[Kind, str | None, str | None]:
    """What the index says of a part: its kind, and the ids after the first of these up to the last."""
    kind, first, last = asked.split("~")
    return "farms" if kind == "farms" else "products", first or None, last or None


def _entry(one: Part, address: str) -> str:
    changed = one.changed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    where = f"{address}?part={one.kind}~{one.first or ''}~{one.last or ''}"
    return f"<sitemap>{element('loc', where)}{element('lastmod', changed)}</sitemap>"
