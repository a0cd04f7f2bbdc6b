"""The filters of the listing and of search: the meaning of each parameter, defined once for both."""

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
    """The parsed filters of a query: ``categories`` (with their descendants) and ``farms`` as (id, slug), ``tags`` in their stored
    form, ``near`` in degrees, ``radius`` in km, ``season`` the day (YYYY-MM-DD) to be in season on. ``chosen`` has the given values of
    each facet, with their labels."""

    categories: tuple[tuple[str, str], ...]
    farms: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    units: tuple[str, ...]
    near: tuple[float, float] | None
    radius: float | None
    season: str | None
    chosen: Mapping[str, Mapping[str, str]]


async def asked(request: RequestContext, query: ProductFilters) -> Asked:
    """Parse the filters. An empty category, farm or tag counts as not given; raises :class:`Invalid` for one that does not exist, and
    for a radius without a centre."""
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
