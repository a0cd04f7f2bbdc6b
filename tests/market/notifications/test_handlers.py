"""Who is told of what: mails and notices, each once."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.market.accounts import staff
from harvestd.market.notifications import handlers
from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope
from harvestd.queue.recorded_messages import message_of
from harvestd.queue.seals import EventSeals
from harvestd.store import outbox
from harvestd.store.postgres.statements import Statement
from harvestd.tables import TOPOLOGY
from harvestd.unit_of_work import change
from tests.people import Market, Person
from tests.web.budget import counting
from tests.web.conftest import make_market

QUEUE = "harvest.notifications"
#: What it takes to tell of a batch.
TELLING = (
    "orders.by_ids",
    "orders.parts",
    "orders.lines",
    "notifications.people",
    "notifications.tell",
    "mails_enqueue",
)

_MAILS = Statement("test.mails", "select recipient, subject, body from mails order by id", lambda *row: row)


_STATES = Statement(
    "test.mail_states", "select subject, state from mails where recipient = :email order by id", lambda *row: row
)


async def mails(market: Market, to: str) -> list[tuple[str, str]]:
    """Subject and text of what was mailed to an address, welcomes aside."""
    rows = await market.parts.database.rows(_MAILS)
    return [(subject, body) for recipient, subject, body in rows if recipient == to and "Welcome" not in subject]


async def notices(person: Any) -> list[str]:
    return [item["title"] for item in (await person.get("/api/notifications")).json()["items"]]


async def test_an_order_is_mailed_to_the_buyer_and_to_each_farm_which_is_noticed_too(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    order = (await buyer.order((carrots["id"], "1.25"), (eggs["id"], 1), note="ring\ntwice")).json()
    await market.work(twice=True)
    ((subject, body),) = await mails(market, buyer.email)
    assert order["number"] in subject
    assert "1.25 kg  Carrots  €4.88" in body and "Eggs" in body and "Total: €7.38" in body
    ((subject, body),) = await mails(market, one.email)
    assert order["number"] in subject and "One" in subject
    assert "Carrots" in body and "Eggs" not in body and "Total: €4.88" in body and "Note: ring twice" in body
    assert len(await mails(market, two.email)) == 1
    assert await notices(one) == [f"New order {order['number']} for One"]
    assert await notices(buyer) == [f"Your order {order['number']}"]


@pytest.mark.parametrize(
    ("currency", "price", "said"),
    [("EUR", 1250, "€12.50"), ("JPY", 1300, "¥1,300"), ("KWD", 1250, "KWD 1.250")],
)
async def test_money_has_the_digits_of_its_currency_wherever_it_is_said(
    parts: Parts, currency: str, price: int, said: str
) -> None:
    """Mails, notices, warnings of the cart, problems."""
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, market_currency=currency)))
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, unit="each", stock="9", price=1)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    await farmer.request("PATCH", f"/api/products/{product['id']}", {"price": price}, If_Match="*")
    (warning,) = (await buyer.get("/api/cart")).json()["warnings"]
    assert said in warning["message"]
    refused = await buyer.post("/api/orders", {"expected_total": 1}, Idempotency_Key="a")
    assert refused.status == 409 and said in refused.json()["detail"], refused.text
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    assert (await buyer.post("/api/orders", {"expected_total": price}, Idempotency_Key="b")).status == 201
    await market.work()
    for to in (buyer.email, farmer.email):
        ((_, body),) = await mails(market, to)
        assert f"Total: {said}" in body


async def test_the_buyer_is_told_of_each_step_and_nobody_of_what_they_did(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], 1))).json()
    path = f"/api/orders/{order['id']}"
    await farmer.post(f"{path}/parts/{farmer.farm_id}/status", {"to": "confirmed"})
    await buyer.post(f"{path}/cancel", {"reason": "away\nthat day"})
    await market.work(twice=True)
    assert len(await notices(buyer)) == 2  # placed and confirmed; they know that they cancelled
    assert [subject for subject, _ in await mails(market, farmer.email)][1:] == [
        f"Order {order['number']} for Green Acres is cancelled"
    ]
    assert "Reason: away that day" in (await mails(market, farmer.email))[-1][1]


async def test_a_part_names_its_farm_and_the_order_ends_once(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    order = (await buyer.order((carrots["id"], 1), (eggs["id"], 1))).json()
    number = order["number"]
    for farmer in (one, two):
        for to in ("confirmed", "ready", "completed"):
            await farmer.post(f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status", {"to": to})
    await market.work(twice=True)
    assert (await notices(buyer))[::-1] == [
        f"Your order {number}",
        f"One confirmed order {number}",
        f"One: order {number} is ready",
        f"One has handed over its part of order {number}",
        f"Two confirmed order {number}",
        f"Two: order {number} is ready",
        f"Order {number} is complete",
    ]
    items = (await buyer.get("/api/notifications")).json()["items"][::-1]
    assert [item["data"].get("farm_id") for item in items] == [None] + [one.farm_id] * 3 + [two.farm_id] * 2 + [None]


async def test_every_notice_for_a_farm_names_it(market: Market) -> None:
    """Whatever happened, so that a front end of who has several farms can tell them apart."""
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    order = (await buyer.order((carrots["id"], 1), (eggs["id"], 1))).json()
    await buyer.post(f"/api/orders/{order['id']}/cancel", {})
    await market.work()
    for farmer in (one, two):
        items = (await farmer.get("/api/notifications")).json()["items"]
        assert [(item["kind"], item["data"].get("farm_id")) for item in items] == [
            (kind, farmer.farm_id) for kind in ("order.cancelled", "order.created")
        ]


@pytest.mark.parametrize("who", ["farm", "admin"])
async def test_a_cancelled_part_is_one_thing_whichever_way_and_whoever_did_it(market: Market, who: str) -> None:
    """By its status or by /cancel: the reason is kept, the buyer told, and the farm unless it was the farm."""
    told = []
    for by_status in (True, False):
        farmer, buyer = await market.farmer("One"), await market.person()
        product = await market.product(farmer)
        order = (await buyer.order((product["id"], 1))).json()
        caller = farmer if who == "farm" else await market.person("admin")
        path, body = f"/api/orders/{order['id']}", {"reason": "hail"}
        if by_status:
            answer = await caller.post(f"{path}/parts/{farmer.farm_id}/status", body | {"to": "cancelled"})
        else:
            answer = await caller.post(f"{path}/cancel", body)
        assert answer.status == 200, answer.text
        await market.work()
        seen = (await buyer.get(path)).json()
        step = {k: v for k, v in seen["steps"][-1].items() if k not in ("farm_id", "at")}
        texts = [
            [(subject, body) for subject, body in await mails(market, person.email) if "cancelled" in subject]
            for person in (buyer, farmer)
        ]
        plain = str(texts).replace(order["number"], "H").replace(seen["number"], "H").replace("Buyer", "B")
        told.append((seen["parts"][0]["reason"], step, len(texts[0]), len(texts[1])))
        assert "Reason: hail" in plain
    assert told[0] == told[1]
    assert told[0] == (
        "hail",
        {"from": "placed", "to": "cancelled", "by": who, "reason": "hail"},
        1,
        int(who == "admin"),
    )


async def test_each_farm_is_told_of_its_own_point_and_of_who_ordered(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    points = {"pickup_points": [{"name": "Gate", "address": "1 Lane"}]}
    farm = (await one.request("PATCH", f"/api/farms/{one.farm_id}", points, If_Match="*")).json()
    changed = await buyer.request("PATCH", "/api/users/me", {"name": "Bo", "phone": "+43 664 1234567"})
    assert (changed.json()["name"], changed.json()["phone"]) == ("Bo", "+436641234567")
    ways = [
        {"farm_id": one.farm_id, "pickup_point_id": farm["pickup_points"][0]["id"]},
        {"farm_id": two.farm_id, "method": "delivery", "address": "2 Lane"},
    ]
    assert (await buyer.order((carrots["id"], 1), (eggs["id"], 1), fulfilments=ways)).status == 201
    await market.work()
    ((_, first),), ((_, second),) = await mails(market, one.email), await mails(market, two.email)
    assert "picked up at: Gate, 1 Lane" in first and "2 Lane" not in first
    assert "delivered to: 2 Lane" in second and "Gate" not in second
    assert "Bo (+436641234567)" in first and "Bo (+436641234567)" in second
    ((_, thanks),) = await mails(market, buyer.email)
    assert "One: To be picked up at: Gate, 1 Lane\nTwo: To be delivered to: 2 Lane" in thanks


async def test_a_new_account_is_welcomed_once(market: Market) -> None:
    buyer = await market.person()
    await market.work(twice=True)
    rows = [row for row in await market.parts.database.rows(_MAILS) if row[0] == buyer.email]
    assert [row[1] for row in rows] == ["Welcome to harvestd market"]
    assert "Buyer" not in rows[0][2], "an address that nobody has answered from gets no text of whoever named it"


async def test_whom_the_operator_gives_an_account_is_mailed_all_from_the_first(market: Market) -> None:
    """The demo's people, and admins: nobody asks them for their address once more."""
    fay = staff.Person("fay@example.org", "fay", "Fay", "farmer", "a long walk to market", "Sunny Acres")
    _, farm_id = await staff.add_person(market.parts, fay)
    assert farm_id is not None
    owner = await market.farmer()
    await market.join(owner, farm_id)
    product = await market.product(owner, title="Carrots", farm_id=farm_id)
    await (await market.person()).order((product["id"], 1))
    await market.work()
    mailed = [row[1:] for row in await market.parts.database.rows(_MAILS) if row[0] == "fay@example.org"]
    assert [subject for subject, *_ in mailed[:1]] == ["Welcome to harvestd market"] and len(mailed) == 2
    assert "#verify" not in mailed[0][1] and "Carrots" in mailed[1][1]


async def test_notices_are_read_and_paged(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=50)
    for _ in range(3):
        await buyer.order((product["id"], 1))
    await market.work()
    page = (await farmer.get("/api/notifications?limit=2")).json()
    assert len(page["items"]) == 2 and page["next"]
    rest = (await farmer.get(f"/api/notifications?limit=2&after={page['next']}")).json()
    assert len(rest["items"]) == 1 and rest["next"] is None
    one = rest["items"][0]["id"]
    assert (await buyer.post("/api/notifications/read", {"ids": [one]})).json() == {"read": 0}  # not theirs
    assert (await farmer.post("/api/notifications/read", {"ids": [one]})).json() == {"read": 1}
    assert len((await farmer.get("/api/notifications?unread=true")).json()["items"]) == 2
    assert (await farmer.post("/api/notifications/read", {})).json() == {"read": 2}


async def test_a_closed_account_is_told_nothing(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    close = Statement("test.close", "update users set active = false where id = :user_id", lambda *_: None)
    assert (await buyer.order((product["id"], 1))).status == 201
    await market.parts.database.transaction(lambda tx: tx.run(close, user_id=farmer.id))
    await market.work()
    assert await mails(market, farmer.email) == [] and len(await mails(market, buyer.email)) == 1


async def test_a_batch_is_told_of_in_six_statements_however_many_orders_people_and_farms_it_is_about(
    market: Market,
) -> None:
    farmers = [await market.farmer(f"Farm {n}") for n in range(3)]
    goods = [(await market.product(farmer, stock=50))["id"] for farmer in farmers]
    few = await _statements(market, [await market.person()], goods[:1])
    many = await _statements(market, [await market.person() for _ in range(4)], goods)
    assert few == many == ["inbox_claim", *TELLING]
    assert [len(await notices(farmer)) for farmer in farmers] == [5, 4, 4]


async def _statements(market: Market, buyers: list[Person], goods: list[str]) -> list[str]:
    """The names of those that it takes to tell of an order by each buyer of everything, as one batch."""
    await market.work()  # the welcomes
    for buyer in buyers:
        assert (await buyer.order(*((product, 1) for product in goods))).status == 201
    rows = await outbox.unsent(market.parts.database, 100)
    messages = [
        message_of(row, EventSeals(market.parts.secret)) for row in rows if QUEUE in TOPOLOGY.queues_for(row.type)
    ]
    assert len(messages) == len(buyers)
    with counting() as costs:
        await market.deliver(QUEUE, messages)
    return [name for cost in costs.values() for name in cost.statements]


async def test_whoever_gets_too_many_mails_has_them_in_the_notices_and_one_mail_says_so(market: Market) -> None:
    """A buyer who orders and orders cannot bury a farm in mail; and what is handled again changes nothing."""
    few = attrs.evolve(market.parts.settings, mails_per_recipient=3)
    market = attrs.evolve(market, parts=attrs.evolve(market.parts, settings=few))
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=100)
    for _ in range(6):
        assert (await buyer.order((product["id"], 1))).status == 201
    await market.work(twice=True)
    subjects = [subject for subject, _ in await mails(market, farmer.email)]
    assert len(subjects) == 7 and len(await notices(farmer)) == 6, "each order is in the notices"
    assert len(await mails(market, buyer.email)) == 7 and len(await notices(buyer)) == 6, "the buyer's too"
    states = await market.parts.database.rows(_STATES, email=farmer.email)
    told = [subject for subject, state in states if state == "pending" and "Welcome" not in subject]
    assert len(told) == 3 and told[-1].startswith("More has happened at")
    assert market.parts.metrics.value("harvest_mails_total", outcome="left") >= 4
    await buyer.order((product["id"], 1))
    await market.work(twice=True)
    assert (
        len([s for s, state in await market.parts.database.rows(_STATES, email=farmer.email) if s.startswith("More")])
        == 1
    )


_RECORDED = Statement(
    "test.recorded",
    "select id::text, type, created_at, version, aggregate, data from outbox where type like 'order.%' order by id desc",
    lambda *columns: Envelope(*columns),
)


async def test_a_batch_is_told_in_the_order_of_what_happened_however_it_comes(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots = await market.product(farmer, stock="9")
    numbers = [(await buyer.order((carrots["id"], 1), key=f"k{n}")).json()["number"] for n in range(4)]
    events = await market.parts.database.rows(_RECORDED)
    await change(market.parts, lambda unit: handlers.order(unit, events))
    told = [subject for subject, _ in await mails(market, farmer.email)]
    assert told == [f"New order {number} for Green Acres" for number in numbers]
    titles = [one["title"] for one in (await buyer.get("/api/notifications")).json()["items"]]
    assert titles == [f"Your order {number}" for number in reversed(numbers)]


async def test_an_event_from_before_is_told_without_what_it_does_not_say(market: Market) -> None:
    """As a queue has them at an upgrade: they do not say what was asked, nor what it all comes to."""
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await market.product(farmer))["id"], 1))).json()
    await market.work()
    base = {
        "order_id": order["id"], "number": order["number"], "buyer_id": buyer.id, "placed_at": order["placed_at"], "reason": "", "lines": [],
        "line_id": order["lines"][0]["id"], "farm_id": farmer.farm_id, "farms": [],
    }  # fmt: skip
    events = [
        Envelope(market.parts.new_id(), "order.amended", market.parts.now(), 2 + n, f"order:{order['id']}", base | more)
        for n, more in enumerate(({"by": "clock", "outcome": "declined"}, {"by": "buyer", "outcome": "declined"}))
    ]
    await change(market.parts, lambda unit: handlers.order(unit, events))
    found = dict(await mails(market, farmer.email))
    assert (
        "without an answer it is a no:\n\nTotal: €3.90\n"
        in found[f"Order {order['number']} for Green Acres: no answer has come"]
    )
    assert "Total: €3.90\n" in found[f"Order {order['number']} for Green Acres: the buyer says no"]
