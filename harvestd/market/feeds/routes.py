"""Feeds: what is new, the site map, and a farm's products for search engines."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from harvestd.kernel import families
from harvestd.kernel.errors import NotFound
from harvestd.market.catalogue import cards, category_rows, filter_rows, listing_terms, listings
from harvestd.market.catalogue.filters import filled
from harvestd.market.catalogue.product_shapes import Product
from harvestd.market.catalogue.viewing import view
from harvestd.market.farms import listed_rules as farm_states
from harvestd.market.farms import rows as farms
from harvestd.market.feeds import atom, jsonld, sitemap
from harvestd.market.feeds import sitemap_rows as maps
from harvestd.market.feeds.links import Links
from harvestd.market.feeds.shapes import CatalogueQuery, FeedQuery, SitemapQuery
from harvestd.web import queries
from harvestd.web.context import RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.replies import moved, next_link
from harvestd.web.translated import other

#: Entries of a feed.
ENTRIES = 50
_product = msgspec.json.Decoder(Product)


async def feed(request: RequestContext, query: FeedQuery) -> Result:
    """The newest products of farms that are found."""
    named = await filter_rows.named(request.reader, filled(query.category), filled(query.farm), other(request))
    wanted = listing_terms.Filters.of(
        categories=[id for id, *_ in named.categories], farms=[id for id, *_ in named.farms]
    )
    rows = await listings.products(request.reader, wanted, "newest", None, ENTRIES, await view(request, brief=True))
    settings = request.parts.settings
    links, more = Links.of(settings), _asked(query)
    names = await _names(request, named.names)
    about = atom.Feed(
        " – ".join([settings.market_name, *names]), links.at(f"/api/feed.atom{more}"), links.at(f"/api/products{more}"),
        request.language, links,
    )  # fmt: skip
    shows = [families.shown(row.key[-1]) for row in rows]
    asked = [families.of_farm(id) for id, *_ in named.farms]
    written = atom.written(about, [_product.decode(row.text) for row in rows])
    return Result(written, families=(*shows, *asked), **cards.states(rows))


async def _names(request: RequestContext, given: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The names of the farms and categories that a feed is of, in the language that is asked for."""
    farms, categories = given.get("farm", {}), given.get("category", {})
    said = await category_rows.names(request.reader, [*categories], other(request)) if categories else {}
    return [*farms.values(), *(said.get(slug, name) for slug, name in categories.items())]


def _asked(query: FeedQuery) -> str:
    """The query of a feed in an address, in one spelling."""
    pairs = queries.encode(query)
    return f"?{urlencode(pairs)}" if pairs else ""


async def site_map(request: RequestContext, query: SitemapQuery) -> Result:
    """The addresses of farms and products, or an index of its parts where there are many."""
    links = Links.of(request.parts.settings)
    if query.part is not None:
        kind, first, last = sitemap.part(query.part)
        return Result(await _part(request, links, [maps.Part(kind, first, last, request.now)]))
    parts = await maps.parts(request.reader, maps.SIZE)
    if len(parts) > len({part.kind for part in parts}):
        return Result(sitemap.index(parts, links.at("/sitemap.xml")))
    return Result(await _part(request, links, parts))


async def _part(request: RequestContext, links: Links, parts: list[maps.Part]) -> bytes:
    pages = {"farms": links.farms, "products": links.products}
    found = [await maps.urls(request.reader, one.kind, pages[one.kind], one.first, one.last) for one in parts]
    return sitemap.written([one for one in found if one] or [sitemap.url(links.at("/"))])


async def catalogue(request: RequestContext, query: CatalogueQuery) -> Result:
    """A verified farm and what it sells, by keyset; a former slug leads to the address of the present one."""
    token = request.path["id"]
    farm = await farms.find(request.reader, token)
    if farm is None or not farm_states.found(farm.state):
        raise NotFound("there is no such farm")
    if token not in (farm.id, farm.slug):
        return moved(request.route, {"id": farm.slug}, query)
    order = Keyset(query, "jsonld", (UUID,), lambda row: row.key)
    wanted = listing_terms.Filters.of(farms=[farm.id])
    after = order.after
    rows, following = order.page(
        await listings.products(request.reader, wanted, "newest", after, order.ask, await view(request, brief=True))
    )
    links = Links.of(request.parts.settings)
    sold = [jsonld.product(_product.decode(row.text), links) for row in rows]
    body = jsonld.encoded([jsonld.seller(farm, links), *sold])
    more = () if following is None else (("Link", next_link(request.route, request.path, query, following).decode()),)
    shows = [families.shown(row.key[-1]) for row in rows]
    return Result(body, headers=more, families=(*shows, *families.farm(farm.id, farm.slug)), **cards.states(rows))
