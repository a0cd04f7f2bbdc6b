"""The gate round every route: who asks, may they, how often, what do they send; then the handler; then its answer.

A handler sees typed values and a :class:`~harvestd.web.call.Call`, and runs to its end whoever hangs up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchPath

from harvestd.context import tracing
from harvestd.failpoints import failpoint
from harvestd.interfaces import Entry
from harvestd.lifecycle import shield
from harvestd.market.errors import MarketError, NotFound, Unavailable
from harvestd.parts import Parts
from harvestd.web import bodies, conditional, credentials, fields, freshness, keys, queries, replies
from harvestd.web.call import Answer, Call
from harvestd.web.headers import Cookies, RequestHeaders
from harvestd.web.limits import Limits
from harvestd.web.problems import Refusal
from harvestd.web.replies import Reply
from harvestd.web.request import Request
from harvestd.web.routes import Mode, Route, may_be_empty

log = Logger()


class Gate:
    """``working`` counts the requests under way, those too whose clients went away."""

    def __init__(self, parts: Parts, routes: Sequence[Route]) -> None:
        self._parts = parts
        self._routes = routes
        self.limits = Limits(parts.settings, parts.limiter)
        self.working = 0

    def endpoint(self, route: Route) -> Callable[..., Deferred[bytes]]:
        """What Klein calls for a route: the request and the path's segments in, the body out."""

        name = route.name

        def serve(request: Request, **path: str) -> Deferred[bytes]:
            request.route_name = name
            return shield(self._serve(route, request, path))

        return serve

    def unrouted(self, request: Any, failure: Any) -> bytes:
        """What Klein calls for whatever it finds no endpoint for, or what an endpoint could not answer itself."""
        error = failure.value
        if isinstance(error, MethodNotAllowed):
            body: bytes = request.begin(self._other_method(request, error))
            return body
        if isinstance(error, NoSuchPath):
            error = NotFound("there is nothing at this address")
        body = request.begin(self._refusal(error, request))
        return body

    def _other_method(self, request: Request, error: MethodNotAllowed) -> Reply:
        allow = ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"}))
        if request.method == b"OPTIONS":
            return Reply(204, ((b"Allow", allow.encode()),))
        detail = f"this address has {allow}"
        return self._refusal(Refusal("method-not-allowed", detail, headers=(("Allow", allow),)), request)

    async def _serve(self, route: Route, request: Request, path: dict[str, str]) -> bytes:
        self.working += 1
        self._parts.metrics.began()
        try:
            with tracing(request.trace):
                reply = await self._pass(route, request, path)
        except Exception as error:
            reply = self._refusal(error, request)
        finally:
            self.working -= 1
            self._parts.metrics.ended()
        return request.begin(reply)

    def _refusal(self, error: BaseException, request: Request) -> Reply:
        if isinstance(error, Unavailable):
            log.warn("{why}", why=error.detail, request_id=request.trace.request_id)
        elif not isinstance(error, (MarketError, Refusal)):
            request.site.log_unexpected(request)
        return replies.of_error(error, request.instance, request.trace.request_id)

    async def _pass(self, route: Route, request: Request, path: dict[str, str]) -> Reply:
        parts, now = self._parts, self._parts.now()
        raw = request.content.read()  # before this first waits: a client that hangs up takes it along
        caller = credentials.caller_of(route, request.text(b"authorization"), parts.secret, now)
        if caller is not None and not await parts.sessions.alive(caller.user_id, caller.session):
            raise credentials.ended()
        user_id = caller.user_id if caller is not None else None
        request.user_id = user_id or ""
        credentials.admit(route, caller)
        request.more, too_many = await self.limits.spend(route, user_id, request.address)
        if too_many is not None:
            raise too_many
        strict = route.query is not None or route.path.startswith("/api/")
        query = queries.decode(request.query.decode("ascii"), route.query) if strict else None
        headers = RequestHeaders(request.requestHeaders)
        call = Call(
            parts=parts, route=route, path=path, caller=caller, address=request.address, now=now, headers=headers,
            cookies=Cookies(headers), reader=parts.reads if route.mode is Mode.READ else parts.database,
            if_match=_if_match(route, headers), routes=self._routes,
        )  # fmt: skip
        reply = await self._handle(route, call, query, request, raw)
        return freshness.settled(route, caller, request.text(b"if-none-match"), reply)

    async def _handle(self, route: Route, call: Call, query: Any, request: Request, raw: bytes) -> Reply:
        if route.cached is not None and (call.caller is None or route.cached.signed_in == "shared"):
            return await self._cached(route, call, query, request)
        uri = request.uri.decode("ascii")
        header = call.headers.get("idempotency-key", "")
        key = keys.key_of(route, header, request.user_id or None, request.method, request.uri, raw)
        arguments = [] if route.body is None else [_body(route, call.headers, raw)]
        if route.query is not None:
            arguments.append(query)
        if route.mode is not Mode.WRITE:
            return replies.of_value(route, await route.handler(call, *arguments), uri)

        async def work(tx: Any) -> Reply:
            inside = attrs.evolve(call, transaction=tx, reader=tx)
            return replies.of_value(route, await route.handler(inside, *arguments), uri)

        reply = await keys.write(self._parts, key, call.now, work)
        await failpoint("write.before_answer")
        return reply

    async def _cached(self, route: Route, call: Call, query: Any, request: Request) -> Reply:
        """Through the near cache, by the canonical request: the path and the decoded query, defaults filled in."""
        cached, cache = route.cached, self._parts.cache
        assert cached is not None
        names = "/".join(call.path.values())
        key = f"{request.route_name}/{names}?{'' if query is None else msgspec.json.encode(query).decode()}"
        entry = cache.peek(key)
        if entry is not None and conditional.behind(entry.etag, request.text(b"if-none-match")):
            cache.outdated(key)  # another process has shown its sender a later version
            entry = None
        if entry is not None and call.caller is None and request.site.lane is not None:
            request.site.lane.learn(request.uri, route, key)  # what is asked for once may never be again
        if entry is None:
            anonymous = attrs.evolve(call, caller=None, headers={}, cookies={}, address="")

            async def load() -> Entry:
                value = await route.handler(anonymous, *([] if query is None else [query]))
                reply = replies.of_value(route, value, request.uri.decode("ascii"))
                return _entry(reply, value.families if isinstance(value, Answer) else ())

            families = cached.families(call.path, query)
            entry = await cache.fetch(key, families, load, self._parts.settings.cache_ttl, cached.instead)
        return Reply(entry.status, (*entry.headers, (b"ETag", entry.etag.encode("ascii"))), entry.body)


def _body(route: Route, headers: Mapping[str, str], raw: bytes) -> Any:
    assert route.body is not None
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not raw and not media_type and may_be_empty(route.body):
        return fields.convert({}, route.body)
    if media_type != "application/json":
        sent = f"this is {media_type[:80]!r}" if media_type else "this has no Content-Type"
        raise Refusal("media-type", f"send the body as application/json; {sent}")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refusal("media-type", "send the body as it is, without Content-Encoding")
    if len(raw) > (route.body_limit or len(raw)):
        raise Refusal("too-large", f"the body has more than {route.body_limit} bytes")
    return fields.convert(bodies.decode(raw), route.body)


def _if_match(route: Route, headers: Mapping[str, str]) -> int | None:
    if not route.if_match:
        return None
    given = headers.get("if-match", "")
    if not given:
        raise Refusal("if-match", "read it first, and send the ETag that it had as If-Match")
    return conditional.version_named(given)


def _entry(reply: Reply, families: tuple[str, ...]) -> Entry:
    tag = reply.header(b"ETag") or conditional.etag(reply.body).encode("ascii")
    headers = tuple(pair for pair in reply.headers if pair[0] != b"ETag")
    return Entry(reply.body, tag.decode("ascii"), headers, reply.status, families)
