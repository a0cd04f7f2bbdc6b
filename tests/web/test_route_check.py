"""A route table that is wrong does not start, and says which route and why."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from harvestd import tables as table
from harvestd.kernel.permissions import Permission
from harvestd.settings.table import Settings
from harvestd.web.context import RequestContext
from harvestd.web.route_check import TableError, check
from harvestd.web.routes import Cached, Mode, Route, Section, Strangers
from harvestd.web.server import make_app
from tests.web.conftest import make_parts


class Lax(msgspec.Struct):
    name: str


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    inner: list[Lax | None] = []


async def handler(call: RequestContext) -> None:
    pass


GOOD = Route(
    method="POST",
    path="/api/x",
    handler=handler,
    permission=Permission.PLACE_ORDERS,
    mode=Mode.WRITE,
    summary="x",
    section=Section("x", "X."),
)


def always(settings: Any, query: str) -> bool:
    return True


def known(name: str) -> bool:
    return name == "rate_default"


@pytest.mark.parametrize(
    "change, why",
    [
        ({"path": "api/x"}, "is no path"),
        ({"path": "/api/{Id}"}, "is no path"),
        ({"mode": Mode.OWN, "key": "optional"}, "Idempotency-Key without Mode.WRITE"),
        ({"mode": Mode.READ, "key": "required"}, "Idempotency-Key without Mode.WRITE"),
        ({"permission": None, "key": "required"}, "keys belong to users"),
        ({"limit": "rate_nothing"}, "'rate_nothing', which is no setting"),
        (
            {"strangers": Strangers(let_in=always, who="all", limit="rate_nothing")},
            "'rate_nothing', which is no setting",
        ),
        ({"permission": None, "strangers": Strangers(let_in=always, who="all")}, "without a permission for all others"),
        ({"key": "required", "strangers": Strangers(let_in=always, who="all")}, "whom an Idempotency-Key belongs to"),
        ({"method": "GET"}, "a GET may not"),
        ({"method": "GET", "mode": Mode.READ, "body": Strict}, "a GET may not"),
        ({"cached": Cached(lambda path, query: ())}, "cached without being a GET"),
        ({"body": Lax}, "takes Lax, which lets unknown fields pass"),
        ({"body": Strict}, "takes Lax, which lets unknown fields pass"),
        ({"query": Lax}, "takes Lax, which lets unknown fields pass"),
    ],
)
def test_a_wrong_route_is_named_with_what_is_wrong(change: dict[str, Any], why: str) -> None:
    with pytest.raises(TableError, match=f"(POST|GET) .*{why}"):
        check([attrs.evolve(GOOD, **change)], known)


def test_two_routes_of_one_address_or_one_name_are_refused() -> None:
    with pytest.raises(TableError, match="POST /api/x: is there twice"):
        check([GOOD, GOOD], known)
    with pytest.raises(TableError, match=r"POST /api/\{\}: is there twice"):
        check([attrs.evolve(GOOD, path="/api/{a}"), attrs.evolve(GOOD, path="/api/{b}")], known)
    with pytest.raises(TableError, match="post_api_a_b: is the name of two routes"):
        check([attrs.evolve(GOOD, path="/api/a/b"), attrs.evolve(GOOD, path="/api/a-b")], known)


def test_the_app_is_not_made_of_a_wrong_table(settings: Settings) -> None:
    with pytest.raises(TableError):
        make_app(make_parts(settings, None), [attrs.evolve(GOOD, path="no path")])


def test_the_table_of_the_market_is_sound(settings: Settings) -> None:
    make_app(make_parts(settings, None), table.ROUTES)
