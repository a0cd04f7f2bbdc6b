"""Addresses of what a market has, as others need them: absolute, of the shop's pages or else below ``public_url``."""

from __future__ import annotations

from urllib.parse import quote

import attrs

from harvestd.settings.table import Settings


@attrs.frozen
class Page:
    """Where each thing of a kind is shown: what comes before and after its slug, or its id."""

    before: str
    by_id: bool
    after: str

    @classmethod
    def of(cls, address: str) -> Page:
        """Of an address with ``{slug}`` or ``{id}`` in it."""
        name = "{id}" if "{id}" in address else "{slug}"
        before, _, after = address.partition(name)
        return cls(before, name == "{id}", after)

    def shows(self, id: str, slug: str) -> str:
        """The address of one."""
        return f"{self.before}{quote(id if self.by_id else slug, safe='')}{self.after}"


@attrs.frozen
class Links:
    """``base`` is the address of this server, without a slash at its end."""

    base: str
    products: Page
    farms: Page

    @classmethod
    def of(cls, settings: Settings) -> Links:
        """Those of a market."""
        base = settings.public_url or "http://localhost"
        products = settings.product_page or f"{base}/api/products/{{slug}}"
        return cls(base, Page.of(products), Page.of(settings.farm_page or f"{base}/api/farms/{{slug}}"))

    def at(self, path: str) -> str:
        """Whatever is at a path of this server."""
        return self.base + path


def name(id: str) -> str:
    """The name of a thing for good, whatever its address is (RFC 9562)."""
    return f"urn:uuid:{id}"
