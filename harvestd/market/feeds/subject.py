"""Feeds: what is published, for programs of others: feed readers and search engines."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import errors
from harvestd.kernel.families import CATALOGUE, CHANGED, FARMS, PRODUCTS, of_farm
from harvestd.market.feeds import atom, jsonld, routes, shapes, sitemap
from harvestd.market.subject import Subject
from harvestd.web.routes import Cached, Mode, Route, Section, always

_FEEDS = Section(
    "feeds", "What is published, for feed readers and search engines: products on sale of verified farms.", shapes.WORDS
)


def _new(path: dict[str, str], query: Any) -> tuple[str, ...]:
    farms = [of_farm(token) for token in query.farm if token]
    return (*(farms or [PRODUCTS]), CATALOGUE, FARMS)


def _of_farm(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return (of_farm(path["id"]), f"farm:{path['id']}", CATALOGUE)


SUBJECT = Subject(
    name="feeds",
    routes=(
        Route(method="GET", path="/api/feed.atom", operation="getFeed", spoken=True, handler=routes.feed, permission=None, mode=Mode.READ, section=_FEEDS,
              summary="The newest products, as a feed (Atom)", query=shapes.FeedQuery, media_type=atom.MEDIA_TYPE,
              cached=Cached(_new, instead=(CHANGED,)), limit="rate_read",
              description="RFC 4287, the 50 newest. The ids of entries stay as they are, whatever the address of the market; ask with If-None-Match."),
        Route(method="GET", path="/sitemap.xml", operation="getSitemap", handler=routes.site_map, permission=None, mode=Mode.READ, section=_FEEDS,
              summary="The addresses of all farms and products (sitemaps.org)", query=shapes.SitemapQuery, media_type=sitemap.MEDIA_TYPE,
              cached=Cached(always(CHANGED, FARMS, CATALOGUE)), limit="rate_read",
              description="Where there are more than 10,000 of a kind, an index of its parts."),
        Route(method="GET", path="/api/farms/{id}/products.jsonld", operation="getFarmCatalogue", spoken=True, handler=routes.catalogue, permission=None, mode=Mode.READ, section=_FEEDS,
              summary="A farm and its products in the words of schema.org", query=shapes.CatalogueQuery, answer=dict[str, Any], media_type=jsonld.MEDIA_TYPE, moves=True,
              cached=Cached(_of_farm, instead=(CHANGED,)), limit="rate_read", errors=(errors.NotFound,),
              description="JSON-LD: a `LocalBusiness` (an `Organization` if it does not say where it is), and each product with its `Offer`. A page may have it inside of a "
              "script element as it is. The header `Link` has the address of the next page."),
    ),
)  # fmt: skip
