"""The daemon's own routes: health, metrics, the contract and its pages, and what a front end must know of the market."""

from __future__ import annotations

import hmac
from typing import Any, get_args

from harvestd.kernel.codes import CODES
from harvestd.kernel.errors import NotFound
from harvestd.kernel.languages import spoken
from harvestd.kernel.units import Unit
from harvestd.market.operations.shapes import WORDS, Alive, CodeText, Market, Problems, ProblemText, Ready, ReadyPart
from harvestd.runtime import metrics as prometheus
from harvestd.web.context import Answer, Call
from harvestd.web.http.client_address import is_loopback
from harvestd.web.pages import documents, openapi, reference
from harvestd.web.problems import BY_SLUG, PROBLEMS, Problem, Refusal
from harvestd.web.routes import Cached, Mode, Route, Section

_SYSTEM = Section("system", "How the server is, and what a front end needs to know of its market.", WORDS)
#: A probe that takes longer counts as down: whoever asks for readiness asks often.
PROBE_BOUND = 1.0
_BRIEFLY = ("Cache-Control", "public, max-age=300")


async def alive(call: Call) -> Alive:
    """The process answers. Asks nothing of anything else."""
    return Alive(status="ok")


async def ready(call: Call) -> Answer:
    """Whether requests should be sent here: 503 while something is down that requests need, or the process is stopping."""
    health = call.parts.health
    conditions = await health.look(call.parts.reactor, PROBE_BOUND)
    told = _refused_as_operator(call) is None  # details name servers and files
    parts = {name: ReadyPart(state=c.state, detail=c.detail if told else "") for name, c in conditions.items()}
    stopping = call.parts.lifecycle.stopping
    status = "down" if stopping else health.overall(conditions)
    headers = (("Retry-After", "2"),) if status == "down" else ()
    return Answer(Ready(status=status, parts=parts, stopping=stopping), 503 if status == "down" else 200, headers)


async def metrics(call: Call) -> Answer:
    """Prometheus text, for the operator."""
    refusal = _refused_as_operator(call)
    if refusal is not None:
        raise refusal
    await call.parts.metrics.refresh()
    return Answer(call.parts.metrics.render(), media_type=prometheus.CONTENT_TYPE)


def _refused_as_operator(call: Call) -> Refusal | None:
    """Why who asks is not taken for the operator; None if they are: by the token of the setting, or without one on this machine,
    not by way of a proxy, whoever that says it speaks for."""
    token = call.parts.settings.metrics_token
    if token:
        given = call.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return Refusal("unauthenticated", "send the setting metrics_token as Authorization: Bearer <token>")
        return None
    if not (call.direct() and is_loopback(call.address)):
        return Refusal("forbidden", "metrics are for this machine alone; set metrics_token to read them from elsewhere")
    return None


async def contract(call: Call) -> dict[str, Any]:
    """OpenAPI 3.1."""
    return openapi.document(call.routes, call.parts.settings.market_name)


async def market(call: Call) -> Market:
    """What a front end must know of this market."""
    settings = call.parts.settings
    return Market(
        name=settings.market_name, currency=settings.market_currency, timezone=settings.market_timezone,
        languages=list(spoken(settings.market_languages)), units=list(get_args(Unit)), tax_included=True,
        password_min_length=settings.password_least,
    )  # fmt: skip


async def index(call: Call) -> Answer:
    """For whoever opens the address in a browser."""
    return _html(documents.index(call.parts.settings.market_name))


async def docs(call: Call) -> Answer:
    """The reference: all operations."""
    return Answer(reference.index(await contract(call)), headers=(documents.POLICY,), media_type=documents.HTML)


async def docs_page(call: Call) -> Answer:
    """A section of the reference, or a file that the pages share."""
    name = call.path["name"]
    media_type = documents.STATIC.get(name)
    if media_type is None:
        body = reference.section(await contract(call), name)
        return Answer(body, headers=(documents.POLICY,), media_type=documents.HTML)
    return Answer(documents.static(name), media_type=media_type)


async def problems(call: Call) -> Answer:
    """Every problem, and every code of fields and carts, as a page or as JSON."""
    if _wants_json(call):
        codes = [
            CodeText(code=code, meaning=row.meaning, params=[*row.params], optional_params=[*row.more])
            for code, row in sorted(CODES.items())
        ]
        return Answer(Problems(items=[_text(p) for p in PROBLEMS], codes=codes), headers=(_BRIEFLY, ("Vary", "Accept")))
    return _html(documents.problem_list(), ("Vary", "Accept"))


async def problem(call: Call) -> Answer:
    """What a problem means, and its cure."""
    found = BY_SLUG.get(call.path["slug"])
    if found is None:
        raise NotFound("there is no problem of this name; /problems has all of them")
    if _wants_json(call):
        return Answer(_text(found), headers=(_BRIEFLY, ("Vary", "Accept")))
    return _html(documents.problem_page(found), ("Vary", "Accept"))


def _html(body: bytes, *headers: tuple[str, str]) -> Answer:
    return Answer(body, headers=(documents.POLICY, _BRIEFLY, *headers), media_type=documents.HTML)


def _wants_json(call: Call) -> bool:
    accept = call.headers.get("accept", "")
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
    _system("/", index, "A page with the way to everything else", media_type=documents.HTML, page=True),
    _system("/health", alive, "The process is alive", answer=Alive, operation="getHealth", limit="none"),
    _system("/health/ready", ready, "Readiness, with the state of each dependency", answer=Ready,
            operation="getReadiness", also=(503,), endpoint_class="health"),
    _system("/metrics", metrics, "Metrics for Prometheus", media_type=prometheus.CONTENT_TYPE,
            operation="getMetrics", operator=True, endpoint_class="metrics"),
    _system("/openapi.json", contract, "This document", answer=dict[str, Any], cached=Cached(_contract_family, 60),
            operation="getContract"),
    _system("/docs", docs, "The contract, and a page to try it in", media_type=documents.HTML, page=True,
            cached=Cached(_contract_family, 300)),
    _system("/docs/{name}", docs_page, "A section of the reference, or a file of the pages",
            media_type=documents.HTML, page=True, cached=Cached(_contract_family, 300)),
    _system("/problems", problems, "Every problem, its cause and its cure", answer=Problems, operation="listProblems", also_html=True),
    _system("/problems/{slug}", problem, "One problem, its cause and its cure", answer=ProblemText,
            operation="getProblem", also_html=True),
    _system("/api/market", market, "What a front end must know of this market", answer=Market,
            cached=Cached(_contract_family, 60), endpoint_class="", credentials=True, operation="getMarket"),
)  # fmt: skip

#: What is for the operator of a process, at a port of its own where it has one.
OPERATOR: tuple[Route, ...] = tuple(route for route in SYSTEM if route.path in ("/health", "/health/ready", "/metrics"))
