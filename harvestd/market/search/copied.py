"""The fields of a farm and a category that a product's search document copies: field -> (source, its field).

A change of the source reindexes the documents that copy it. A product's own fields are reindexed by the product's own events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

COPIED: Mapping[str, tuple[str, str]] = {
    "farm": ("farm", "slug"),
    "farm_name": ("farm", "name"),
    "latitude": ("farm", "latitude"),
    "longitude": ("farm", "longitude"),
    "benefits": ("farm", "benefits"),
    "removed": ("farm", "state"),
    "category": ("category", "slug"),
    "category_name": ("category", "name"),
    "category_names": ("category", "translations"),
}


def renews(source: str, changed: Collection[str]) -> bool:
    """Whether documents copy a changed field of a farm or a category."""
    return any(of == source and field in changed for of, field in COPIED.values())
