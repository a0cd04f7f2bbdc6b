"""Every pair of actions on one thing, at once, on a real database: whatever wins, nobody gets a 5xx and no invariant breaks.

An action is a row; each pair of a thing's actions is tried, each with itself too. ``HARVEST_FUZZ=1`` tries each pair often.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.carts import merging
from harvestd.market.catalogue.markdown_actions import finish_all
from harvestd.market.days.day_steps import step_all
from harvestd.market.orders import order_keys, retention
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import change
from tests.lengths import length
from tests.market.days import calendar
from tests.market.days.calendar import made
from tests.market.pictures.walk import TOMATO
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market, settled

ROUNDS = int(length(1, 60))
_keys = itertools.count()


def _key() -> str:
    return f"pair-{next(_keys)}"


@attrs.define
class Stage:
    """The things of one try, and the people at them."""

    market: Market
    buyer: Person
    farmer: Person
    admin: Person
    product: dict[str, Any]
    order: dict[str, Any]
    upper: dict[str, Any] = attrs.field(factory=dict)
    lower: dict[str, Any] = attrs.field(factory=dict)
    group: dict[str, Any] = attrs.field(factory=dict)
    rule: dict[str, Any] = attrs.field(factory=dict)
    image: str = ""
    pack: str = ""
    coupon: dict[str, Any] = attrs.field(factory=dict)
    key: str = ""
    day: dict[str, Any] = attrs.field(factory=dict)


Action = Callable[[Stage], Awaitable[Response]]


def _move(to: str) -> Action:
    async def move(s: Stage) -> Response:
        path = f"/api/orders/{s.order['id']}/parts/{s.farmer.farm_id}/status"
        return await s.farmer.post(path, {"to": to, "reason": "at once"}, Idempotency_Key=_key())

    return move


def _cancel(who: str) -> Action:
    async def cancel(s: Stage) -> Response:
        person: Person = getattr(s, who)
        return await person.post(f"/api/orders/{s.order['id']}/cancel", {"reason": "at once"}, Idempotency_Key=_key())

    return cancel


async def _cancel_by_key(s: Stage) -> Response:
    path = f"/api/orders/{s.order['id']}/cancel?token={s.key}"
    return await s.market.stranger.request(
        "POST", path, json={"reason": "at once"}, headers={"Idempotency-Key": _key()}
    )


async def _mail_another_key(s: Stage) -> Response:
    key = await change(s.market.parts, lambda unit: order_keys.issue(unit, s.order["id"]))
    return await s.market.stranger.get(f"/api/orders/{s.order['id']}?token={key}")


async def _erase(s: Stage) -> Response:
    """As if the guest's order were over for long; it is erased only if it is over."""
    then = s.market.parts.now() + timedelta(days=9999)
    await retention.erase_old(attrs.evolve(s.market.parts, now=lambda: then))
    return await s.farmer.get(f"/api/orders/{s.order['id']}")


async def _sign_in(s: Stage) -> Response:
    """With a guest's cart that has more of the product."""
    path = f"/api/cart/items/{s.product['id']}"
    token = (await s.market.stranger.request("PUT", path, json={"quantity": "2"})).headers["x-cart-token"]
    await change(s.market.parts, lambda unit: merging.merge(unit, secret_hash(token), s.buyer.id, 100))
    return await s.buyer.get("/api/cart")


def _product(method: str, body: Any, path: str = "") -> Action:
    async def change(s: Stage) -> Response:
        target = f"/api/products/{s.product['id']}{path}"
        return await s.farmer.request(method, target, body, If_Match="*", Idempotency_Key=_key())

    return change


async def _many(s: Stage) -> Response:
    rows = [
        {"id": s.product["id"], "stock": "5", "price": 300},
        {"external_id": "erp-1", "title": "Kale", "unit": "kg", "price": 1, "stock": 1},
    ]
    return await s.farmer.post("/api/products/bulk", {"rows": rows}, Idempotency_Key=_key())


async def _end(s: Stage) -> Response:
    """The product is reduced for a blink, and the clock ends that."""
    until = (s.market.parts.now() + timedelta(milliseconds=5)).isoformat()
    answer = await s.farmer.post(f"/api/products/{s.product['id']}/markdown", {"price": 100, "until": until})
    await settled(finish_all(s.market.parts), finish_all(s.market.parts))
    return answer


def _of_group(method: str, path: str, body: Callable[[Stage], Any] = lambda s: None) -> Action:
    async def change(s: Stage) -> Response:
        who = s.admin if path.startswith("/api/groups") else s.farmer
        target = path.format(group=s.group["id"], buyer=s.buyer.id, product=s.product["id"])
        return await who.request(method, target, body(s), If_Match="*")

    return change


def _amend(who: str, quantity: str, **body: Any) -> Action:
    async def amend(s: Stage) -> Response:
        person: Person = getattr(s, who)
        lines = [{"line_id": s.order["lines"][0]["id"], "quantity": quantity}]
        path = f"/api/orders/{s.order['id']}"
        return await person.request("PATCH", path, {"lines": lines, **body}, If_Match="*", Idempotency_Key=_key())

    return amend


def _short(quantity: str) -> Action:
    async def short(s: Stage) -> Response:
        path = f"/api/orders/{s.order['id']}/parts/{s.farmer.farm_id}/lines/{s.order['lines'][0]['id']}/short"
        return await s.farmer.post(path, {"quantity": quantity}, Idempotency_Key=_key())

    return short


async def _basket(s: Stage) -> Response:
    return await s.buyer.request("PATCH", f"/api/orders/{s.order['id']}", {"cart": True}, If_Match="*")


async def _order(s: Stage) -> Response:
    return await s.buyer.order((s.product["id"], "1"))


async def _half(s: Stage) -> Response:
    return await s.buyer.order((s.product["id"], "2"))


async def _pack(s: Stage) -> Response:
    lines = [{"product_id": s.product["id"], "variant_id": s.pack, "quantity": 1}]
    return await s.buyer.post("/api/orders", {"lines": lines}, Idempotency_Key=_key())


def _packs(*takes: str) -> Action:
    """Offer it in packs that take so much: the first is the one that there is."""

    async def put(s: Stage) -> Response:
        items = [{"title": f"Sack {n}", "price": 700, "takes": one} for n, one in enumerate(takes)]
        body = {"items": [one | ({"id": s.pack} if not n else {}) for n, one in enumerate(items)]}
        return await s.farmer.request("PUT", f"/api/products/{s.product['id']}/variants", body, If_Match="*")

    return put


def _cart_of_packs(method: str, body: Any = None) -> Action:
    async def ask(s: Stage) -> Response:
        return await s.buyer.request(method, f"/api/cart/items/{s.product['id']}?variant_id={s.pack}", body)

    return ask


def _cart(method: str, path: str, body: Any = None) -> Action:
    async def ask(s: Stage) -> Response:
        return await s.buyer.request(method, path.format(product=s.product["id"]), _with(body, s))

    return ask


def _with(body: Any, s: Stage) -> Any:
    return {"items": [{"product_id": s.product["id"], "quantity": "1.5"}]} if body == "many" else body


async def _order_of_cart(s: Stage) -> Response:
    return await s.buyer.post("/api/orders", {}, Idempotency_Key=_key())


async def _order_with_one_key(s: Stage) -> Response:
    return await s.buyer.order((s.product["id"], "0.5"), key=f"one-{s.order['id']}")


def _category(which: str, method: str, body: Callable[[Stage], Any]) -> Action:
    async def change(s: Stage) -> Response:
        return await s.admin.request(method, f"/api/categories/{getattr(s, which)['id']}", body(s), If_Match="*")

    return change


async def _category_below(s: Stage) -> Response:
    return await s.admin.post("/api/categories", {"name": "Below", "parent_id": s.lower["id"]})


async def _product_into(s: Stage) -> Response:
    body = {"category_id": s.lower["id"]}
    return await s.farmer.request("PATCH", f"/api/products/{s.product['id']}", body, If_Match="*")


def _farm(body: Any) -> Action:
    async def change(s: Stage) -> Response:
        return await s.farmer.request("PATCH", f"/api/farms/{s.farmer.farm_id}", body, If_Match="*")

    return change


def _group(method: str, body: Any = None, path: str = "") -> Action:
    async def change(s: Stage) -> Response:
        return await s.admin.request(method, f"/api/groups/{s.group['id']}{path.format(buyer=s.buyer.id)}", body)

    return change


async def _group_by_address(s: Stage) -> Response:
    return await s.admin.post(f"/api/groups/{s.group['id']}/members", {"email": s.buyer.email})


def _rule(method: str, body: Any = None) -> Action:
    async def change(s: Stage) -> Response:
        return await s.admin.request(method, f"/api/admin/search/rules/{s.rule['id']}", body, If_Match='"v1"')

    return change


def _picture(method: str, path: str, body: Any = None) -> Action:
    async def change(s: Stage) -> Response:
        target = f"/api/products/{s.product['id']}/images{path.format(s.image)}"
        return await s.farmer.request(method, target, body, Idempotency_Key=_key())

    return change


async def _make(s: Stage) -> Response:
    await s.market.work(queues=("harvest.images",))
    return await s.farmer.get(f"/api/products/{s.product['id']}/images")


def _coupon(method: str, body: Any = None) -> Action:
    async def change(s: Stage) -> Response:
        return await s.admin.request(method, f"/api/coupons/{s.coupon['id']}", body)

    return change


async def _order_with_coupon(s: Stage) -> Response:
    return await s.buyer.order((s.product["id"], "1"), coupon=s.coupon["code"])


async def _cancel_with_coupon(s: Stage) -> Response:
    """The order with the coupon that somebody has placed meanwhile, if anybody has."""
    found = (await s.buyer.get("/api/orders?status=placed&limit=1")).json()["items"]
    path = f"/api/orders/{found[0]['id'] if found else s.order['id']}/cancel"
    return await s.buyer.post(path, {"reason": "at once"}, Idempotency_Key=_key())


async def _charged(s: Stage) -> Response:
    return await s.admin.post("/api/fees", {"name": "Packing", "basis": "order", "amount": 100, "from": "2999-01-01"})


async def _another_group(s: Stage) -> Response:
    return await s.admin.post("/api/groups", {"name": "Trade"})


def _day(method: str, path: str = "", body: Any = None) -> Action:
    async def change(s: Stage) -> Response:
        given = body(s) if callable(body) else body
        return await s.admin.request(method, f"/api/market-days/{s.day['id']}{path}", given, If_Match="*")

    return change


def _window(s: Stage, **more: Any) -> dict[str, Any]:
    one = s.day["windows"][0]
    return {"windows": [{name: one[name] for name in ("id", "method", "from", "to", "capacity")} | more]}


async def _order_in_window(s: Stage) -> Response:
    way = {"method": "delivery", "address": "1 Lane", "window_id": s.day["windows"][0]["id"]}
    return await s.buyer.order((s.product["id"], "0.5"), fulfilment=way)


async def _hold_in_window(s: Stage) -> Response:
    way = {"method": "delivery", "address": "1 Lane", "window_id": s.day["windows"][0]["id"]}
    body = {"lines": [{"product_id": s.product["id"], "quantity": "0.5"}], "fulfilment": way, "hold": True}
    return await s.buyer.post("/api/quotes", body)


async def _order_what_is_held(s: Stage) -> Response:
    quote = await _hold_in_window(s)
    quote_id = quote.json().get("id")
    return await s.buyer.post("/api/orders", {"quote_id": quote_id}, Idempotency_Key=_key()) if quote_id else quote


async def _full(s: Stage) -> Response:
    await settled(step_all(s.market.parts), step_all(s.market.parts))
    return await s.buyer.get(f"/api/market-days/{s.day['id']}")


#: What can be done to a thing, by the thing.
ACTIONS: dict[str, dict[str, Action]] = {
    "order": {
        "confirm": _move("confirmed"), "be ready": _move("ready"), "complete": _move("completed"),
        "cancel as the farm": _move("cancelled"), "cancel as the buyer": _cancel("buyer"),
        "cancel by the farmer": _cancel("farmer"), "cancel by staff": _cancel("admin"),
        "more of it": _amend("buyer", "1.5"), "less of it by the farm": _amend("farmer", "0.5", reason="at once"), "more of it by the farm": _amend("farmer", "1.5", reason="at once"), "none of it": _amend("buyer", "0"),
        "a second basket": _basket, "be short": _short("0.5"),
    },
    "guests": {
        "confirm": _move("confirmed"), "be ready": _move("ready"), "cancel as the farm": _move("cancelled"), "cancel by the key": _cancel_by_key,
        "cancel by staff": _cancel("admin"), "mail another key": _mail_another_key, "erase": _erase,
    },
    "stock": {
        "order": _order, "order with one key": _order_with_one_key, "cancel": _cancel("buyer"), "more of an order": _amend("buyer", "2"), "be short": _short("0.5"),
        "set": _product("POST", {"set": "3"}, "/stock"), "add": _product("POST", {"change": "1", "reason": "more"}, "/stock"),
        "take": _product("POST", {"change": "-1", "reason": "less"}, "/stock"), "archive": _product("DELETE", None),
        "price": _product("PATCH", {"price": 500}), "count by the piece": _product("PATCH", {"unit": "each"}),
        "write many": _many,
        "reduce": _product("POST", {"price": 200, "until": "2099-10-01T00:00:00Z"}, "/markdown"), "restore": _product("DELETE", None, "/markdown"),
        "end of a reduction": _end,
    },
    "packs": {
        "order the product": _half, "order a pack": _pack, "order the cart": _order_of_cart, "cancel": _cancel("buyer"),
        "put a pack in": _cart_of_packs("PUT", {"quantity": 1}), "take it out": _cart_of_packs("DELETE"),
        "another content": _packs("1.5"), "more of them": _packs("2", "1"), "none": _packs(),
        "take": _product("POST", {"change": "-1", "reason": "less"}, "/stock"), "archive": _product("DELETE", None),
    },
    "pictures": {
        "add": _picture("POST", "", {"content": TOMATO}), "describe": _picture("PATCH", "/{}", {"alt": "Carrots"}),
        "move": _picture("PATCH", "/{}", {"position": 1}), "take away": _picture("DELETE", "/{}"), "make": _make,
        "archive": _product("DELETE", None), "price": _product("PATCH", {"price": 500}),
    },
    "cart": {
        "put": _cart("PUT", "/api/cart/items/{product}", {"quantity": "1"}), "put many": _cart("PUT", "/api/cart/items", "many"),
        "take out": _cart("DELETE", "/api/cart/items/{product}"), "empty": _cart("DELETE", "/api/cart"),
        "order it": _order_of_cart, "add it to an order": _basket, "price": _product("PATCH", {"price": 410}), "sign in": _sign_in,
    },
    "categories": {
        "lower above upper": _category("upper", "PATCH", lambda s: {"parent_id": s.lower["id"]}),
        "upper above lower": _category("lower", "PATCH", lambda s: {"parent_id": s.upper["id"]}),
        "delete": _category("lower", "DELETE", lambda s: None), "one below": _category_below,
        "a product into it": _product_into,
        "one slug": _category("lower", "PATCH", lambda s: {"slug": f"s-{s.order['id'][-6:]}"}),
        "the same slug": _category("upper", "PATCH", lambda s: {"slug": f"s-{s.order['id'][-6:]}"}),
    },
    "group": {
        "name": _group("PATCH", {"name": "Trade"}), "delete": _group("DELETE"),
        "add": _group("PUT", None, "/members/{buyer}"), "take out": _group("DELETE", None, "/members/{buyer}"),
        "add by address": _group_by_address,
        "another of its name": _another_group,
    },
    "sight": {
        "join": _of_group("PUT", "/api/groups/{group}/members/{buyer}"), "leave": _of_group("DELETE", "/api/groups/{group}/members/{buyer}"),
        "end the group": _of_group("DELETE", "/api/groups/{group}"),
        "hide": _of_group("PATCH", "/api/products/{product}", lambda s: {"visible_to": [s.group["id"]]}),
        "show": _of_group("PATCH", "/api/products/{product}", lambda s: {"visible_to": []}),
        "price for them": _of_group("PATCH", "/api/products/{product}", lambda s: {"prices": [{"group": s.group["id"], "price": 100}]}),
        "reduce": _product("POST", {"price": 200, "until": "2099-10-01T00:00:00Z"}, "/markdown"),
        "put": _cart("PUT", "/api/cart/items/{product}", {"quantity": "1"}), "order": _order, "order it": _order_of_cart,
    },
    "coupon": {
        "order": _order_with_coupon, "cancel": _cancel_with_coupon, "one use": _coupon("PATCH", {"max_uses": 1}), "switch off": _coupon("PATCH", {"active": False}),
        "another code": _coupon("PATCH", {"code": "OTHER-CODE"}), "delete": _coupon("DELETE"), "a fee": _charged,
    },
    "market day": {
        "order": _order_in_window, "cancel the order": _cancel("buyer"), "close": _day("POST", "/close"), "cancel": _day("POST", "/cancel", {}),
        "name": _day("PATCH", "", {"name": "Sunday"}), "no room": _day("PATCH", "", lambda s: _window(s, capacity={"orders": 1})),
        "no window": _day("PATCH", "", {"windows": []}), "delete": _day("DELETE"), "copy": _day("POST", "/copy", lambda s: {"opens_at": s.day["opens_at"]}),
        "its steps": _full, "hold": _hold_in_window, "order what is held": _order_what_is_held,
    },
    "rule": {
        "words": _rule("PATCH", {"queries": ["a", "c"]}), "switch off": _rule("PATCH", {"active": False}), "delete": _rule("DELETE"),
    },
    "farm": {
        "name": _farm({"name": "Blue Acres"}), "points": _farm({"pickup_points": [{"name": "Gate"}]}),
        "no points": _farm({"pickup_points": []}), "minimum": _farm({"order_minimum": 100}),
        "imprint": _farm({"imprint": {"legal_name": "Acres KG", "address": "1 Lane"}}), "no imprint": _farm({"imprint": None}),
        "sell": _product("PATCH", {"title": "Red carrots"}), "order": _order,
    },
}  # fmt: skip


async def _stage(market: Market, people: tuple[Person, Person, Person], thing: str) -> Stage:
    """A product, an order and a cart; of the rest what is done to this thing."""
    buyer, farmer, admin = people
    product = await market.product(farmer, stock="4")
    day: dict[str, Any] = {}
    if thing == "market day":
        await market.parts.database.transaction(lambda tx: tx.run(_NO_DAYS))
        now = market.parts.now()
        day = await made(admin, calendar.body(now, opens=-1, windows=[calendar.delivery(now, capacity={"orders": 2})]))
    way = (
        {"method": "delivery", "address": "1 Lane", "window_id": day["windows"][0]["id"]}
        if day
        else {"method": "pickup"}
    )
    lines = {"lines": [{"product_id": product["id"], "quantity": "1"}], "fulfilment": way}
    guest = {"guest": {"name": "Ada", "email": "ada@example.org"}} if thing == "guests" else {}
    client = market.stranger if guest else buyer.client
    ordered = await client.post("/api/orders", lines | guest, headers={"Idempotency-Key": _key()})
    assert ordered.status == 201, ordered.text
    order_id = ordered.json()["id"]
    key = await change(market.parts, lambda unit: order_keys.issue(unit, order_id)) or ""
    await buyer.request("DELETE", "/api/cart")
    put = await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": "0.5"})
    assert put.status == 200, put.text
    stage = Stage(market, buyer, farmer, admin, product, ordered.json(), key=key, day=day)
    match thing:
        case "packs":
            items = {"items": [{"title": "Sack 0", "price": 700, "takes": "2"}]}
            offered = await farmer.request("PUT", f"/api/products/{product['id']}/variants", items, If_Match="*")
            stage.pack = offered.json()["items"][0]["id"]
        case "pictures":
            for _ in range(2):
                added = await farmer.post(f"/api/products/{product['id']}/images", {"content": TOMATO})
                stage.image = added.json()["image"]["id"]
        case "categories":
            for name in ("upper", "lower"):
                category = await admin.post("/api/categories", {"name": f"{name} {_key()}"})
                setattr(stage, name, category.json())
        case "group" | "sight":
            await market.parts.database.transaction(lambda tx: tx.run(_NO_GROUPS))
            stage.group = (await admin.post("/api/groups", {"name": "Wholesale"})).json()
        case "rule":
            synonym = {"kind": "synonym", "queries": ["a", "b"]}
            stage.rule = (await admin.post("/api/admin/search/rules", synonym)).json()
        case "coupon":
            code = {"code": f"CODE-{_key()}", "percent": 10, "max_uses_per_person": 2}
            stage.coupon = (await admin.post("/api/coupons", code)).json()
    return stage


_NO_DAYS = Statement(
    "test.no_days", "update market_days set status = 'cancelled', due_at = null where status <> 'cancelled'", nothing
)
_NO_GROUPS = Statement("test.no_groups", "delete from groups", nothing)


async def _people(market: Market) -> tuple[Person, Person, Person]:
    return await market.person(), await market.farmer(), await market.person("admin")


#: All of it: the list that the market shows ends after 2,000.
_TREE = Statement(
    "test.tree", "select id::text, parent_id::text from categories", lambda id, parent_id: (id, parent_id)
)


async def _circles(market: Market) -> list[str]:
    """The categories that are above themselves."""
    above = dict(await market.parts.database.rows(_TREE))

    def circular(one: str) -> bool:
        seen, at = {one}, above[one]
        while at is not None and at not in seen:
            seen.add(at)
            at = above[at]
        return at is not None

    return [one for one in above if circular(one)]


@pytest.mark.limit(600)
@pytest.mark.timeout(700)
@pytest.mark.parametrize("thing", ACTIONS)
async def test_two_at_once_leave_the_market_whole(market: Market, thing: str, measured: Any) -> None:
    market = make_market(attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, guests=True)))
    people = await _people(market)
    pairs = list(itertools.combinations_with_replacement(ACTIONS[thing].items(), 2))
    for (one, act), (other, react) in pairs * ROUNDS:
        stage = await _stage(market, people, thing)
        for answer in await settled(act(stage), react(stage)):
            assert not isinstance(answer, BaseException), f"{one}, {other}: {answer!r}"
            assert answer.status < 500, f"{one}, {other}: {answer.text}"
    assert await _circles(market) == []
    await market.work()
    assert market.broken() == []
    measured(f"{len(pairs) * ROUNDS} pairs")
