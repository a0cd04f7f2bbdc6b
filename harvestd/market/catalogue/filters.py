"""The filters of the listing and of search: what each parameter means, decided once for both."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from harvestd.kernel import readers
from harvestd.market.catalogue import filter_rows as store
from harvestd.market.catalogue.product_shapes import ProductFilters
from harvestd.market.catalogue.rules import tag_asked
from harvestd.web.context import RequestContext
from harvestd.web.market_day import today


@attrs.frozen
class Asked:
    """The filters of a query, read: ``categories`` (those below included) and ``farms`` as (id, slug), ``tags`` as they are
    kept, ``near`` in degrees, ``radius`` in km, ``season`` the day (YYYY-MM-DD) to be in season on. ``chosen`` has the values of each
    facet that were named, with what they are called."""

    categories: tuple[tuple[str, str], ...]
    farms: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    units: tuple[str, ...]
    near: tuple[float, float] | None
    radius: float | None
    season: str | None
    chosen: Mapping[str, Mapping[str, str]]


async def asked(request: RequestContext, query: ProductFilters) -> Asked:
    """An empty category, farm or tag is as if it were not given; raises :class:`Invalid` for one that is not there, and for a
    radius without a middle."""
    near = readers.middle(query.near, query.radius_km)
    named = await store.named(request.reader, _given(query.category), _given(query.farm))
    tags, units = dict.fromkeys(map(tag_asked, _given(query.tag))), dict.fromkeys(query.unit)
    return Asked(
        categories=named.categories, farms=named.farms, tags=tuple(tags), units=tuple(units), near=near,
        radius=query.radius_km, season=today(request).isoformat() if query.in_season else None,
        chosen={**named.names, "tag": {tag: tag for tag in tags}, "unit": {unit: unit for unit in units}},
    )  # fmt: skip


def _given(values: list[str]) -> list[str]:
    return [value for value in values if value]
