"""The daemon's own routes, in one table: health, metrics, the contract and its pages, and the market's settings for a front end."""

from __future__ import annotations

from typing import Any

from harvestd.kernel.errors import NotFound
from harvestd.kernel.families import MARKET_DAYS
from harvestd.market.operations import health_routes, market_routes, page_routes, well_known
from harvestd.market.operations.shapes import WORDS, Alive, KeySet, Market, Problems, ProblemText, Ready
from harvestd.runtime import scrape
from harvestd.web.pages import documents
from harvestd.web.routes import Cached, Mode, Route, Section

_SYSTEM = Section("system", "Health of the server, and what a front end needs to know about its market.", WORDS)


def _contract_family(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return ("contract",)


def _market_families(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return ("contract", MARKET_DAYS)


def _system(path: str, handler: Any, summary: str, **more: Any) -> Route:
    return Route(
        method="GET", path=path, handler=handler, permission=None, mode=Mode.OWN, section=_SYSTEM, summary=summary,
        **{"limit": "rate_read", "endpoint_class": "pages", "credentials": False, **more},
    )  # fmt: skip


SYSTEM: tuple[Route, ...] = (
    _system("/", page_routes.index, "A page with links to everything else", media_type=documents.HTML, page=True),
    _system("/account", page_routes.account, "One's own account, and what mailed links lead to", media_type=documents.HTML, page=True),
    _system("/.well-known/jwks.json", well_known.keys, "The public keys that verify access tokens", answer=KeySet, operation="getKeys", stored=True),
    _system("/.well-known/api-catalog", well_known.api_catalog, "Where this API is described", media_type="application/linkset+json",
            page=True),
    _system("/.well-known/security.txt", well_known.security, "Whom to tell of a vulnerability",
            media_type="text/plain; charset=utf-8", page=True, errors=(NotFound,)),
    _system("/.well-known/change-password", page_routes.change_password, "To where a password is changed", status=302, page=True),
    _system("/health", health_routes.alive, "The process is alive", answer=Alive, operation="getHealth", limit="none"),
    _system("/health/ready", health_routes.ready, "Readiness, with the state of each dependency", answer=Ready,
            operation="getReadiness", also=(503,), endpoint_class="health"),
    _system("/metrics", health_routes.metrics, "Metrics for Prometheus", media_type=scrape.CONTENT_TYPE,
            operation="getMetrics", operator=True, endpoint_class="metrics"),
    _system("/openapi.json", page_routes.contract, "This OpenAPI document", answer=dict[str, Any], cached=Cached(_contract_family, 60),
            operation="getContract"),
    _system("/docs", page_routes.docs, "The API reference, with forms to try it", media_type=documents.HTML, page=True,
            cached=Cached(_contract_family, 300)),
    _system("/docs/{name}", page_routes.docs_page, "A section of the reference, or a static file of its pages",
            media_type=documents.HTML, page=True, cached=Cached(_contract_family, 300)),
    _system("/problems", page_routes.problems, "All problems, with causes and cures", answer=Problems, operation="listProblems", stored=True, also_html=True),
    _system("/problems/{slug}", page_routes.problem, "A problem, with its cause and cure", answer=ProblemText,
            operation="getProblem", spoken=True, stored=True, also_html=True),
    _system("/api/market", market_routes.market, "What a front end needs to know about this market", answer=Market,
            cached=Cached(_market_families, 60), endpoint_class="", credentials=True, operation="getMarket"),
)  # fmt: skip

#: The operator's routes, on a port of their own if the process has one.
OPERATOR: tuple[Route, ...] = tuple(route for route in SYSTEM if route.path in ("/health", "/health/ready", "/metrics"))
