"""The daemon's own routes: health, metrics, the contract and its pages, and what a front end must know of the market."""

from __future__ import annotations

import hmac
from typing import Any, Literal, get_args

from harvestd import metrics as prometheus
from harvestd.market.errors import NotFound
from harvestd.market.products import Unit
from harvestd.web import documents, openapi
from harvestd.web.addresses import Proxies, is_loopback, parse_networks
from harvestd.web.call import Answer, Call
from harvestd.web.problems import BY_SLUG, PROBLEMS, Problem, Refusal
from harvestd.web.routes import ANYONE, Cached, Mode, Route
from harvestd.web.shapes.system import Alive, Market, Problems, ProblemText, Ready, ReadyPart

#: A probe that takes longer counts as down: whoever asks for readiness asks often.
PROBE_BOUND = 1.0
_BRIEFLY = ("Cache-Control", "public, max-age=300")


async def alive(call: Call) -> Alive:
    """The process answers. Asks nothing of anything else."""
    return Alive(status="ok")


async def ready(call: Call) -> Answer:
    """Whether requests should be sent here: 503 while the database is out of reach, or the process is stopping."""
    conditions = await call.parts.health.look(call.parts.reactor, PROBE_BOUND)
    parts = {name: ReadyPart(state=c.state, detail=c.detail) for name, c in conditions.items()}
    stopping = call.parts.lifecycle.stopping
    states = {part.state for part in parts.values()}
    status: Literal["ok", "degraded", "down"] = "ok" if states <= {"ok"} else "degraded"
    if stopping or ("database" in parts and parts["database"].state == "down"):
        status = "down"
    headers = (("Retry-After", "2"),) if status == "down" else ()
    return Answer(Ready(status=status, parts=parts, stopping=stopping), 503 if status == "down" else 200, headers)


async def metrics(call: Call) -> Answer:
    """Prometheus text, for the operator."""
    _admit_operator(call)
    await call.parts.metrics.refresh()
    return Answer(call.parts.metrics.render(), media_type=prometheus.CONTENT_TYPE)


def _admit_operator(call: Call) -> None:
    """By the token of the setting; without one, this machine and the trusted proxies. An address that something in
    between claims to speak for is not this machine."""
    token = call.parts.settings.metrics_token
    if token:
        given = call.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise Refusal("unauthenticated", "send the setting metrics_token as Authorization: Bearer <token>")
        return
    trusted = Proxies(parse_networks(call.parts.settings.trusted_proxies)).trusts(call.address)
    relayed = "x-forwarded-for" in call.headers or "forwarded" in call.headers
    if not trusted and (relayed or not is_loopback(call.address)):
        raise Refusal("forbidden", "metrics are for this machine alone; set metrics_token to read them from elsewhere")


async def contract(call: Call) -> dict[str, Any]:
    """OpenAPI 3.1."""
    return openapi.document(call.routes, call.parts.settings.market_name)


async def market(call: Call) -> Market:
    """What a front end must know of this market."""
    settings = call.parts.settings
    return Market(
        name=settings.market_name, currency=settings.market_currency, timezone=settings.market_timezone,
        languages=["en"], units=list(get_args(Unit)), tax_included=True,
    )  # fmt: skip


async def index(call: Call) -> Answer:
    """For whoever opens the address in a browser."""
    return _html(documents.index(call.parts.settings.market_name))


async def docs(call: Call) -> Answer:
    """Swagger UI on the contract."""
    body = documents.docs(call.parts.settings.market_name)
    return Answer(body, headers=(documents.DOCS_POLICY, _BRIEFLY), media_type=documents.HTML)


async def docs_file(call: Call) -> Answer:
    """Its scripts and styles, from this server."""
    body, media_type = documents.static(call.path["file"])
    return Answer(body, headers=(("Cache-Control", "public, max-age=3600"),), media_type=media_type)


async def problems(call: Call) -> Answer:
    """Every problem, as a page or as JSON."""
    if _wants_json(call):
        return Answer(Problems(items=[_text(p) for p in PROBLEMS]), headers=(_BRIEFLY, ("Vary", "Accept")))
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
        method="GET", path=path, handler=handler, who=ANYONE, mode=Mode.OWN, tag="system", summary=summary,
        **{"limit": "none", "credentials": False, **more},
    )  # fmt: skip


SYSTEM: tuple[Route, ...] = (
    _system("/", index, "A page with the way to everything else", media_type=documents.HTML),
    _system("/health", alive, "The process is alive", answer=Alive),
    _system("/health/ready", ready, "How everything is that it depends on", answer=Ready),
    _system("/metrics", metrics, "Numbers for Prometheus", media_type=prometheus.CONTENT_TYPE),
    _system("/openapi.json", contract, "This document", answer=dict[str, Any], cached=Cached(_contract_family, 60)),
    _system("/docs", docs, "The contract, and a page to try it in", media_type=documents.HTML),
    _system("/docs/{file}", docs_file, "Scripts and styles of that page", media_type="text/javascript"),
    _system("/problems", problems, "Every problem, its cause and its cure", answer=Problems),
    _system("/problems/{slug}", problem, "One problem, its cause and its cure", answer=ProblemText),
    _system("/api/market", market, "What a front end must know of this market", answer=Market,
            cached=Cached(_contract_family, 60), limit="rate_read", credentials=True),
)  # fmt: skip
