"""What a handler is given, and what it may answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Mapping

import attrs

from harvestd.market.errors import Unauthenticated
from harvestd.parts import Parts
from harvestd.store.database import Reader, Transaction
from harvestd.web.routes import Route


@attrs.frozen
class Caller:
    """Who asks, as the access token says. ``session`` is the sign-in's family id."""

    user_id: str
    role: str
    session: str


@attrs.frozen
class Answer:
    """An answer with more to say than a value: ``value`` a Struct (JSON), bytes (with ``media_type``) or None.

    ``version``, where set, becomes the strong ETag of a single thing that ``If-Match`` can name.
    """

    value: Any = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"
    version: int | None = None


@attrs.frozen(eq=False)
class Call:
    """One request after the gate.

    ``address`` is the client's, proxies taken into account; ``if_match`` the version that ``If-Match`` names, as a
    number, or None; ``headers`` has lower-case names.
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

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return self.parts.new_id()
