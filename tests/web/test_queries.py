"""The query is as strict as a body."""

from __future__ import annotations

from decimal import Decimal

import pytest

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
        ("/api/things/%00", 400),
        ("/api/things/%ff", 400),
        ("/api/things/a%2Fb", 404),
        ("/api/things/a/b", 404),
        ("//api/list", 404),
        ("/api/list/", 404),
        ("/api/things/%0d%0aX: y", 400),
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


async def test_a_page_links_to_the_next(client: Client) -> None:
    """With the same filters, relative to this server, whatever Host it was asked under."""
    response = await client.get("/api/list?limit=5&tag=a%26b", headers={"Host": "evil.example"})
    assert response.json()["next"] == "cursor"
    assert response.headers["link"] == '</api/list?limit=5&tag=a%26b&after=cursor>; rel="next"'
    last = await client.get("/api/list?after=cursor")
    assert last.json()["next"] is None
    assert "link" not in last.headers
