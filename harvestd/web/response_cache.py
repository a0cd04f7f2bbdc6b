"""Public responses from the near cache, and which of them the fast path may answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from harvestd.interfaces import Coded, Entry
from harvestd.kernel.errors import NotFound
from harvestd.parts import Parts
from harvestd.store.cache.entries import ABSENT
from harvestd.web import conditional, replies, translated
from harvestd.web.claims import Claims
from harvestd.web.codings import Codings
from harvestd.web.context import RequestContext, Result
from harvestd.web.http.pieces import PIECE
from harvestd.web.http.request import Request
from harvestd.web.market_day import left_of
from harvestd.web.replies import Response
from harvestd.web.routes import Route


class ResponseCache:
    """The responses of routes that declare how they are ``cached``."""

    def __init__(self, parts: Parts, codings: Codings) -> None:
        self._cache = parts.cache
        self._settings, self._now, self._views = parts.settings, parts.now, parts.views
        self._several = len(translated.languages_of(parts.settings)) > 1
        self._claims = Claims(parts.reactor.seconds)
        self._codings = codings

    async def answer(self, route: Route, context: RequestContext, query: Any, request: Request) -> Response:
        """Serve through the near cache, keyed by the canonical request: the path and the decoded query with defaults; in a market of several languages by
        that of an answer that is spoken; and by whom it is for, where that makes a difference: what some may not see is in no entry of theirs."""
        cache = self._cache
        names = "/".join(context.path.values())
        key = f"{request.route_name}/{names}?{'' if query is None else msgspec.json.encode(query).decode()}"
        address, spoken = key, route.spoken and self._several
        if spoken:
            key += f"#{context.language}"
        assert route.cached is not None
        audience = None if route.cached.audience is None else await route.cached.audience(context)
        if audience is not None and audience.key:
            key += f"@{audience.key}"
        known = request.text(b"if-none-match")  # the client may have a later version, from another process
        entry = cache.peek(key)
        if entry is not None and self._outdated(entry, key, known):
            entry = None
        lane, fresh = request.site.lane, entry is None
        if entry is None:
            entry = await self._load(route, attrs.evolve(context, audience=audience), query, key, known)
        seen = route.noted is not None and route.noted(context, query, entry.body)
        self.seen(route, entry.families, request)
        if entry.status == ABSENT:
            raise NotFound(entry.body.decode())
        known_to_all = context.caller is None and not seen
        if lane is not None and not fresh and known_to_all and entry.status == 200 and len(entry.body) <= PIECE:
            lane.learn(
                request.uri, route, address, spoken
            )  # only on a cache hit: an address requested once may never be again
        reply = of_entry(entry, self._codings.of(key, entry, request.text(b"accept-encoding")))
        age: replies.Headers = () if entry.age is None else ((b"Age", b"%d" % entry.age),)
        return attrs.evolve(reply, headers=reply.headers + age)

    async def _load(self, route: Route, context: RequestContext, query: Any, key: str, known: str) -> Entry:
        cached = route.cached
        assert cached is not None
        headers = {"accept-language": context.language} if route.spoken else {}
        anonymous = attrs.evolve(context, caller=None, headers=headers, cookies={}, address="")

        async def load() -> Entry:
            try:
                value = await route.handler(anonymous, *([] if query is None else [query]))
            except NotFound as missing:
                if cached.absent is None:
                    raise
                return Entry(missing.detail.encode(), "", status=ABSENT, families=cached.absent)
            reply = replies.of_value(route, value, context.path, query, translated.headers(context))
            return self._as_before(_entry(reply, value if isinstance(value, Result) else Result()), key, known)

        def outdated(entry: Entry) -> bool:
            return self._outdated(entry, key, known)

        families = cached.families(context.path, query)
        ttl = min(self._settings.cache_ttl, left_of(self._settings, self._now()))
        entry = await self._cache.fetch(key, families, load, ttl, cached.instead, outdated)
        if outdated(entry):
            self._claims.disproved(key)
        return entry

    def seen(self, route: Route, families: Sequence[str], request: Request) -> None:
        """Count the view of an answer, unless nobody looks at it yet."""
        if route.viewed and families and self._views is not None and request.method == b"GET":
            if not request.text(b"sec-purpose"):
                self._views.note(families[0], request.text(b"user-agent"))

    def _as_before(self, entry: Entry, key: str, known: str) -> Entry:
        """The entry with the tag that its content had here before, and its compressed variants. A listing's version grows with everything that happens in the market: a new one for
        the same content would say that something happened to what is not shown (a draft, what is for a group). A client that has seen a later version
        of another content is told the new one."""
        before = self._cache.last(key)
        if (
            before is None
            or conditional.unchanged(before.etag, entry.etag) is None
            or self._outdated(before, key, known)
        ):
            return entry
        return attrs.evolve(entry, etag=before.etag, codings=before.codings)

    def _outdated(self, entry: Entry, key: str, known: str) -> bool:
        return self._claims.believed(key) and conditional.behind(entry.etag, known)


def of_entry(entry: Entry, coded: Coded | None) -> Response:
    """The response of an entry, or of its variant."""
    if coded is None:
        tag: replies.Headers = ((b"ETag", entry.etag.encode("ascii")),) if entry.status == 200 else ()
        return Response(entry.status, (*entry.headers, *tag), entry.body)
    headers = ((b"Content-Encoding", coded.coding.encode("ascii")), (b"ETag", coded.etag.encode("ascii")))
    return Response(entry.status, (*entry.headers, *headers), coded.body)


def _entry(reply: Response, result: Result) -> Entry:
    tag = reply.header(b"ETag") or conditional.etag(reply.body).encode("ascii")
    headers = tuple(pair for pair in reply.headers if pair[0] != b"ETag")
    return Entry(
        reply.body, tag.decode("ascii"), headers, reply.status, result.families, states=result.states, ended=result.ended
    )  # fmt: skip
