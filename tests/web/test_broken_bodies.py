"""Whatever is wrong with a body, at whatever depth, is named in one answer: over all bodies of the route table, each of whose fields is
broken, by a value that cannot be read or by one that the market refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from msgspec import inspect

from harvestd.tables import ROUTES
from harvestd.web.routes import Route
from harvestd.web.validation import MAX
from tests.market.days.calendar import body as day
from tests.market.days.calendar import made, weekly
from tests.people import Market
from tests.web.conftest import make_market

#: An id of nothing.
ID = "0197f0a0-7c1e-7abc-8def-0123456789ab"
#: By the end of a path: what can be read, and is refused whatever is stored.
REFUSED: dict[str, Any] = {
    "quantity": -1, "takes": -1, "stock": -1, "quantity_step": 0, "min_quantity": -1, "set": -1, "change": "0.0001", "amount": -1, "currency": "XXX",
    "from": "02-31", "to": "02-31", "latitude": 100, "longitude": -181, "name": "\u0007", "address": "\u0007", "reason": "\u0007",
    "hours": "\u0007", "at": "24:00", "rule": "FREQ=HOURLY", "country": "XX", "first": "1999-12-31", "note": "\u0007", "title": "\u0007", "description": "\u0007", "icon": "\u0007", "farm_name": "\u0007", "tags": "\u0007",
    "certifications": "\u0007", "sku": "\u0007", "external_id": "a b", "gtin": "123", "lot": "\u0007", "ingredients": "\u0007", "origin": "\u0007",
    "scheme": "\u0007", "body_code": "\u0007", "number": "\u0007", "metadata": "\u0007", "translations": "\u0007", "slug": ID, "email": "x", "username": "!", "password": "short", "phone": "1", "market_day_id": ID,
    "rate": 101, "percent": 101, "minimum": -1, "free_from": -1, "postcodes": "!", "scopes": "no:such", "recipient": "\u0007", "label": "\u0007", "until": "2020-01-01T00:00:00Z", "legal_name": "\u0007", "register": "\u0007", "tax_number": "\u0007",
}  # fmt: skip
#: By the end of a path: what is left as it should be where the market has nothing against any value that can be read.
FINE: dict[Any, Any] = {
    ("post_api_products", "farm_id"): None, ("post_api_pickup_points", "farm_id"): None, ("put_api_farms_id_products_external_id", "farm_id"): None, "token": "x", "code": None, ("post_api_users_me_second_factors", "kind"): "totp", "agreed": True, "active": True, "kind": "terms", "version": "1", "expires_at": None,
    ("post_api_orders", "quote_id"): None, "hold": False, "basis": "order", "max_uses": 1, "max_uses_per_person": 1, "sold_by": None, "priced_by": None, "variant_id": None, "substitution": "ask", "cart": False, "accept": True, ("patch_api_orders_id", "lines[0].product_id"): None, ("put_api_products_id_variants", "id"): None, ("put_api_products_id_variants", "unit"): "each",
    "method": "pickup", "unit": "kg", "status": "draft", ("patch_api_farms_id_members_user_id", "role"): "packer", ("post_api_farms_id_members", "role"): "packer",
    ("post_api_farms_id_verification", "state"): "verified", "role": "buyer", "harvested_on": "2026-05-01", "color": "#aabbcc", "to": "confirmed", "group": "wholesale", "visible_to": "wholesale",
}  # fmt: skip
#: What is wrong with a row of it is told with that row (``tests/market/catalogue/test_bulk_products.py``).
BY_ROW = {route.name for route in ROUTES if route.by_row}
#: Bodies that are all secrets: nothing of them is wrong but by what is stored.
SECRET = {
    "post_api_auth_login",
    "post_api_auth_refresh",
    "post_api_auth_session",
    "post_api_auth_confirm",
    "post_api_auth_second_factor",
    "post_api_auth_second_factor_session",
    "post_api_users_me_second_factors_id_confirm",
}
#: Objects of any names, whose values are named by those.
NAMED = {"metadata", "translations"}
#: Named as the end of a season is, and the next status of a part.
STEPS = {("post_api_orders_id_parts_farm_id_status", "to")}


#: What is charged, for the routes that change it.
CHARGES: dict[str, dict[str, Any]] = {
    "fees": {"name": "Packing", "basis": "order", "amount": 100, "from": "2999-01-01"},
    "tax-rates": {"name": "Reduced", "rate": 7, "from": "2999-01-01"}, "coupons": {"code": "SPRING-1", "percent": 10},
}  # fmt: skip


#: Bodies of so many lists that two elements of each would have more faults than are told at once.
ONE_OF_EACH = {"patch_api_farms_id"}


def bare(info: Any) -> Any:
    while isinstance(info, inspect.Metadata):
        info = info.type
    return info


def built(info: Any, path: str, leaf: Callable[[str], Any], each: int = 2) -> Any:
    """A value of the form of a type; of a list ``each`` elements, of several types the object or list."""
    info = bare(info)
    if isinstance(info, inspect.UnionType):
        kinds = [bare(one) for one in info.types]
        deep = [one for one in kinds if isinstance(one, (inspect.StructType, inspect.ListType))]
        return built(deep[0], path, leaf, each) if deep else leaf(path)
    if isinstance(info, inspect.StructType):
        return {
            f.encode_name: built(f.type, f"{path}.{f.encode_name}".removeprefix("."), leaf, each) for f in info.fields
        }
    if isinstance(info, inspect.ListType):
        return [built(info.item_type, f"{path}[{index}]", leaf, each) for index in range(each)]
    return leaf(path)


def broken(route: Route, is_unreadable: Callable[[int], bool]) -> tuple[dict[str, Any], set[str]]:
    """A body, and the paths that are wrong in it: the n-th leaf cannot be read where ``is_unreadable(n)``, and is refused otherwise, or
    left as it should be."""
    wrong: list[str] = []
    numbers = itertools.count()

    def leaf(path: str) -> Any:
        name = path.rpartition(".")[2].partition("[")[0]
        if is_unreadable(next(numbers)):
            wrong.append(f"{path}.no" if name in NAMED else path)
            return {"no": "value"} if name != "metadata" else {"no": 1}
        if name in REFUSED and (route.name, path) not in STEPS:
            wrong.append(path)
            return REFUSED[name]
        return FINE.get((route.name, path), FINE.get(name, ID))

    each = 1 if route.name in ONE_OF_EACH else 2
    return built(inspect.type_info(route.body), "", leaf, each), set(wrong)


@pytest.mark.parametrize(
    "is_unreadable",
    [lambda n: True, lambda n: False, lambda n: n % 2 == 0, lambda n: n % 2 == 1, lambda n: n % 3 == 0, lambda n: n == 0],
    ids=["all unreadable", "none unreadable", "even", "odd", "a third", "the first"],
)  # fmt: skip
@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.body and r.name not in SECRET | BY_ROW], ids=lambda route: route.name
)
async def test_every_field_that_is_wrong_is_named_at_once(
    market: Market, route: Route, is_unreadable: Callable[[int], bool]
) -> None:
    if "link" in route.path:
        market = make_market(
            attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, link_sign_in=True))
        )
    who = (
        await market.person("admin")
        if any(
            word in route.path
            for word in (
                "categories",
                "admin",
                "verification",
                "groups",
                "market-days",
                "market-schedules",
                "pickup-points",
                "fees",
                "tax-rates",
                "coupons",
            )
        )
        else await market.farmer()
    )
    member_id = ID
    if "/api/farms/{id}/members" in route.path:
        await market.join(member := await market.person(), who.farm_id, "packer")
        member_id = member.id
    ids = {
        "user_id": member_id,
        "id": ID,
        "farm_id": who.farm_id,
        "product_id": ID,
        "external_id": "erp-1",
        "image_id": ID,
    }
    if "/api/farms" in route.path:
        ids["id"] = who.farm_id or (await market.farmer()).farm_id
    elif "/api/products/{id}" in route.path:
        ids["id"] = (await market.product(who))["id"]
    elif "/api/categories/{id}" in route.path:
        ids["id"] = (await who.post("/api/categories", {"name": "Roots"})).json()["id"]
    elif "/api/groups/{id}" in route.path:
        ids["id"] = (await who.post("/api/groups", {"name": "Wholesale"})).json()["id"]
    elif "/api/market-days/{id}" in route.path:
        ids["id"] = (await made(who, day(market.parts.now())))["id"]
    elif "/api/market-schedules/{id}" in route.path:
        ids["id"] = (await who.post("/api/market-schedules", weekly())).json()["id"]
    elif "/api/pickup-points/{id}" in route.path:
        ids["id"] = (await who.post("/api/pickup-points", {"name": "Hall"})).json()["id"]
    elif (kind := route.path.split("/")[2]) in CHARGES and "{id}" in route.path:
        ids["id"] = (await who.post(f"/api/{kind}", CHARGES[kind])).json()["id"]
    elif "/search/rules/{id}" in route.path:
        ids["id"] = (
            await who.post("/api/admin/search/rules", {"kind": "synonym", "queries": ["courgette", "zucchini"]})
        ).json()["id"]
    elif "/api/orders/{id}" in route.path or "{product_id}" in route.path:
        product = await market.product(who)
        order = (await who.order((product["id"], 1))).json()
        ids |= {"id": order["id"], "product_id": product["id"], "line_id": order["lines"][0]["id"]}
    body, wrong = broken(route, is_unreadable)
    headers = {"If_Match": "*"} if route.if_match else {}
    if route.key != "no":
        headers["Idempotency_Key"] = "broken"
    response = await who.request(route.method, route.path.format(**ids), body, **headers)
    assert response.status == 422 or not wrong, response.text
    named = [error["field"] for error in response.json().get("errors", ())]
    assert len(wrong) < MAX
    assert wrong <= set(named), (sorted(wrong - set(named)), body, response.text)
