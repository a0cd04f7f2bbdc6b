"""The filters of the listing and of search: one table, with the meaning of each parameter and the form in which each of the two takes it.

The SQL of a filter is in ``listings.FILTERS`` and in the queries of the search engines; ``tests/market/catalogue/test_filters.py`` holds
all of them to the same products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from harvestd.kernel import readers
from harvestd.market.catalogue import filter_rows as store
from harvestd.market.catalogue.listing_shapes import ProductFilters
from harvestd.market.catalogue.listing_terms import within
from harvestd.market.catalogue.tag_rules import tag_asked
from harvestd.web.context import RequestContext
from harvestd.web.market_day import today
from harvestd.web.translated import other

Form = Callable[[Any], Any]


@attrs.frozen
class Given:
    """A query with what its filters refer to: the categories (with their descendants) and farms as (id, slugs), what answers the
    market's ``day`` (YYYY-MM-DD), and ``near`` in degrees."""

    query: ProductFilters
    named: store.Named
    day: Callable[[], str]
    near: tuple[float, float] | None


@attrs.frozen
class Filter:
    """``read`` returns the filter's value; one that is None, False or empty asks for nothing. ``listing`` and ``search`` have the arguments
    of :class:`listing_terms.Filters` and :class:`interfaces.Search` that take it, each with its form there."""

    read: Callable[[Given], Any]
    listing: Mapping[str, Form]
    search: Mapping[str, Form]


def _ids(named: Any) -> list[str]:
    return [id for id, *_ in named]


def _slugs(named: Any) -> list[str]:
    """The slugs of categories and farms; also former ones, which search knows for a moment after a change."""
    return [slug for _, *slugs in named for slug in slugs]


def _same(value: Any) -> Any:
    return value


def _both(read: Callable[[Given], Any], listing: str, search: str) -> Filter:
    return Filter(read, {listing: _same}, {search: _same})


#: By the field of :class:`ProductFilters`. Several values of one are alternatives.
FILTERS: dict[str, Filter] = {
    "category": Filter(lambda g: g.named.categories, {"categories": _ids}, {"category": _slugs}),
    "farm": Filter(lambda g: g.named.farms, {"farms": _ids}, {"farm": _slugs}),
    "tag": _both(lambda g: _distinct(map(tag_asked, filled(g.query.tag))), "tags", "tag"),
    "unit": _both(lambda g: _distinct(g.query.unit), "units", "unit"),
    "min_price": _both(lambda g: g.query.min_price, "min_price", "min_price"),
    "max_price": _both(lambda g: g.query.max_price, "max_price", "max_price"),
    "free_from": _both(lambda g: _distinct(g.query.free_from), "free_from", "free_from"),
    "benefit": _both(lambda g: _distinct(g.query.benefit), "benefits", "benefit"),
    "in_stock": _both(lambda g: g.query.in_stock, "in_stock", "in_stock"),
    "in_season": Filter(
        lambda g: g.day() if g.query.in_season else None, {"in_season": _same}, {"in_season": bool, "today": _same}
    ),
    "near": Filter(lambda g: g.near, {}, {"near": _same}),  # on its own it ranks search, and keeps nothing out
    "radius_km": Filter(
        lambda g: g.near and g.query.radius_km and (*g.near, g.query.radius_km),
        {"within": lambda circle: within(*circle)}, {"radius": lambda circle: circle[2]},
    ),
}  # fmt: skip


@attrs.frozen
class Asked:
    """The parsed filters of a query, by name; and the given values of each facet, with their labels."""

    values: Mapping[str, Any]
    chosen: Mapping[str, Mapping[str, str]]

    def listing(self) -> dict[str, Any]:
        """As the listing takes them."""
        return dict(self._forms(lambda filter: filter.listing))

    def search(self) -> dict[str, Any]:
        """As search takes them."""
        return dict(self._forms(lambda filter: filter.search))

    def _forms(self, side: Callable[[Filter], Mapping[str, Form]]) -> Iterator[tuple[str, Any]]:
        for name, value in self.values.items():
            yield from ((argument, shape(value)) for argument, shape in side(FILTERS[name]).items())


async def asked(request: RequestContext, query: ProductFilters) -> Asked:
    """Parse the filters. An empty category, farm or tag counts as not given; raises :class:`Invalid` for one that does not exist, and
    for a radius without a centre."""
    near = readers.middle(query.near, query.radius_km)
    named = await store.named(request.reader, filled(query.category), filled(query.farm), other(request))
    given = Given(query, named, lambda: today(request).isoformat(), near)
    read = {name: filter.read(given) for name, filter in FILTERS.items()}
    values = {name: value for name, value in read.items() if value is not None and value is not False and value != ()}
    labels = {facet: {one: one for one in values.get(facet, ())} for facet in ("tag", "unit")}
    return Asked(values, {**named.names, **labels})


def filled(values: list[str]) -> list[str]:
    """The values that are not empty."""
    return [value for value in values if value]


def _distinct(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
