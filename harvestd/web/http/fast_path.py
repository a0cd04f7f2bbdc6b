"""The fast path: a cached anonymous GET is answered from the near cache before a Request is built.

The gate fills it: after the regular path served an address anonymously from the cache, the lane learns which entry that was. It
takes a request only if it arrived complete, in one segment and unambiguous; everything else takes the regular path. So it
decides nothing itself: neither what an address means nor who may read it. The setting ``short_way`` turns it off.
"""

from __future__ import annotations

import re
import weakref
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from harvestd.interfaces import Coded, Entry, ICache, IViews
from harvestd.kernel.languages import choose
from harvestd.web.codings import Codings
from harvestd.web.conditional import behind, unchanged
from harvestd.web.http import framing
from harvestd.web.http.pieces import PIECE
from harvestd.web.http_caching import settled
from harvestd.web.problems import Refusal
from harvestd.web.rate_limits import Headers, Limits
from harvestd.web.replies import opening, rest_of
from harvestd.web.response_cache import of_entry
from harvestd.web.routes import Route
from harvestd.web.tracing import REQUEST_ID

if TYPE_CHECKING:
    from harvestd.web.http.channel import Channel

#: Maximum number of learned addresses, and of hosts; the oldest addresses are evicted first.
MAX = 4096
#: Bytes: longer addresses are not learned.
LONGEST = 2000
#: One complete request: its target and its header lines. Valid requests that do not match take the regular path.
_WHOLE = re.compile(
    rb"GET (/[\x21-\x7e]{0,2000}) HTTP/1\.1\r\n((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}:[\t\x20-\x7e]{0,1000}\r\n){1,50})\r\n"
)
#: The headers that affect an anonymous GET: those the lane handles, and those (``_BEYOND``) that need the regular path.
_UNDERSTOOD = frozenset(
    {
        b"host",
        b"connection",
        b"if-none-match",
        b"x-request-id",
        b"x-forwarded-for",
        b"accept-encoding",
        b"accept-language",
        b"user-agent",
    }
)
SESSION = b"harvest_session="
_BEYOND = frozenset(
    {
        b"authorization",
        b"origin",
        b"content-length",
        b"transfer-encoding",
        b"content-type",
        b"idempotency-key",
        b"x-cart-token",
        b"expect",
        b"upgrade",
        b"http2-settings",
        b"te",
        b"trailer",
        b"sec-purpose",
    }
)


class _Way:
    """A learned address: its route and cache key, the same in each language if it is ``spoken``, and the prebuilt heads of the 200 and the 304 for the
    current entry, by coding."""

    __slots__ = ("_heads", "entry", "key", "path", "route", "spoken")

    def __init__(self, target: bytes, route: Route, key: str, spoken: bool) -> None:
        self.route, self.key = route, key
        self.spoken: dict[str, _Way] | None = {} if spoken else None
        self.path = target.partition(b"?")[0].decode("ascii")
        self.entry: Any = lambda: None
        self._heads: dict[str, tuple[bytes, bytes]] = {}

    def of(self, language: str) -> _Way:
        """The way of this address in a language."""
        assert self.spoken is not None
        found = self.spoken.get(language)
        if found is None:
            found = self.spoken[language] = _Way(self.path.encode("ascii"), self.route, f"{self.key}#{language}", False)
        return found

    def heads(self, entry: Entry, coded: Coded | None) -> tuple[bytes, bytes]:
        """The constant part of the heads of the 200 and the 304."""
        if self.entry() is not entry:
            self._heads.clear()
            self.entry = weakref.ref(entry)
        coding = "" if coded is None else coded.coding
        found = self._heads.get(coding)
        if found is None:
            reply = of_entry(entry, coded)
            tag = entry.etag if coded is None else coded.etag
            whole, same = (settled(self.route, None, known, reply) for known in ("", tag))
            found = self._heads[coding] = rest_of(whole), rest_of(same)
        return found


class Lane:
    """The fast path of one Site. ``site`` counts and logs these responses like all others."""

    def __init__(self, site: Any, cache: ICache, limits: Limits, codings: Codings, views: IViews | None = None) -> None:
        self._site = site
        self._cache = cache
        self._limits = limits
        self._codings = codings
        self._views = views
        self._language = lru_cache(MAX)(partial(choose, offered=site.languages))
        self._vary = site.cors.vary if site.cors is not None else ()
        self._ways: dict[bytes, _Way] = {}
        self._hosts: set[bytes] = set()

    def learn(self, target: bytes, route: Route, key: str, spoken: bool = False) -> None:
        """Remember that ``target``, as requested, is served to anyone from the cache entry ``key``, of their language if it is ``spoken``."""
        if target not in self._ways and len(target) <= LONGEST:
            if len(self._ways) >= MAX:
                del self._ways[next(iter(self._ways))]
            self._ways[target] = _Way(target, route, key, spoken)

    def answer(self, channel: Channel, data: bytes) -> bool:
        """Answer ``data`` and return True if it is a request for a learned, cached address; otherwise no side effect."""
        whole = _WHOLE.fullmatch(data)
        way = self._ways.get(whole[1]) if whole is not None else None
        if whole is None or way is None:
            return False
        given = _given(whole[2])
        if given is None or not self._sound(given) or len(data) > self._site.settings.header_limit:
            return False
        if way.spoken is not None:
            way = way.of(self._language(given.get(b"accept-language", b"").decode("latin-1")))
        started = self._site.reactor.seconds()
        entry = self._cache.peek(way.key)
        if (
            entry is None
            or entry.status != 200
            or len(entry.body) > PIECE
            or (b"if-none-match" in given and behind(entry.etag, given[b"if-none-match"].decode("latin-1")))
        ):
            return False
        forwarded = given.get(b"x-forwarded-for")
        address = self._site.proxies.client(channel.host, [forwarded.decode("latin-1")] if forwarded else [])
        more = self._limits.at_once(way.route, address)
        if more is None:
            return False
        self._send(channel, way, entry, given, more, started, address)
        return True

    def _sound(self, given: dict[bytes, bytes]) -> bool:
        """Whether the connection is kept alive, and its Host is accepted."""
        if self._site.draining or given.get(b"connection", b"keep-alive").lower() != b"keep-alive":
            return False
        host = given.get(b"host", b"")
        if host in self._hosts:
            return True
        try:
            framing.check_hosts([host], self._site.answers_to)
        except Refusal:
            return False
        if len(self._hosts) < MAX:
            self._hosts.add(host)
        return True

    def _send(
        self, channel: Channel, way: _Way, entry: Entry, given: dict[bytes, bytes], more: Headers, started: float, address: str
    ) -> None:  # fmt: skip
        taken = given.get(b"accept-encoding")
        coded = None if taken is None else self._codings.of(way.key, entry, taken.decode("latin-1"))
        whole, same = way.heads(entry, coded)
        etag, body = (entry.etag, entry.body) if coded is None else (coded.etag, coded.body)
        asked = given.get(b"x-request-id", b"").decode("latin-1")
        request_id = asked if REQUEST_ID.match(asked) else self._site.new_id()
        tag = given.get(b"if-none-match")
        known = None if tag is None else unchanged(tag.decode("latin-1"), etag)
        status, rest = entry.status, whole
        if known is not None:
            rest = same if known == etag else same.replace(etag.encode(), known.encode("latin-1"), 1)
            status, body = 304, b""
        head = opening(status, self._site.date(), request_id, more + self._vary)
        if way.route.viewed and self._views is not None and entry.families:
            self._views.note(entry.families[0], given.get(b"user-agent", b"").decode("latin-1"))
        channel.deliver(b"%b%b\r\n\r\n%b" % (head, rest, body), started)
        self._site.answered("GET", way.path, way.route.name, status, len(body), started, request_id, "", address)


def _given(lines: bytes) -> dict[bytes, bytes] | None:
    """The headers that matter, by lower-case name; None if one needs the regular path or is repeated."""
    given: dict[bytes, bytes] = {}
    for line in lines.split(b"\r\n"):
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"cookie" and SESSION in value:
            return None  # somebody signed in, perhaps
        if name in _UNDERSTOOD and name not in given:
            given[name] = value.strip(b" \t")
        elif name in _UNDERSTOOD or name in _BEYOND:
            return None
    return given
