"""What a handler is given, and what it may answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import attrs
import msgspec

from harvestd.kernel import languages, readers
from harvestd.kernel.errors import NotFound, Stale, Unauthenticated
from harvestd.kernel.sentences import worded
from harvestd.parts import Parts
from harvestd.store.postgres.database import Reader, Transaction
from harvestd.unit_of_work import UnitOfWork, change
from harvestd.web.routes import Route

#: To whoever has to sign in, and did not.
SIGN_IN = "sign in: POST /api/auth/login, and send its access_token as Authorization: Bearer <token>"
Item = TypeVar("Item")
Value = TypeVar("Value")


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page of a list; ``next`` is the cursor of the page after it, null on the last, and the header ``Link`` names that page."""

    items: list[Item]
    next: str | None = None


class CountedPage(Page[Item], Generic[Item], frozen=True):
    """A page of a list; ``total`` is how many there are on all pages, where ``count`` asked for it, and stops at 10,000."""

    total: int | None = None


class UnreadPage(CountedPage[Item], Generic[Item], frozen=True):
    """A page of a list; ``total`` and ``unread`` are how many there are, and how many of them are unread, on all pages. Both stop at 10,000."""

    unread: int = 0


@attrs.frozen
class Caller:
    """Who asks: ``role`` is the account's of now, whatever the access token says. ``session`` is the sign-in's id."""

    user_id: str
    role: str
    session: str


@attrs.frozen
class Result:
    """An answer with more to say than a value: ``value`` a Struct (JSON), bytes (with ``media_type``) or None.

    ``status`` None is the route's. ``version``, where set, goes into the strong ETag: of a single thing, for ``If-Match``, or of
    a list, to tell which of two answers is the later one.
    ``families`` are what it was found to depend on, beside those that the route names, where it is cached.
    """

    value: Any = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"
    version: int | None = None
    families: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class RequestContext:
    """One request after the gate.

    ``path`` has the decoded segments, ids among them in small letters, ``address`` is the client's, proxies taken into account, and
    ``direct()`` whether there is none; ``if_match`` the version
    that ``If-Match`` names, as a number, or None (for ``*``); ``headers`` has lower-case names; ``routes`` is the whole
    table, for those that describe it. ``gone()`` is whether the client hung up, so that nobody waits for the answer.
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
    if_match: int | None = None
    routes: Sequence[Route] = ()
    gone: Callable[[], bool] = lambda: False
    direct: Callable[[], bool] = lambda: False

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
        """The signed-in caller; raises ``Unauthenticated`` where the route allows anyone and nobody is."""
        if self.caller is None:
            raise Unauthenticated(SIGN_IN)
        return self.caller

    @property
    def language(self) -> str:
        """Which of the market's languages the client gets."""
        accepted = self.headers.get("accept-language", "")
        return languages.choose(accepted, languages.spoken(self.parts.settings.market_languages))

    async def write(self, work: Callable[[UnitOfWork], Awaitable[Value]]) -> Value:
        """A unit of work of a ``Mode.OWN`` route: opened, run again if it must be, committed, its events told of."""
        return await change(self.parts, work, now=self.now)

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return self.parts.new_id()

    def id(self, name: str) -> str:
        """The id in the path under ``name``; raises ``NotFound`` for what is none."""
        found = readers.id_or_none(self.path[name])
        if found is None:
            raise NotFound(worded("there is nothing with the id {id}", id=repr(self.path[name][:64])))
        return found

    def check_version(self, present: int) -> None:
        """Raise ``Stale`` if ``If-Match`` names another version than the present one."""
        if self.if_match is not None and self.if_match != present:
            raise Stale(
                worded(
                    "it has changed from version {yours} to version {present}; read it again, apply your change to that, and send "
                    'If-Match: "v{present}"',
                    yours=self.if_match,
                    present=present,
                )
            )
