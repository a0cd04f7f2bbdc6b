"""Whatever a GET shows of a field that can be written, the PATCH or PUT of the same thing takes back as it was read, and nothing changes."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import attrs
import msgspec
import pytest

from harvestd.kernel.permissions import DRIVER, MANAGER, OWNER, PACKER, ROLES
from harvestd.kernel.units import Unit
from harvestd.market.catalogue.fact_rules import Allergen, Storage
from harvestd.market.catalogue.rules import Status
from harvestd.market.farms.benefit_rules import BENEFITS
from harvestd.tables import ROUTES
from harvestd.web.routes import Route
from tests.market.days.calendar import body as day
from tests.market.days.calendar import delivery, made, text, weekly
from tests.market.pictures.pictures import added
from tests.people import Market, Person


@attrs.frozen
class Thing:
    """Somebody's thing: where it is read and written, and what is read of each field that can be written."""

    who: Person
    read: str
    write: str
    shown: Callable[[Any], dict[str, Any]]


def _as_it_is(answer: dict[str, Any]) -> dict[str, Any]:
    return answer


def _product_shown(product: dict[str, Any]) -> dict[str, Any]:
    return product | {"category_id": product["category"] and product["category"]["id"]}


async def _me(market: Market) -> Thing:
    return Thing(await market.person(), "/api/users/me", "/api/users/me", _as_it_is)


async def _farm(market: Market) -> Thing:
    farmer = await market.farmer()
    path = f"/api/farms/{farmer.farm_id}"
    return Thing(farmer, path, path, _as_it_is)


async def _category(market: Market) -> Thing:
    admin = await market.person("admin")
    made = (await admin.post("/api/categories", {"name": "Roots"})).json()
    return Thing(
        admin, "/api/categories", f"/api/categories/{made['id']}",
        lambda answer: next(one for one in answer["items"] if one["id"] == made["id"]),
    )  # fmt: skip


async def _product(market: Market) -> Thing:
    farmer, manager = await market.farmer(), await market.person("manager")
    assert (await manager.post("/api/groups", {"name": "Wholesale"})).status in (201, 409)
    path = f"/api/products/{(await market.product(farmer, stock=0))['id']}"
    return Thing(farmer, path, path, _product_shown)


async def _chicken(market: Market) -> Thing:
    farmer = await market.farmer()
    weight = {"priced_by": "weight", "estimated_weight": {"quantity": "1.8", "unit": "kg"}}
    path = f"/api/products/{(await market.product(farmer, title='Chicken', unit='each', price=1290, stock=0, **weight))['id']}"
    return Thing(farmer, path, path, _product_shown)


async def _variants(market: Market) -> Thing:
    farmer = await market.farmer()
    path = f"/api/products/{(await market.product(farmer))['id']}/variants"
    sacks = [
        {"title": "Sack, 5 kg", "unit": "box", "price": 1500, "takes": 5, "sku": "S5", "external_id": "erp/5"},
        {"title": "Bag", "price": 100, "takes": "0.25"},
    ]
    put = await farmer.request("PUT", path, {"items": sacks}, If_Match="*")
    assert put.status == 200, put.text
    names = ("id", "title", "unit", "price", "takes", "sku", "external_id")
    return Thing(farmer, path, path, lambda answer: {"items": [{n: one[n] for n in names} for one in answer["items"]]})


async def _own_product(market: Market) -> Thing:
    farmer = await market.farmer()
    path = f"/api/farms/{farmer.farm_id}/products/erp-1"
    whole = {
        "season": {"from": "11-01", "to": "02-29"}, "price_per": {"quantity": "2.5", "unit": "litre"}, "tags": ["Organic"], "metadata": {"a": "b"},
        "durability": {"kind": "use_by", "date": "2026-01-01"}, "certifications": [{"scheme": "Organic"}], "gtin": "96385074", "storage": "frozen",
    }  # fmt: skip
    made = await farmer.request("PUT", path, {"title": "Milk", "unit": "litre", "price": 390, "stock": 3} | whole)
    assert made.status == 201, made.text
    return Thing(
        farmer,
        f"/api/products/{made.json()['id']}",
        path,
        lambda one: _product_shown(one) | {"farm_id": farmer.farm_id},
    )


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in ("product_id", "quantity", "substitution", "note")}


async def _filled_cart(market: Market) -> tuple[Person, dict[str, Any]]:
    buyer, product = await market.person(), await market.product(await market.farmer())
    await buyer.request(
        "PUT", f"/api/cart/items/{product['id']}", {"quantity": "1.05", "substitution": "ask", "note": "thin\nones"}
    )
    return buyer, product


async def _cart(market: Market) -> Thing:
    buyer, _ = await _filled_cart(market)
    return Thing(
        buyer, "/api/cart", "/api/cart/items",
        lambda cart: {"items": [_line(line) for part in cart["parts"] for line in part["lines"]]},
    )  # fmt: skip


async def _cart_item(market: Market) -> Thing:
    buyer, product = await _filled_cart(market)
    return Thing(buyer, "/api/cart", f"/api/cart/items/{product['id']}", lambda cart: cart["parts"][0]["lines"][0])


ADDRESS = {"recipient": "Bo", "address": "Road 1\nTown", "label": "home", "phone": "+436641234567", "note": "ring"}


async def _address(market: Market) -> Thing:
    person, path = await market.person(), "/api/users/me/addresses"
    assert (await person.request("PUT", f"{path}/{person.id}", ADDRESS)).status == 200
    return Thing(person, path, f"{path}/{person.id}", lambda answer: answer["items"][0])


async def _consents(market: Market) -> Thing:
    person, path = await market.person(), "/api/users/me/consents"
    one = {"kind": "terms", "version": "1", "agreed": True}
    assert (await person.request("PUT", path, {"items": [one]})).status == 200
    return Thing(
        person, path, path,
        lambda answer: {"items": [{name: row[name] for name in one} for row in answer["items"]]},
    )  # fmt: skip


async def _account(market: Market) -> Thing:
    admin, person = await market.person("admin"), await market.person()
    return Thing(
        admin, f"/api/admin/users?q={person.id}", f"/api/admin/users/{person.id}", lambda answer: answer["items"][0]
    )


async def _member(market: Market) -> Thing:
    farmer, other = await market.farmer(), await market.person()
    await market.join(other, farmer.farm_id, "packer")
    path = f"/api/farms/{farmer.farm_id}/members"
    return Thing(
        farmer, path, f"{path}/{other.id}", lambda answer: next(one for one in answer["items"] if one["id"] == other.id)
    )


async def _group(market: Market) -> Thing:
    manager = await market.person("manager")
    path = f"/api/groups/{(await manager.post('/api/groups', {'name': 'Wholesale'})).json()['id']}"
    return Thing(manager, path, path, lambda answer: {name: answer[name] for name in ("name", "slug", "description")})


async def _image(market: Market) -> Thing:
    farmer = await market.farmer()
    product = (await market.product(farmer))["id"]
    image, _ = await added(farmer, product), await added(farmer, product)
    path = f"/api/products/{product}/images"
    return Thing(
        farmer, path, f"{path}/{image['id']}",
        lambda answer: next(one for one in answer["items"] if one["id"] == image["id"]),
    )  # fmt: skip


async def _rule(market: Market) -> Thing:
    manager, path = await market.person("manager"), "/api/admin/search/rules"
    made = (await manager.post(path, {"kind": "synonym", "queries": ["zucchini"], "means": ["courgette"]})).json()
    names = ("queries", "means", "product_ids", "category_id", "farm_id", "tag", "factor", "note", "active")
    return Thing(
        manager, f"{path}/{made['id']}", f"{path}/{made['id']}", lambda answer: {name: answer[name] for name in names}
    )


async def _day(market: Market) -> Thing:
    manager = await market.person("manager")
    now = market.parts.now()
    path = f"/api/market-days/{(await made(manager, day(now, windows=[delivery(now, 6000, 6004)])))['id']}"
    return Thing(
        manager,
        path,
        path,
        lambda answer: answer | {"farms": _farms(answer), "windows": [_window(one) for one in answer["windows"]]},
    )


def _farms(answer: dict[str, Any]) -> Any:
    names = ("farm_id", "lead_minutes")
    return answer["farms"] and [{name: one[name] for name in names} for one in answer["farms"]]


def _window(one: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "method", "area", "from", "to", "capacity")
    return {name: one[name] for name in names} | {"pickup_point_id": one["pickup_point"] and one["pickup_point"]["id"]}


async def _point(market: Market) -> Thing:
    manager = await market.person("manager")
    path = f"/api/pickup-points/{(await manager.post('/api/pickup-points', {'name': 'Hall'})).json()['id']}"
    return Thing(manager, path, path, _as_it_is)


async def _schedule(market: Market) -> Thing:
    manager = await market.person("manager")
    path = f"/api/market-schedules/{(await manager.post('/api/market-schedules', weekly())).json()['id']}"
    return Thing(manager, path, path, lambda answer: answer | {"farms": _farms(answer)})


def _soon(days: int) -> str:
    return text(datetime.now(UTC) + timedelta(days=days))


#: A window for deliveries of a day of 2099, in an area.
def _in_2099(**area: Any) -> dict[str, Any]:
    times = {"from": "2099-01-03T00:00:00Z", "to": "2099-01-03T01:00:00Z"}
    return {"method": "delivery", "area": area, **times, "capacity": {"orders": 1, "weight_kg": "0.001"}}


def _charge(path: str, body: dict[str, Any]) -> Callable[[Market], Awaitable[Thing]]:
    async def thing(market: Market) -> Thing:
        manager = await market.person("manager")
        made = (
            await manager.post(path, body | ({"code": f"CODE-{next(_numbers)}"} if "coupons" in path else {}))
        ).json()
        fixed = ("id", "farm_id", "version", "uses", "created_at", "updated_at")
        own = f"{path}/{made['id']}"
        return Thing(
            manager, own, own, lambda answer: {name: value for name, value in answer.items() if name not in fixed}
        )

    return thing


async def _order(market: Market) -> Thing:
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await market.product(farmer))["id"], 2))).json()

    def shown(answer: dict[str, Any]) -> dict[str, Any]:
        names = ("quantity", "substitution", "note")
        lines = [{"line_id": line["id"], **{name: line[name] for name in names}} for line in answer["lines"]]
        return {"lines": lines, "cart": False, "expected_total": answer["totals"]["total"], "reason": ""}

    path = f"/api/orders/{order['id']}"
    return Thing(buyer, path, path, shown)


_numbers = itertools.count(1000)
_DAYS: dict[str, list[Any]] = {"from": [None, "0001-01-01"], "until": [None, "9999-12-31"]}
#: By route: something to write, and the values that its fields get beforehand, one at a time.
THINGS: dict[str, tuple[Callable[[Market], Awaitable[Thing]], dict[str, list[Any]]]] = {
    "patch_api_orders_id": (_order, {"lines": [], "cart": [], "expected_total": [], "reason": []}),
    "patch_api_users_me": (_me, {"name": ["O'Neill \\ \"Æ\" 👩\u200d🌾", "x" * 200], "phone": [None, "+43 664 123-4567", "01/2345"], "language": [None, "en"]}),
    "patch_api_farms_id": (_farm, {
        "name": ["Łosoś & Co", "x" * 200], "slug": ["a", "a" * 80], "description": ["", "two\nlines\tand more", "x" * 10_000],
        "location": [
            None, {"latitude": None, "longitude": None, "address": ""}, {"latitude": None, "longitude": None, "address": "1 Lane"},
            {"latitude": -90, "longitude": 180, "address": "x" * 500}, {"latitude": 1e-7, "longitude": "48.12345678901234567890", "address": ""},
        ],
        "certifications": [[], ["Organic", "Ünïcode 🥕"], [f"{n:0100}" for n in range(30)]],
        "pickup_points": [[], [{"name": "Gate"}], [{"name": f"{n:0200}", "address": "x" * 500} for n in range(50)],
            [{"name": "Gate", "position": {"latitude": -90, "longitude": 1e-7}, "hours": "x" * 500}, {"name": "Barn", "position": None}],
        ],
        "delivery": [
            None, {"areas": [{"name": "Town", "postcodes": ["1010", "sw1a 1aa"], "fee": 390, "minimum": 1, "free_from": {"amount": 1, "currency": "EUR"}, "rate": "0.001"}]},
            {"areas": [{"name": f"{n:0100}", "postcodes": ["1" * 10]} for n in range(20)], "note": "x" * 2000},
        ],
        "order_minimum": [0, 10**12, {"amount": 500, "currency": "EUR"}], "benefits": [[], ["senior_fmnp"], [*BENEFITS]],
        "external_id": [None, "a/1", "x" * 64], "metadata": [{}, {"a": ""}, {f"{n:040}": "x" * 500 for n in range(50)}],
        "certificates": [
            [], [{"scheme": "Organic"}], [{"scheme": "x" * 100, "body_code": "x" * 40, "number": f"{n:0100}", "valid_until": "9999-12-31"} for n in range(30)],
        ],
        "away": [
            [], [{"from": "2090-01-01", "to": "2090-01-01"}], [{"from": f"{2100 + n}-01-01", "to": f"{2100 + n}-12-31", "note": "x" * 500} for n in range(50)],
        ],
        "imprint": [
            None, {"legal_name": "Łosoś & Co", "address": "1 Lane\nTown"}, {"register": "", "tax_number": "12/345/67890"},
            {"legal_name": "x" * 200, "address": "x" * 500, "register": "x" * 200, "tax_number": "x" * 50},
        ],
    }),
    "patch_api_products_id_images_image_id": (_image, {"alt": ["", "Łosoś & Co", "x" * 250], "position": [0, 1]}),
    "patch_api_admin_search_rules_id": (_rule, {
        "queries": [["Crème fraîche", "Łosoś & Co"], [f"{n:0100}" for n in range(20)]], "means": [["x" * 100], ["two words"]],
        "note": ["", "two\nlines", "x" * 500], "active": [False], "product_ids": [[]], "category_id": [None], "farm_id": [None], "tag": [None],
        "factor": [None],
    }),
    "patch_api_fees_id": (_charge("/api/fees", {"name": "Packing", "basis": "order", "amount": 100}), {
        "name": ["Łosoś & Co", "x" * 100], "basis": ["order", "farm", "kilogram"], "amount": [0, 10**8, {"amount": 5, "currency": "EUR"}],
        "rate": [0, "0.001", 100, "19.000"], "free_from": [None, 0, 10**12], "method": [None, "pickup", "delivery"], "postcodes": [None], **_DAYS,
    }),
    "patch_api_tax_rates_id": (_charge("/api/tax-rates", {"name": "Reduced", "rate": 7}), {
        "name": ["Łosoś & Co", "x" * 100], "rate": [0, "0.001", 100, "5.500"], "category_id": [None], **_DAYS,
    }),
    "patch_api_coupons_id": (_charge("/api/coupons", {"percent": 10}), {
        "code": ["Łosoś-1", "ä" * 40], "percent": ["0.001", 100, "12.500"], "amount": [None], "minimum": [0, 10**12, {"amount": 5, "currency": "EUR"}],
        "max_uses": [None, 1, 1_000_000], "max_uses_per_person": [None, 1], "active": [True, False], **_DAYS,
    }),
    "patch_api_groups_id": (_group, {"name": ["Łosoś & Co", "x" * 100], "slug": ["a", "a" * 80], "description": ["", "two\nlines", "x" * 2000]}),
    "patch_api_market_days_id": (_day, {
        "name": ["Łosoś & Co", "x" * 200], "closes_at": [_soon(300)], "opens_at": [_soon(200)], "farms": [None],
        "windows": [[], [_in_2099(postcodes=["1010"]), _in_2099(radius_km="0.5", center={"latitude": 1e-7, "longitude": 180})],
            [_in_2099(polygon=[{"latitude": n % 3, "longitude": n / 100} for n in range(100)])]],
        "holds_minutes": [1, 120], "metadata": [{}, {"a": ""}, {f"{n:040}": "x" * 500 for n in range(50)}],
    }),
    "patch_api_market_schedules_id": (_schedule, {
        "name": ["Łosoś & Co", "x" * 200], "rule": ["freq=weekly;byday=su", "FREQ=MONTHLY;BYDAY=-1SU;COUNT=500"], "first": ["2000-01-01", "2099-12-31"],
        "exceptions": [[], [f"2099-{n // 28 + 1:02}-{n % 28 + 1:02}" for n in range(200)]], "extra_days": [[], ["2099-12-31"]],
        "country": ["FR", None], "subdivision": [None], "on_holiday": ["keep"], "rounds_ahead": [1, None, 60],
        "opens": [{"day": -60, "at": "00:00"}], "closes": [{"day": 60, "at": "23:59"}], "farms": [None],
        "windows": [[], [{"method": "delivery", "area": {"postcodes": ["1010"]}, "from": {"day": 60, "at": "00:00"}, "to": {"day": 60, "at": "00:01"},
                          "capacity": {"orders": 1, "weight_kg": "0.001"}}]],
        "holds_minutes": [1, 120], "metadata": [{}, {"a": ""}],
    }),
    "patch_api_pickup_points_id": (_point, {
        "name": ["Łosoś & Co", "x" * 200], "address": ["", "two\nlines", "x" * 500], "position": [None, {"latitude": -90, "longitude": 1e-7}],
        "hours": ["", "Sat 9-12"], "capacity": [None, {"orders": 1, "crates": 1_000_000, "weight_kg": "9999999.999"}],
    }),
    "patch_api_categories_id": (_category, {
        "name": ["Łosoś", "x" * 100], "parent_id": [None], "slug": ["a", "a" * 80], "description": ["", "two\nlines", "x" * 2000],
        "icon": ["", "🥕", "x" * 100], "color": ["", "#Aa5500"], "translations": [{}],
    }),
    "patch_api_products_id": (_product, {
        "title": ["Łosoś", "x" * 200], "unit": [*get_args(Unit)], "price": [0, 100_000_000, {"amount": 5, "currency": "EUR"}],
        "description": ["", "two\nlines", "x" * 10_000], "category_id": [None], "min_quantity": ["3", 2, "9999999"],
        "price_per": [None, {"quantity": "2.5", "unit": "litre"}, {"quantity": 3, "unit": "litre"}],
        "sold_by": [None, "volume"], "priced_by": [None, "volume"], "estimated_weight": [None],
        "quantity_step": [1, "1.0"], "season": [None, {"from": "11-01", "to": "02-29"}, {"from": "2024-02-29", "to": "2024-02-29"}],
        "harvested_on": [None, "0001-01-01", "9999-12-31"], "tags": [[], ["Organic", "É"], [f"{n:040}" for n in range(20)]],
        "status": [*get_args(Status)],
        "sku": ["", "Łosoś 1", "x" * 64], "external_id": [None, "a/1", "x" * 64], "gtin": ["", "96385074", "04006381333931"], "lot": ["", "L 1"],
        "allergens": [[], [*get_args(Allergen)]], "ingredients": ["", "Milk,\nnuts", "x" * 5000], "origin": ["", "Łódź"], "storage": [None, *get_args(Storage)],
        "durability": [None, {"kind": "use_by", "date": "2026-01-01"}, {"kind": "best_before", "date": "9999-12-31"}],
        "certifications": [
            [], [{"scheme": "Organic"}], [{"scheme": "x" * 100, "body_code": "x" * 40, "number": f"{n:0100}", "valid_until": "9999-12-31"} for n in range(30)],
        ],
        "metadata": [{}, {"a": ""}, {f"{n:040}": "x" * 500 for n in range(50)}], "translations": [{}, None],
        "visible_to": [[], ["wholesale"]], "prices": [[], [{"group": "wholesale", "price": 4}]],
    }),
    "put_api_farms_id_products_external_id": (_own_product, {}),
    "put_api_products_id_variants": (_variants, {}),
    "put_api_cart_items": (_cart, {}),
    "put_api_users_me_addresses_id": (_address, {}),
    "put_api_users_me_consents": (_consents, {}),
    "patch_api_farms_id_members_user_id": (_member, {"role": [OWNER, MANAGER, PACKER, DRIVER]}),
    "patch_api_admin_users_id": (_account, {"role": [*ROLES], "active": [False, True], "second_factor": [False]}),
    "put_api_cart_items_product_id": (_cart_item, {"quantity": ["0.05", 2, 1.5]}),
}  # fmt: skip


def writers() -> Iterator[Route]:
    """What is written and can be read: no password, and no file, which is made anew."""
    written = (r for r in ROUTES if r.method in ("PATCH", "PUT") and r.body is not None and r.answer is not None)
    return (r for r in written if not r.upload)


def lasting(value: Any) -> Any:
    """What of an answer says nothing of when, and how often, it was written."""
    if isinstance(value, dict):
        return {name: lasting(one) for name, one in value.items() if name not in ("version", "updated_at")}
    return [lasting(one) for one in value] if isinstance(value, list) else value


def test_every_thing_that_is_changed_is_tried() -> None:
    assert {route.name for route in writers()} == set(THINGS)
    for route in writers():
        assert route.body is not None
        fields, tried = {field.encode_name for field in msgspec.structs.fields(route.body)}, set(THINGS[route.name][1])
        assert tried <= fields
        assert route.method != "PATCH" or fields <= tried, f"give THINGS[{route.name!r}] values of {fields - tried}"


async def written(thing: Thing, method: str, body: Any) -> Any:
    """What it answers."""
    response = await thing.who.request(method, thing.write, body, If_Match="*")
    assert response.status == 200, (body, response.text)
    return response.json()


@pytest.mark.parametrize("route", list(writers()), ids=lambda route: route.name)
async def test_what_is_read_is_taken_back_and_changes_nothing(market: Market, route: Route) -> None:
    """Each field by itself, and all of them; where a thing is written at its own address, it is answered as it then is."""
    make, values = THINGS[route.name]
    thing = await make(market)
    assert route.body is not None
    names = [field.encode_name for field in msgspec.structs.fields(route.body)]
    # what says nothing of lines is no change of an order
    alone = (route.method == "PATCH" and "lines" not in names) or route.name == "put_api_cart_items"
    for state in ({}, *({name: value} for name, some in values.items() for value in some)):
        if state:
            await written(thing, route.method, state)
        before = (await thing.who.get(thing.read)).json()
        shown = thing.shown(before)
        for body in (*({name: shown[name]} for name in names if alone), {name: shown[name] for name in names}):
            answer = await written(thing, route.method, body)
            if thing.read != thing.write or len(body) == len(names):
                answer = (await thing.who.get(thing.read)).json()
            assert lasting(answer) == lasting(before), body


@pytest.mark.parametrize(
    "state",
    [{}, {"price_per": {"quantity": 100, "unit": "g"}}, {"estimated_weight": {"quantity": "900", "unit": "g"}}, {"priced_by": None},
     {"price_per": {"quantity": 1, "unit": "lb"}, "estimated_weight": {"quantity": 50, "unit": "oz"}}],
)  # fmt: skip
async def test_a_piece_that_is_priced_by_weight_is_taken_back_as_it_was_read(market: Market, state: Any) -> None:
    thing = await _chicken(market)
    await written(thing, "PATCH", state)
    before = (await thing.who.get(thing.read)).json()
    for name in ("unit", "price", "price_per", "sold_by", "priced_by", "estimated_weight"):
        await written(thing, "PATCH", {name: before[name]})
        assert lasting((await thing.who.get(thing.read)).json()) == lasting(before), name


@pytest.mark.parametrize(
    ("location", "wrong"),
    [
        ({"latitude": None, "longitude": 5}, {"location.latitude": "required"}),
        ({"latitude": 5, "longitude": None}, {"location.longitude": "required"}),
        ({"latitude": None, "longitude": 181}, {"location.latitude": "required", "location.longitude": "not-a-position"}),
        ({"latitude": 5}, {"location.longitude": "required"}),
    ],
)  # fmt: skip
async def test_a_position_is_whole_or_none(market: Market, location: Any, wrong: dict[str, str]) -> None:
    farm = await _farm(market)
    response = await farm.who.request("PATCH", farm.write, {"location": location}, If_Match="*")
    assert response.status == 422
    assert {error["field"]: error["code"] for error in response.json()["errors"]} == wrong


async def test_an_id_of_a_pickup_point_is_the_farms_own_and_made_here(market: Market) -> None:
    """Orders name points by it; so neither another farm's, nor that of anything else, nor one that somebody made up."""
    farm, other = await _farm(market), await _farm(market)
    await written(other, "PATCH", {"pickup_points": [{"name": "Their gate"}]})
    theirs = (await other.who.get(other.read)).json()["pickup_points"][0]["id"]
    points = [{"id": id, "name": "Gate"} for id in (theirs, farm.who.farm_id, farm.who.id, market.parts.new_id())]
    body = {"pickup_points": [{"name": "New"}, *points], "name": "\u200b"}
    response = await farm.who.request("PATCH", farm.write, body, If_Match="*")
    wrong = {error["field"]: error["code"] for error in response.json()["errors"]}
    assert wrong == {f"pickup_points[{n}].id": "not-found" for n in range(1, 5)} | {"name": "not-visible"}
    assert "leave the id out" in response.text
    await written(farm, "PATCH", {"pickup_points": [{"name": "Gate"}]})
    (own,) = (await farm.who.get(farm.read)).json()["pickup_points"]
    await written(
        farm, "PATCH", {"pickup_points": [own | {"id": own["id"].upper(), "name": "Old gate"}, {"name": "Gate"}]}
    )
    kept, new = (await farm.who.get(farm.read)).json()["pickup_points"]
    assert (kept["id"], kept["name"]) == (own["id"], "Old gate") and new["id"] != kept["id"]
