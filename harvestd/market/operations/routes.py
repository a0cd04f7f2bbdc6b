"""The daemon's own routes: health, metrics, the contract and its pages, and the market's settings for a front end."""

from __future__ import annotations

import hmac
from typing import Any

from harvestd.kernel.codes import CODES
from harvestd.kernel.errors import NotFound
from harvestd.kernel.languages import spoken
from harvestd.kernel.units import UNITS
from harvestd.market.accounts import passkey_rules
from harvestd.market.operations import well_known
from harvestd.market.operations.shapes import (
    METHODS,
    WORDS,
    Alive,
    CodeText,
    KeySet,
    Market,
    MarketUnit,
    PasswordRule,
    Problems,
    ProblemText,
    Ready,
    ReadyPart,
)
from harvestd.market.search.ranking_page import ranking
from harvestd.runtime import scrape
from harvestd.settings.table import Settings
from harvestd.web.context import RequestContext, Result
from harvestd.web.http.client_address import is_loopback
from harvestd.web.pages import documents, openapi, people, reference
from harvestd.web.problems import BY_SLUG, PROBLEMS, Problem, Refusal
from harvestd.web.routes import Cached, Mode, Route, Section
from harvestd.web.shapes import Imprint

_SYSTEM = Section("system", "Health of the server, and what a front end needs to know about its market.", WORDS)
#: A probe that takes longer counts as down, since readiness is polled often.
PROBE_BOUND = 1.0
_BRIEFLY = ("Cache-Control", "public, max-age=300")


async def alive(request: RequestContext) -> Alive:
    """Liveness: the process answers. Checks nothing else."""
    return Alive(status="ok")


async def ready(request: RequestContext) -> Result:
    """Readiness: 503 while a component that requests need is down, or the process is stopping."""
    health = request.parts.health
    conditions = await health.look(request.parts.reactor, PROBE_BOUND)
    told = _refused_as_operator(request) is None  # details name servers and files
    parts = {name: ReadyPart(state=c.state, detail=c.detail if told else "") for name, c in conditions.items()}
    stopping = request.parts.lifecycle.stopping
    status = "down" if stopping else health.overall(conditions)
    headers = (("Retry-After", "2"),) if status == "down" else ()
    return Result(Ready(status=status, parts=parts, stopping=stopping), 503 if status == "down" else 200, headers)


async def metrics(request: RequestContext) -> Result:
    """Prometheus text, for the operator."""
    refusal = _refused_as_operator(request)
    if refusal is not None:
        raise refusal
    await request.parts.metrics.scrape.refresh()
    return Result(await request.parts.metrics.scrape.render(), media_type=scrape.CONTENT_TYPE)


def _refused_as_operator(request: RequestContext) -> Refusal | None:
    """Why the caller is not accepted as the operator; None if they are: by the token of the setting or, if none is set, from this
    machine and not through a proxy, whomever that claims to speak for."""
    token = request.parts.settings.metrics_token
    if token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return Refusal("unauthenticated", "send the setting metrics_token as Authorization: Bearer <token>")
        return None
    if not (request.direct() and is_loopback(request.address)):
        return Refusal("forbidden", "metrics are for this machine alone; set metrics_token to read them from elsewhere")
    return None


async def contract(request: RequestContext) -> dict[str, Any]:
    """OpenAPI 3.1."""
    return openapi.document(request.routes, request.parts.settings.market_name)


async def market(request: RequestContext) -> Market:
    """The market's settings that a front end needs."""
    settings = request.parts.settings
    return Market(
        name=settings.market_name, currency=settings.market_currency, timezone=settings.market_timezone,
        languages=list(spoken(settings.market_languages)), tax_included=True, guests=False, methods=list(METHODS), sandbox=False,
        units=[MarketUnit(unit=unit, unit_code=one.code, kind=one.kind, decimals=one.decimals) for unit, one in UNITS.items()],
        password=PasswordRule(min_length=settings.password_least), password_min_length=settings.password_least,
        imprint=_imprint(settings), sign_in_issuer=settings.oidc_issuer if settings.oidc_client_id else None,
        link_sign_in=settings.link_sign_in, private_registration=settings.private_registration,
        second_factor_required_for=list(settings.second_factor_required_for), upload_max_bytes=settings.upload_max_bytes,
    )  # fmt: skip


def _imprint(settings: Settings) -> Imprint | None:
    """Who runs the market, as its settings say; None if they do not."""
    if not settings.market_legal_name:
        return None
    return Imprint(
        legal_name=settings.market_legal_name, address=settings.market_address, register=settings.market_register,
        tax_number=settings.market_tax_number,
    )  # fmt: skip


async def index(request: RequestContext) -> Result:
    """A start page for browsers."""
    return _html(documents.index(request.parts.settings.market_name))


async def account(request: RequestContext) -> Result:
    """The page of one's own account, which mailed links lead to, in the language that the browser asks for."""
    settings, language = request.parts.settings, request.language
    issuer = settings.oidc_issuer if settings.oidc_client_id else ""
    tags = spoken(settings.market_languages)
    body = people.account(
        settings.market_name,
        settings.password_least,
        language,
        tags,
        settings.link_sign_in,
        issuer,
        *_passkeys(request),
    )
    return _html(body, ("Content-Language", language), ("Vary", "Accept-Language"))


def _passkeys(request: RequestContext) -> tuple[str, str]:
    """The domain of the market's passkeys, and the origin of its own pages."""
    party = passkey_rules.party(request.parts.settings)
    return party.id, party.origins[0]


async def change_password(request: RequestContext) -> Result:
    """To where a password is changed (https://w3c.github.io/webappsec-change-password-url/), for password managers."""
    return Result(None, status=302, headers=(("Location", request.parts.settings.account_url or "/account"), _BRIEFLY))


async def docs(request: RequestContext) -> Result:
    """The reference: all operations."""
    return Result(reference.index(await contract(request)), headers=(documents.POLICY,), media_type=documents.HTML)


async def docs_page(request: RequestContext) -> Result:
    """A section of the reference, what search ranks by, or a file that the pages share."""
    name = request.path["name"]
    media_type = documents.STATIC.get(name)
    if name == "ranking":
        return Result(ranking(), headers=(documents.POLICY,), media_type=documents.HTML)
    if media_type is None:
        body = reference.section(await contract(request), name, *_passkeys(request))
        return Result(body, headers=(documents.POLICY,), media_type=documents.HTML)
    return Result(documents.static(name), media_type=media_type)


async def problems(request: RequestContext) -> Result:
    """Every problem, and every code of fields and carts, as a page or as JSON."""
    if _wants_json(request):
        codes = [
            CodeText(code=code, meaning=row.meaning, params=[*row.params], optional_params=[*row.more])
            for code, row in sorted(CODES.items())
        ]
        return Result(Problems(items=[_text(p) for p in PROBLEMS], codes=codes), headers=(_BRIEFLY, ("Vary", "Accept")))
    return _html(documents.problem_list(), ("Vary", "Accept"))


async def problem(request: RequestContext) -> Result:
    """The meaning of a problem, and its cure."""
    found = BY_SLUG.get(request.path["slug"])
    if found is None:
        raise NotFound("there is no problem of this name; /problems has all of them")
    if _wants_json(request):
        return Result(_text(found), headers=(_BRIEFLY, ("Vary", "Accept")))
    return _html(documents.problem_page(found), ("Vary", "Accept"))


def _html(body: bytes, *headers: tuple[str, str]) -> Result:
    return Result(body, headers=(documents.POLICY, _BRIEFLY, *headers), media_type=documents.HTML)


def _wants_json(request: RequestContext) -> bool:
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


def _text(problem: Problem) -> ProblemText:
    return ProblemText(
        type=problem.type, status=problem.status, title=problem.title, cause=problem.cause, cure=problem.cure
    )


def _contract_family(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return ("contract",)


def _system(path: str, handler: Any, summary: str, **more: Any) -> Route:
    return Route(
        method="GET", path=path, handler=handler, permission=None, mode=Mode.OWN, section=_SYSTEM, summary=summary,
        **{"limit": "rate_read", "endpoint_class": "pages", "credentials": False, **more},
    )  # fmt: skip


SYSTEM: tuple[Route, ...] = (
    _system("/", index, "A page with links to everything else", media_type=documents.HTML, page=True),
    _system("/account", account, "One's own account, and what mailed links lead to", media_type=documents.HTML, page=True),
    _system("/.well-known/jwks.json", well_known.keys, "The public keys that verify access tokens", answer=KeySet, operation="getKeys", stored=True),
    _system("/.well-known/api-catalog", well_known.api_catalog, "Where this API is described", media_type="application/linkset+json",
            page=True),
    _system("/.well-known/security.txt", well_known.security, "Whom to tell of a vulnerability",
            media_type="text/plain; charset=utf-8", page=True, errors=(NotFound,)),
    _system("/.well-known/change-password", change_password, "To where a password is changed", status=302, page=True),
    _system("/health", alive, "The process is alive", answer=Alive, operation="getHealth", limit="none"),
    _system("/health/ready", ready, "Readiness, with the state of each dependency", answer=Ready,
            operation="getReadiness", also=(503,), endpoint_class="health"),
    _system("/metrics", metrics, "Metrics for Prometheus", media_type=scrape.CONTENT_TYPE,
            operation="getMetrics", operator=True, endpoint_class="metrics"),
    _system("/openapi.json", contract, "This OpenAPI document", answer=dict[str, Any], cached=Cached(_contract_family, 60),
            operation="getContract"),
    _system("/docs", docs, "The API reference, with forms to try it", media_type=documents.HTML, page=True,
            cached=Cached(_contract_family, 300)),
    _system("/docs/{name}", docs_page, "A section of the reference, or a static file of its pages",
            media_type=documents.HTML, page=True, cached=Cached(_contract_family, 300)),
    _system("/problems", problems, "All problems, with causes and cures", answer=Problems, operation="listProblems", stored=True, also_html=True),
    _system("/problems/{slug}", problem, "A problem, with its cause and cure", answer=ProblemText,
            operation="getProblem", stored=True, also_html=True),
    _system("/api/market", market, "What a front end needs to know about this market", answer=Market,
            cached=Cached(_contract_family, 60), endpoint_class="", credentials=True, operation="getMarket"),
)  # fmt: skip

#: The operator's routes, on a port of their own if the process has one.
OPERATOR: tuple[Route, ...] = tuple(route for route in SYSTEM if route.path in ("/health", "/health/ready", "/metrics"))
