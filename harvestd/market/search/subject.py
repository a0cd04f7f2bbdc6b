"""Search: products by words, with typo tolerance."""

from __future__ import annotations

from harvestd.kernel import errors
from harvestd.kernel.families import CATALOGUE, CHANGED, INDEXED, RULES
from harvestd.kernel.permissions import Permission
from harvestd.kernel.topology import Queue
from harvestd.market.catalogue import viewing
from harvestd.market.search import handlers, miss_routes, routes, rule_routes, rule_shapes, shapes
from harvestd.market.subject import Subject
from harvestd.queue.work import Periodic, QueueHandlers
from harvestd.web.context import CountedPage
from harvestd.web.routes import Cached, Mode, Route, Section, always

_SEARCH = Section(
    "search",
    "Product search, tolerant of typos. [What it ranks by](/docs/ranking).",
    {**shapes.WORDS, **rule_shapes.WORDS},
)

SUBJECT = Subject(
    name="search",
    routes=(
        Route(method="GET", path="/api/search", operation="search", spoken=True, handler=routes.search, permission=None, mode=Mode.READ, section=_SEARCH,
              summary="Search products, tolerant of typos", query=shapes.SearchQuery, answer=shapes.SearchPage[shapes.FoundProduct],
              cached=Cached(always(CHANGED, CATALOGUE, INDEXED, RULES), audience=viewing.of_list, private=lambda query: query.explain), scope=Permission.SEE_SEARCHES, noted=miss_routes.noted, limit="rate_read",
              errors=(errors.Forbidden,), description="What it ranks by is told in words on [the page of ranking](/docs/ranking)."),
        Route(method="GET", path="/api/search/suggest", operation="suggest", spoken=True, handler=routes.suggest, permission=None, mode=Mode.READ, section=_SEARCH,
              summary="Titles, farms and categories that begin with the query", query=shapes.SuggestQuery, answer=shapes.Suggestions,
              cached=Cached(always(CHANGED, CATALOGUE, INDEXED), audience=viewing.of_list), limit="rate_read"),
        Route(method="GET", path="/api/admin/search/misses", operation="listSearchMisses", handler=miss_routes.listed, permission=Permission.SEE_SEARCHES, mode=Mode.FRESH,
              section=_SEARCH, summary="What was searched for and not found, the most frequent first", query=rule_shapes.SearchMissesQuery,
              answer=CountedPage[rule_shapes.SearchMiss], limit="rate_read",
              description="Counted without anybody's name, and only of searches without filters but `near`; what programs ask for, and what may be an e-mail address or a telephone number, is not kept. It takes some seconds until a search is among them."),
        Route(method="GET", path="/api/admin/search/rules", operation="listSearchRules", handler=rule_routes.listed, permission=Permission.SEE_SEARCHES, mode=Mode.FRESH,
              section=_SEARCH, summary="Rules for searches, newest first", query=rule_shapes.SearchRulesQuery, answer=CountedPage[rule_shapes.SearchRule],
              limit="rate_read"),
        Route(method="POST", path="/api/admin/search/rules", operation="createSearchRule", handler=rule_routes.create, permission=Permission.CHANGE_SEARCHES, mode=Mode.WRITE,
              section=_SEARCH, summary="Make a rule for searches", body=rule_shapes.NewSearchRule, rules=rule_routes.faults, answer=rule_shapes.SearchRule, status=201,
              key="optional", description="Searches follow it within a second, without a new index. A market has 1,000 at most."),
        Route(method="GET", path="/api/admin/search/rules/{id}", operation="getSearchRule", handler=rule_routes.see, permission=Permission.SEE_SEARCHES, mode=Mode.FRESH,
              section=_SEARCH, summary="A rule for searches", answer=rule_shapes.SearchRule, limit="rate_read", errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/admin/search/rules/{id}", operation="changeSearchRule", handler=rule_routes.change, permission=Permission.CHANGE_SEARCHES,
              mode=Mode.WRITE, section=_SEARCH, summary="Change a rule for searches", body=rule_shapes.ChangeSearchRule, rules=rule_routes.faults,
              answer=rule_shapes.SearchRule, if_match=True, errors=(errors.NotFound,)),
        Route(method="DELETE", path="/api/admin/search/rules/{id}", operation="deleteSearchRule", handler=rule_routes.delete, permission=Permission.CHANGE_SEARCHES,
              mode=Mode.WRITE, section=_SEARCH, summary="Delete a rule for searches", status=204, if_match=True, errors=(errors.NotFound,)),
    ),
    handlers={Queue(
            "harvest.search",
            ("product.created", "product.updated", "product.deleted", "rating.created", "farm.updated", "category.updated"),
            200,
        ): QueueHandlers(bulk=handlers.index)},
    periodic=(Periodic("renewals", 1.0, handlers.renew), Periodic("search", 0.2, handlers.catch_up)),
)  # fmt: skip
