"""The query is as strict as a body."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.errors import Invalid
from harvestd.tables import ROUTES as TABLE
from harvestd.web.queries import MAX_KNOWN, decode, decode_public, encode
from harvestd.web.routes import Route
from tests.web.client import Client
from tests.web.dummies import Listing, seen


async def test_parameters_arrive_typed(client: Client) -> None:
    response = await client.get("/api/list?limit=5&in_stock=true&min_price=1.50&after=a%20b%C3%A9&tag=x&tag=y")
    assert response.status == 200
    assert seen.bodies[-1] == Listing(5, "a bé", True, Decimal("1.50"), ["x", "y"])


@pytest.mark.parametrize(
    "query, field",
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=many", "limit"), ("limit=", "limit"),
        ("limit=99999999999999999999999", "limit"), ("in_stock=maybe", "in_stock"), ("min_price=NaN", "min_price"),
        ("min_price=1e999999", "min_price"), ("limit=1&limit=2", "limit"), ("colour=red", "colour"), ("after=%00", "after"),
        ("LIMIT=5", "LIMIT"), ("limit%00=5", "limit"),
    ],
)  # fmt: skip
async def test_wrong_unknown_and_repeated_parameters_are_422_naming_them(
    client: Client, query: str, field: str
) -> None:
    response = await client.get(f"/api/list?{query}")
    assert response.status == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_a_route_without_parameters_refuses_all(client: Client) -> None:
    assert (await client.get("/api/things/1?x=1")).status == 422


@pytest.mark.parametrize("query", ["limit=%ff", "%c3=1"])
async def test_escapes_that_are_not_utf8_are_400(client: Client, query: str) -> None:
    assert (await client.get(f"/api/list?{query}")).status == 400


async def test_thousands_of_parameters_are_400(client: Client) -> None:
    assert (await client.get("/api/list?" + "&".join(f"a{n}=1" for n in range(1000)))).status == 400


@pytest.mark.parametrize(
    "path, status",
    [
        ("/api/things/%00", 422),
        ("/api/things/%ff", 400),
        ("/api/things/a%2Fb", 404),
        ("/api/things/a/b", 404),
        ("//api/list", 404),
        ("/api/list/", 404),
        ("/api/things/%0d%0aX: y", 422),
        ("/api/things/1%0a", 422),
    ],
)
async def test_strange_paths(client: Client, path: str, status: int) -> None:
    response = await client.get(path.replace(" ", "%20"))
    assert response.status == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_sql_in_parameters_is_text(client: Client) -> None:
    response = await client.get("/api/list?after=%27%3B%20drop%20table%20users%3B--")
    assert response.status == 200
    assert seen.bodies[-1].after == "'; drop table users;--"


async def test_the_link_of_a_page_is_made_of_the_decoded_query_however_it_was_written(client: Client) -> None:
    """The next who asks may be given the same answer."""
    wanted = '</api/list?limit=5&in_stock=true&min_price=1.50&tag=%C3%A9&after=cursor>; rel="next"'
    for query in (
        "tag=%c3%a9&limit=5&min_price=1.50&in_stock=true", "&&in_stock=true&limit=%35&min_price=1%2e50&tag=%C3%A9&",
        "%6c%69mit=5&&min_price=1.50&in_stock=true&tag=%c3%a9",
    ):  # fmt: skip
        for path in ("/api/list", "/api/%6cist", "/%61pi/list"):
            assert (await client.get(f"{path}?{query}")).headers["link"] == wanted
    for odd in ("limit=20." + "0" * 15_000, "limit=2e1", "limit=20.0", "limit=+20", "limit=020", "in_stock=TRUE"):
        assert (await client.get(f"/api/list?{odd}")).status == 422


@given(
    limit=st.integers(1, 100), after=st.none() | st.text(max_size=5), tags=st.lists(st.text(max_size=5), max_size=3),
    price=st.none() | st.decimals(-(10**9), 10**9, places=3), in_stock=st.booleans(),
)  # fmt: skip
def test_a_query_that_is_encoded_is_the_same_query_again(
    limit: int, after: str | None, tags: list[str], price: Decimal | None, in_stock: bool
) -> None:
    query = Listing(limit=limit, after=after, in_stock=in_stock, min_price=price, tag=tags)
    if not any("\x00" in text or not text.isprintable() for text in (after or "", *tags)):
        assert decode(urlencode(encode(query)), Listing) == query


async def test_a_page_links_to_the_next(client: Client) -> None:
    """With the same filters, relative to this server, whatever Host it was asked under."""
    response = await client.get("/api/list?limit=5&tag=a%26b", headers={"Host": "evil.example"})
    assert response.json()["next"] == "cursor"
    assert response.headers["link"] == '</api/list?limit=5&tag=a%26b&after=cursor>; rel="next"'
    last = await client.get("/api/list?after=cursor")
    assert last.json()["next"] is None
    assert "link" not in last.headers


@pytest.mark.parametrize(
    "route", [route for route in TABLE if route.query is not None and not route.lenient], ids=lambda route: route.name
)
def test_no_parameter_is_said_to_be_null(route: Route) -> None:
    """A query has no null; what is not given is left out."""
    assert route.query is not None
    for name in (field.encode_name for field in msgspec.structs.fields(route.query)):
        with pytest.raises(Invalid) as refused:
            decode(f"{name}={'x' * 2000}&nothing=1", route.query)
        assert not [error for error in refused.value.errors if "null" in error.message]


PUBLIC = {r.query: r.path for r in TABLE if r.cached is not None and r.query is not None}


@pytest.mark.parametrize("wanted", PUBLIC, ids=PUBLIC.values())
def test_a_query_of_everybody_is_decoded_once_and_cannot_be_changed(wanted: type[msgspec.Struct]) -> None:
    """The value is another request's, too, so that its type is frozen."""
    assert wanted.__struct_config__.frozen
    asked = "q=car" if "q" in wanted.__struct_fields__ else ""
    assert decode_public(asked, wanted) is decode_public(asked, wanted)


def test_but_what_is_long_or_wrong_is_decoded_each_time() -> None:
    wanted = next(iter(PUBLIC))
    long = "limit=3&after=" + "a" * MAX_KNOWN
    assert decode_public(long, wanted) == decode(long, wanted)
    assert decode_public(long, wanted) is not decode_public(long, wanted)
    for _ in range(2):
        with pytest.raises(Invalid):
            decode_public("limit=x", wanted)
