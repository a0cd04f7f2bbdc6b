"""The responses of an operation that succeeds; those of one that fails are in ``failures.py``."""

from __future__ import annotations

from typing import Any

from harvestd.web import http_caching
from harvestd.web.pages import examples, failures
from harvestd.web.routes import Route
from harvestd.web.shapes import ListQuery

#: The headers of all responses, by name.
HEADERS = {
    "ETag": "Identifies this version of the answer; send it as If-None-Match to revalidate, or as If-Match to change it.",
    "Link": 'RFC 8288: the next page, rel="next".',
    "Location": "URL of the new resource, of the operation that makes it, of where it is now, or to where the browser goes on.",
    "RateLimit": "What is left of each limit that was counted, and the seconds until it is fully restored; the one that is nearest its end is the first.",
    "RateLimit-Policy": "Each limit: q requests in w seconds.",
    "Idempotent-Replayed": "true if this is the stored answer of an earlier request with the same idempotency key.",
    "X-Request-Id": "Identifies this request in the logs.",
    "Cache-Control": "Who may keep the answer, and for how long (RFC 9111).",
    "Content-Disposition": "The name under which to keep the file (RFC 6266).",
    "Retry-After": "Seconds to wait before a retry.",
    "Content-Language": "The language of the answer; of a problem also lists English if its detail is in English.",
    "Vary": "Request headers that the answer depends on.",
    "WWW-Authenticate": "What is wrong with the credentials.",
    "X-Cart-Token": "The token of a guest's cart, for clients without cookies.",
    "Set-Cookie": "A cookie: `harvest_cart` (with TLS `__Host-harvest_cart`) holds the token of a guest's cart, `harvest_session` (with TLS `__Host-harvest_session`) a browser's session, `harvest_sign_in` (`__Host-harvest_sign_in`) what it began elsewhere, `harvest_link` (`__Host-harvest_link`) that it asked for a link to sign in.",
}


def of(route: Route, by_type: dict[Any, Any]) -> dict[str, Any]:
    """Those of a route, by status; ``by_type`` has the schema of each type."""
    empty = route.answer is None and route.media_type == "application/json"
    status = 204 if empty and route.status == 200 else route.status
    response: dict[str, Any] = {"description": route.summary, "headers": failures.headers(_headers(route))}
    if not empty:
        schema = {"type": "string"} if route.answer is None else by_type[route.answer]
        shown = {"schema": schema, **examples.of(route, "answer")}
        kinds = route.media_types or (route.media_type.partition(";")[0],)
        response["content"] = dict.fromkeys(kinds, shown)
    if route.also_html:
        response["content"]["text/html"] = {"schema": {"type": "string"}}
    responses = {str(one): response for one in (status, *route.also)}
    if route.accepted:
        responses["202"] = {
            "description": "Accepted: a mail tells the rest. Nothing says whether the address has an account.",
            "headers": failures.headers(["X-Request-Id", "Cache-Control"]),
        }
    if route.moves:
        responses["301"] = {
            "description": "Moved: this was its slug once.",
            "headers": failures.headers(["Location", "X-Request-Id", "Cache-Control"]),
        }
    if route.method == "GET" and http_caching.tagged(route):
        responses["304"] = {
            "description": "Not modified: the client's copy is current.",
            "headers": failures.headers(["ETag", "Cache-Control"]),
        }
    return responses


def _headers(route: Route) -> list[str]:
    conditions = (
        (http_caching.tagged(route), ("ETag",)),
        (route.download, ("Content-Disposition",)),
        (route.spoken, ("Content-Language", "Vary")),
        (route.limit != "none", ("RateLimit", "RateLimit-Policy")),
        (route.key != "no", ("Idempotent-Replayed",)),
        (route.status in (201, 303) or (route.status == 202 and route.answer is not None), ("Location",)),
        (route.query is not None and issubclass(route.query, ListQuery), ("Link",)),
        (route.cart, ("X-Cart-Token", "Set-Cookie")),
        (route.cookie, ("Set-Cookie",)),
    )
    return ["X-Request-Id", "Cache-Control", *(name for holds, added in conditions if holds for name in added)]
