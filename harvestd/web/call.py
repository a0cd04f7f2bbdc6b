"""What a handler is given, and what it may answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import attrs
import msgspec

from harvestd.market.errors import NotFound, Stale, Unauthenticated
from harvestd.parts import Parts
from harvestd.store.database import Reader, Transaction
from harvestd.web import effects
from harvestd.web.routes import Route

Item = TypeVar("Item")
Result = TypeVar("Result")


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page of a list; ``next`` is the cursor of the page after it, or None. The gate adds the ``Link`` header."""

    items: list[Item]
    next: str | None = None


@attrs.frozen
class Caller:
    """Who asks, as the access token says. ``session`` is the sign-in's family id."""

    user_id: str
    role: str
    session: str


@attrs.frozen
class Answer:
    """An answer with more to say than a value: ``value`` a Struct (JSON), bytes (with ``media_type``) or None.

    ``status`` None is the route's. ``version``, where set, goes into the strong ETag of a single thing, for ``If-Match``.
    ``families`` are what it was found to depend on, beside those that the route names, where it is cached.
    """

    value: Any = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"
    version: int | None = None
    families: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class Call:
    """One request after the gate.

    ``path`` has the decoded segments, ``address`` is the client's, proxies taken into account; ``if_match`` the version
    that ``If-Match`` names, as a number, or None (for ``*``); ``headers`` has lower-case names; ``routes`` is the whole
    table, for those that describe it.
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
    transaction: Transaction | None = None
    if_match: int | None = None
    routes: Sequence[Route] = ()

    @property
    def tx(self) -> Transaction:
        """The transaction of a ``Mode.WRITE`` route."""
        assert self.transaction is not None, f"{self.route.name} is not Mode.WRITE"
        return self.transaction

    @property
    def user(self) -> Caller:
        """The signed-in caller; raises ``Unauthenticated`` where the route allows anyone and nobody is."""
        if self.caller is None:
            raise Unauthenticated("sign in first")
        return self.caller

    async def write(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """A transaction of a ``Mode.OWN`` route: opened, run again if it must be, committed, its events told of."""
        return await effects.transact(self.parts, work)

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return self.parts.new_id()

    def id(self, name: str) -> str:
        """The UUID in the path under ``name``, in its usual form; raises ``NotFound`` for what is no UUID."""
        try:
            return str(UUID(self.path[name]))
        except ValueError as error:
            raise NotFound(f"there is nothing with the id {self.path[name][:64]!r}") from error

    def check_version(self, present: int) -> None:
        """Raise ``Stale`` if ``If-Match`` names another version than the present one."""
        if self.if_match is not None and self.if_match != present:
            raise Stale(f"If-Match names version {self.if_match}; it is at version {present} now")
