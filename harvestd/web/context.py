"""The input of a handler, and its possible results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import attrs
import msgspec

from harvestd.kernel import languages, readers
from harvestd.kernel.errors import Forbidden, MarketError, NotFound, Stale, Unauthenticated
from harvestd.kernel.permissions import SCOPES, Permission, has_scope
from harvestd.kernel.sentences import worded
from harvestd.parts import Parts
from harvestd.runtime.tracing import Trace
from harvestd.store.postgres.statements import Reader
from harvestd.store.postgres.transactions import Transaction
from harvestd.unit_of_work import UnitOfWork, change
from harvestd.web.routes import Route

#: The message for a caller who is not signed in.
SIGN_IN = "sign in: POST /api/auth/login, and send its access_token as Authorization: Bearer <token>; or, in a browser, POST /api/auth/session"
Item = TypeVar("Item")
Value = TypeVar("Value")


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page of a list; ``next`` is the cursor of the next page, null on the last; the header ``Link`` has its address."""

    items: list[Item]
    next: str | None = None


class CountedPage(Page[Item], Generic[Item], frozen=True):
    """A page of a list; ``total`` is the number of items on all pages, if requested by ``count``, capped at 10,000."""

    total: int | None = None


class UnreadPage(CountedPage[Item], Generic[Item], frozen=True):
    """A page of a list; ``total`` and ``unread`` are the numbers of all and of unread items on all pages, both capped at 10,000."""

    unread: int = 0


@attrs.frozen
class Caller:
    """The caller: ``role`` is the account's current one, not the access token's. ``session`` is the sign-in's id, or the API key's, which
    has ``scopes``; ``by_cookie`` whether it is a browser's session; ``actor`` is the user who acts for this one, if somebody does; ``second_factor`` whether
    the account has one that counts."""

    user_id: str
    role: str
    session: str
    by_cookie: bool = False
    scopes: frozenset[Permission] | None = None
    actor: str = ""
    second_factor: bool = False

    def has_scope(self, permission: Permission) -> bool:
        """Whether this is no API key, or one with the scope; what its owner may do is decided by their roles."""
        return self.scopes is None or has_scope(self.scopes, permission)

    def require_scope(self, permission: Permission) -> None:
        """Raise :class:`Forbidden` for an API key without the scope."""
        if self.has_scope(permission):
            return
        if permission.value not in SCOPES:
            raise Forbidden("this is not possible with an API key; sign in")
        raise Forbidden(worded("this API key lacks the scope {scope}", scope=permission.value))


@attrs.frozen
class Result:
    """A handler's result with more than a value: ``value`` is a Struct (JSON), bytes or a ``FileBody`` (with ``media_type``), or None.

    ``status`` None means the route's. ``version``, if set, goes into the strong ETag: of a single resource, for ``If-Match``, or
    of a list, to tell which of two responses is the later one.
    ``families`` are further cache dependencies found while handling, in addition to those that the route names; ``states`` and ``ended`` as of an
    :class:`~harvestd.interfaces.Entry`.
    ``spoken`` is whether its texts, on a route that is spoken, are those of the language that is asked for; one that is not says itself what it is in, if
    anything.
    """

    value: Any = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"
    version: int | None = None
    families: tuple[str, ...] = ()
    spoken: bool = True
    states: tuple[tuple[str, str], ...] = ()
    ended: int | None = None


@attrs.frozen
class Then:
    """What a handler of a file has yet to do, in a unit of work: ``work`` returns its value, which the request's ``Idempotency-Key`` keeps
    with the effect. What went before (keeping the file) may be done again, and is swept."""

    work: Callable[[UnitOfWork], Awaitable[Any]]


@attrs.frozen
class ActedFor:
    """A request whose caller acts for somebody else changes something."""

    request: RequestContext


@attrs.frozen(eq=False)
class RequestContext:
    """One request after the gate.

    ``now`` is the moment of it by the market's clock; ``path`` has the decoded segments, with ids in lower case; ``address`` is the client's, proxies taken into account, and
    ``direct()`` is whether there is no proxy; ``if_match`` is the version number that ``If-Match`` names, or None (for ``*``);
    ``headers`` has lower-case names; ``body`` is the decoded body; ``routes`` is the whole table, for handlers that describe it. ``gone()`` is whether the
    client disconnected, so that nobody waits for the response. ``refused`` is why a caller with credentials counts as nobody here.
    ``limited(headers)`` adds those of a limit that a handler counted to the response's.
    """

    parts: Parts
    route: Route
    path: dict[str, str]
    caller: Caller | None
    address: str
    now: datetime
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    reader: Reader
    unit: UnitOfWork | None = None
    refused: MarketError | None = None
    if_match: int | None = None
    routes: Sequence[Route] = ()
    body: Any = None
    #: Whom the answer is for, if that is kept for others like them (``Cached.audience``); there is no caller then.
    audience: Any = None
    #: Its idempotency key (``web/idempotency.py``), for the handler of a route ``by_row``.
    key: Any = None
    gone: Callable[[], bool] = lambda: False
    direct: Callable[[], bool] = lambda: False
    limited: Callable[[tuple[tuple[bytes, bytes], ...]], None] = lambda headers: None
    #: For what is recorded in a transaction that it shares: elsewhere its coroutine runs under it.
    trace: Trace = attrs.field(factory=Trace)

    @property
    def work(self) -> UnitOfWork:
        """The unit of work of a ``Mode.WRITE`` route."""
        assert self.unit is not None, f"{self.route.name} is not Mode.WRITE"
        return self.unit

    @property
    def tx(self) -> Transaction:
        """Its transaction."""
        return self.work.tx

    @property
    def user(self) -> Caller:
        """The signed-in caller; raises ``Unauthenticated`` if the route allows anonymous callers and this is one, or ``refused``."""
        if self.caller is None:
            raise self.refused or Unauthenticated(SIGN_IN)
        return self.caller

    @property
    def language(self) -> str:
        """The market language negotiated with the client."""
        accepted = self.headers.get("accept-language", "")
        return languages.choose(accepted, languages.spoken(self.parts.settings.market_languages))

    @property
    def language_asked(self) -> str | None:
        """The same, or None if the client asks for none."""
        return self.language if self.headers.get("accept-language") else None

    async def write(self, work: Callable[[UnitOfWork], Awaitable[Value]]) -> Value:
        """Run a unit of work of a ``Mode.OWN`` route: open it, retry if needed, commit, publish its events."""

        async def told(unit: UnitOfWork) -> Value:
            value = await work(unit)
            await self.tell_acting(unit)
            return value

        return await change(self.parts, told, now=self.now)

    async def tell_acting(self, unit: UnitOfWork) -> None:
        """At the end of a unit of work: tell if the caller acts for somebody else."""
        if self.caller is not None and self.caller.actor:
            await unit.tell(ActedFor(self))

    @property
    def machine_now(self) -> datetime:
        """``now`` by the machine's clock: for tokens, keys and all else that people's days have nothing to do with."""
        return self.now - self.parts.ahead()

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return self.parts.new_id()

    def id(self, name: str) -> str:
        """The id in the path segment ``name``; raises ``NotFound`` if it is not an id."""
        found = readers.id_or_none(self.path[name])
        if found is None:
            raise NotFound(worded("there is nothing with the id {id}", id=repr(self.path[name][:64])))
        return found

    def check_version(self, present: int) -> None:
        """Raise ``Stale`` if ``If-Match`` names a version other than the ``present`` one."""
        if self.if_match is not None and self.if_match != present:
            raise Stale(
                worded(
                    "it is version {present} by now, not {yours}; read it again, apply your change to that, and send "
                    'If-Match: "v{present}"',
                    yours=self.if_match,
                    present=present,
                )
            )
