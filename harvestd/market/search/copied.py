"""What a product's search document copies of the farm and the category that it belongs to: field -> (source, its field).

A change of a source renews the documents that copy it. What is of the product itself is renewed by the product's own events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

COPIED: Mapping[str, tuple[str, str]] = {
    "farm": ("farm", "slug"),
    "farm_name": ("farm", "name"),
    "latitude": ("farm", "latitude"),
    "longitude": ("farm", "longitude"),
    "category": ("category", "slug"),
    "category_name": ("category", "name"),
}


def renews(source: str, changed: Collection[str]) -> bool:
    """Whether documents copy something that changed of a farm or a category."""
    return any(of == source and field in changed for of, field in COPIED.values())
