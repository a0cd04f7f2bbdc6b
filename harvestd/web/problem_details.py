"""Problem details of a refusal (RFC 9457): its members as JSON, its headers, and the language that it is told in."""

from __future__ import annotations

from typing import Any

import msgspec

from harvestd.kernel import errors as market
from harvestd.kernel import languages
from harvestd.kernel.errors import FieldError
from harvestd.kernel.sentences import worded
from harvestd.web.problems import Problem, Refusal

MEDIA_TYPE = "application/problem+json"
#: Maximum number of fields in the detail; `errors` has all.
DETAILED = 3
_MORE = "and {count} more"


def headers_of(error: BaseException, problem: Problem) -> list[tuple[str, str]]:
    """The headers of a response with this problem."""
    headers = list(error.headers) if isinstance(error, Refusal) else []
    if problem.status == 401 and not any(name == "WWW-Authenticate" for name, _ in headers):
        headers.append(("WWW-Authenticate", 'Bearer realm="harvestd"'))
    wait = getattr(error, "retry_after", None)
    if wait is not None:
        headers.append(("Retry-After", str(max(1, -int(-wait // 1)))))
    return headers


def document(
    problem: Problem, error: BaseException | None, instance: str, request_id: str, language: str = languages.ENGLISH
) -> bytes:
    """The problem details as JSON, in the languages of :func:`told_in`. Internal errors show only the request id under which they
    are logged: all texts are those of market errors, refusals, or the row."""
    errors = _errors(error)
    fields = [_member(e, language) for e in errors]
    members: dict[str, Any] = {
        "type": problem.type,
        "title": languages.title(problem.title, language),
        "status": problem.status,
        "detail": _detail(problem, error, language)[0],
        "instance": instance,
        "request_id": request_id,
    }
    if errors or problem.slug == "invalid":
        members["errors"] = fields
    if isinstance(error, market.SecondFactorNeeded):
        members["challenge"] = error.challenge
    if isinstance(error, (market.SecondFactorNeeded, market.WrongSecondFactor)):
        members["factors"] = error.factors
    return msgspec.json.encode(members)


#: Problems whose detail is made of their field errors alone.
LISTED = frozenset({"invalid", "already-taken"})


def told_in(problem: Problem, error: BaseException | None, language: str) -> str:
    """The languages of the details for ``Content-Language``: a detail without a translation into ``language`` is English."""
    return ", ".join(dict.fromkeys((language, _detail(problem, error, language)[1])))


def _errors(error: BaseException | None) -> tuple[FieldError, ...]:
    return error.errors if isinstance(error, (market.MarketError, Refusal)) else ()


def _detail(problem: Problem, error: BaseException | None, language: str) -> tuple[str, str]:
    """The detail and its language. For invalid or already taken fields it lists these with their messages; for other errors it is
    the error's own text, or the row's cause, and without a translation, the fields if there are any, else English."""
    errors = _errors(error)
    if errors and problem.slug in LISTED:
        return _listed(errors, language), language
    ours = isinstance(error, (market.MarketError, Refusal))
    english = (error.detail if ours else getattr(error, "shown", "")) or problem.cause  # type: ignore[union-attr]
    found = languages.sentence(english, language)
    if found is not None:
        return found, language
    return (_listed(errors, language), language) if errors else (str(english), languages.ENGLISH)


def _listed(errors: tuple[FieldError, ...], language: str) -> str:
    told = [
        languages.named(e.field, languages.message(e.code, e.params, e.message, language), language)
        for e in errors[:DETAILED]
    ]
    rest = len(errors) - DETAILED
    more = languages.sentence(worded(_MORE, count=rest), language) if rest > 0 else None
    return "; ".join([*told, *([more] if more else [])])


def _member(error: FieldError, language: str) -> dict[str, Any]:
    message = languages.message(error.code, error.params, error.message, language)
    member = {"field": error.field, "code": error.code, "message": message, "params": dict(error.params)}
    if error.available is not None:
        member["available"] = f"{error.available:.3f}"
    return member
