"""Routes that take no body: what is sent to them all the same.

Content has no meaning in a GET (RFC 9110, 9.3.1), so it is read and ignored there. Elsewhere a body says something that would not be done, so
it is refused as an unknown field is; an empty one, ``{}`` and ``null``, which clients send for nothing, say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.web import bodies
from harvestd.web import validation as fields
from harvestd.web.headers import is_coded
from harvestd.web.problems import Refusal
from harvestd.web.routes import Route

#: Methods whose content has no meaning.
IGNORED = frozenset({"GET", "HEAD"})


def check(route: Route, headers: Mapping[str, str], raw: bytes) -> None:
    """Raise 400 for a body that is no JSON, 415 for one that does not say that it is, and ``Invalid`` for one that says anything."""
    if route.method in IGNORED or not raw.strip(b" \t\r\n"):
        return
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" or is_coded(headers):
        raise Refusal("media-type", "this address takes no body; send none")
    given = bodies.decode(raw)
    if given not in ({}, None):
        names = [name[: fields.MAX_NAME] for name in given] if isinstance(given, dict) else [fields.BODY]
        raise Invalid("this address takes no body; send none", tuple(map(_refused, names[: fields.MAX])))


def _refused(name: str) -> FieldError:
    message = "is not accepted here: this address takes no body; send none"
    return FieldError(name, message, code="not-accepted", params={"reason": "no-body"})
