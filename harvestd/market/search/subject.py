"""Search: products by words, with typo tolerance."""

from __future__ import annotations

from harvestd.kernel.families import CATALOGUE, CHANGED
from harvestd.kernel.topology import Queue
from harvestd.market.search import handlers, routes, shapes
from harvestd.market.subject import Subject
from harvestd.queue.work import Periodic, QueueHandlers
from harvestd.web.routes import Cached, Mode, Route, Section, always

_SEARCH = Section("search", "Product search, tolerant of typos.", shapes.WORDS)

SUBJECT = Subject(
    name="search",
    routes=(
        Route(method="GET", path="/api/search", operation="search", handler=routes.search, permission=None, mode=Mode.READ, section=_SEARCH,
              summary="Search products, tolerant of typos", query=shapes.SearchQuery, answer=shapes.SearchPage[shapes.FoundProduct],
              cached=Cached(always(CHANGED, CATALOGUE)), limit="rate_read"),
        Route(method="GET", path="/api/search/suggest", operation="suggest", handler=routes.suggest, permission=None, mode=Mode.READ, section=_SEARCH,
              summary="Titles, farms and categories that begin with the query", query=shapes.SuggestQuery, answer=shapes.Suggestions,
              cached=Cached(always(CHANGED, CATALOGUE)), limit="rate_read"),
    ),
    handlers={Queue(
            "harvest.search",
            ("product.created", "product.updated", "product.deleted", "rating.created", "farm.updated", "category.updated"),
            200,
        ): QueueHandlers(bulk=handlers.index)},
    periodic=(Periodic("renewals", 1.0, handlers.renew), Periodic("search", 0.2, handlers.catch_up)),
)  # fmt: skip
