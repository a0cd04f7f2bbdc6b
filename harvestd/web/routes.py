"""What a route is. The rows stand in the screen of each subject (``market/*/subject.py``), the table, their sum, in
``tables.py``; the gate, OpenAPI, the metrics' labels and Klein
all read it."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache, cached_property
from typing import Any, Literal

import attrs
import msgspec

from harvestd.kernel.errors import FieldError
from harvestd.kernel.permissions import GRANTS, Permission

#: Bytes of the largest body, where a route does not say otherwise. What needs more has long texts, or hundreds of things.
BODY = 65_536
LONG_BODY = 4 * BODY


class Mode(enum.Enum):
    """Where a handler finds the database: ``READ`` ``request.reader`` (a replica may answer), ``FRESH`` ``request.reader`` on the
    primary, ``WRITE`` ``request.tx`` in a transaction that the gate opens, retries and commits, ``OWN`` whatever it
    opens itself."""

    READ = "read"
    FRESH = "fresh"
    WRITE = "write"
    OWN = "own"


@attrs.frozen
class Cached:
    """A public answer that the near cache may keep: ``families`` from the path and the decoded query.

    For a level of the cache that has to know all families beforehand, ``instead`` stands for those that the handler's answer
    names itself. ``max_age`` (seconds) is how long clients may keep it without asking. The handler of a cached route never
    sees a caller; with ``signed_in="own"``, for a route that shows some callers more, those who are signed in pass the cache by.
    ``private`` says which queries are for the caller alone: they pass it by, too, whoever asks.
    """

    families: Callable[[dict[str, str], Any], tuple[str, ...]]
    max_age: int = 0
    signed_in: Literal["shared", "own"] = "shared"
    instead: tuple[str, ...] = ()
    private: Callable[[Any], bool] = lambda query: False


def always(*families: str) -> Callable[[dict[str, str], Any], tuple[str, ...]]:
    """The families of an answer that are the same whatever is asked for."""
    return lambda path, query: families


@attrs.frozen
class Section:
    """A part of the contract: its name, what it is ``about``, and what the names in its bodies and answers mean (``words``)."""

    name: str
    about: str
    words: Mapping[str, str] = attrs.field(factory=dict, eq=False)


@attrs.frozen(kw_only=True)
class Route:
    """One row of the table.

    ``path`` has ``{name}`` segments. The handler is called with the :class:`~harvestd.web.context.Call`, then the decoded
    body if ``body`` is a type, then the decoded query if ``query`` is one; it answers a value (a msgspec Struct, encoded
    as JSON with ``status``), a :class:`~harvestd.web.context.Answer`, or None for 204.
    ``key`` is whether ``Idempotency-Key`` is honoured (``"optional"``) or needed (``"required"``); only in ``Mode.WRITE``.
    ``limit`` names the setting (``rate_default`` ...), or is ``none``, and with ``endpoint_class`` (the section's name, if empty) the
    bucket that the caller, or the address of one who is not signed in, has. A handler with a public answer that need not
    be private sets its own ``Cache-Control`` in :class:`~harvestd.web.context.Answer`.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Callable[..., Awaitable[Any]]
    #: What the caller must be allowed to do at all; None for anyone, signed in or not.
    permission: Permission | None
    summary: str
    section: Section
    mode: Mode
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    answer: Any = None
    #: (Call, fields by name) -> field errors: what the market has against the fields of a body of which others cannot be read.
    rules: Callable[[Any, Mapping[str, Any]], Iterable[FieldError]] | None = None
    status: int = 200
    key: Literal["no", "optional", "required"] = "no"
    if_match: bool = False
    cached: Cached | None = None
    limit: str = "rate_default"
    endpoint_class: str = ""
    errors: tuple[type[Exception], ...] = ()
    #: What the contract calls it (``placeOrder``), where that is not made of :attr:`name`.
    operation: str = ""
    #: More than ``summary`` says, in Markdown.
    description: str = ""
    #: A page for people, which is no part of the contract.
    page: bool = False
    #: Whether it is a page of HTML, too, for who does not ask for JSON.
    also_html: bool = False
    #: Whether it is about the cart, which guests have by a token.
    cart: bool = False
    #: Statuses with the same answer, where it says no by it.
    also: tuple[int, ...] = ()
    #: For the operator, by a token of the settings.
    operator: bool = False
    #: Largest body in bytes, as far as the setting of this name allows it.
    body_limit: int = BODY
    #: ``application/json`` unless the route serves something else.
    media_type: str = "application/json"
    #: Whether ``Authorization`` is looked at. Without, an expired token that a client sends along does no harm (sign-in).
    credentials: bool = True

    @property
    def tag(self) -> str:
        """OpenAPI's tag: the name of the section."""
        return self.section.name

    @property
    def operation_id(self) -> str:
        """Unique: the name of the function in a generated client."""
        first, *rest = self.name.split("_")
        return self.operation or first + "".join(word.capitalize() for word in rest)

    @property
    def roles(self) -> frozenset[str]:
        """Those that it is for; none where it is for anyone."""
        return frozenset() if self.permission is None else GRANTS[self.permission].roles

    @cached_property
    def name(self) -> str:
        """Unique, e.g. ``post_api_orders``: Klein's endpoint, the metrics' label."""
        words = self.path.replace("{", "").replace("}", "").replace(".", "_").replace("-", "_").strip("/").split("/")
        return "_".join([self.method.lower(), *[w for w in words if w]])


def is_path_of(route: Route, path: str) -> bool:
    """Whether a path is one of the route's."""
    own, given = route.path.split("/"), path.split("/")
    return len(own) == len(given) and all(a == b or (a[:1] == "{" and b) for a, b in zip(own, given, strict=True))


@cache
def may_be_empty(body: type[msgspec.Struct]) -> bool:
    """Whether a body of this type may be left out, since it has no field that must be there."""
    return not any(field.required for field in msgspec.structs.fields(body))
