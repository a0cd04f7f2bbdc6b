"""Lists tell how many there are on all their pages, to those who ask: every list whose page is a CountedPage."""

from __future__ import annotations

from typing import Any, get_origin

import pytest

from harvestd.store.counting import MAX_COUNTED
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.tables import ROUTES
from harvestd.web.context import CountedPage, Page
from harvestd.web.shapes import CountedQuery, ListQuery
from tests.market.accounts.things import some
from tests.market.days.calendar import body as day
from tests.market.days.calendar import made, weekly
from tests.people import Market, Person

LISTS = {
    "/api/farms": ("", "benefit=snap", "q=acres", "q=none", "near=48,11", "near=48,11&radius_km=5"),
    "/api/products": ("", "unit=box", "mine=true", "mine=true&status=draft"),
    "/api/products/{id}/price-history": ("",),
    "/api/orders": ("", "status=placed", "status=cancelled"),
    "/api/orders/{id}/changes": ("",),
    "/api/notifications": ("", "unread=true"),
    "/api/users/me/sessions": ("",),
    "/api/users/me/api-keys": ("",),
    "/api/users/me/addresses": ("",),
    "/api/farms/{id}/members": ("",),
    "/api/farms/{id}/invitations": ("",),
    "/api/farms/{id}/documents": ("",),
    "/api/farms/{id}/groups": ("",),
    "/api/operations": ("",),
    "/api/groups": ("",),
    "/api/market-days": ("", "status=open"),
    "/api/market-schedules": ("",),
    "/api/pickup-points": ("",),
    "/api/groups/{id}/members": ("",),
    "/api/fees": ("",),
    "/api/tax-rates": ("",),
    "/api/coupons": ("",),
    "/api/admin/users": ("", "role=farmer", "q=example.org", "active=false"),
    "/api/admin/search/rules": ("", "kind=pin"),
    "/api/admin/search/misses": ("", "from=2000-01-01&to=2000-01-02"),
    "/api/admin/audit": ("", "action=api_key.created", "action=none"),
}
#: Seen by the staff alone, or by everybody who sees it at all, who see all of it.
WHOLE = {
    "/api/orders/{id}/changes",
    "/api/farms/{id}/groups",
    "/api/admin/search/rules",
    "/api/admin/search/misses",
    "/api/groups",
    "/api/groups/{id}/members",
    "/api/market-days",
    "/api/market-schedules",
    "/api/pickup-points",
    "/api/tax-rates",
}
NOTICES = Statement(
    "test.notices",
    """insert into notifications (id, user_id, kind, title, body, data, dedupe_key, created_at)
       select gen_random_uuid(), :user_id, 'order', 'x', 'x', '{}', 'k' || n, now() from generate_series(1, :count) n""",
    nothing,
)


def _counted(route: Any) -> bool:
    origin = get_origin(route.answer)
    return isinstance(origin, type) and issubclass(origin, CountedPage)


def test_every_list_that_has_pages_is_counted() -> None:
    paged = {route.path for route in ROUTES if get_origin(route.answer) and issubclass(get_origin(route.answer), Page)}
    queried = {r.path for r in ROUTES if r.path in paged and r.query is not None and issubclass(r.query, ListQuery)}
    assert queried == {route.path for route in ROUTES if _counted(route)} == set(LISTS)
    for route in ROUTES:
        if route.path in LISTS and route.method == "GET":
            assert route.query is not None
            assert route.query.__annotations__.get("count") or issubclass(route.query, CountedQuery)


async def crowd(market: Market) -> list[Person]:
    """A buyer, two farmers, of whom one buys of both, and an admin; two orders are of two farms, one is cancelled."""
    one, two = await market.farmer("Green Acres"), await market.farmer("Blue Acres")
    for farmer, latitude in ((one, 48.0), (two, 48.2)):
        location = {"latitude": latitude, "longitude": 11.0, "address": "Lane 1"}
        answer = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"location": location}, If_Match="*")
        assert answer.status == 200, answer.text
    await market.farmer("Nowhere")
    goods = [await market.product(farmer, unit=unit, stock="50") for farmer in (one, two) for unit in ("box", "kg")]
    await market.product(one, status="draft")
    repriced = await one.request("PATCH", f"/api/products/{goods[0]['id']}", {"price": 1}, If_Match="*")
    assert repriced.status == 200, repriced.text
    buyer, admin = await market.person(), await market.person("admin")
    for line in goods:
        assert (await buyer.order((line["id"], "1"))).status == 201
    assert (await one.order((goods[2]["id"], "1"))).status == 201
    assert (await one.order((goods[0]["id"], "1"), (goods[2]["id"], "1"))).status == 201
    changed = (await buyer.get("/api/orders")).json()["items"][-1]
    for quantity in ("2", "1", "3"):
        lines = [{"line_id": changed["parts"][0]["lines"][0]["id"], "quantity": quantity}]
        answer = await buyer.request("PATCH", f"/api/orders/{changed['id']}", {"lines": lines}, If_Match="*")
        assert answer.status == 200, answer.text
    order = (await buyer.order((goods[0]["id"], "1"), (goods[2]["id"], "2"))).json()
    assert (await buyer.post(f"/api/orders/{order['id']}/cancel", {})).status == 200
    await some(market, one, 5)
    now = market.parts.now()
    for n in range(3):
        await made(admin, day(now, opens=n - 1))
        await admin.post("/api/pickup-points", {"name": f"Hall {n}"})
        await admin.post("/api/market-schedules", weekly(rounds_ahead=1))
    await market.work()
    return [buyer, one, two, admin]


async def own_path(route: str, person: Person, people: list[Person]) -> str:
    """The address of a list of what this person, or a farmer, has."""
    if route.startswith("/api/orders/"):
        return route.replace("{id}", (await people[0].get("/api/orders")).json()["items"][-1]["id"])
    owner = person if person.farm_id else people[1]
    if not route.startswith("/api/products/"):
        return route.replace("{id}", owner.farm_id)
    return route.replace("{id}", (await owner.get(f"/api/products?farm={owner.farm_id}")).json()["items"][-1]["id"])


async def all_of(person: Person, path: str, query: str) -> list[Any]:
    items, after = [], ""
    while True:
        page = (await person.get(f"{path}?{query}&limit=2{after}")).json()
        items += page["items"]
        if page["next"] is None:
            return items
        after = f"&after={page['next']}"


@pytest.mark.parametrize("path", LISTS)
async def test_the_total_is_what_all_pages_have_on_each_of_them_and_null_unless_asked_for(
    market: Market, path: str
) -> None:
    sizes, people, route = set(), await crowd(market), path
    for person in people:
        path = await own_path(route, person, people)
        for query in LISTS[route]:
            if (await person.get(f"{path}?{query}")).status != 200:
                continue
            everything = await all_of(person, path, query)
            first = (await person.get(f"{path}?{query}&limit=1&count=true")).json()
            assert first["total"] == len(everything), (person.email, query)
            if first["next"]:
                second = (await person.get(f"{path}?{query}&limit=1&count=true&after={first['next']}")).json()
                assert second["total"] == first["total"]
            assert (await person.get(f"{path}?{query}&limit=1")).json()["total"] is None
            sizes.add(len(everything))
    print(sizes, route)
    assert sizes != {0} and (len(sizes) > 1 or route in WHOLE), "they tell lists apart"


async def test_notices_tell_how_many_are_unread_whatever_page_is_read(market: Market) -> None:
    _, farmer, *_ = await crowd(market)
    every = await all_of(farmer, "/api/notifications", "")
    assert len(every) > 3
    assert (await farmer.get("/api/notifications?limit=1")).json()["unread"] == len(every)
    await farmer.post("/api/notifications/read", {"ids": [every[0]["id"], every[2]["id"]]})
    page = (await farmer.get("/api/notifications?limit=1&count=true")).json()
    assert (page["unread"], page["total"]) == (len(every) - 2, len(every))
    await farmer.post("/api/notifications/read", {})
    assert (await farmer.get("/api/notifications?unread=true&count=true")).json() == {
        "items": [], "next": None, "total": 0, "unread": 0,
    }  # fmt: skip


async def test_counting_stops_where_it_does_in_search(market: Market) -> None:
    person = await market.person()
    await market.parts.database.rows(NOTICES, user_id=person.id, count=MAX_COUNTED + 5)
    page = (await person.get("/api/notifications?limit=1&count=true")).json()
    assert (page["total"], page["unread"]) == (MAX_COUNTED, MAX_COUNTED) == (10_000, 10_000)
