"""The event of a change of a product."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import attrs

from harvestd.kernel import families
from harvestd.kernel.events import Event


@attrs.frozen
class Known:
    """The identifiers of a product in events and caches; ``restricted`` is whether not everybody may know of it."""

    id: str
    slug: str
    farm_id: str
    farm_slug: str
    restricted: bool = False

    def since(self, restricted: bool) -> Known:
        """The same after a change: who could know of it is told that they no longer can, by an event for everybody."""
        return attrs.evolve(self, restricted=self.restricted and restricted)

    def among(self, groups: bool) -> Known:
        """The same for a change that is among ``groups`` alone, and is nobody else's to know."""
        return attrs.evolve(self, restricted=True) if groups else self


def happened(
    kind: Literal["created", "updated", "deleted"], product: Known, version: int, changed: list[str],
    categories: Collection[str | None] | None = None,
) -> Event:  # fmt: skip
    """The event of a catalogue change; ``version`` is the product's revision, ``categories`` are the ids of those that it is in, or was; None: any."""
    data: dict[str, Any] = {
        "product_id": product.id, "farm_id": product.farm_id, "changed": changed,
        "families": list(
            families.product(
                product.id, product.slug, product.farm_id, product.farm_slug, changed if kind == "updated" else None, categories
            )
        ),
    }  # fmt: skip
    if product.restricted:
        data["restricted"] = True
    return Event(f"product.{kind}", f"product:{product.id}", version, data)
