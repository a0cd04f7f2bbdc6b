"""What people write, over every text field of every body in the route table: names that cannot be seen are refused, what is
kept is composed and trimmed, nothing holds control characters, and no length of anything takes long.

The fields are found in the types of the bodies, so a new one is tested by being there; a body without an example fails.
"""

from __future__ import annotations

import base64
import copy
import itertools
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from time import process_time
from typing import Any

import attrs
import msgspec
import pytest

from harvestd.kernel.names import has_invisible
from harvestd.tables import ROUTES
from tests.market.days import calendar
from tests.market.farms.walk import PAPER
from tests.people import Market, Person
from tests.uploading import picture
from tests.web.client import Response
from tests.web.conftest import make_market

#: Texts that are compared with what is stored elsewhere, and never shown: they are taken as they are.
SECRETS = {"password", "refresh_token", "token", "code", "passkey", "challenge"}
BLANKS = [" ", "\u200b", "\u3164", "\u2800", "\u00a0\u3000", "\u202e", "\u0301"]
WRITTEN = "\u200b  Cafe\u0301 \u00a0d\u00adu\u202e Nord\u2028 "
KEPT, KEPT_LINES = "Café du Nord", "Café \u00a0du Nord"
RUNS = ["a", " ", "\u0301\u0323", "&", "é", "\u200b", "=?", "'"]

PICTURE = base64.b64encode(picture(size=(8, 8))).decode()

_numbers = itertools.count(1)
Path = tuple[str | int, ...]


def text_fields(type_: Any, at: Path = ()) -> Iterator[Path]:
    """The paths of a body's fields that hold free text: a str without a pattern; the first item of a list stands for all."""
    if isinstance(type_, msgspec.inspect.StructType):
        for field in type_.fields:
            yield from text_fields(field.type, (*at, field.encode_name))
    elif isinstance(type_, msgspec.inspect.UnionType):
        for part in type_.types:
            yield from text_fields(part, at)
    elif isinstance(type_, (msgspec.inspect.ListType, msgspec.inspect.VarTupleType)):
        yield from text_fields(type_.item_type, (*at, 0))
    elif isinstance(type_, msgspec.inspect.Metadata):
        if type_.extra and "read" in type_.extra:
            return  # an id, a slug: a reader takes one form exactly
        yield from text_fields(type_.type, at)
    elif isinstance(type_, msgspec.inspect.StrType) and type_.pattern is None:
        yield at


FIELDS = [
    (route.operation, path)
    for route in ROUTES
    if route.body is not None
    for path in dict.fromkeys(text_fields(msgspec.inspect.type_info(route.body)))
    if path[-1] not in SECRETS
]
#: Read by a reader of their own, which takes one form exactly: money's currency, days, a language, base64, numbers elsewhere; and the name of a
#: file, which is used for nothing.
FORMS = {"currency", "from", "to", "language", "content", "filename", "gtin", "external_id"}
TEXTS = [(operation, path) for operation, path in FIELDS if path[-1] not in FORMS]


@attrs.define
class Stage:
    """A market with somebody of each kind, and a product."""

    market: Market
    farmer: Person
    admin: Person
    buyer: Person
    product: dict[str, Any]

    async def order(self) -> str:
        response = await self.buyer.order((self.product["id"], 1))
        assert response.status == 201, response.text
        return str(response.json()["id"])


Try = tuple[Any, str, str, dict[str, Any]]


async def _register(s: Stage) -> Try:
    n = next(_numbers)
    body = {"email": f"p{n}@example.org", "username": f"person-{n}", "password": "a long walk to market", "name": "Bo",
            "role": "farmer", "farm_name": "Acres"}  # fmt: skip
    return s.market.stranger, "POST", "/api/auth/register", body


async def _login(s: Stage) -> Try:
    return (
        s.market.stranger,
        "POST",
        "/api/auth/login",
        {"email": "bo@example.org", "password": "a long walk to market"},
    )


async def _session(s: Stage) -> Try:
    _, method, _, body = await _login(s)
    return s.market.stranger, method, "/api/auth/session", body


async def _farm(s: Stage) -> Try:
    body = {"name": "Acres", "description": "Fields.", "certifications": ["Organic"],
            "location": {"latitude": 1, "longitude": 1, "address": "Road 1"}, "pickup_points": [{"name": "Gate", "address": "Road 1", "hours": "Fri"}],
            "certificates": [{"scheme": "Organic", "body_code": "A", "number": "1"}], "away": [{"from": "2099-01-01", "to": "2099-01-01", "note": "Sea."}],
            "delivery": {"areas": [{"name": "Town", "postcodes": ["1010"]}], "note": "Fridays."}, "external_id": "a", "metadata": {"a": "b"},
            "imprint": {"legal_name": "Acres KG", "address": "Road 1", "register": "FN 1a", "tax_number": "ATU1"}}  # fmt: skip
    return s.farmer, "PATCH", f"/api/farms/{s.farmer.farm_id}", body


async def _group(s: Stage) -> Try:
    return s.admin, "POST", "/api/groups", {"name": f"Trade {next(_numbers)}", "description": "By the crate."}


async def _change_group(s: Stage) -> Try:
    made = (await s.admin.post("/api/groups", {"name": f"Trade {next(_numbers)}"})).json()
    return (
        s.admin,
        "PATCH",
        f"/api/groups/{made['id']}",
        {"name": f"Trade {next(_numbers)}", "description": "By the crate."},
    )


def _times(s: Stage) -> dict[str, str]:
    day = calendar.body(s.market.parts.now())
    return {"opens_at": day["opens_at"], "closes_at": day["closes_at"]}


AREA = {"method": "delivery", "area": {"postcodes": ["1010"]}}


def _windows(s: Stage) -> dict[str, Any]:
    return {"windows": [calendar.delivery(s.market.parts.now()) | AREA]}


async def _day(s: Stage) -> Try:
    return s.admin, "POST", "/api/market-days", {"name": "Saturday", "metadata": {"a": "b"}, **_times(s), **_windows(s)}


async def _made_day(s: Stage) -> str:
    return f"/api/market-days/{(await calendar.made(s.admin, {'name': 'Saturday', **_times(s)}))['id']}"


async def _change_day(s: Stage) -> Try:
    return s.admin, "PATCH", await _made_day(s), {"name": "Saturday", "metadata": {"a": "b"}, **_windows(s)}


async def _copy_day(s: Stage) -> Try:
    return s.admin, "POST", f"{await _made_day(s)}/copy", {"name": "Saturday", "opens_at": _times(s)["opens_at"]}


async def _cancel_day(s: Stage) -> Try:
    return s.admin, "POST", f"{await _made_day(s)}/cancel", {"reason": "Storm."}


POINT = {"name": "Hall", "address": "1 Square", "hours": "Sat 9-12"}


async def _point(s: Stage) -> Try:
    return s.admin, "POST", "/api/pickup-points", POINT


async def _change_point(s: Stage) -> Try:
    made = (await s.admin.post("/api/pickup-points", POINT)).json()
    return s.admin, "PATCH", f"/api/pickup-points/{made['id']}", POINT


SCHEDULE = {
    "name": "Saturday", "rule": "FREQ=WEEKLY;COUNT=1", "first": "2098-01-04", "opens": {"day": -3, "at": "08:00"}, "closes": {"at": "06:00"},
    "metadata": {"a": "b"}, "windows": [AREA | {"from": {"at": "09:00"}, "to": {"at": "10:00"}}],
}  # fmt: skip


async def _schedule(s: Stage) -> Try:
    return s.admin, "POST", "/api/market-schedules", SCHEDULE


async def _change_schedule(s: Stage) -> Try:
    made = (await s.admin.post("/api/market-schedules", SCHEDULE)).json()
    return (
        s.admin,
        "PATCH",
        f"/api/market-schedules/{made['id']}",
        {name: SCHEDULE[name] for name in ("name", "metadata", "windows")},
    )


async def _group_member(s: Stage) -> Try:
    made = (await s.admin.post("/api/groups", {"name": f"Trade {next(_numbers)}"})).json()
    return s.admin, "POST", f"/api/groups/{made['id']}/members", {"email": s.buyer.email}


RULES: dict[str, dict[str, Any]] = {
    "boost": {"queries": ["courgette"], "tag": "plain", "factor": 2, "note": "British."},
    "synonym": {"queries": ["courgette"], "means": ["zucchini"]},
}  # fmt: skip


def _rule(kind: str) -> Callable[[Stage], Awaitable[Try]]:
    async def create(s: Stage) -> Try:
        return s.admin, "POST", "/api/admin/search/rules", {"kind": kind, **RULES[kind]}

    return create


def _change_rule(kind: str) -> Callable[[Stage], Awaitable[Try]]:
    async def change(s: Stage) -> Try:
        made = (await s.admin.post("/api/admin/search/rules", {"kind": kind, **RULES[kind]})).json()
        return s.admin, "PATCH", f"/api/admin/search/rules/{made['id']}", RULES[kind]

    return change


CHARGES: dict[str, dict[str, Any]] = {
    "fees": {"name": "Packing", "basis": "delivery_area", "amount": 100, "postcodes": ["1010"], "from": "2999-01-01"},
    "tax-rates": {"name": "Reduced", "rate": 7, "from": "2999-01-01"},
    "coupons": {"percent": 10},
}  # fmt: skip


def _charge(kind: str) -> Callable[[Stage], Awaitable[Try]]:
    async def create(s: Stage) -> Try:
        code = {"code": f"CODE-{next(_numbers)}"} if kind == "coupons" else {}
        return s.admin, "POST", f"/api/{kind}", {**CHARGES[kind], **code}

    return create


def _change_charge(kind: str) -> Callable[[Stage], Awaitable[Try]]:
    async def change(s: Stage) -> Try:
        _, _, path, body = await _charge(kind)(s)
        made = (await s.admin.post(path, body)).json()
        return s.admin, "PATCH", f"{path}/{made['id']}", body

    return change


async def _category(s: Stage) -> Try:
    body = {"name": f"Fruit {next(_numbers)}", "description": "Sweet.", "icon": "apple"}
    return s.admin, "POST", "/api/categories", body


async def _change_category(s: Stage) -> Try:
    made = (await s.admin.post("/api/categories", {"name": f"Fruit {next(_numbers)}"})).json()
    body = {"name": f"Fruit {next(_numbers)}", "description": "Sweet.", "icon": "apple"}
    return s.admin, "PATCH", f"/api/categories/{made['id']}", body


FACTS = {
    "sku": "P1", "lot": "L1", "ingredients": "Peas.", "origin": "Tirol", "certifications": [{"scheme": "Organic", "body_code": "AT", "number": "1"}],
}  # fmt: skip


async def _product(s: Stage) -> Try:
    body = {
        "title": "Peas",
        "unit": "kg",
        "price": 100,
        "stock": "1",
        "description": "Green.",
        "tags": ["fresh"],
        **FACTS,
    }
    return s.farmer, "POST", "/api/products", body


PACK = {"title": "Sack", "price": 100, "takes": 2, "sku": "S2"}


async def _put_product(s: Stage) -> Try:
    _, _, _, body = await _product(s)
    return s.farmer, "PUT", f"/api/farms/{s.farmer.farm_id}/products/erp-{next(_numbers)}", body | {"variants": [PACK]}


async def _many_products(s: Stage) -> Try:
    _, _, _, body = await _product(s)
    return (
        s.farmer,
        "POST",
        "/api/products/bulk?atomic=true",
        {"rows": [body | {"external_id": f"erp-{next(_numbers)}", "variants": [PACK]}]},
    )


async def _change_product(s: Stage) -> Try:
    body = {"title": "Peas", "description": "Green.", "tags": ["fresh"], **FACTS}
    return s.farmer, "PATCH", f"/api/products/{s.product['id']}", body


async def _reduce(s: Stage) -> Try:
    product = (await s.market.product(s.farmer, price=300))["id"]
    body = {"price": 100, "until": "2099-01-01T00:00:00Z", "reason": "Plenty."}
    return s.farmer, "POST", f"/api/products/{product}/markdown", body


async def _stock(s: Stage) -> Try:
    return s.farmer, "POST", f"/api/products/{s.product['id']}/stock", {"change": "1", "reason": "Found."}


async def _order(s: Stage) -> Try:
    body = {"lines": [{"product_id": s.product["id"], "quantity": 1}], "note": "Please.",
            "fulfilments": [{"farm_id": s.farmer.farm_id, "method": "delivery", "address": "Road 2"}]}  # fmt: skip
    return s.buyer, "POST", "/api/orders", body


async def _guest(s: Stage) -> Try:
    guest = {"name": "Bo", "email": f"guest-{next(_numbers)}@example.org", "phone": "+49 30 1234567"}
    return (
        s.market.stranger,
        "POST",
        "/api/orders",
        {"lines": [{"product_id": s.product["id"], "quantity": 1}], "guest": guest},
    )


async def _put(s: Stage) -> Try:
    return s.buyer, "PUT", f"/api/cart/items/{s.product['id']}", {"quantity": 1, "note": "Ripe ones."}


async def _put_many(s: Stage) -> Try:
    return (
        s.buyer,
        "PUT",
        "/api/cart/items",
        {"items": [{"product_id": s.product["id"], "quantity": 1, "note": "Ripe ones."}]},
    )


async def _quote(s: Stage) -> Try:
    who, method, _, body = await _order(s)
    return who, method, "/api/quotes", body | {"hold": True}


async def _profile(s: Stage) -> Try:
    return s.buyer, "PATCH", "/api/users/me", {"name": "Bo", "phone": "+49 30 1234567"}


async def _cancel(s: Stage) -> Try:
    return s.buyer, "POST", f"/api/orders/{await s.order()}/cancel", {"reason": "Ill."}


async def _amend(s: Stage) -> Try:
    order = (await s.buyer.get(f"/api/orders/{await s.order()}")).json()
    lines = [{"line_id": order["lines"][0]["id"], "note": "Ripe."}]
    return s.buyer, "PATCH", f"/api/orders/{order['id']}", {"lines": lines, "reason": "More guests."}


async def _short(s: Stage) -> Try:
    order = (await s.buyer.get(f"/api/orders/{await s.order()}")).json()
    path = f"/api/orders/{order['id']}/parts/{s.farmer.farm_id}/lines/{order['lines'][0]['id']}/short"
    return s.farmer, "POST", path, {"quantity": 1, "reason": "Hail."}


async def _move(s: Stage) -> Try:
    path = f"/api/orders/{await s.order()}/parts/{s.farmer.farm_id}/status"
    return s.farmer, "POST", path, {"to": "cancelled", "reason": "Hail."}


async def _forgot(s: Stage) -> Try:
    return s.market.stranger, "POST", "/api/auth/password/forgot", {"email": "bo@example.org"}


async def _link(s: Stage) -> Try:
    return s.market.stranger, "POST", "/api/auth/link", {"email": "bo@example.org"}


async def _use_link(s: Stage) -> Try:
    return s.market.stranger, "POST", "/api/auth/link/use", {"token": "x" * 43, "email": "bo@example.org"}


async def _link_session(s: Stage) -> Try:
    return s.market.stranger, "POST", "/api/auth/link/session", {"token": "x" * 43, "email": "bo@example.org"}


async def _email(s: Stage) -> Try:
    return s.buyer, "PUT", "/api/users/me/email", {"email": "bo@example.org"}


async def _key(s: Stage) -> Try:
    return s.buyer, "POST", "/api/users/me/api-keys", {"name": "Till", "scopes": ["orders:read"]}


async def _address(s: Stage) -> Try:
    body = {"recipient": "Bo", "address": "Road 1", "label": "home", "phone": "+49 30 1234567", "note": "Ring."}
    return s.buyer, "PUT", f"/api/users/me/addresses/{s.buyer.id}", body


async def _account(s: Stage) -> Try:
    return s.admin, "PATCH", f"/api/admin/users/{s.farmer.id}", {"role": "farmer"}


async def _impersonate(s: Stage) -> Try:
    return s.admin, "POST", f"/api/admin/users/{s.buyer.id}/impersonate", {"reason": "To see."}


async def _invite(s: Stage) -> Try:
    n = next(_numbers)
    return s.farmer, "POST", f"/api/farms/{s.farmer.farm_id}/members", {"email": f"p{n}@example.org", "role": "packer"}


async def _found(s: Stage) -> Try:
    return s.admin, "POST", "/api/farms", {"name": f"Corner {next(_numbers)}"}


async def _judge(s: Stage) -> Try:
    return s.admin, "POST", f"/api/farms/{s.farmer.farm_id}/verification", {"state": "verified", "reason": "Visited."}


async def _avatar(s: Stage) -> Try:
    return s.buyer, "PUT", "/api/users/me/avatar", {"content": PICTURE, "filename": "bo.png"}


async def _document(s: Stage) -> Try:
    body = {"kind": "other", "title": "Paper", "content": PAPER, "filename": "paper.pdf"}
    farmer = await s.market.farmer()
    return farmer, "POST", f"/api/farms/{farmer.farm_id}/documents", body


async def _image(s: Stage) -> Try:
    product = (await s.market.product(s.farmer))["id"]
    return (
        s.farmer,
        "POST",
        f"/api/products/{product}/images",
        {"content": PICTURE, "alt": "Leek", "filename": "leek.png"},
    )


async def _packs(s: Stage) -> Try:
    body = {"items": [PACK]}
    return s.farmer, "PUT", f"/api/products/{s.product['id']}/variants", body


async def _change_image(s: Stage) -> Try:
    farmer, _, path, body = await _image(s)
    image = (await farmer.post(path, body)).json()["image"]["id"]
    return farmer, "PATCH", f"{path}/{image}", {"alt": "Leek"}


async def _factor(s: Stage) -> Try:
    return await s.market.person(), "POST", "/api/users/me/second-factors", {"name": "telephone"}


EXAMPLES: dict[str, Callable[[Stage], Awaitable[Try]]] = {
    "register": _register, "signIn": _login, "updateFarm": _farm, "createCategory": _category, "updateCategory": _change_category,
    "createSearchRule": _rule("boost"), "changeSearchRule": _change_rule("boost"), "createGroup": _group, "changeGroup": _change_group, "addGroupMemberByAddress": _group_member, "createMarketDay": _day, "changeMarketDay": _change_day, "copyMarketDay": _copy_day, "cancelMarketDay": _cancel_day,
    "createPickupPoint": _point, "changePickupPoint": _change_point, "createMarketSchedule": _schedule, "changeMarketSchedule": _change_schedule, "createProduct": _product, "putProduct": _put_product, "writeProducts": _many_products, "updateProduct": _change_product, "changeStock": _stock, "reducePrice": _reduce, "putVariants": _packs, "placeOrder": _order,
    "askQuote": _quote, "putCartItem": _put, "putCartItems": _put_many, "cancelOrder": _cancel, "changeOrder": _amend, "shortOrderLine": _short, "changeMe": _profile, "moveOrderPart": _move,
    "createFee": _charge("fees"), "changeFee": _change_charge("fees"), "createTaxRate": _charge("tax-rates"), "changeTaxRate": _change_charge("tax-rates"),
    "createCoupon": _charge("coupons"), "changeCoupon": _change_charge("coupons"),
    "requestPasswordReset": _forgot, "requestSignInLink": _link, "putAvatar": _avatar, "addDocument": _document, "addImage": _image, "changeImage": _change_image, "changeEmail": _email, "createApiKey": _key, "putAddress": _address,
    "changeAccount": _account, "impersonate": _impersonate, "inviteMember": _invite, "setUpSecondFactor": _factor, "createFarm": _found, "judgeFarm": _judge, "beginSession": _session,
    "signInByLink": _use_link, "beginSessionByLink": _link_session,
}  # fmt: skip


#: Instead of these, for a field that is not beside the others.
OTHERWISE: dict[tuple[str, Path], Callable[[Stage], Awaitable[Try]]] = {
    **{("placeOrder", ("guest", field)): _guest for field in ("name", "email", "phone")},
    ("createSearchRule", ("means", 0)): _rule("synonym"), ("changeSearchRule", ("means", 0)): _change_rule("synonym"),
}  # fmt: skip


async def _written(s: Stage, response: Response) -> Response:
    """The product of the only row."""
    return await s.farmer.get(f"/api/products/{response.json()['results'][0]['id']}")


async def _ordered(s: Stage, response: Response) -> Response:
    """The order, as the farm sees it."""
    return await s.farmer.get(f"/api/orders/{response.json()['id']}")


async def _quoted(s: Stage, response: Response) -> Response:
    """The order of what the quote holds."""
    headers = {"Idempotency_Key": f"quoted-{next(_numbers)}"}
    placed = await s.buyer.post("/api/orders", {"quote_id": response.json()["id"]}, **headers)
    assert placed.status == 201, placed.text
    return await _ordered(s, placed)


#: What shows what was kept, where the answer does not.
SHOWN: dict[str, Callable[[Stage, Response], Awaitable[Response]]] = {
    "writeProducts": _written,
    "placeOrder": _ordered,
    "askQuote": _quoted,
}
#: The note of an order comes with the order, also of what a quote holds.
NOT_KEPT = {("askQuote", ("note",))}
#: They look for what is there.
SIGN_INS = {"signIn", "beginSession"}


async def stage(market: Market) -> Stage:
    market = make_market(
        attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, link_sign_in=True, guests=True))
    )
    farmer = await market.farmer()
    product = await market.product(farmer, unit="each", stock=10_000, quantity_step=1)
    return Stage(market, farmer, await market.person("admin"), await market.person(), product)


async def tried(s: Stage, operation: str, path: Path, text: str) -> Response:
    """The answer to the operation's example with ``text`` in the field at ``path``."""
    who, method, url, body = await OTHERWISE.get((operation, path), EXAMPLES[operation])(s)
    body = copy.deepcopy(body)
    if path[0] == "fulfilment":  # instead of one for each farm
        body["fulfilment"] = {**body.pop("fulfilments")[0]}
        del body["fulfilment"]["farm_id"]
    at: Any = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = text
    client = who.client if isinstance(who, Person) else who
    headers = (
        {"If-Match": "*"}
        if method == "PATCH" or url.endswith("/variants")
        else {"Idempotency-Key": f"text-{next(_numbers)}"}
        if url == "/api/orders"
        else {}
    )
    found: Response = await client.request(method, url, json=body, headers=headers)
    return found


def paths(operation: str) -> list[Path]:
    return [path for of, path in TEXTS if of == operation]


def named(path: Path) -> str:
    """A path as errors name it: ``pickup_points[0].name``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def fields(response: Response) -> list[str]:
    return [error["field"] for error in response.json().get("errors", [])]


def refusals(response: Response) -> list[str]:
    """The fields for which an order would be refused, of a quote that says so."""
    return [refusal["field"] for refusal in response.json().get("refusals", [])]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def test_every_text_field_has_an_example() -> None:
    assert {operation for operation, _ in TEXTS} <= set(EXAMPLES)
    assert len(TEXTS) >= 20


@pytest.mark.parametrize("operation", EXAMPLES)
async def test_what_cannot_be_seen_is_refused_or_nothing(market: Market, operation: str) -> None:
    s = await stage(market)
    for path, blank in itertools.product(paths(operation), BLANKS):
        response = await tried(s, operation, path, blank)
        if response.status == 401 and operation in SIGN_INS:
            continue
        if response.status == 422:
            assert fields(response) == [named(path)], response.text
            continue
        assert response.status in (200, 201, 202), response.text
        assert not any(has_invisible(text) or text == blank for text in strings(response.json())), response.text


@pytest.mark.parametrize("operation", EXAMPLES)
async def test_what_is_kept_is_composed_and_trimmed(market: Market, operation: str) -> None:
    s = await stage(market)
    for path in paths(operation):
        response = await tried(s, operation, path, WRITTEN)
        if {"email", "username", "phone", "external_id", "postcodes", "coupon"} & {*path}:
            told = fields(response) if response.status == 422 else refusals(response)
            assert operation in SIGN_INS or told == [named(path)], response.text
            continue
        texts = list(strings((await SHOWN[operation](s, response) if operation in SHOWN else response).json()))
        assert all(unicodedata.is_normalized("NFC", t) and t == t.strip() for t in texts)
        assert not any(has_invisible(t.replace("\n", "")) for t in texts)
        unkept = path[-1] == "reason" or (operation, path) in NOT_KEPT
        assert any(t.lower() in (KEPT.lower(), KEPT_LINES.lower()) for t in texts) or unkept, response.text


@pytest.mark.parametrize("operation", EXAMPLES)
async def test_control_characters_are_refused(market: Market, operation: str) -> None:
    s = await stage(market)
    for path, control in itertools.product(paths(operation), ("\x1b", "\x07", "\x9b")):
        response = await tried(s, operation, path, f"a{control}b")
        if operation not in SIGN_INS:
            assert response.status == 422 and fields(response) == [named(path)], response.text


@pytest.mark.parametrize("operation", EXAMPLES)
async def test_no_length_of_anything_takes_long(market: Market, operation: str) -> None:
    s = await stage(market)
    for path, run in itertools.product(paths(operation), RUNS):
        text = (run * 200_000)[:200_000]
        started = process_time()
        response = await tried(s, operation, path, text)
        assert process_time() - started < 0.5
        assert response.status in (401, 413, 422), response.text


async def test_two_pickup_points_with_one_id_are_refused(market: Market) -> None:
    farmer = await market.farmer()
    path, gate = f"/api/farms/{farmer.farm_id}", {"name": "Gate"}
    (point,) = (await farmer.request("PATCH", path, {"pickup_points": [gate]}, If_Match="*")).json()["pickup_points"]
    response = await farmer.request("PATCH", path, {"pickup_points": [point, point]}, If_Match="*")
    assert response.status == 422
    assert [(e["field"], e["code"]) for e in response.json()["errors"]] == [("pickup_points[1].id", "given-twice")]


async def test_a_slug_that_looks_like_an_id_is_refused(market: Market) -> None:
    farmer, admin = await market.farmer(), await market.person("admin")
    slug = "0197f0a0-7c1e-7abc-8def-0123456789ab"
    response = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"slug": slug}, If_Match="*")
    assert (response.status, fields(response)) == (422, ["slug"])
    response = await admin.post("/api/categories", {"name": "Fruit", "slug": slug})
    assert (response.status, fields(response)) == (422, ["slug"])


async def test_tags_are_one_however_they_are_composed(market: Market) -> None:
    farmer = await market.farmer()
    made = await market.product(farmer, tags=["Crème", "cre\u0300me", " CRÈME "])
    assert made["tags"] == ["crème"]
    for tag in ("cr%C3%A8me", "cre%CC%80me", "CR%C3%88ME"):
        found = (await market.stranger.get(f"/api/products?tag={tag}")).json()["items"]
        assert [p["id"] for p in found] == [made["id"]]


@pytest.mark.parametrize(
    ("names", "slugs"),
    [(["青菜", "果物"], ["qing-cai", "guo-wu"]), (["Weißkohl", "Œufs", "Smørrebrød"], ["weisskohl", "oeufs", "smorrebrod"]),
     (["Łosoś", "Đậu"], ["losos", "dau"])],
)  # fmt: skip
async def test_categories_of_every_script_have_readable_slugs(
    market: Market, names: list[str], slugs: list[str]
) -> None:
    admin = await market.person("admin")
    made = [(await admin.post("/api/categories", {"name": name})).json()["slug"] for name in names]
    assert made == slugs


async def test_a_slug_that_nobody_gave_never_refuses_a_name(market: Market) -> None:
    admin = await market.person("admin")
    names = ["Äpfel", "Apfel", "apfel", "Apfel!", "!!!", "???", "\u4dff", "\u4dff"]
    made: list[Response] = []
    for name in names:  # each below the one before: beside each other they would be twins
        parent = {"parent_id": made[-1].json()["id"]} if made else {}
        made.append(await admin.post("/api/categories", {"name": name, **parent}))
    assert [response.status for response in made] == [201] * len(names)
    slugs = [response.json()["slug"] for response in made]
    assert len(set(slugs)) == len(names) and slugs[0] == "apfel" and slugs[1].startswith("apfel-") and all(slugs)
    taken = await admin.post("/api/categories", {"name": "Pears", "slug": "apfel"})
    assert (taken.status, taken.json()["errors"][0]["code"]) == (409, "taken")
