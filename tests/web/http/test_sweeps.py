"""Every list that has a cursor, as the table of routes has them: its pages, of any size, are the whole list in its order.

A list in a later row of the table is swept without a line here, as soon as :func:`stocked` puts enough into it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args, get_type_hints
from urllib.parse import quote

import attrs
import pytest

from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.tables import ROUTES
from harvestd.web.routes import Route
from tests.market.accounts.things import some
from tests.market.days.calendar import body as day
from tests.market.days.calendar import made as new_day
from tests.market.days.calendar import weekly
from tests.people import Market, Person
from tests.web.conftest import make_market

LISTS = [
    route
    for route in ROUTES
    if route.query is not None
    and "after" in route.query.__struct_fields__
    and route.media_type == "application/json"  # feeds have tests of their own
]
#: Sizes of a page, and things in each list: several of a kind, so that what a list is sorted by is the same for some.
SIZES, THINGS = range(1, 6), 9
#: Values of a parameter that changes the order, beside ``sort``, and of those that make a list another.
ORDERING: dict[str, tuple[str, ...]] = {"near": ("", "48.2,16.4"), "q": ("", "leeks", "leaks"), "mine": ("", "true")}
#: Lists in which a place is given with a circle around it, and changes what there is and not the order.
CIRCLED = {"/api/products"}
#: Farms at three places, products of three ratings and sales.
PLACED = Statement(
    "test.placed", """update farms f set latitude = 48 + n % 3, longitude = 16 from (select id, row_number() over (order by id) as n from farms) r
                       where r.id = f.id""", nothing,
)  # fmt: skip
RATED = Statement(
    "test.rated", """update products p set rating_count = 2, rating_sum = 6 + n % 3, sales = n % 2 from (select id, row_number() over (order by id) as n
                      from products) r where r.id = p.id""", nothing,
)  # fmt: skip


def variants(route: Route) -> Iterator[str]:
    """Each order in which the list may be asked for, as the beginning of a query."""
    sorts = get_args(get_type_hints(route.query).get("sort"))
    names = [name for name in ORDERING if name in route.query.__struct_fields__]
    for sort, *given in itertools.product(sorts or ("",), *(ORDERING[name] for name in names)):
        parameters = [("sort", sort), *zip(names, given, strict=True)]
        if route.path in CIRCLED and dict(parameters).get("near"):
            parameters.append(("radius_km", "500"))
        yield "&".join(f"{name}={quote(value)}" for name, value in parameters if value)


async def stocked(market: Market) -> dict[str, Person]:
    """Somebody of each role; farms, products, orders and notices enough."""
    people = {role: await market.person(role) for role in ("buyer", "admin")}
    people["farmer"] = await market.farmer("Farm 0")
    others = [await market.farmer(f"Farm {n}") for n in range(1, THINGS)]
    for n in range(THINGS):
        farmer = people["farmer"] if n % 3 else others[n % len(others)]
        made = await market.product(farmer, title=f"Leeks {n % 2}", price=100 + n % 3, stock="50")
        for role in ("buyer", "admin"):
            assert (await people[role].order((made["id"], 1))).status == 201
    await market.parts.database.transaction(lambda tx: tx.run(PLACED))
    await market.parts.database.transaction(lambda tx: tx.run(RATED))
    now = market.parts.now()
    for n in range(THINGS):
        await new_day(people["admin"], day(now, opens=1 + n % 3))
        await people["admin"].post("/api/pickup-points", {"name": f"Hall {n}"})
        await people["admin"].post("/api/market-schedules", weekly(rounds_ahead=1))
    for person in people.values():
        for _ in range(2):
            await some(market, person, THINGS)
    await market.work()
    documents = Statement("test.documents", "update search_documents d set popularity = p.sales, rating = p.rating_average from products p where p.id = d.id", nothing)  # fmt: skip
    await market.parts.database.transaction(lambda tx: tx.run(documents))
    return people


async def amended(people: dict[str, Person]) -> str:
    """An order that has changed several times, which each of these people may see."""
    order = (await people["buyer"].get(f"/api/orders?farm={people['farmer'].farm_id}")).json()["items"][0]
    line = order["lines"][0]["id"]
    for n in range(2, 2 + THINGS):
        change = {"lines": [{"line_id": line, "quantity": n}]}
        answer = await people["buyer"].request("PATCH", f"/api/orders/{order['id']}", change, If_Match="*")
        assert answer.status == 200, answer.text
    return str(order["id"])


async def repriced(market: Market, farmer: Person) -> str:
    """A product that had several prices."""
    product = str((await market.product(farmer))["id"])
    for price in range(1, THINGS):
        answer = await farmer.request("PATCH", f"/api/products/{product}", {"price": price}, If_Match="*")
        assert answer.status == 200, answer.text
    return product


def ids(answer: dict[str, Any]) -> list[str]:
    """Of what is on a page."""
    return [item.get("id") or item.get("query") or item.get("version") or item["from"] for item in answer["items"]]


async def page(who: Any, path: str) -> dict[str, Any]:
    """As it is answered."""
    response = await who.get(path)
    assert response.status == 200, (path, response.text)
    found: dict[str, Any] = response.json()
    return found


def test_there_are_lists_to_sweep() -> None:
    assert {route.path for route in LISTS} >= {
        "/api/products",
        "/api/search",
        "/api/farms",
        "/api/orders",
        "/api/notifications",
    }
    for route in LISTS:
        hints = get_type_hints(route.query)
        assert {name for name in hints if name in ("sort", "order", "by")} <= {"sort"}, (
            f"{route.path} has an order that is not swept"
        )


@pytest.mark.limit(300)
@pytest.mark.timeout(360)
async def test_the_pages_of_any_size_are_the_whole_list_in_its_order(parts: Parts) -> None:
    noon = datetime.now(UTC)  # the order of relevance depends on the moment
    market = make_market(attrs.evolve(parts, search=PostgresSearch(parts.database, "english", lambda: noon)))
    people = await stocked(market)
    of = {
        "/api/products/{id}/price-history": await repriced(market, people["farmer"]),
        "/api/orders/{id}/changes": await amended(people),
    }
    for route in LISTS:
        swept = 0
        for role, query in itertools.product(people, variants(route)):
            anyone = route.permission is None
            if (anyone and role != "farmer") or not (anyone or role in route.roles):
                continue
            path = route.path.replace("{id}", of.get(route.path, people["farmer"].farm_id))
            first = f"{path}?{query}&" if query else f"{path}?"
            whole = await page(people[role], f"{first}limit=100")
            assert whole["next"] is None and len(set(ids(whole))) == len(whole["items"]), first
            swept += len(whole["items"]) >= THINGS
            for size in SIZES:
                found, after = [], ""
                while True:
                    answer = await page(people[role], f"{first}limit={size}{after}")
                    found += ids(answer)
                    assert len(answer["items"]) == size or answer["next"] is None, (first, size)
                    if answer["next"] is None:
                        break
                    assert len(found) <= len(whole["items"]), (first, size)
                    after = f"&after={quote(answer['next'])}"
                assert found == ids(whole), (first, size)
        assert swept, f"{route.path} has too little in it to be swept: put more there in stocked()"
