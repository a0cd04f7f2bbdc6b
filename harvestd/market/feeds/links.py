"""Addresses of what a market has, as others need them: absolute, below the address under which buyers reach it (``public_url``)."""

from __future__ import annotations

from urllib.parse import quote

import attrs

from harvestd.settings.table import Settings


@attrs.frozen
class Links:
    """Those below ``base``, an address without a slash at its end."""

    base: str

    @classmethod
    def of(cls, settings: Settings) -> Links:
        """Those of a market."""
        return cls(settings.public_url or "http://localhost")

    def product(self, slug: str) -> str:
        """A product."""
        return f"{self.base}/api/products/{quote(slug, safe='')}"

    def farm(self, slug: str) -> str:
        """A farm."""
        return f"{self.base}/api/farms/{quote(slug, safe='')}"

    def at(self, path: str) -> str:
        """Whatever is at a path of this server."""
        return self.base + path


def name(id: str) -> str:
    """The name of a thing for good, whatever its address is (RFC 9562)."""
    return f"urn:uuid:{id}"
