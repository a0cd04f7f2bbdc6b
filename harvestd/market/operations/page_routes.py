"""The contract, and pages for people: the start page, the reference, problems, one's own account."""

from __future__ import annotations

from typing import Any

from twisted.internet.threads import deferToThread

from harvestd.kernel.codes import CODES
from harvestd.kernel.errors import NotFound
from harvestd.kernel.languages import spoken
from harvestd.market.accounts import passkey_rules
from harvestd.market.operations.shapes import CodeText, Problems, ProblemText
from harvestd.market.search.ranking_page import ranking
from harvestd.web.context import RequestContext, Result
from harvestd.web.pages import documents, openapi, people, reference
from harvestd.web.problems import BY_SLUG, PROBLEMS, Problem

_BRIEFLY = ("Cache-Control", "public, max-age=300")


async def contract(request: RequestContext) -> dict[str, Any]:
    """OpenAPI 3.1. It is made in a thread: it takes some tenths of a second, in which nobody else would be answered."""
    made: dict[str, Any] = await deferToThread(openapi.document, request.routes, request.parts.settings.market_name)
    return made


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
    """The meaning of a problem, and its cure, in the language that is asked for."""
    found = BY_SLUG.get(request.path["slug"])
    if found is None:
        raise NotFound("there is no problem of this name; /problems has all of them")
    if _wants_json(request):
        return Result(_text(documents.problem_texts(found, request.language)), headers=(_BRIEFLY, ("Vary", "Accept")))
    return _html(documents.problem_page(found, request.language), ("Vary", "Accept"))


def _html(body: bytes, *headers: tuple[str, str]) -> Result:
    return Result(body, headers=(documents.POLICY, _BRIEFLY, *headers), media_type=documents.HTML)


def _wants_json(request: RequestContext) -> bool:
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


def _text(problem: Problem) -> ProblemText:
    return ProblemText(
        type=problem.type, status=problem.status, title=problem.title, cause=problem.cause, cure=problem.cure
    )
