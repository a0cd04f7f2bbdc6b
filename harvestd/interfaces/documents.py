"""What can be searched for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs


@attrs.frozen
class Sight:
    """Groups whose members alone find a document (none: everybody does), and what it costs members of some: pairs of a group and a price in
    minor units. ``reduced`` is whether its price is a reduction, which they pay if it is lower."""

    visible_to: tuple[str, ...] = ()
    prices: tuple[tuple[str, int], ...] = ()
    reduced: bool = False


@attrs.frozen
class Document:
    """One searchable document. ``version`` only grows: an older one never replaces a newer one.

    ``body`` is the JSON object shown in results; the other fields are matched, counted and sorted by. ``texts`` are title and text in
    other languages, by their tags, ``category_names`` the category's name; ``also`` is text that is found like ``text`` and not shown; ``codes`` are numbers that find it when the whole query is
    one of them. ``removed`` documents are tombstones; one with a ``sight`` is found by some all the same, and an index that everybody asks holds nothing
    else of it.
    """

    kind: str
    id: str
    version: int
    title: str
    text: str = ""
    texts: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)
    also: str = ""
    farm: str | None = None
    farm_name: str = ""
    category: str | None = None
    category_name: str = ""
    category_names: Mapping[str, str] = attrs.field(factory=dict)
    tags: tuple[str, ...] = ()
    unit: str | None = None
    price: int | None = None
    in_stock: bool = False
    allergens: tuple[str, ...] = ()
    benefits: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    season_from: str | None = None
    season_to: str | None = None
    popularity: float = 0.0
    rating: float = 0.0
    latitude: float | None = None
    longitude: float | None = None
    fresh_at: datetime | None = None
    body: dict[str, Any] = attrs.field(factory=dict)
    removed: bool = False
    sight: Sight | None = None
