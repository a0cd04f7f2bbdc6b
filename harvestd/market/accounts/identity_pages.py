"""Signing in elsewhere, where it shows: browsers are sent on, and what is refused is told on a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

from twisted.logger import Logger

from harvestd.kernel.errors import Invalid, MarketError, NotFound, Unavailable
from harvestd.web.context import RequestContext, Result
from harvestd.web.problems import problem_of

log = Logger()
Query = TypeVar("Query")


def shown(
    handler: Callable[[RequestContext, Query], Awaitable[Result]],
) -> Callable[[RequestContext, Query], Coroutine[Any, Any, Result]]:
    """A route that browsers are sent to: where it refuses, one that shows pages is sent to the page of mailed links, with the problem's slug
    behind ``#problem=``; everybody else gets the problem. What only a developer or the operator mends stays a problem."""

    @wraps(handler)
    async def told(request: RequestContext, query: Query) -> Result:
        try:
            return await handler(request, query)
        except (MarketError, Unavailable) as refused:
            if isinstance(refused, (Invalid, NotFound)) or not shows_pages(request):
                raise
            slug = problem_of(refused).slug
            log.info("a sign-in elsewhere was refused as {slug}: {why}", slug=slug, why=refused.detail)
            return sent(f"{page(request)}#problem={slug}")

    return told


def shows_pages(request: RequestContext) -> bool:
    """Whether the client is a browser that goes from page to page."""
    return "text/html" in request.headers.get("accept", "")


def page(request: RequestContext) -> str:
    """The page of mailed links."""
    return request.parts.settings.account_url or "/account"


def sent(address: str, *cookies: tuple[str, str]) -> Result:
    """The browser is sent to an address."""
    return Result(None, status=303, headers=(("Location", address), *cookies))
