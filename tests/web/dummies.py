"""Routes with nothing behind them, one for each thing that the platform does for a route."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import attrs
import msgspec
from msgspec import Meta

from harvestd.kernel.errors import FieldError, Forbidden, NotFound, OutOfStock, Unavailable
from harvestd.kernel.events import Event
from harvestd.kernel.permissions import Permission
from harvestd.market.operations.routes import SYSTEM
from harvestd.runtime.tracing import current_trace
from harvestd.store import outbox
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.web.context import Page, RequestContext, Result
from harvestd.web.routes import Cached, Mode, Route, Section

INSERT = Statement(
    "dummy_insert",
    """insert into categories (id, slug, name, created_at, updated_at) values (:id, :slug, :name, :now, :now)""",
    nothing,
)
COUNT = Statement("dummy_count", "select count(*) from categories", scalar)
SLOW = Statement("dummy_slow", "select pg_sleep(:seconds)", nothing)


class Line(msgspec.Struct, forbid_unknown_fields=True):
    product_id: str
    quantity: Decimal


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=40)]
    unit: Literal["kg", "each"] = "kg"
    count: Annotated[int, Meta(ge=1, le=100)] = 1
    lines: list[Line] = []
    at: datetime | None = None
    open: bool = True


class Note(msgspec.Struct, forbid_unknown_fields=True):
    note: str = ""


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: str | None = None
    in_stock: bool = False
    min_price: Decimal | None = None
    tag: list[str] = []


class Shown(msgspec.Struct):
    id: str
    name: str
    quantity: Decimal = Decimal("1.250")


@attrs.define
class Seen:
    """What the handlers were given, for tests to look at; ``loads`` counts runs of the cached handler."""

    calls: list[RequestContext] = attrs.field(factory=list)
    bodies: list[Any] = attrs.field(factory=list)
    loads: int = 0
    version: int = 1
    pause: Any = None
    waiting: Any = None
    trace: Any = None


seen = Seen()


async def echo(call: RequestContext, body: Any) -> Any:
    seen.calls.append(call)
    seen.bodies.append(body)
    return body


async def listing(call: RequestContext, query: Listing) -> Page[Shown]:
    seen.calls.append(call)
    seen.bodies.append(query)
    seen.trace = current_trace()
    return Page([Shown("1", "Leek")], "cursor" if query.after is None else None)


async def cached(call: RequestContext, query: Listing) -> Page[Shown]:
    seen.loads += 1
    seen.calls.append(call)
    return Page([Shown("1", f"Leek {seen.version}" + "!" * (1_000_000 if query.limit == 100 else 0))], None)


async def show(call: RequestContext) -> Result:
    if call.path["id"] == "gone":
        raise NotFound("no such thing")
    return Result(Shown(call.path["id"], "Leek"), version=seen.version)


async def change(call: RequestContext, body: Thing) -> Result:
    call.check_version(seen.version)
    seen.version += 1
    return Result(Shown(call.path["id"], body.name), version=seen.version)


async def create(call: RequestContext, body: Thing) -> Result:
    """Writes a row and an event, as a real one does."""
    new = call.new_id()
    await call.tx.run(INSERT, id=new, slug=f"{body.name}-{new}", name=body.name, now=call.now)
    event = Event("cache.invalidate", f"thing:{new}", 1, {"families": ["things"], "version": 1})
    outbox.record(call.tx, [event], call.parts.topology, call.new_id, call.now)
    if seen.pause is not None:
        await call.tx.rows(SLOW, seconds=seen.pause)
    return Result(Shown(new, body.name), 201, (("Location", f"/api/things/{new}"),), version=1)


async def nothing_left(call: RequestContext) -> None:
    raise OutOfStock(
        "1 line",
        (
            FieldError(
                "lines[0].quantity",
                "1.250 left",
                Decimal("1.25"),
                code="out-of-stock",
                params={"available": "1.250", "unit": "kg"},
            ),
        ),
    )


async def crash(call: RequestContext) -> None:
    raise RuntimeError("the secret is hunter2")


async def away(call: RequestContext) -> None:
    raise Unavailable("PostgreSQL is out of reach", 3.0)


async def forbidden(call: RequestContext) -> None:
    raise Forbidden("not you")


async def wait(call: RequestContext) -> None:
    await seen.waiting
    seen.waiting = None


async def empty(call: RequestContext) -> None:
    seen.calls.append(call)


def _families(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return ("things",)


def _route(
    method: Any, path: str, handler: Any, permission: Permission | None = None, mode: Mode = Mode.OWN, **more: Any
) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        permission=permission,
        mode=mode,
        summary="A dummy.",
        section=Section("things", "Things."),
        **more,
    )


ROUTES: tuple[Route, ...] = (
    _route("POST", "/api/echo", echo, body=Thing, answer=Thing),
    _route("POST", "/api/note", echo, body=Note, answer=Note),
    _route("POST", "/api/small", echo, body=Thing, body_limit=2000),
    _route("POST", "/api/big", echo, body=Thing, body_limit=300_000),
    _route("GET", "/api/list", listing, query=Listing, answer=Page[Shown]),
    _route("GET", "/api/cached", cached, query=Listing, cached=Cached(_families, 5)),
    _route("GET", "/api/drafts", cached, query=Listing, cached=Cached(_families, signed_in="own")),
    _route("GET", "/api/things/{id}", show, answer=Shown),
    _route("PATCH", "/api/things/{id}", change, Permission.OWN_ACCOUNT, body=Thing, if_match=True),
    _route("POST", "/api/things", create, Permission.PLACE_ORDERS, Mode.WRITE, body=Thing, status=201, key="required"),
    _route("POST", "/api/maybe", create, None, Mode.WRITE, body=Thing, status=201, key="optional"),
    _route("GET", "/api/mine", empty, Permission.OWN_ACCOUNT),
    _route("GET", "/api/farm", empty, Permission.CHANGE_FARM),
    _route("GET", "/api/admin", empty, Permission.CHANGE_CATEGORIES),
    _route("POST", "/api/login", empty, credentials=False, limit="rate_login"),
    _route("GET", "/api/nothing-left", nothing_left),
    _route("GET", "/api/crash", crash),
    _route("GET", "/api/wait", wait),
    _route("GET", "/api/away", away),
    _route("GET", "/api/forbidden", forbidden),
    _route("DELETE", "/api/things/{id}", empty),
    *SYSTEM,
)
