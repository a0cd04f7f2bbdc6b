"""Every route of the table, as everybody there is: who is let in is what the table of permissions says, and nobody else.

First the gate, for all routes and roles, without a body that could be acted on; then the routes that ask for a role in a farm, each with
a request that does something, as each role in it, as other farms' people and as the market's staff.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.kernel.permissions import (
    BROUGHT_BY,
    BUYER,
    DRIVER,
    GRANTS,
    MANAGER,
    OWNER,
    PACKER,
    ROLES,
    SCOPES,
    Permission,
    may,
    may_everywhere,
    may_for_farm,
)
from harvestd.tables import ROUTES
from harvestd.web.pages import openapi
from harvestd.web.routes import Route
from tests.market.farms.walk import PAPER
from tests.market.pictures.walk import TOMATO
from tests.people import Market, Person
from tests.web.client import Client, Response

ID = "0197f0a0-7c1e-7abc-8def-0123456789ab"
GUARDED = [route for route in ROUTES if route.permission is not None]
FARM_ROLES = (OWNER, MANAGER, PACKER, DRIVER)


def address(route: Route, **ids: str) -> str:
    """A path of the route; nothing has the ids that are not given."""
    for name in (
        "id",
        "farm_id",
        "user_id",
        "product_id",
        "invitation_id",
        "line_id",
        "token",
        "external_id",
        "document_id",
        "image_id",
        "shard",
        "file",
        "slug",
    ):
        ids.setdefault(name, ID)
    return route.path.format(**ids)


async def asked(client: Client, route: Route) -> Response:
    headers = {"Idempotency-Key": f"{route.name}-{id(client)}", "If-Match": "*"}
    return await client.request(route.method, address(route), headers=headers)


def refused(response: Response) -> bool:
    """By the table; a step-up that is missing is another matter."""
    return response.status == 403 and response.json()["type"] == "/problems/forbidden"


def test_every_route_that_changes_something_for_somebody_is_guarded() -> None:
    assert len(GUARDED) > 40


@pytest.mark.limit(120)
async def test_the_gate_lets_in_whom_the_table_names(market: Market) -> None:
    people = {role: await market.person(role) for role in ROLES}
    wrong = []
    for route in GUARDED:
        assert route.permission is not None
        if (nobody := await asked(market.stranger, route)).status != 401:
            wrong.append(f"{route.name} as nobody: {nobody.status}")
        for role, person in people.items():
            if route.name in ENDING:
                person = await market.person(role)
            answer = await asked(person.client, route)
            if answer.status == 401 or refused(answer) == may(role, route.permission):
                wrong.append(f"{route.name} as {role}: {answer.status} {answer.text}")
    assert not wrong, "\n".join(wrong)


def declared() -> dict[tuple[str, str], set[str]]:
    document = openapi.document(ROUTES, "A market")
    return {(path, m.upper()): set(o["responses"]) for path, ms in document["paths"].items() for m, o in ms.items()}


@pytest.mark.limit(120)
async def test_the_contract_has_the_status_of_an_unknown_parameter_of_every_route(market: Market) -> None:
    """Also of those that take no parameters; ``lenient`` ones pass over it."""
    admin, known, met, wrong = await market.person("admin"), declared(), 0, []
    for route in ROUTES:
        if route.page or route.operator:
            continue
        headers = {"Idempotency-Key": f"{route.name}-unknown", "If-Match": "*"}
        answer = await admin.client.request(route.method, f"{address(route)}?no_such=1", headers=headers)
        met += answer.status == 422
        if route.strict and not route.lenient and answer.status != 422:
            wrong.append(f"{route.name} takes it: {answer.status}")
        if str(answer.status) not in known[route.path, route.method]:
            wrong.append(f"{route.name} answers {answer.status}, which the contract does not have")
    assert not wrong, "\n".join(wrong)
    assert met > 60


#: They end the sign-in of whoever asks.
ENDING = {"post_api_auth_logout", "delete_api_auth_session", "delete_api_users_me", "post_api_users_me_deactivation"}


@pytest.mark.limit(120)
async def test_an_api_key_does_what_its_scope_says_and_its_owner_may(market: Market) -> None:
    """Whatever the route: with all scopes but its own it is refused, with that alone it is not."""
    secrets: dict[tuple[str, ...], Client] = {}
    admins: list[Person] = []

    async def key(*scopes: str) -> Client:
        if scopes not in secrets:
            if len(secrets) % 40 == 0:  # an account has 50 keys at most
                admins.append(await market.person("admin"))
            answer = await admins[-1].post("/api/users/me/api-keys", {"name": "k", "scopes": list(scopes)})
            assert answer.status == 201, answer.text
            secrets[scopes] = market.stranger.signed_in(answer.json()["key"])
        return secrets[scopes]

    wrong = []
    for route in GUARDED:
        assert route.permission is not None
        own = route.permission.value
        also = {one.value for one in BROUGHT_BY.get(route.permission, ())}
        without = await asked(await key(*sorted(set(SCOPES) - {own} - also)), route)
        if not refused(without):
            wrong.append(f"{route.name} without {own}: {without.status}")
        if own in SCOPES:
            alone = await asked(await key(own), route)
            if alone.status == 401 or refused(alone):
                wrong.append(f"{route.name} with {own}: {alone.status} {alone.text}")
    assert not wrong, "\n".join(wrong)


# --- a role in a farm ---


@attrs.define
class Farm:
    """A farm with something of everything, made anew for each who asks."""

    market: Market
    owner: Person
    product: dict[str, Any]
    order: dict[str, Any]
    member: Person
    invitation: str
    document: str
    image: str
    fee: str
    coupon: str
    point: str


async def farm_of(market: Market, owner: Person, buyer: Person) -> Farm:
    product = await market.product(owner, unit="each", stock="9")
    weight = {"quantity": "0.8", "unit": "kg"}
    duck = await market.product(
        owner,
        unit="each",
        stock="9",
        priced_by="weight",
        price_per={"quantity": 1, "unit": "kg"},
        estimated_weight=weight,
    )
    order = await buyer.order((product["id"], 1), (duck["id"], 1))
    assert order.status == 201, order.text
    await market.work()
    member = await market.person()
    await market.join(member, owner.farm_id, "driver")
    body = {"email": f"{member.id}@example.org", "role": "packer"}
    invitation = (await owner.post(f"/api/farms/{owner.farm_id}/members", body)).json()["id"]
    document = (await owner.post(f"/api/farms/{owner.farm_id}/documents", DOCUMENT)).json()["id"]
    image = (await owner.post(f"/api/products/{product['id']}/images", PICTURE)).json()["image"]["id"]
    fee = (
        await owner.post("/api/fees", {"name": "Packing", "basis": "farm", "amount": 1, "from": "2999-01-01"})
    ).json()["id"]
    coupon = (await owner.post("/api/coupons", {"code": product["id"], "percent": 10})).json()["id"]
    point = (await owner.post("/api/pickup-points", {"name": "Gate", "farm_id": owner.farm_id})).json()["id"]
    return Farm(market, owner, product, order.json(), member, invitation, document, image, fee, coupon, point)


PICTURE = {"content": TOMATO}
DOCUMENT = {"kind": "other", "title": "Paper", "content": PAPER}
Ask = Callable[[Farm, Client], Awaitable[Response]]


def ask(method: str, path: str, body: Any = None, *, match: bool = True) -> Ask:
    """A request that does something; the path names parts of the farm."""

    async def send(farm: Farm, client: Client) -> Response:
        given = {} if body is None else {"json": body(farm) if callable(body) else body}
        headers = {"If-Match": "*"} if match else {}
        return await client.request(method, path.format(f=farm, farm=farm.owner.farm_id), headers=headers, **given)

    return send


def soon(farm: Farm) -> str:
    """Until when a price is reduced."""
    return (farm.market.parts.now() + timedelta(hours=1)).isoformat()


ORDER, PRODUCT, FARM = "/api/orders/{f.order[id]}", "/api/products/{f.product[id]}", "/api/farms/{farm}"
#: By route: what does something to a farm, or shows what is its own.
ASKS: dict[str, Ask] = {
    "patch_api_farms_id": ask("PATCH", FARM, {"description": "By the river."}),
    "get_api_farms_id_members": ask("GET", f"{FARM}/members"),
    "post_api_farms_id_members": ask("POST", f"{FARM}/members", {"email": "new@example.org", "role": "packer"}),
    "patch_api_farms_id_members_user_id": ask("PATCH", f"{FARM}/members/{{f.member.id}}", {"role": "packer"}),
    "delete_api_farms_id_members_user_id": ask("DELETE", f"{FARM}/members/{{f.member.id}}"),
    "get_api_farms_id_invitations": ask("GET", f"{FARM}/invitations"),
    "delete_api_farms_id_invitations_invitation_id": ask("DELETE", f"{FARM}/invitations/{{f.invitation}}"),
    "get_api_farms_id_documents": ask("GET", f"{FARM}/documents"),
    "post_api_farms_id_documents": ask("POST", f"{FARM}/documents", DOCUMENT),
    "get_api_farms_id_documents_document_id": ask("GET", f"{FARM}/documents/{{f.document}}"),
    "delete_api_farms_id_documents_document_id": ask("DELETE", f"{FARM}/documents/{{f.document}}"),
    "post_api_products": ask(
        "POST", "/api/products", lambda f: {"title": "Leek", "unit": "each", "price": 1, "stock": 1, "farm_id": f.owner.farm_id}
    ),
    "post_api_products_bulk": ask(
        "POST",
        "/api/products/bulk",
        lambda f: {"rows": [{"title": "Leek", "unit": "each", "price": 1, "stock": 1}], "farm_id": f.owner.farm_id},
    ),
    "post_api_products_import": ask(
        "POST", "/api/products/import?dry_run=true&farm_id={farm}", {"content": "c2t1Cg=="}
    ),
    "post_api_pickup_points": ask("POST", "/api/pickup-points", lambda f: {"name": "Gate", "farm_id": f.owner.farm_id}),
    "patch_api_pickup_points_id": ask("PATCH", "/api/pickup-points/{f.point}", {"name": "Barn"}),
    "delete_api_pickup_points_id": ask("DELETE", "/api/pickup-points/{f.point}"),
    "get_api_farms_id_groups": ask("GET", f"{FARM}/groups"),
    "get_api_products_export_csv": ask("GET", "/api/products/export.csv?farm_id={farm}"),
    "get_api_products_export_jsonl": ask("GET", "/api/products/export.jsonl?farm_id={farm}"),
    "put_api_farms_id_products_external_id": ask(
        "PUT", f"{FARM}/products/erp-1", {"title": "Leek", "unit": "each", "price": 1, "stock": 1}, match=False
    ),
    "patch_api_products_id": ask("PATCH", PRODUCT, {"price": 5}),
    "delete_api_products_id": ask("DELETE", PRODUCT),
    "post_api_products_id_images": ask("POST", f"{PRODUCT}/images", PICTURE),
    "get_api_products_id_images": ask("GET", f"{PRODUCT}/images"),
    "patch_api_products_id_images_image_id": ask("PATCH", f"{PRODUCT}/images/{{f.image}}", {"alt": "Leek"}),
    "delete_api_products_id_images_image_id": ask("DELETE", f"{PRODUCT}/images/{{f.image}}"),
    "get_api_products_id_price_history": ask("GET", f"{PRODUCT}/price-history"),
    "post_api_products_id_markdown": ask("POST", f"{PRODUCT}/markdown", lambda f: {"price": 5, "until": soon(f)}),
    "delete_api_products_id_markdown": ask("DELETE", f"{PRODUCT}/markdown"),
    "post_api_products_id_stock": ask("POST", f"{PRODUCT}/stock", {"set": 8}),
    "get_api_products_id_variants": ask("GET", f"{PRODUCT}/variants"),
    "put_api_products_id_variants": ask(
        "PUT", f"{PRODUCT}/variants", {"items": [{"title": "Crate", "unit": "crate", "price": 9, "takes": 2}]}
    ),
    "get_api_fees": ask("GET", "/api/fees?farm={farm}"),
    "post_api_fees": ask("POST", "/api/fees", lambda f: {"name": "Ice", "basis": "farm", "amount": 1, "farm_id": f.owner.farm_id}),
    "get_api_fees_id": ask("GET", "/api/fees/{f.fee}"),
    "patch_api_fees_id": ask("PATCH", "/api/fees/{f.fee}", {"amount": 2}),
    "delete_api_fees_id": ask("DELETE", "/api/fees/{f.fee}"),
    "get_api_coupons": ask("GET", "/api/coupons?farm={farm}"),
    "post_api_coupons": ask("POST", "/api/coupons", lambda f: {"code": f"{f.product['id']}-2", "percent": 10, "farm_id": f.owner.farm_id}),
    "get_api_coupons_id": ask("GET", "/api/coupons/{f.coupon}"),
    "patch_api_coupons_id": ask("PATCH", "/api/coupons/{f.coupon}", {"percent": 20}),
    "delete_api_coupons_id": ask("DELETE", "/api/coupons/{f.coupon}"),
    "get_api_orders_id": ask("GET", ORDER),
    "get_api_orders_id_changes": ask("GET", f"{ORDER}/changes"),
    "patch_api_orders_id": ask("PATCH", ORDER, lambda f: {"lines": [{"line_id": f.order["lines"][0]["id"], "quantity": 2}], "reason": "As said."}),
    "post_api_orders_id_parts_farm_id_lines_line_id_short": ask("POST", f"{ORDER}/parts/{{farm}}/lines/{{f.order[lines][0][id]}}/short", {"quantity": 1}),
    "post_api_orders_id_parts_farm_id_lines_line_id_weigh": ask("POST", f"{ORDER}/parts/{{farm}}/lines/{{f.order[lines][1][id]}}/weigh", {"quantity": 1}),
    "post_api_farms_id_weighings": ask("POST", f"{FARM}/weighings", lambda f: {"weighings": [{"line_id": f.order["lines"][1]["id"], "quantity": 1}]}),
    "post_api_orders_id_cancel": ask("POST", f"{ORDER}/cancel", {"reason": "Hail."}),
    "post_api_orders_id_parts_farm_id_status": ask("POST", f"{ORDER}/parts/{{farm}}/status", {"to": "confirmed"}),
}  # fmt: skip
#: What decides it where that is not the route's own permission: to leave is everybody's, to send somebody away is not.
DECIDING = {"delete_api_farms_id_members_user_id": Permission.CHANGE_MEMBERS}


def test_every_route_for_people_of_a_farm_is_tried_as_each() -> None:
    own = {r.name for r in GUARDED if r.permission is not None and GRANTS[r.permission].in_farm}
    assert own - {"get_api_orders"} == set(ASKS), "a list shows what is one's own; the others have a row"


@pytest.mark.limit(120)
@pytest.mark.parametrize("name", ASKS)
async def test_a_farm_s_things_are_for_the_roles_that_the_table_names(market: Market, name: str) -> None:
    route = next(route for route in ROUTES if route.name == name)
    permission = DECIDING.get(name, route.permission)
    assert permission is not None
    owner, buyer = await market.farmer(), await market.person()
    people = {role: await market.person("farmer") for role in FARM_ROLES[1:]}
    for role, person in people.items():
        await market.join(person, owner.farm_id, role)
    others = {"a stranger": await market.person(), "another farm's owner": await market.farmer("Elsewhere")}
    staff = {role: await market.person(role) for role in ("manager", "admin")}
    wrong, farm = [], None
    for who, person in {
        OWNER: owner,
        **people,
        **others,
        **{f"the market's {role}": one for role, one in staff.items()},
    }.items():
        farm = farm or await farm_of(market, owner, buyer)
        answer = await ASKS[name](farm, person.client)
        if answer.status < 300 and route.method != "GET":
            farm = None  # what was done cannot be done twice; after a refusal all is as it was
        market_role = (
            who.removeprefix("the market's ") if who.startswith("the") else "buyer" if who == "a stranger" else "farmer"
        )
        allowed = may_for_farm(market_role, who if who in FARM_ROLES else None, permission)
        assert allowed or not may_everywhere(market_role, permission)
        if (answer.status < 300) != allowed or (not allowed and answer.status not in (403, 404)):
            wrong.append(f"{who}: {answer.status} {answer.text}")
    assert not wrong, f"{name}, {permission}:\n" + "\n".join(wrong)


# --- a farmer without a farm ---

#: What people of a farm do there, and nobody who only buys.
SELLING = [
    route.name
    for route in GUARDED
    if route.permission is not None and GRANTS[route.permission].in_farm and not may(BUYER, route.permission)
]


def nowhere(market: Market) -> Farm:
    """A farm of which there is nothing."""
    nobody = Person(ID, "nobody@example.org", market.stranger, ID)
    return Farm(
        market, nobody, {"id": ID}, {"id": ID, "lines": [{"id": ID}, {"id": ID}]}, nobody, ID, ID, ID, ID, ID, ID
    )


async def farmless(market: Market, owner: Person) -> dict[str, Person]:
    """Farmers without a farm: one who never had one, and one who has left it."""
    never, left = await market.person("farmer"), await market.person("farmer")
    await market.join(left, owner.farm_id, "manager")
    assert (await left.request("DELETE", f"/api/farms/{owner.farm_id}/members/{left.id}")).status == 204
    return {"who never had one": never, "who has left it": left}


@pytest.mark.limit(60)
@pytest.mark.parametrize("name", SELLING)
async def test_a_farmer_without_a_farm_is_told_so_and_how_to_come_to_one(market: Market, name: str) -> None:
    """Whatever is asked for, of whichever farm, and whether or not it is there."""
    owner, buyer = await market.farmer(), await market.person()
    wrong, another = [], await farm_of(market, owner, buyer)
    for who, person in (await farmless(market, owner)).items():
        for whose, farm in {"another's": another, "nobody's": nowhere(market)}.items():
            answer = await ASKS[name](farm, person.client)
            problem = answer.json() if answer.body else {}
            if problem.get("type") != "/problems/no-farm" or "POST /api/farms" not in problem["detail"]:
                wrong.append(f"somebody {who}, of {whose}: {answer.status} {answer.text}")
    assert not wrong, f"{name}:\n" + "\n".join(wrong)


async def test_a_farmer_without_a_farm_who_offers_a_product_for_none_is_told_the_same(market: Market) -> None:
    farmer, owner, staff = await market.person("farmer"), await market.farmer(), await market.person("manager")
    body = {"title": "Leek", "unit": "each", "price": 1, "stock": 1}
    assert (await farmer.post("/api/products", body)).json()["type"] == "/problems/no-farm"
    assert (await owner.post("/api/products", body)).status == 201
    assert (await staff.post("/api/products", body)).status == 422, "the staff names the farm"
    assert (await farmer.post("/api/farms", {"name": "Corner"})).status == 201
    assert (await farmer.post("/api/products", body)).status == 201, "the cure works"
