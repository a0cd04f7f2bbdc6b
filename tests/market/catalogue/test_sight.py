"""What a product is to whom: private ones and groups' prices reach those whom they are for, and nobody else, by whichever way and whoever asks first."""

from __future__ import annotations

import itertools
import random
from typing import Any

import attrs
import msgspec
import pytest

from harvestd.market.search.elasticsearch.documents import bulk
from harvestd.market.search.fallback import SearchWithFallback
from harvestd.market.search.postgres import pending
from harvestd.store.postgres.statements import Statement, scalar
from tests.lengths import length
from tests.locks import holding, meeting
from tests.people import Market, Person
from tests.web.client import Client, Response
from tests.web.conftest import make_market

TURNS = int(length(6, 60))
DATA = Statement(
    "test.product_data", "select data from outbox where type like 'product.%' and aggregate = 'product:' || :product_id order by seq", scalar
)  # fmt: skip
#: Words and amounts that nothing else has.
SECRET, OPEN = "Quinces", "Medlars"
PRICE, THEIRS = 4321, 1234


@attrs.define
class Town:
    """A private product, one with a price for a group, and who sees what of them."""

    market: Market
    farmer: Person
    member: Person
    other: Person
    buyer: Person
    manager: Person
    group: str
    another: str
    secret: dict[str, Any]
    open: dict[str, Any]

    @property
    def clients(self) -> dict[str, Client]:
        people = {name: getattr(self, name).client for name in ("farmer", "member", "other", "buyer", "manager")}
        return people | {"stranger": self.market.stranger}


async def town(market: Market) -> Town:
    manager, farmer = await market.person("manager"), await market.farmer()
    groups = [(await manager.post("/api/groups", {"name": name})).json()["id"] for name in ("Members", "Wholesale")]
    member, other = await market.person(), await market.person()
    await put(manager, groups[0], member)
    await put(manager, groups[1], other)
    secret = await market.product(
        farmer,
        title=SECRET,
        description="Of the old tree.",
        tags=["hidden", "bletted"],
        price=PRICE,
        stock=9,
        visible_to=["members"],
    )
    for n in range(3):
        await market.product(farmer, title=f"Kale {n}", price=1300 + n)
    prices = [{"group": groups[0], "price": THEIRS}]
    open_ = await market.product(farmer, title=OPEN, price=PRICE + 1000, tags=["shown"], prices=prices)
    await market.work()
    return Town(market, farmer, member, other, await market.person(), manager, *groups, secret, open_)


async def put(manager: Person, group: str, person: Person, method: str = "PUT") -> None:
    answer = await manager.request(method, f"/api/groups/{group}/members/{person.id}")
    assert answer.status in (200, 204), answer.text


def ways(t: Town) -> list[str]:
    """Every address at which a product may be met."""
    farm = t.farmer.farm_id
    lists = [
        "", "?sort=price", "?sort=-price", "?sort=popular", "?sort=rating", f"?farm={farm}", "?tag=hidden&tag=shown", "?in_stock=true", "?count=true",
        f"?max_price={THEIRS}", f"?min_price={PRICE}", f"?ids={t.secret['id']},{t.open['id']}", "?limit=1", "?unit=kg", "?sort=price&limit=1&count=true",
    ]  # fmt: skip
    searches = [
        f"q={SECRET}", f"q={OPEN}", "q=quinses", "q=", "q=old+tree", "tag=hidden", "sort=price", "sort=-price", "sort=newest", f"max_price={THEIRS}",
        f"min_price={PRICE}", f"farm={farm}", "unit=kg", f"q={OPEN}&max_price={THEIRS}",
    ]  # fmt: skip
    return [
        *(f"/api/products{query}" for query in lists), *(f"/api/search?{query}" for query in searches),
        *(f"/api/search/suggest?q={word[:3]}" for word in (SECRET, OPEN)), *(f"/api/products/{t.secret[by]}" for by in ("id", "slug")),
        *(f"/api/products/{t.open[by]}" for by in ("id", "slug")), f"/api/farms/{farm}", "/api/categories",
    ]  # fmt: skip


#: Whom the private product is for in lists and searches, and on its page; its farm's people have it on their own list.
IN_LISTS, ON_PAGES = {"member", "manager"}, {"member", "manager", "farmer"}


def leaks(t: Town, who: str, path: str, answer: Response) -> list[str]:
    """What somebody was told who may not know it."""
    found, body = [], answer.text.lower().replace(path.lower(), "")  # a problem repeats the address that was asked for
    page = path.startswith("/api/products/")
    may_see = who in (ON_PAGES if page else IN_LISTS)
    if not may_see:
        found += [word for word in (SECRET.lower(), "old tree", "bletted", f'"amount":{PRICE},') if word in body]
    if who != "member":
        own = (page and who in ("farmer", "manager")) or who == "manager"
        found += (
            [] if own else [word for word in (f'"amount":{THEIRS},', '"visible_to":[', '"prices":[') if word in body]
        )
    if who == "member" and '"visible_to":[' in body:
        found.append("the groups that see it")
    return found


def missing(t: Town, who: str, path: str, answer: Response) -> bool:
    """Whether somebody was not told who should be."""
    if path.startswith(f"/api/products/{t.secret['id']}"):
        return (answer.status == 200) != (who in ON_PAGES)
    if path == f"/api/products?ids={t.secret['id']},{t.open['id']}":
        return len(answer.json()["items"]) != 1 + (who in IN_LISTS)
    if path == f"/api/search?q={SECRET}":
        return (answer.json()["total"] > 0) != (who in IN_LISTS)
    if path in (f"/api/products?max_price={THEIRS}", f"/api/search?max_price={THEIRS}"):
        return [one["title"] for one in answer.json()["items"]] != ([OPEN] if who == "member" else [])
    if path in ("/api/products?sort=price", "/api/search?sort=price"):
        first = answer.json()["items"][0]
        return (first["title"], first["price"]["amount"]) != ((OPEN, THEIRS) if who == "member" else ("Kale 0", 1300))
    return False


async def asked(t: Town, order: list[tuple[str, str]]) -> list[str]:
    """Everybody asks in this order, and brings the tag that anybody got there before."""
    wrong, tags = [], dict[str, set[str]]()
    for who, path in order:
        for tag in ("", *sorted(tags.get(path, ()))):
            given = {"If-None-Match": tag} if tag else {}
            answer = await t.clients[who].request("GET", path, headers=given)
            if answer.status == 304:
                plain = await t.clients[who].request("GET", path)
                assert plain.headers.get("etag", tag).strip('"')[-24:] in tag, "the answer that it has is its own"
                answer = plain
            wrong += [f"{who} at {path}: {word}" for word in leaks(t, who, path, answer)]
            if missing(t, who, path, answer):
                wrong.append(f"{who} at {path} got {answer.status} {answer.text[:300]}")
            if tag == "" and "etag" in answer.headers:
                tags.setdefault(path, set()).add(answer.headers["etag"])
    return wrong


@pytest.mark.limit(300)
async def test_private_products_and_prices_are_told_to_those_whom_they_are_for_whoever_asks_first(
    market: Market,
) -> None:
    t, chance = await town(market), random.Random(20260703)
    orders = list(itertools.permutations(t.clients))
    for people in chance.sample(orders, TURNS):
        market.parts.cache.drop_here(["catalogue", "products:all", "products:changed"])
        paths = ways(t)
        chance.shuffle(paths)
        each = [(who, path) for path in paths for who in people]
        wrong = await asked(t, [*each, *each])
        assert not wrong, "\n".join(wrong)
    await market.work()
    assert market.broken(at_rest=True) == []


@pytest.mark.limit(120)
async def test_an_engine_is_given_nothing_of_what_not_everybody_sees(market: Market) -> None:
    """Its documents are those of PostgreSQL, as they are pushed."""
    await town(market)
    documents = await pending.page(market.parts.database, None, 100)
    assert len(documents) == 5
    for again in (False, True):
        lines = msgspec.json.encode(bulk(documents, ["t"], market.parts.now(), again)).decode().lower()
        assert OPEN.lower() in lines and SECRET.lower() not in lines and "old tree" not in lines
        assert str(PRICE) not in lines and str(THEIRS) not in lines


async def test_members_of_a_group_are_answered_by_postgresql_at_their_prices(market: Market) -> None:
    class Engine:
        """An engine that everybody else asks."""

        asked = 0

        async def search(self, question: Any) -> Any:
            Engine.asked += 1
            return await market.parts.search.search(question)

    t = await town(market)
    fallback = SearchWithFallback.__new__(SearchWithFallback)
    fallback.engine, fallback.postgres = Engine(), market.parts.search  # type: ignore[assignment]
    fallback.breaker = type("Closed", (), {"closed": True, "succeeded": lambda self: None})()  # type: ignore[assignment]
    engined = make_market(attrs.evolve(market.parts, search=fallback))
    for who, by_engine in (("stranger", 1), ("buyer", 0), ("member", 0), ("other", 1)):
        Engine.asked = 0
        client = engined.stranger
        if who != "stranger":
            client = Client(engined.stranger.site, getattr(t, who).client.headers)
        found = (await client.get(f"/api/search?q={SECRET}")).json()
        assert (found["total"], found["degraded"]) == (int(who == "member"), False)
        assert Engine.asked == by_engine or who == "buyer", who


@pytest.mark.parametrize("way", ["cart", "carts", "order"])
async def test_what_somebody_may_not_see_they_cannot_buy_and_are_not_told_of(market: Market, way: str) -> None:
    t = await town(market)
    nothing = market.parts.new_id()

    async def buy(person: Person, product: str) -> Response:
        if way == "cart":
            return await person.request("PUT", f"/api/cart/items/{product}", {"quantity": 1})
        if way == "carts":
            return await person.request("PUT", "/api/cart/items", {"items": [{"product_id": product, "quantity": 1}]})
        return await person.order((product, 1))

    for person in (t.other, t.buyer):
        answers = [await buy(person, product) for product in (t.secret["id"], nothing)]
        assert answers[0].status == answers[1].status and answers[0].status in (404, 422)
        texts = [
            a.text.replace(id, "").replace(a.headers["x-request-id"], "")
            for a, id in zip(answers, (t.secret["id"], nothing), strict=True)
        ]
        assert texts[0] == texts[1], "as if it were not there"
    for person in (t.member, t.farmer, t.manager):
        assert (await buy(person, t.secret["id"])).status in (200, 201)


async def test_a_member_pays_the_lowest_price_of_their_groups_in_the_cart_and_in_the_order(market: Market) -> None:
    t = await town(market)
    prices = [{"group": t.group, "price": 900}, {"group": "wholesale", "price": {"amount": 800, "currency": "EUR"}}]
    product = (await market.product(t.farmer, price=1000, stock=50, prices=prices))["id"]

    async def pays(person: Person) -> int:
        assert (await person.request("DELETE", "/api/cart")).status == 204
        cart = (await person.request("PUT", f"/api/cart/items/{product}", {"quantity": 2})).json()
        assert cart["warnings"] == []
        total = cart["total"]["amount"]
        ordered = await person.post("/api/orders", {"expected_total": total}, Idempotency_Key=f"{person.id}-{total}")
        assert ordered.status == 201, ordered.text
        assert ordered.json()["parts"][0]["lines"][0]["unit_price"]["amount"] == total // 2
        shown = (await person.get(f"/api/products/{product}")).json()
        runs = person in (t.farmer, t.manager)
        assert shown["price"]["amount"] == (1000 if runs else total // 2)
        assert (shown["prices"] is None) != runs
        return int(total)

    assert [await pays(one) for one in (t.buyer, t.member, t.other, t.manager)] == [2000, 1800, 1600, 2000]
    await put(t.manager, t.another, t.member)
    assert await pays(t.member) == 1600
    for group in (t.group, t.another):
        await put(t.manager, group, t.member, "DELETE")
    assert await pays(t.member) == 2000
    assert market.broken() == []


async def test_who_leaves_a_group_loses_what_it_sees_at_once_also_in_a_cart(market: Market) -> None:
    t = await town(market)
    path = f"/api/products/{t.secret['id']}"
    assert (await t.member.request("PUT", f"/api/cart/items/{t.secret['id']}", {"quantity": 1})).status == 200
    lists = ("/api/products", f"/api/search?q={SECRET}")

    async def listed() -> list[bool]:
        return [SECRET in (await t.member.get(one)).text for one in lists]

    assert all(await listed())
    await put(t.manager, t.group, t.member, "DELETE")
    assert (await t.member.get(path)).status == 404
    assert not any(await listed())
    cart = (await t.member.get("/api/cart")).json()
    assert (cart["parts"], [(one["code"], one["params"]) for one in cart["warnings"]]) == ([], [("unavailable", {})])
    assert SECRET not in str(cart)
    refused = await t.member.post("/api/orders", {}, Idempotency_Key="of-the-cart")
    assert refused.status == 422 and SECRET not in refused.text
    await put(t.manager, t.group, t.member)
    assert (await t.member.get(path)).status == 200 and all(await listed())


async def test_what_a_deleted_group_saw_stays_private(market: Market) -> None:
    t = await town(market)
    assert (await t.manager.request("DELETE", f"/api/groups/{t.group}")).status == 204
    path = f"/api/products/{t.secret['id']}"
    for person in (t.member, t.buyer):
        assert (await person.get(path)).status == 404
    own = (await t.farmer.get(path)).json()
    assert own["visible_to"] == [t.group]
    for groups, status in ((own["visible_to"], 200), ([], 200), ([t.group], 422)):
        assert (await t.farmer.request("PATCH", path, {"visible_to": groups}, If_Match="*")).status == status
    assert (await t.buyer.get(path)).status == 200


async def test_groups_that_are_not_there_are_named_in_each_way_to_write_a_product(market: Market) -> None:
    t = await town(market)
    wrong = {"visible_to": ["members", "nobodies"], "prices": [{"group": "Members", "price": 1}]}
    new = {"title": "Kale", "unit": "kg", "price": 100, "stock": 1} | wrong
    answers = [
        await t.farmer.post("/api/products", new),
        await t.farmer.request("PATCH", f"/api/products/{t.open['id']}", wrong, If_Match="*"),
        await t.farmer.request("PUT", f"/api/farms/{t.farmer.farm_id}/products/erp-1", new),
    ]
    for answer in answers:
        assert answer.status == 422, answer.text
        found = [(error["field"], error["code"]) for error in answer.json()["errors"]]
        assert found == [("visible_to[1]", "not-found"), ("prices[0].group", "not-found")]
    rows = (await t.farmer.post("/api/products/bulk", {"rows": [new]})).json()["results"]
    assert [error["field"] for error in rows[0]["errors"]] == ["rows[0].visible_to[1]", "rows[0].prices[0].group"]
    written = await t.farmer.post("/api/products/bulk", {"rows": [new | {"visible_to": ["members"], "prices": []}]})
    (row,) = written.json()["results"]
    assert (await t.buyer.get(f"/api/products/{row['id']}")).status == 404
    assert (await t.member.get(f"/api/products/{row['id']}")).status == 200


async def test_events_of_what_not_everybody_sees_say_so(market: Market) -> None:
    t = await town(market)
    path = f"/api/products/{t.secret['id']}"
    for body in ({"price": 5}, {"visible_to": []}, {"price": 6}, {"visible_to": ["members"]}, {"price": 7}):
        assert (await t.farmer.request("PATCH", path, body, If_Match="*")).status == 200
    assert (await t.member.order((t.secret["id"], 9))).status == 201
    told = [bool(data.get("restricted")) for data in await market.parts.database.rows(DATA, product_id=t.secret["id"])]
    # created, changed, shown to all, changed, hidden from all, changed, sold out
    assert told == [True, True, False, False, False, True, True]


async def test_a_reduced_price_that_is_lower_than_that_of_a_group_is_for_its_members_too(market: Market) -> None:
    t = await town(market)
    path = f"/api/products/{t.open['id']}"
    for price, theirs in ((2000, THEIRS), (1000, 1000)):
        body = {"price": price, "until": "2099-10-01T00:00:00Z"}
        assert (await t.farmer.post(f"{path}/markdown", body)).status == 200
        shown = (await t.member.get(path)).json()
        assert (shown["price"]["amount"], shown["prior_price"] is None) == (theirs, price != theirs), (
            "no reduction of what they do not pay"
        )
        assert (await t.buyer.get(path)).json()["price"]["amount"] == price
    assert (await t.member.order((t.open["id"], 1))).json()["totals"]["total"]["amount"] == 1000


async def test_members_never_pay_more_than_everybody(market: Market) -> None:
    t = await town(market)
    path, prices = f"/api/products/{t.open['id']}", [{"group": t.group, "price": PRICE + 1001}]
    refused = await t.farmer.request("PATCH", path, {"prices": prices}, If_Match="*")
    (error,) = refused.json()["errors"]
    assert (refused.status, error["field"]) == (422, "prices[0].price")
    assert (error["params"]["maximum"], error["params"]["reason"]) == (str(PRICE + 1000), "above-everybodys")
    lower = await t.farmer.request("PATCH", path, {"price": THEIRS - 100}, If_Match="*")
    assert lower.status == 200 and lower.json()["prices"][0]["price"]["amount"] == THEIRS, (
        "it is theirs again once the price rises"
    )
    await market.work()
    for one in (t.member, t.buyer):
        assert (await one.get(path)).json()["price"]["amount"] == THEIRS - 100
        found = (await one.get(f"/api/search?q={OPEN}&max_price={THEIRS - 100}")).json()
        assert [hit["price"]["amount"] for hit in found["items"]] == [THEIRS - 100]
    assert (await t.member.order((t.open["id"], 1))).json()["totals"]["total"]["amount"] == THEIRS - 100


@pytest.mark.parametrize("first", ["order", "leave"])
async def test_an_order_beside_the_end_of_a_membership_is_wholly_before_or_after_it(
    market: Market, database_url: str, first: str
) -> None:
    """Who leaves waits for an order that has its price; and an order for who is leaving, at the price of everybody."""
    t = await town(market)
    order, leave = (
        t.member.order((t.open["id"], 1)),
        t.manager.request("DELETE", f"/api/groups/{t.group}/members/{t.member.id}"),
    )
    lock = (
        ("select from products where id = %s for update", t.open["id"])
        if first == "order"
        else ("select from audit_head for update",)
    )
    with holding(database_url, *lock) as held:
        answers = await meeting(database_url, held, *((order, leave) if first == "order" else (leave, order)))
    ordered, left = answers if first == "order" else reversed(answers)
    assert (ordered.status, left.status) == (201, 204), ordered.text
    assert ordered.json()["totals"]["total"]["amount"] == (THEIRS if first == "order" else PRICE + 1000)
    assert (await t.member.order((t.open["id"], 1))).json()["totals"]["total"]["amount"] == PRICE + 1000
    assert market.broken() == []


async def test_an_order_that_waits_for_a_change_of_price_is_at_the_new_one(market: Market, database_url: str) -> None:
    t = await town(market)
    path = f"/api/products/{t.open['id']}"
    changes = {"prices": [{"group": t.group, "price": 1}]}, {"price": 2, "prices": []}
    for body in changes:
        acts = t.farmer.request("PATCH", path, body, If_Match="*"), t.member.order((t.open["id"], 1))
        with holding(database_url, "select from products where id = %s for update", t.open["id"]) as held:
            changed, ordered = await meeting(database_url, held, *acts)
        assert (changed.status, ordered.status) == (200, 201), ordered.text
        assert ordered.json()["totals"]["total"]["amount"] == (1 if body is changes[0] else 2)
    hide = t.farmer.request("PATCH", path, {"visible_to": ["wholesale"]}, If_Match="*")
    with holding(database_url, "select from products where id = %s for update", t.open["id"]) as held:
        hidden, refused = await meeting(database_url, held, hide, t.member.order((t.open["id"], 1)))
    assert (hidden.status, refused.status) == (200, 422) and OPEN not in refused.text
    assert market.broken() == []
