"""The response that tells a client why its request failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.python.failure import Failure

from harvestd.kernel import languages
from harvestd.web.replies import Response, of_error, of_missing

if TYPE_CHECKING:
    from harvestd.web.http.request import Request


def problem_response(request: Request, error: BaseException) -> Response:
    """Problem details in the client's language; an HTML page for a browser's 404 outside the API. If building those fails, which
    is a bug, a plain 500 in English, so that the client always gets a response."""
    try:
        reply = of_error(error, request.instance, request.trace.request_id, request.language)
        page = reply.status == 404 and request.method in (b"GET", b"HEAD") and not request.path.startswith(b"/api/")
        return (
            of_missing(request.instance, error, request.language)
            if page and "text/html" in request.text(b"accept")
            else reply
        )
    except Exception as fault:
        request.site.log_unexpected(request, Failure(fault))
        return of_error(fault, request.instance, request.trace.request_id, languages.ENGLISH)
