"""Validation of the route table at startup. A mistake aborts the start and names the route."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from msgspec import inspect

from harvestd.web.routes import Mode, Route

_PATH = re.compile(r"(/|(/([A-Za-z0-9._-]+|\{[a-z_]+\}))+)\Z")


class TableError(ValueError):
    """The route table is invalid; the text names each wrong route and its mistake."""


def check(routes: Sequence[Route], known_limit: Callable[[str], bool]) -> None:
    """Raise :class:`TableError` unless every route is valid. ``known_limit`` tells whether a name is a rate limit setting."""
    wrong = [f"{route.method} {route.path}: {what}" for route in routes for what in _wrong_with(route, known_limit)]
    wrong += _twice([f"{route.method} {re.sub('{[^{}]*}', '{}', route.path)}" for route in routes], "is there twice")
    wrong += _twice([route.name for route in routes], "is the name of two routes")
    if wrong:
        raise TableError("the route table is wrong:\n  " + "\n  ".join(wrong))


def look_into(routes: Sequence[Route]) -> None:
    """Look into all types of the routes, which is remembered: a tenth of a second of Python, so a process does it in a thread before it checks them."""
    for route in routes:
        for kind in _closed(route):
            _lax(kind)


def _closed(route: Route) -> list[Any]:
    """The types that may have no unknown field."""
    return [kind for kind in (route.body, None if route.lenient else route.query) if kind is not None]


def _wrong_with(route: Route, known_limit: Callable[[str], bool]) -> Iterator[str]:
    if not _PATH.match(route.path):
        yield "is no path such as /api/orders/{id}"
    if route.key != "no" and route.mode is not Mode.WRITE and not (route.by_row or route.upload):
        yield "honours Idempotency-Key without Mode.WRITE, so an answer could be kept without its effect"
    if route.key == "required" and route.permission is None:
        yield "requires an Idempotency-Key of anyone, but keys belong to users"
    if route.strangers is not None and (
        route.permission is None or (route.key == "required" and route.strangers.holder is None)
    ):
        yield "lets in strangers without a permission for all others, or without anybody whom an Idempotency-Key belongs to"
    for limit in (route.limit, route.strangers.limit if route.strangers is not None else ""):
        if limit not in ("none", "") and not known_limit(limit):
            yield f"has the limit {limit!r}, which is no setting rate_…"
    if route.method == "GET" and (route.body is not None or route.mode is Mode.WRITE):
        yield "changes something or takes a body, which a GET may not"
    if route.upload and (route.body is None or route.mode is not Mode.OWN):
        yield "takes a file, so it needs a body with content, and cannot be in a transaction meanwhile"
    if route.cached is not None and (route.method != "GET" or route.permission is not None or route.mode is Mode.WRITE):
        yield "is cached without being a GET for anyone"
    for kind in _closed(route):
        for name in _lax(kind):
            yield f"takes {name}, which lets unknown fields pass; set forbid_unknown_fields=True"


@cache
def _lax(kind: Any) -> tuple[str, ...]:
    """The names of the objects nested in a type at any depth that would ignore unknown fields."""
    return tuple(_found_lax(inspect.type_info(kind)))


def _found_lax(info: inspect.Type) -> Iterator[str]:
    seen: set[type] = set()
    waiting = [info]
    while waiting:
        one = waiting.pop()
        if isinstance(one, inspect.StructType):
            if one.cls in seen:
                continue
            seen.add(one.cls)
            if not one.forbid_unknown_fields:
                yield one.cls.__name__
            waiting += [field.type for field in one.fields]
        elif isinstance(one, inspect.UnionType):
            waiting += one.types
        elif isinstance(one, inspect.Metadata):
            waiting.append(one.type)
        elif isinstance(one, (inspect.ListType, inspect.VarTupleType)):
            waiting.append(one.item_type)


def _twice(names: list[str], what: str) -> list[str]:
    return [f"{name}: {what}" for name in sorted({name for name in names if names.count(name) > 1})]
