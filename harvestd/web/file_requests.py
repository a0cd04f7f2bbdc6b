"""Requests with a file: taken from the spool, checked, handled, and answered under their key."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
import msgspec

from harvestd.kernel.errors import Invalid
from harvestd.parts import Parts
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import idempotency as keys
from harvestd.web import replies, sound, translated
from harvestd.web.context import RequestContext, Then
from harvestd.web.http.request import Request
from harvestd.web.replies import Response
from harvestd.web.routes import Route
from harvestd.web.uploads import Uploads


class FileRequests:
    """The handling of routes that take a file."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._uploads = Uploads(parts.reactor, parts.settings.upload_max_bytes, parts.metrics.shortages)

    async def handle(self, route: Route, context: RequestContext, query: Any, request: Request, spool: Any) -> Response:
        """Have the route handle a request whose body is in ``spool``, which is closed as soon as it is read."""
        wanted, rules = route.body, route.rules
        assert wanted is not None
        header = context.headers.get("idempotency-key")
        key = keys.key_of(route, header, context.caller, request.method, request.uri, b"")
        upload, given = await self._uploads.taken(spool, context.headers, wanted, route.files)
        try:
            spool.close()  # its room is another's now
            faults = upload.faults
            more = None if rules is None else partial(rules, context)
            body = sound.convert(
                given, wanted, lambda readable: [*faults, *(more(readable) if more is not None else ())]
            )
            if faults:
                raise Invalid("some values are not acceptable", faults)
            if key is not None:
                key = key.also(await self._uploads.digest(upload), msgspec.json.encode(body))
            also = () if route.query is None else (query,)
            value = await route.handler(attrs.evolve(context, body=body), body, upload, *also)
            if isinstance(value, Then):
                return await self._then(route, context, value, key)
            assert route.key == "no", f"{route.name} honours Idempotency-Key, and its handler returns no Then"
            return replies.of_value(route, value, context.path, None, translated.headers(context))
        finally:
            upload.close()

    async def _then(self, route: Route, context: RequestContext, then: Then, key: keys.Key | None) -> Response:
        """What is left to do with a file that is kept, in a unit of work."""

        async def work(unit: UnitOfWork) -> Response:
            value = await then.work(unit)
            await context.tell_acting(unit)
            return replies.of_value(route, value, context.path, None, translated.headers(context))

        return await keys.write(self._parts, key, context.now, work)
