"""The JSON body of a request, as the type that its route names."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from harvestd.kernel.sentences import worded
from harvestd.web import bodies, sound
from harvestd.web import validation as fields
from harvestd.web.context import RequestContext
from harvestd.web.headers import is_coded
from harvestd.web.problems import Refusal
from harvestd.web.routes import Route, may_be_empty


def typed(route: Route, context: RequestContext, raw: bytes) -> Any:
    """The value. Raises a 400 for what is no JSON, a 415 for what does not say that it is, and ``Invalid`` naming each field that is
    not acceptable. A route whose fields may all be left out takes no body as an empty one."""
    assert route.body is not None
    headers, rules = context.headers, route.rules
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not raw and media_type in ("", "application/json") and may_be_empty(route.body):
        return fields.convert({}, route.body)
    if media_type != "application/json":
        if not media_type:
            raise Refusal("media-type", "send Content-Type: application/json; this request has none")
        sent = repr(media_type[:80])
        raise Refusal("media-type", worded("send Content-Type: application/json; this request has {sent}", sent=sent))
    if is_coded(headers):
        raise Refusal("media-type", "send the body uncompressed, without Content-Encoding")
    value = bodies.decode(raw)
    if route.by_row:
        return _by_row(route, value)
    return sound.convert(value, route.body, None if rules is None else partial(rules, context))


def _by_row(route: Route, value: Any) -> Any:
    """The body with the rows as they were sent; only their number is checked."""
    assert route.body is not None
    rows = value.get(route.by_row) if isinstance(value, dict) else None
    outer = {**value, route.by_row: [{} for _ in rows]} if isinstance(rows, list) else value
    return msgspec.structs.replace(fields.convert(outer, route.body), **{route.by_row: rows})
