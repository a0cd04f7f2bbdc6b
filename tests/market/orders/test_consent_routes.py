"""Nobody owes more than they have said yes to, over HTTP: what is asked, how it is shown and mailed, what is refused, and who may speak for a buyer."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.market.orders import expiry
from tests.market.accounts.mailbox import mails
from tests.market.orders.test_billing import charge, sold
from tests.market.orders.test_change_routes import change, ducks, later, level, move, of_line
from tests.people import Market, Person
from tests.web.client import Response


async def answer(buyer: Person, order: Any, line: Any, accept: bool = True, match: str = "", **more: Any) -> Response:
    path, headers = f"/api/orders/{order['id']}/lines/{line['id']}/answer", {"If_Match": match} if match else {}
    return await buyer.request("POST", path, {"accept": accept, **more}, **headers)


async def seen(who: Person, order: Any) -> Any:
    return (await who.get(f"/api/orders/{order['id']}")).json()


async def test_a_yes_is_to_what_its_buyer_has_read(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await ducks(market, farmer))["id"], 1))).json()
    line = order["lines"][0]
    assert (await of_line(farmer, order, "weigh", line, farmer, quantity="1.5")).status == 200
    read = (await buyer.get(f"/api/orders/{order['id']}")).headers["etag"]
    assert (await of_line(farmer, order, "weigh", line, farmer, quantity="2.3")).status == 200
    assert (await answer(buyer, order, line, match=read)).status == 412
    for said in ({}, {"expected_total": 750}, {"expected_total": {"amount": 750, "currency": "EUR"}}):
        refused = await answer(buyer, order, line, **said)
        assert (refused.status, refused.json()["type"]) == (409, "/problems/price-changed"), refused.text
        (error,) = refused.json()["errors"]
        assert (error["field"], error["params"]["before"], error["params"]["after"]) == (
            "expected_total",
            "750",
            "1150",
        )
    assert (await answer(buyer, order, line, match="*")).status == 409, "any version is none that was read"
    assert (await answer(buyer, order, line, expected_total={"amount": 1150, "currency": "USD"})).status == 422
    now = (await buyer.get(f"/api/orders/{order['id']}")).headers["etag"]
    yes = await answer(buyer, order, line, match=now, expected_total=1150)
    assert yes.status == 200 and yes.json()["totals"]["total"]["amount"] == 1150
    assert (await answer(buyer, order, line, match=read)).json() == yes.json(), "the same again is no fault"
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("again", ["1.5", "1.2"])
async def test_a_yes_that_names_nothing_is_good_for_what_was_asked_first_or_less(market: Market, again: str) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await ducks(market, farmer))["id"], 1))).json()
    line = order["lines"][0]
    for weight in ("1.5", "0.8", again):
        assert (await of_line(farmer, order, "weigh", line, farmer, quantity=weight)).status == 200
    assert (await answer(buyer, order, line)).status == 200


async def test_what_is_asked_is_shown_and_mailed_with_the_weight_and_what_it_comes_to(market: Market) -> None:
    farmer, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    await charge(market, "/api/fees", basis="order", amount=100)
    order = (await buyer.order(((await ducks(market, farmer))["id"], 1), (await sold(market, coop, 500), 1))).json()
    line = order["lines"][0]
    assert line["asked"] is None
    weighed = (await of_line(farmer, order, "weigh", line, farmer, quantity="1.5")).json()
    assert weighed["lines"][0]["asked"] == {"about": "weight", "total": {"amount": 750, "currency": "EUR"}, "order_total": None}  # fmt: skip
    now = await seen(buyer, order)
    assert (now["totals"]["total"]["amount"], now["lines"][0]["total"]["amount"]) == (440 + 500 + 100, 440)
    assert now["lines"][0]["asked"]["order_total"]["amount"] == 750 + 500 + 100
    await market.work(twice=True)
    ((_, mail),) = [one for one in await mails(market, buyer.email) if "weighs more" in one[0]]
    assert "  1  Ducks: 1.5 kg  €7.50 instead of €4.40" in mail, mail
    assert "Total without more: €10.40\nTotal with all of it: €13.50" in mail
    yes = await answer(buyer, order, line, expected_total=750)
    assert yes.json()["totals"]["total"]["amount"] == 1350 and yes.json()["lines"][0]["asked"] is None
    assert market.broken() == []


@pytest.mark.parametrize("said", [True, False, None])
async def test_what_a_farm_adds_is_asked_about_and_ends_by_itself(market: Market, said: bool | None) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=200)
    order = (await buyer.order((carrots["id"], 1))).json()
    assert (await move(farmer, order, "confirmed")).status == 200
    more, new = {"line_id": order["lines"][0]["id"], "quantity": 2}, {"product_id": leeks["id"], "quantity": "0.5"}
    done = await change(farmer, order, more, new, reason="there is more than we thought")
    assert done.status == 200, done.text
    asked = await seen(buyer, order)
    assert (asked["totals"], "answer" in asked["can"]) == (order["totals"], True)
    assert [(x["title"], x["quantity"], x["proposed"], x["asked"] and x["asked"]["order_total"]["amount"]) for x in asked["lines"]] == [
        ("Carrots", "1.000", False, None), ("Carrots", "1.000", True, 780), ("Leeks", "0.500", True, 490),
    ]  # fmt: skip
    assert await level(market, leeks) == ("2.500", "2.000"), "kept for the buyer meanwhile"
    await market.work()
    ((_, mail),) = [one for one in await mails(market, buyer.email) if "asks whether you want more" in one[0]]
    assert "  + 1 kg  Carrots  €3.90\n  + 0.5 kg  Leeks  €1.00" in mail and "there is more than we thought" in mail
    assert "Total without it: €3.90\nTotal with it: €8.80" in mail and "\n\n\n" not in mail
    _, first, second = asked["lines"]
    if said is None:
        await expiry.settle(later(market, days=1).parts)
    else:
        assert (await answer(farmer, order, first)).status == 403
        assert (await answer(buyer, order, first, said)).status == 200
        assert (await answer(buyer, order, second, False)).status == 200
    now = await seen(buyer, order)
    assert (now["totals"]["total"]["amount"], len(now["lines"])) == ((780, 2) if said else (390, 1))
    await market.work(twice=True)
    assert await level(market, leeks) == ("2.500", "2.500")
    assert market.broken(at_rest=True) == []


async def test_a_farm_takes_back_what_it_asked_about(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=200)
    order = (await buyer.order((carrots["id"], 1))).json()
    offered = (await change(farmer, order, {"product_id": leeks["id"], "quantity": 2}, reason="fresh ones")).json()
    line = {"line_id": offered["lines"][1]["id"], "quantity": 0}
    assert (await change(buyer, order, line)).status == 422, "a buyer says no"
    assert (await change(farmer, order, line, reason="sold")).status == 200
    late = await answer(buyer, order, offered["lines"][1])
    assert late.status == 409 and "nobody asks about this line any more, since " in late.json()["detail"]
    await market.work(twice=True)
    assert await level(market, leeks) == ("2.500", "2.500")
    assert [subject for subject, _ in await mails(market, buyer.email) if "no longer asks" in subject]
    assert market.broken(at_rest=True) == []


async def test_staff_who_may_order_for_others_may_add_for_them_with_a_reason_and_it_is_audited_and_mailed(
    market: Market,
) -> None:
    farmer, buyer, manager, admin = (
        await market.farmer(),
        await market.person(),
        await market.person("manager"),
        await market.person("admin"),
    )
    carrots = await market.product(farmer, stock="9")
    order = (await buyer.order((carrots["id"], 1))).json()
    line = {"line_id": order["lines"][0]["id"], "quantity": 2}
    assert (await change(manager, order, line)).json()["errors"][0]["field"] == "reason"
    for scopes, total in ((["orders:change"], 390), (["orders:change", "orders:place_for_others"], 780)):
        made = await manager.post("/api/users/me/api-keys", {"name": "k", "scopes": scopes})
        keyed = attrs.evolve(manager, client=market.stranger.signed_in(made.json()["key"]))
        changed = await change(keyed, order, line, reason="by telephone")
        assert (changed.status, changed.json()["totals"]["total"]["amount"]) == (200, total), changed.text
    (entry,) = (await admin.get("/api/admin/audit?action=order.changed_for_another")).json()["items"]
    assert (entry["actor_id"], entry["subject_id"], entry["object"]) == (manager.id, buyer.id, f"order:{order['id']}")
    assert (entry["before"], entry["after"]) == ({"total": "390"}, {"total": "780"})
    await market.work(twice=True)
    ((_, mail),) = [one for one in await mails(market, buyer.email) if "was changed for you" in one[0]]
    assert "Carrots: 1 kg -> 2 kg  €7.80" in mail and "by telephone" in mail
    assert [subject for subject, _ in await mails(market, farmer.email) if "has changed" in subject]
    assert market.broken(at_rest=True) == []


async def test_what_weighs_several_times_its_estimate_is_refused_with_what_it_may_weigh(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await ducks(market, farmer))["id"], 2))).json()
    line, path = order["lines"][0], f"/api/farms/{farmer.farm_id}/weighings"
    for sent, most in (({"quantity": 40}, "4.800"), ({"quantity": 4801, "unit": "g"}, "4800.000")):
        refused = await of_line(farmer, order, "weigh", line, farmer, **sent)
        (error,) = refused.json()["errors"]
        assert (refused.status, error["field"], error["code"]) == (422, "quantity", "above-maximum")
        assert error["params"] == {
            "maximum": most,
            "unit": sent.get("unit", "kg"),
            "percent": "300",
            "reason": "estimate",
        }
        bulk = await farmer.post(path, {"weighings": [{"line_id": line["id"], **sent}]})
        (row,) = bulk.json()["results"]
        assert (row["status"], [e["field"] for e in row["errors"]]) == ("failed", ["weighings[0].quantity"])
    assert (await seen(buyer, order))["version"] == 1
    assert (await of_line(farmer, order, "weigh", line, farmer, quantity="4.8")).status == 200


async def test_what_is_weighed_for_a_buyer_is_cancelled_by_its_farm(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await ducks(market, farmer))["id"], 1))).json()
    for to in ("confirmed", "ready"):
        assert (await move(farmer, order, to)).status == 200
        assert "cancel" in (await seen(buyer, order))["can"]
    assert (await of_line(farmer, order, "weigh", order["lines"][0], farmer, quantity="0.8")).status == 200
    assert "cancel" not in (await seen(buyer, order))["can"] and "cancel" in (await seen(farmer, order))["can"]
    refused = await buyer.post(f"/api/orders/{order['id']}/cancel", {})
    assert (refused.status, refused.json()["type"]) == (409, "/problems/illegal-transition")
    assert "ask the farm, or the market's staff" in refused.json()["detail"]
    assert (await farmer.post(f"/api/orders/{order['id']}/cancel", {})).status == 200
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


async def test_a_farm_is_mailed_what_its_buyer_says_of_each_line(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=200)
    lines = [{"product_id": carrots["id"], "quantity": 1, "note": "small ones"}, {"product_id": leeks["id"], "quantity": 1}]  # fmt: skip
    order = (await buyer.post("/api/orders", {"lines": lines}, Idempotency_Key="k")).json()
    await market.work()
    ((_, mail),) = [one for one in await mails(market, farmer.email) if "New order" in one[0]]
    assert "  1 kg  Carrots  €3.90\n      Note: small ones\n  1 kg  Leeks  €2.00\n" in mail, mail
    ((_, own),) = [one for one in await mails(market, buyer.email) if order["number"] in one[0]]
    assert "small ones" not in own
    await change(buyer, order, {"line_id": order["lines"][1]["id"], "note": "with roots"})
    await market.work()
    ((_, changed),) = [one for one in await mails(market, farmer.email) if "has changed" in one[0]]
    assert "  1 kg  Leeks  €2.00\n      Note: with roots\n" in changed, changed
