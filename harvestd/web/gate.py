"""The middleware around every route: authentication, authorization, rate limit, decoding; then the handler; then its response.

A handler gets typed values and a :class:`~harvestd.web.context.RequestContext`, and runs to completion even if the client
disconnects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchPath

from harvestd.interfaces import Entry
from harvestd.kernel import readers
from harvestd.kernel.errors import Invalid, MarketError, NotFound, Overloaded, TooMany, Unavailable
from harvestd.kernel.sentences import worded
from harvestd.parts import Parts
from harvestd.runtime import descriptors
from harvestd.runtime.failpoints import failpoint
from harvestd.runtime.lifecycle import shield
from harvestd.runtime.tracing import asked_by, tracing
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import authentication as credentials
from harvestd.web import bodies, bodiless, conditional, queries, replies, sound
from harvestd.web import http_caching as freshness
from harvestd.web import idempotency as keys
from harvestd.web import validation as fields
from harvestd.web.claims import Claims
from harvestd.web.context import Caller, RequestContext, Result
from harvestd.web.headers import Cookies, RequestHeaders, is_coded
from harvestd.web.http.client_address import bucket_of
from harvestd.web.http.pieces import PIECE
from harvestd.web.http.request import Request
from harvestd.web.problems import Refusal
from harvestd.web.rate_limits import Limited, Limits, at_once_headers, beside
from harvestd.web.replies import Response
from harvestd.web.routes import Mode, Route, is_path_of, may_be_empty
from harvestd.web.uploads import Uploads

_NO_VERSION = 'the header If-Match is missing; read it first, and send its ETag, or its version as "v<version>" (of version 7, "v7")'
#: Maximum characters of an unknown method repeated in a message.
MAX_NAME = 20
#: The tag of the routes with a lower limit of concurrent requests per address.
SEARCHES = "search"
#: Methods with which a browser requests pages.
READING = (b"GET", b"HEAD")
log = Logger()


class Gate:
    """``working`` counts the requests in progress, including those whose clients disconnected."""

    def __init__(self, parts: Parts, routes: Sequence[Route]) -> None:
        self._parts = parts
        self._routes = routes
        self._pages = {route.path.encode() for route in routes if route.page or route.also_html}
        self.limits = Limits(parts.settings, parts.limiter)
        self._uploads = Uploads(parts.reactor, parts.settings.upload_max_bytes, parts.metrics.shortages)
        self.working = 0
        self._in_hand: Counter[str] = Counter()
        self._claims = Claims(parts.reactor.seconds)

    def endpoint(self, route: Route) -> Callable[..., Deferred[bytes]]:
        """The endpoint that Klein calls for a route: from the request and the path segments to the body."""

        name = route.name

        def serve(request: Request, **path: str) -> Deferred[bytes]:
            request.route_name = name
            return shield(self._serve(route, request, {name: readers.token(segment) for name, segment in path.items()}))

        return serve

    def unrouted(self, request: Any, failure: Any) -> Deferred[bytes]:
        """Called by Klein for a request without an endpoint, or when an endpoint failed."""
        return shield(self._unrouted(request, failure.value))

    async def _unrouted(self, request: Request, error: BaseException) -> bytes:
        try:
            await self._count_stray(request, "unmatched")
        except TooMany as too_many:
            return request.begin(self._refusal(too_many, request))
        if isinstance(error, MethodNotAllowed):
            return request.begin(self._other_method(request, error))
        if isinstance(error, NoSuchPath) and request.path.rstrip(b"/") in self._pages and request.method in READING:
            return request.begin(Response(308, ((b"Location", request.path.rstrip(b"/")),)))
        if isinstance(error, NoSuchPath):
            error = NotFound(self._nothing_at(request.instance))
        return request.begin(self._refusal(error, request))

    def _nothing_at(self, path: str) -> str:
        bare = path.rstrip("/")
        if bare != path and any(is_path_of(route, bare) for route in self._routes):
            return worded("there is nothing at this address; leave out the slash at its end: {address}", address=bare)
        return "there is nothing at this address"

    async def _count_stray(self, request: Request, endpoint: str) -> None:
        """Rate limit by address a request that no route's limit covers. Raises ``TooMany``."""
        request.more, too_many = await self.limits.spend_stray(request.address, endpoint)
        if too_many is not None:
            raise too_many

    def _other_method(self, request: Request, error: MethodNotAllowed) -> Response:
        allow = ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"}))
        if request.method == b"OPTIONS":
            cors = request.site.cors
            more = cors.preflight(request.text(b"origin"), allow) if cors is not None else ()
            return Response(204, ((b"Allow", allow.encode()), *more))
        method = request.method.decode("latin-1")[:MAX_NAME]
        detail = worded("{method} is not possible at this address; possible: {allow}", method=method, allow=allow)
        return self._refusal(Refusal("method-not-allowed", detail, headers=(("Allow", allow),)), request)

    async def _serve(self, route: Route, request: Request, path: dict[str, str]) -> bytes:
        who = bucket_of(request.address)
        counted = (who, SEARCHES + who) if route.tag == SEARCHES else (who,)
        self.working += 1
        in_hand = self._in_hand
        for key in counted:
            in_hand[key] = in_hand.get(key, 0) + 1
        self._parts.metrics.began()
        try:
            self._check_in_hand(who, route)
            with tracing(request.trace), asked_by(who, lambda: request.gone):
                reply = await self._pass(route, request, path)
        except Exception as error:
            reply = self._refusal(error, request)
        finally:
            self.working -= 1
            for key in counted:
                if in_hand[key] > 1:
                    in_hand[key] -= 1
                else:
                    del in_hand[key]
            self._parts.metrics.ended()
        return request.begin(reply)

    def _check_in_hand(self, who: str, route: Route) -> None:
        settings = self._parts.settings
        if not settings.rate_limits:
            return
        bounds = {"address_requests": (who, settings.requests_per_address)}
        if route.tag == SEARCHES:
            bounds["address_searches"] = (SEARCHES + who, settings.searches_per_address)
        for short, (key, most) in bounds.items():
            if self._in_hand[key] > most:
                self._parts.metrics.shortages.tell(short, who)
                detail = worded(
                    "{most} requests from your address are being answered; wait for some of the answers", most=most
                )
                raise Limited(detail, 1, at_once_headers(short, most))

    def _refusal(self, error: BaseException, request: Request) -> Response:
        if descriptors.spent_by(error):
            request.site.shortages.tell("descriptors")
            error = Overloaded("the server has no room for this at present; try again in a moment")
        if isinstance(error, Limited):
            request.more = error.headers
        if isinstance(error, Overloaded):
            pass
        elif isinstance(error, Unavailable):
            log.warn("{why}", why=error.detail, request_id=request.trace.request_id)
        elif not isinstance(error, (MarketError, Refusal)):
            request.site.log_unexpected(request, Failure(error))
        return request.refusal(error)

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
        credentials.admit(route, caller, refused)  # counted, too: what is refused may not be asked without end
        caller = None if refused is not None else caller
        decode = queries.decode if route.cached is None else queries.decode_public
        query = decode(request.query.decode("ascii"), route.query) if route.strict else None
        headers = RequestHeaders(request.requestHeaders)
        context = RequestContext(
            parts=parts, route=route, path=path, caller=caller, address=request.address, now=now, headers=headers,
            cookies=Cookies(headers), reader=parts.reads if route.mode is Mode.READ else parts.database,
            refused=refused, if_match=_if_match(route, headers), routes=self._routes, gone=lambda: request.gone,
            direct=lambda: request.direct, limited=partial(_tell_limit, request, request.more),
        )  # fmt: skip
        if spool is not None:
            reply = await self._take(route, context, request, spool)
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
            await self._count_stray(request, "tokens")
            raise

    async def _handle(
        self, route: Route, context: RequestContext, query: Any, request: Request, raw: bytes
    ) -> Response:
        shared = route.cached is not None and not route.cached.private(query)
        if shared and route.cached is not None and (context.caller is None or route.cached.signed_in == "shared"):
            return await self._cached(route, context, query, request)
        header = context.headers.get("idempotency-key")
        key = keys.key_of(route, header, context.caller, request.method, request.uri, raw)
        if route.body is None:
            bodiless.check(route, context.headers, raw)
        arguments = [] if route.body is None else [_body(route, context, raw)]
        if arguments:
            context = attrs.evolve(context, body=arguments[0])
        if route.query is not None:
            arguments.append(query)
        if route.mode is not Mode.WRITE:
            return replies.of_value(route, await route.handler(context, *arguments), context.path, query)

        async def work(unit: UnitOfWork) -> Response:
            inside = attrs.evolve(context, unit=unit, reader=unit.tx)
            value = await route.handler(inside, *arguments)
            await context.tell_acting(unit)
            return replies.of_value(route, value, context.path, query)

        reply = await keys.write(self._parts, key, context.now, work)
        await failpoint("write.before_answer")
        return reply

    async def _take(self, route: Route, context: RequestContext, request: Request, spool: Any) -> Response:
        """Handle a request with a file."""
        wanted, rules = route.body, route.rules
        assert wanted is not None
        upload, given = await self._uploads.taken(spool, context.headers, wanted)
        try:
            spool.close()  # its room is another's now
            faults = upload.faults
            more = None if rules is None else partial(rules, context)
            body = sound.convert(
                given, wanted, lambda readable: [*faults, *(more(readable) if more is not None else ())]
            )
            if faults:
                raise Invalid("some values are not acceptable", faults)
            value = await route.handler(attrs.evolve(context, body=body), body, upload)
            return replies.of_value(route, value, context.path, None)
        finally:
            upload.close()

    async def _cached(self, route: Route, context: RequestContext, query: Any, request: Request) -> Response:
        """Serve through the near cache, keyed by the canonical request: the path and the decoded query with defaults."""
        cached, cache = route.cached, self._parts.cache
        assert cached is not None
        names = "/".join(context.path.values())
        key = f"{request.route_name}/{names}?{'' if query is None else msgspec.json.encode(query).decode()}"
        known = request.text(b"if-none-match")  # the client may have a later version, from another process

        def outdated(entry: Entry) -> bool:
            return self._claims.believed(key) and conditional.behind(entry.etag, known)

        entry = cache.peek(key)
        if entry is not None and outdated(entry):
            entry = None
        lane = request.site.lane
        if lane is not None and context.caller is None and entry is not None and len(entry.body) <= PIECE:
            lane.learn(request.uri, route, key)  # only on a cache hit: an address requested once may never be again
        if entry is None:
            anonymous = attrs.evolve(context, caller=None, headers={}, cookies={}, address="")

            async def load() -> Entry:
                value = await route.handler(anonymous, *([] if query is None else [query]))
                reply = replies.of_value(route, value, context.path, query)
                return _entry(reply, value.families if isinstance(value, Result) else ())

            families = cached.families(context.path, query)
            entry = await cache.fetch(key, families, load, self._parts.settings.cache_ttl, cached.instead, outdated)
            if self._claims.believed(key) and conditional.behind(entry.etag, known):
                self._claims.disproved(key)
        age: replies.Headers = () if entry.age is None else ((b"Age", b"%d" % entry.age),)
        return Response(entry.status, (*entry.headers, (b"ETag", entry.etag.encode("ascii")), *age), entry.body)


def _tell_limit(request: Request, counted: replies.Headers, also: replies.Headers) -> None:
    request.more = beside(counted, also)


def _body(route: Route, context: RequestContext, raw: bytes) -> Any:
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
    return sound.convert(bodies.decode(raw), route.body, None if rules is None else partial(rules, context))


def _if_match(route: Route, headers: Mapping[str, str]) -> int | None:
    """One that is sent without a version is not as none: its sender wants no change of whatever is there."""
    given = headers.get("if-match")
    if not given and route.if_match:
        raise Refusal("if-match", _NO_VERSION)
    if given is None or not (route.if_match or route.may_match):
        return None
    return conditional.version_named(given)


def _entry(reply: Response, families: tuple[str, ...]) -> Entry:
    tag = reply.header(b"ETag") or conditional.etag(reply.body).encode("ascii")
    headers = tuple(pair for pair in reply.headers if pair[0] != b"ETag")
    return Entry(reply.body, tag.decode("ascii"), headers, reply.status, families)
