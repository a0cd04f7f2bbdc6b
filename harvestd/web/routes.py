"""The definition of a route. Each subject declares its rows (``market/*/subject.py``), ``tables.py`` sums them into the table; the
gate, OpenAPI, the metrics' labels and Klein all read it."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Literal, Protocol

import attrs
import msgspec

from harvestd.kernel.errors import FieldError
from harvestd.kernel.permissions import GRANTS, Permission
from harvestd.settings.table import Settings

#: Default body limit in bytes. Routes with a larger one take long texts, or hundreds of items.
BODY = 65_536
LONG_BODY = 4 * BODY
MANY_BODY = 16 * BODY


class Mode(enum.Enum):
    """How a handler accesses the database: ``READ`` by ``request.reader`` (possibly a replica), ``FRESH`` by ``request.reader`` on the
    primary, ``WRITE`` by ``request.tx`` in a transaction that the gate opens, retries and commits, ``OWN`` by transactions that
    it opens itself."""

    READ = "read"
    FRESH = "fresh"
    WRITE = "write"
    OWN = "own"


class Audience(Protocol):
    """Whom an answer is for, as far as it depends on that."""

    @property
    def key(self) -> str:
        """What tells it from answers for others; empty for everybody."""


@attrs.frozen
class Cached:
    """A public response that the near cache may keep: ``families`` from the path and the decoded query.

    For a cache level that must know all families beforehand, ``instead`` replaces those that only the handler's result names.
    ``max_age`` (seconds) is how long clients may reuse it without revalidation. The handler of a cached route never sees a
    caller; with ``signed_in="own"``, for a route that shows some callers more, signed-in callers bypass the cache.
    ``absent``, if given, are the families that an absence (``NotFound``) depends on besides, so that it is kept for a few seconds, too.
    ``private`` tells which queries are for the caller alone: these bypass it for everyone.
    """

    families: Callable[[dict[str, str], Any], tuple[str, ...]]
    max_age: int = 0
    signed_in: Literal["shared", "own"] = "shared"
    instead: tuple[str, ...] = ()
    absent: tuple[str, ...] | None = None
    #: What of the caller the answer depends on: part of its key, and all that the handler is told of them. Without it everybody gets the same.
    audience: Callable[[Any], Awaitable[Audience]] | None = None
    private: Callable[[Any], bool] = lambda query: False


def always(*families: str) -> Callable[[dict[str, str], Any], tuple[str, ...]]:
    """Constant families, independent of path and query."""
    return lambda path, query: families


@attrs.frozen
class Section:
    """A section of the contract: its name, its description (``about``), and the glossary of its bodies and responses (``words``)."""

    name: str
    about: str
    words: Mapping[str, str] = attrs.field(factory=dict, eq=False)


@attrs.frozen(kw_only=True)
class Strangers:
    """What a route with a permission is to somebody without an account.

    ``let_in`` is whether they may ask, by the settings and the query as it was sent, and ``who`` says it; ``limit`` is the setting of their limit, if it
    is another, and ``cart`` whether it is about their cart. With ``holder``, their ``Idempotency-Key`` is honoured: called as the handler is, it returns what nobody else can send, to which their keys
    belong."""

    let_in: Callable[[Settings, str], bool]
    who: str
    limit: str = ""
    holder: Callable[..., str] | None = None
    cart: bool = False


@attrs.frozen(kw_only=True)
class Shared:
    """Which requests of a ``Mode.WRITE`` route, one without a query, may share a transaction with others that wait at the same time.

    ``suits`` is called as the handler is, before any transaction. ``work`` is called with the unit of work and, for each request in the order of arrival, its
    context and its body, and returns for each what the handler would: its result, or the refusal that it would raise, which is no other's; or None for one that turns out to need a transaction of its own. It writes nothing
    for these and for those that it refuses, and raises whatever concerns them all: then each has a transaction of its own."""

    suits: Callable[[Any, Any], Awaitable[bool]]
    work: Callable[[Any, Sequence[tuple[Any, Any]]], Awaitable[Sequence[Any]]]


@attrs.frozen(kw_only=True)
class Route:
    """One row of the table.

    ``path`` has ``{name}`` segments. The handler is called with the :class:`~harvestd.web.context.RequestContext`, then the decoded
    body if ``body`` is a type, then the decoded query if ``query`` is one; it returns a value (a msgspec Struct, encoded
    as JSON with ``status``), a :class:`~harvestd.web.context.Result`, or None for 204.
    ``key`` is whether ``Idempotency-Key`` is honoured (``"optional"``) or required (``"required"``); only in ``Mode.WRITE``, of a handler that works ``by_row`` and keeps the answers
    of its transactions under ``request.key``, or of a file whose handler returns a ``Then``.
    ``limit`` names the setting (``rate_default`` ...), or is ``none``; with ``endpoint_class`` (the section's name, if empty) it
    selects the bucket of the caller, or of the address if not signed in. A handler whose response may be stored (``stored``)
    sets its own ``Cache-Control`` in :class:`~harvestd.web.context.Result`.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Callable[..., Awaitable[Any]]
    #: The permission that the caller's role needs; None for anyone, signed in or not.
    permission: Permission | None
    summary: str
    section: Section
    mode: Mode
    #: On a route with a permission, what it is to those who have no account.
    strangers: Strangers | None = None
    #: On a route for anyone, the scope with which an API key is its owner here; without it, it is nobody.
    scope: Permission | None = None
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    #: Whether parameters that it does not know are ignored: for an address that others make.
    lenient: bool = False
    answer: Any = None
    #: (RequestContext, fields by name) -> field errors: business rules for the readable fields of a body whose others are invalid.
    rules: Callable[[Any, Mapping[str, Any]], Iterable[FieldError]] | None = None
    status: int = 200
    #: Whether it may also be 202, without a body: the rest is told by mail.
    accepted: bool = False
    #: Whether a former address is answered with 301 and the present one.
    moves: bool = False
    key: Literal["no", "optional", "required"] = "no"
    if_match: bool = False
    #: Whether ``If-Match`` is only checked if it is sent.
    may_match: bool = False
    cached: Cached | None = None
    #: Of a cached route, called with each answer's body, cached or not, and whom it is for. True: the next such answer is to be seen, too,
    #: so that the fast path may not give it.
    noted: Callable[[Any, Any, bytes], bool] | None = None
    #: Whether each answer, cached or not, is a view of what its result's first family names (``product:<id>``), which is counted.
    viewed: bool = False
    limit: str = "rate_default"
    endpoint_class: str = ""
    #: Which of its requests may share a transaction (``sharing.py``).
    shared: Shared | None = None
    #: RequestContext -> the settings of further limits, for some bodies: these are counted before any transaction, for the caller and for the address, by one
    #: quota for all routes that have the limit.
    guarded: Callable[[Any], Collection[str]] | None = None
    errors: tuple[type[Exception], ...] = ()
    #: OpenAPI's operationId (``placeOrder``), if not derived from :attr:`name`.
    operation: str = ""
    #: Details beyond ``summary``, in Markdown.
    description: str = ""
    #: An HTML page, not part of the contract.
    page: bool = False
    #: Whether it also serves HTML, by content negotiation, to clients that do not ask for JSON.
    also_html: bool = False
    #: Whether its answer sets or deletes a cookie of the browser's, other than that of its cart.
    cookie: bool = False
    #: Whether it is about the cart, which guests own by a token.
    cart: bool = False
    #: Error statuses with the same response body.
    also: tuple[int, ...] = ()
    #: Whether it is open to an account that needs a second factor and has none.
    without_factor: bool = False
    #: For the operator, authenticated by a token from the settings.
    operator: bool = False
    #: Whether its handler lets caches store the answer, by a ``Cache-Control`` of its own.
    stored: bool = False
    #: Whether its answer is in one of the caller's languages, and says so.
    spoken: bool = False
    #: Body limit in bytes, capped by the setting of this name.
    body_limit: int = BODY
    #: The list of its body whose elements its handler converts itself, each with its own outcome: they come as JSON has them.
    by_row: str = ""
    #: Whether it takes a file, as multipart/form-data or as base64 in JSON (``uploads.py``): the body is never in memory, and bounded by
    #: ``upload_max_bytes``. The handler gets the :class:`~harvestd.web.uploads.Upload` after the body, whose ``content`` is then empty.
    upload: bool = False
    #: With ``upload``, media types of bodies that are the file itself; its other values are then in the query.
    files: tuple[str, ...] = ()
    #: ``application/json`` unless the route serves something else.
    media_type: str = "application/json"
    #: All that its answer may be, if that is several; the handler's result then names its own.
    media_types: tuple[str, ...] = ()
    #: Whether its answer is a file to keep, with a name (``Content-Disposition``).
    download: bool = False
    #: Whether ``Authorization`` is read. If not, an expired token sent along does no harm (sign-in).
    credentials: bool = True

    @property
    def strict(self) -> bool:
        """Whether its query string is read, so that a parameter that it does not know is refused (unless it is ``lenient``)."""
        return self.query is not None or self.path.startswith("/api/")

    @property
    def tag(self) -> str:
        """OpenAPI's tag: the name of the section."""
        return self.section.name

    @property
    def operation_id(self) -> str:
        """The unique name of the function in a generated client."""
        first, *rest = self.name.split("_")
        return self.operation or first + "".join(word.capitalize() for word in rest)

    @property
    def roles(self) -> frozenset[str]:
        """The roles allowed; empty if anyone is."""
        return frozenset() if self.permission is None else GRANTS[self.permission].roles

    @cached_property
    def name(self) -> str:
        """Unique, e.g. ``post_api_orders``: Klein's endpoint, the metrics' label."""
        words = self.path.replace("{", "").replace("}", "").replace(".", "_").replace("-", "_").strip("/").split("/")
        return "_".join([self.method.lower(), *[w for w in words if w]])


def is_path_of(route: Route, path: str) -> bool:
    """Whether ``path`` matches the route."""
    own, given = route.path.split("/"), path.split("/")
    return len(own) == len(given) and all(a == b or (a[:1] == "{" and b) for a, b in zip(own, given, strict=True))


@cache
def may_be_empty(body: type[msgspec.Struct]) -> bool:
    """Whether a body of this type may be omitted, because it has no required field."""
    return not any(field.required for field in msgspec.structs.fields(body))
