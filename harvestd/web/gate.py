"""The middleware around every route: authentication, authorization, rate limit, decoding; then the handler; then its response.

A handler gets typed values and a :class:`~harvestd.web.context.RequestContext`, and runs to completion even if the client
disconnects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from harvestd.kernel import readers
from harvestd.parts import Parts
from harvestd.runtime.failpoints import failpoint
from harvestd.runtime.lifecycle import shield
from harvestd.runtime.tracing import asked_by, tracing
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import authentication as credentials
from harvestd.web import bodiless, conditional, json_body, queries, replies, translated
from harvestd.web import http_caching as freshness
from harvestd.web import idempotency as keys
from harvestd.web.codings import Codings
from harvestd.web.concurrency import Concurrency
from harvestd.web.context import Caller, RequestContext, Result
from harvestd.web.file_requests import FileRequests
from harvestd.web.headers import Cookies, RequestHeaders
from harvestd.web.http.client_address import bucket_of
from harvestd.web.http.request import Request
from harvestd.web.problems import Refusal
from harvestd.web.rate_limits import Limits, beside
from harvestd.web.refusals import refusal
from harvestd.web.replies import Response
from harvestd.web.response_cache import ResponseCache
from harvestd.web.routes import Mode, Route
from harvestd.web.sharing import Sharing
from harvestd.web.unrouted import Unrouted


class Gate:
    """``working`` counts the requests in progress, including those whose clients disconnected."""

    def __init__(self, parts: Parts, routes: Sequence[Route]) -> None:
        self._parts = parts
        self._routes = routes
        self.limits = Limits(parts.settings, parts.limiter)
        self._files = FileRequests(parts)
        self.working = 0
        self._concurrency = Concurrency(parts.settings, parts.metrics.shortages)
        self.codings = Codings(parts.cache)
        self._responses = ResponseCache(parts, self.codings)
        self._sharing = {route.name: Sharing(parts, route) for route in routes if route.shared is not None}
        self._unrouted = Unrouted(routes, self.limits)

    def endpoint(self, route: Route) -> Callable[..., Deferred[bytes]]:
        """The endpoint that Klein calls for a route: from the request and the path segments to the body."""

        name = route.name

        def serve(request: Request, **path: str) -> Deferred[bytes]:
            request.route_name = name
            return shield(self._serve(route, request, {n: _segment(n, text) for n, text in path.items()}))

        return serve

    def unrouted(self, request: Request, failure: Any) -> Deferred[bytes]:
        """Called by Klein for a request without an endpoint, or when an endpoint failed."""

        async def serve() -> bytes:
            return request.begin(await self._unrouted.answer(request, failure.value))

        return shield(serve())

    async def _serve(self, route: Route, request: Request, path: dict[str, str]) -> bytes:
        who = bucket_of(request.address)
        counted = self._concurrency.began(who, route)
        self.working += 1
        self._parts.metrics.began()
        try:
            self._concurrency.check(who, route)
            with tracing(request.trace), asked_by(who, lambda: request.gone):
                reply = await self._pass(route, request, path)
        except Exception as error:
            reply = refusal(error, request)
        finally:
            self.working -= 1
            self._concurrency.ended(counted)
            self._parts.metrics.ended()
        return request.begin(reply)

    async def _pass(self, route: Route, request: Request, path: dict[str, str]) -> Response:
        # before the first await: a disconnect closes the content
        spool = request.take_content() if route.upload else None
        raw = request.content.read()
        try:
            return await self._admit(route, request, path, raw, spool)
        finally:
            if spool is not None:
                spool.close()

    async def _admit(self, route: Route, request: Request, path: dict[str, str], raw: bytes, spool: Any) -> Response:
        parts, now = self._parts, self._parts.now()
        caller = await self._caller(route, request)
        refused = credentials.lacking(route, caller, parts.settings.second_factor_required_for)
        user_id = caller.user_id if caller is not None else None
        request.user_id = user_id or ""
        request.more, too_many = await self.limits.spend(route, user_id, request.address)
        if too_many is not None:
            raise too_many
        sent = request.query.decode("ascii")
        stranger = route.strangers is not None and route.strangers.let_in(parts.settings, sent)
        credentials.admit(
            route, caller, refused, stranger=stranger
        )  # counted, too: what is refused may not be asked without end
        caller = None if refused is not None else caller
        decode = queries.decode if route.cached is None else queries.decode_public
        query = decode(sent, route.query) if route.strict else None
        headers = RequestHeaders(request.requestHeaders)
        context = RequestContext(
            parts=parts, route=route, path=path, caller=caller, address=request.address, now=now, headers=headers,
            cookies=Cookies(headers), reader=parts.reads if route.mode is Mode.READ else parts.database,
            refused=refused, if_match=conditional.if_match(route, headers), routes=self._routes, gone=lambda: request.gone,
            direct=lambda: request.direct, limited=partial(_tell_limit, request, request.more), trace=request.trace,
        )  # fmt: skip
        if spool is not None:
            reply = await self._files.handle(route, context, query, request, spool)
        else:
            reply = await self._handle(route, context, query, request, raw)
        return freshness.settled(route, caller, request.text(b"if-none-match"), reply)

    async def _caller(self, route: Route, request: Request) -> Caller | None:
        """The caller with the account's current role. Requests with an invalid token are rate limited by address."""
        parts = self._parts
        try:
            cookies = Cookies(RequestHeaders(request.requestHeaders))
            authorization, csrf = request.text(b"authorization"), request.text(b"x-csrf-token")
            return await credentials.caller_of(route, authorization, csrf, cookies, parts)
        except Refusal:
            await self.limits.spend_stray(request, "tokens")
            raise

    async def _handle(
        self, route: Route, context: RequestContext, query: Any, request: Request, raw: bytes
    ) -> Response:
        shared = route.cached is not None and not route.cached.private(query)
        if shared and route.cached is not None and (context.caller is None or route.cached.signed_in == "shared"):
            return await self._responses.answer(route, context, query, request)
        header = context.headers.get("idempotency-key")
        key = keys.key_of(route, header, context.caller, request.method, request.uri, raw)
        if route.body is None:
            bodiless.check(route, context.headers, raw)
        arguments = [] if route.body is None else [json_body.typed(route, context, raw)]
        if arguments:
            context = attrs.evolve(context, body=arguments[0], key=key)
            await self._guard(route, context)
        if route.query is not None:
            arguments.append(query)
        if context.caller is None and route.strangers is not None and route.strangers.holder is not None and header:
            holder = route.strangers.holder(context, *arguments)
            key = keys.key_of_stranger(header, holder, request.method, request.uri, raw)
        if route.mode is not Mode.WRITE:
            value = await route.handler(context, *arguments)
            self._responses.seen(route, value.families if isinstance(value, Result) else (), request)
            return replies.of_value(route, value, context.path, query, translated.headers(context))

        async def work(unit: UnitOfWork) -> Response:
            inside = attrs.evolve(context, unit=unit, reader=unit.tx)
            value = await route.handler(inside, *arguments)
            await context.tell_acting(unit)
            return replies.of_value(route, value, context.path, query, translated.headers(context))

        async def alone() -> Response:
            return await keys.write(self._parts, key, context.now, work)

        sharing = self._sharing.get(route.name)
        reply = await (alone() if sharing is None else sharing.answer(context, context.body, key, alone))
        await failpoint("write.before_answer")
        return reply

    async def _guard(self, route: Route, context: RequestContext) -> None:
        """Count a body that could be a guess, or holds something, for its caller and for the address: there strangers and those who have signed in each have what they
        may do, so that nobody who has no account uses up what their neighbours have. Raises ``TooMany``."""
        if route.guarded is None:
            return
        at = bucket_of(context.address)
        counted_for = (
            [f"address:{at}"] if context.caller is None else [f"user:{context.caller.user_id}", f"people:{at}"]
        )
        counted: replies.Headers = ()
        for limit in route.guarded(context):
            for who in counted_for:
                headers, refusal = await self.limits.count(limit, who, "guesses")
                if refusal is not None:
                    raise refusal
            counted = beside(counted, headers)
        context.limited(counted)


def _segment(name: str, text: str) -> str:
    """A segment of a path; ids of ours in lower case, those of other systems as they are."""
    return text if name == "external_id" else readers.token(text)


def _tell_limit(request: Request, counted: replies.Headers, also: replies.Headers) -> None:
    request.more = beside(counted, also)
