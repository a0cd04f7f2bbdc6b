"""Questions to a buyer from their beginning to their one end, over HTTP: by when they are answered, what ends them, who is told what of it, and what stays to be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from harvestd.kernel.formatting import moment
from harvestd.market.orders import expiry
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, scalar
from tests.market.accounts.mailbox import mails
from tests.market.days.calendar import text
from tests.market.orders.test_change_routes import change, ducks, later, level, move, of_line
from tests.market.orders.test_consent_routes import answer, seen
from tests.market.orders.test_history import changes
from tests.market.orders.test_windows import stall
from tests.people import Market, Person
from tests.web.conftest import make_market

_LATE = Statement(
    "test.late",
    "update order_lines set answer_by = now() - interval '1 second' where answer_by is not null returning id",
    scalar,
)
ABOUT = ("weight", "substitute", "addition")


@attrs.frozen
class Asked:
    """An order about one of whose lines its buyer is asked, and the product that is kept for them."""

    farmer: Person
    buyer: Person
    order: dict[str, Any]
    line: dict[str, Any]
    product: dict[str, Any]

    async def answers(self, accept: bool, **more: Any) -> tuple[int, str]:
        found = await answer(self.buyer, self.order, self.line, accept, **more)
        return found.status, found.json().get("detail", "")


async def asked(market: Market, about: str, farmer: Person | None = None) -> Asked:
    farmer, buyer = farmer or await market.farmer(), await market.person()
    leeks = await market.product(farmer, title="Leeks", price=200)
    if about == "weight":
        bought = await ducks(market, farmer)
        order = (await buyer.order((bought["id"], 1))).json()
        done = await of_line(farmer, order, "weigh", order["lines"][0], farmer, quantity="1.5")
    else:
        bought = await market.product(farmer, stock="9")
        lines = [{"product_id": bought["id"], "quantity": 2, "substitution": "ask"}]
        order = (await buyer.post("/api/orders", {"lines": lines}, Idempotency_Key="k")).json()
        instead = {"product_id": leeks["id"], "quantity": 1}
        if about == "substitute":
            done = await of_line(farmer, order, "short", order["lines"][0], farmer, quantity=1, substitute=instead)
        else:
            done = await change(farmer, order, instead, reason="there is more")
    assert done.status == 200, done.text
    (line,) = [one for one in (await seen(buyer, order))["lines"] if one["asked"]]
    return Asked(farmer, buyer, order, line, leeks)


async def subjects(market: Market, who: Person) -> list[str]:
    return [subject for subject, _ in await mails(market, who.email)]


@pytest.mark.parametrize("about", ABOUT)
@pytest.mark.parametrize("to", ["completed", "out_for_delivery"])
async def test_goods_that_leave_their_farm_end_what_is_asked_about_them_with_a_no(
    market: Market, about: str, to: str
) -> None:
    one = await asked(market, about)
    agreed = (await seen(one.buyer, one.order))["totals"]
    for step in ("confirmed", "ready"):
        assert (await move(one.farmer, one.order, step)).status == 200
    assert "answer" in (await seen(one.buyer, one.order))["can"]
    left = await move(one.farmer, one.order, to)
    assert (left.status, left.json()["parts"][0]["status"]) == (200, to)
    now = await seen(one.buyer, one.order)
    assert (now["totals"], "answer" in now["can"]) == (agreed | {"estimated": now["totals"]["estimated"]}, False)
    assert [(line["asked"], line["answer_by"], line["proposed"]) for line in now["lines"]] == [(None, None, False)]
    assert now["steps"][-1]["to"] == to
    status, why = await one.answers(True)
    assert status == 409 and "left their farm before you answered" in why, why
    assert (await one.answers(False))[0] == 200, "it is what it was"
    assert await level(market, one.product) == ("2.500", "2.500")
    await market.work(twice=True)
    before = await subjects(market, one.buyer)
    ((_, told),) = [mail for mail in await mails(market, one.buyer.email) if "no longer waits" in mail[0]]
    assert ("Ducks: 1.5 kg  €7.50 instead of €4.40" if about == "weight" else "+ 1 kg  Leeks  €2.00") in told
    await expiry.settle(later(market, days=1).parts)
    assert await subjects(market, one.buyer) == before, "the clock has nothing to say any more"
    assert not [subject for subject in await subjects(market, one.farmer) if "answer" in subject], "who does it knows"
    assert market.broken(at_rest=True) == []


async def test_a_part_that_is_nothing_but_a_question_does_not_leave_its_farm(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots, leeks = await market.product(one, stock="9"), await market.product(two, title="Leeks", price=200)
    lines = [
        {"product_id": carrots["id"], "quantity": 2, "substitution": "ask"},
        {"product_id": leeks["id"], "quantity": 1},
    ]
    order = (await buyer.post("/api/orders", {"lines": lines}, Idempotency_Key="k")).json()
    instead, first = {"product_id": leeks["id"], "quantity": "0.5"}, order["lines"][0]
    short = await of_line(await market.person("manager"), order, "short", first, one, quantity=1, substitute=instead)
    assert short.status == 200, short.text
    assert (await change(buyer, order, {"line_id": order["lines"][1]["id"], "quantity": 0})).status == 200
    for to in ("confirmed", "ready"):
        assert (await move(two, order, to)).status == 200
    refused = await move(two, order, "completed")
    assert refused.status == 409 and "is nothing but what its buyer is asked about" in refused.json()["detail"]
    assert [line["proposed"] for line in (await seen(buyer, order))["lines"]] == [False, True]
    assert (await two.post(f"/api/orders/{order['id']}/cancel", {"reason": "gone"})).status == 200
    assert "answer" not in (await seen(buyer, order))["can"] and market.broken() == []


@pytest.mark.parametrize("about", ABOUT)
async def test_what_is_cancelled_is_asked_about_no_more_and_one_mail_says_so(market: Market, about: str) -> None:
    one = await asked(market, about)
    await market.work()
    before = await subjects(market, one.buyer)
    assert (await one.farmer.post(f"/api/orders/{one.order['id']}/cancel", {"reason": "hail"})).status == 200
    now = await seen(one.buyer, one.order)
    assert (now["can"], [line["asked"] for line in now["lines"]]) == ([], [None] * len(now["lines"]))
    status, why = await one.answers(True)
    assert status == 409 and "is already cancelled" in why
    await expiry.settle(later(market, days=1).parts)
    assert (await subjects(market, one.buyer))[len(before) :] == [f"Order {one.order['number']} is cancelled"]
    assert await level(market, one.product) == ("2.500", "2.500") and market.broken(at_rest=True) == []


async def test_what_is_weighed_on_the_way_comes_to_what_was_agreed_on_and_asks_nothing(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await ducks(market, farmer))["id"], 1))).json()
    for to in ("confirmed", "ready", "out_for_delivery"):
        assert (await move(farmer, order, to)).status == 200
    assert (await of_line(farmer, order, "weigh", order["lines"][0], farmer, quantity="1.5")).status == 200
    now = await seen(buyer, order)
    assert (now["totals"]["total"]["amount"], now["lines"][0]["asked"], now["can"]) == (440, None, [])
    assert market.broken() == []


async def test_a_yes_comes_in_time_whether_or_not_the_clock_has_run(market: Market) -> None:
    one = await asked(market, "weight")
    await market.parts.database.rows(_LATE)
    now = await seen(one.buyer, one.order)
    assert ("answer" in now["can"], now["lines"][0]["asked"], now["lines"][0]["answer_by"]) == (False, None, None)
    status, why = await one.answers(True, expected_total=750)
    assert status == 409 and "could be answered until" in why and "without an answer it is a no" in why
    assert (await one.answers(False))[0] == 200
    assert (await seen(one.buyer, one.order))["totals"]["total"]["amount"] == 440 and market.broken() == []


async def test_nobody_is_asked_for_longer_than_until_their_window_is_over(parts: Parts) -> None:
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, order_answer_time=7 * 86_400.0)))
    s, buyer = await stall(market), await market.person()
    bought = await ducks(market, s.farmer)
    order = (await s.order(buyer, (bought["id"], 1))).json()
    assert (await of_line(s.farmer, order, "weigh", order["lines"][0], s.farmer, quantity="1.5")).status == 200
    ends = order["fulfilment"]["window"]["to"]
    assert (await seen(buyer, order))["lines"][0]["answer_by"] == ends
    ((_, mail),) = [one for one in await mails(market, buyer.email) if "weighs more" in one[0]]
    assert moment(datetime.fromisoformat(ends), UTC) in mail
    sooner = text(datetime.fromisoformat(ends) - timedelta(hours=1))
    windows = [{name: one[name] for name in ("id", "method", "from")} | {"to": sooner} for one in s.day["windows"]]
    edited = await s.manager.request("PATCH", f"/api/market-days/{s.day['id']}", {"windows": windows}, If_Match="*")
    assert edited.status == 200, edited.text
    await market.work(twice=True)
    now = await seen(buyer, order)
    assert now["lines"][0]["answer_by"] == now["fulfilment"]["window"]["to"] == sooner, "it goes with the window"
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("about", ABOUT)
async def test_what_nobody_answered_is_told_as_that_with_what_it_was(market: Market, about: str) -> None:
    one = await asked(market, about)
    await expiry.settle(later(market, days=1).parts)
    await market.work(twice=True)
    asked_about = "1  Ducks: 1.5 kg  €7.50 instead of €4.40" if about == "weight" else "+ 1 kg  Leeks  €2.00"
    ((_, told),) = [mail for mail in await mails(market, one.farmer.email) if "no answer has come" in mail[0]]
    assert "has not answered until " in told and f"it is a no:\n\n  {asked_about}\n\nTotal: " in told, told
    (notice,) = [
        n for n in (await one.buyer.get("/api/notifications")).json()["items"] if "have not answered" in n["title"]
    ]
    assert asked_about in notice["body"], notice["body"]
    assert not [subject for subject in await subjects(market, one.farmer) if "says no" in subject]
    status, why = await one.answers(True)
    assert status == 409 and "could be answered until" in why and market.broken(at_rest=True) == []


@pytest.mark.parametrize("about", ABOUT)
async def test_what_a_buyer_says_is_told_with_what_it_was_and_another_answer_with_what_was_said(
    market: Market, about: str
) -> None:
    one = await asked(market, about)
    assert (await one.answers(False))[0] == 200
    ((_, told),) = [mail for mail in await mails(market, one.farmer.email) if "says no" in mail[0]]
    assert ("Ducks: 1.5 kg" if about == "weight" else "Leeks") in told and "does not want what you asked about" in told
    assert (await one.answers(False))[0] == 200
    status, why = await one.answers(True)
    assert status == 409 and "you have answered already: no, at " in why, why


async def test_all_that_one_farm_asks_lapses_in_one_mail(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer, stock="9"), await market.product(farmer, title="Leeks", price=200)
    order = (await buyer.order((carrots["id"], 1))).json()
    more = [{"product_id": one["id"], "quantity": 1} for one in (carrots, leeks)]
    assert (await change(farmer, order, *more, reason="there is more")).status == 200
    await expiry.settle(later(market, days=1).parts)
    ((_, told),) = [mail for mail in await mails(market, farmer.email) if "no answer has come" in mail[0]]
    assert "  + 1 kg  Carrots  €3.90\n  + 1 kg  Leeks  €2.00\n" in told
    assert (await seen(buyer, order))["version"] == 3 and market.broken(at_rest=True) == []


async def test_a_question_that_its_farm_weighs_away_is_told_by_mail(market: Market) -> None:
    one = await asked(market, "weight")
    await market.work()
    assert (
        await of_line(one.farmer, one.order, "weigh", one.order["lines"][0], one.farmer, quantity="0.8")
    ).status == 200
    assert "answer" not in (await seen(one.buyer, one.order))["can"]
    ((_, told),) = [mail for mail in await mails(market, one.buyer.email) if "need not answer" in mail[0]]
    assert "  1  Ducks: 1.5 kg  €7.50 instead of €4.40\n" in told and "  1  Ducks  €4.00\n\nTotal: €4.00\n" in told
    status, why = await one.answers(True)
    assert status == 409 and "nobody asks about this line any more, since" in why


async def test_a_question_that_gives_way_to_another_is_told_with_that(market: Market) -> None:
    one = await asked(market, "substitute")
    chard = await market.product(one.farmer, title="Chard", price=100)
    again = {"product_id": chard["id"], "quantity": 1}
    assert (await of_line(one.farmer, one.order, "short", one.order["lines"][0], one.farmer, quantity=1, substitute=again)).status == 200  # fmt: skip
    told = [body for subject, body in await mails(market, one.buyer.email) if "is short, and asks you" in subject]
    assert len(told) == 2 and "no longer" not in told[0]
    assert "You need no longer answer about:\n  + 1 kg  Leeks  €2.00\n" in told[1] and "+ 1 kg  Chard" in told[1]
    assert (await of_line(one.farmer, one.order, "short", one.order["lines"][0], one.farmer, quantity=1)).status == 200
    told = [body for subject, body in await mails(market, one.buyer.email) if subject.endswith("is short")]
    assert "You need no longer answer about:\n  + 1 kg  Chard  €1.00\n" in told[-1]


async def test_a_farm_hears_that_its_buyer_has_taken_out_what_it_asked_about(market: Market) -> None:
    one = await asked(market, "weight")
    line = {"line_id": one.line["id"], "quantity": 2}
    assert (await change(one.buyer, one.order, line)).status == 200
    ((_, told),) = [mail for mail in await mails(market, one.farmer.email) if "has changed" in mail[0]]
    assert "The buyer is no longer asked about:\n  1  Ducks: 1.5 kg  €7.50 instead of €4.40\n" in told, told
    assert market.broken() == []


async def test_a_mail_says_what_its_event_says_whatever_has_come_since(market: Market) -> None:
    one = await asked(market, "weight")
    assert (await one.answers(True))[0] == 200
    assert (
        await of_line(one.farmer, one.order, "weigh", one.order["lines"][0], one.farmer, quantity="0.8")
    ).status == 200
    ((_, told),) = [mail for mail in await mails(market, one.buyer.email) if "weighs more" in mail[0]]
    assert "Total without more: €4.40\nTotal with all of it: €7.50\n" in told, told
    ((_, yes),) = [mail for mail in await mails(market, one.farmer.email) if "says yes" in mail[0]]
    assert "Total: €7.50\n" in yes


async def test_what_is_weighed_together_is_told_in_its_order_each_order_once_with_all_of_it(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    duck, goose = await ducks(market, farmer), await market.product(
        farmer, title="Geese", unit="each", price=500, stock="9", price_per={"quantity": "1", "unit": "kg"}, priced_by="weight",
        estimated_weight={"quantity": "0.8", "unit": "kg"},
    )  # fmt: skip
    orders = [(await buyer.order((duck["id"], 1), (goose["id"], 1), key=f"k{n}")).json() for n in range(4)]
    weighings = [{"line_id": line["id"], "quantity": "1.5"} for order in orders for line in order["lines"]]
    done = await farmer.post(f"/api/farms/{farmer.farm_id}/weighings", {"weighings": weighings})
    assert {one["status"] for one in done.json()["results"]} == {"weighed"}
    told = [(subject, body) for subject, body in await mails(market, buyer.email) if "weighs more" in subject]
    assert [subject.split(":")[0] for subject, _ in told] == [f"Order {order['number']}" for order in orders]
    assert all("Ducks: 1.5 kg" in body and "Geese: 1.5 kg" in body for _, body in told)
    lower = [one | {"quantity": "0.8"} for one in weighings]
    await farmer.post(f"/api/farms/{farmer.farm_id}/weighings", {"weighings": lower})
    told = [(subject, body) for subject, body in await mails(market, buyer.email) if "need not answer" in subject]
    assert len(told) == 4 and all("  1  Ducks  €4.00\n  1  Geese  €4.00\n" in body for _, body in told), told[0]


@pytest.mark.parametrize(("said", "outcome"), [(True, "accepted"), (False, "declined"), (None, "declined")])
@pytest.mark.parametrize("about", ABOUT)
async def test_the_history_says_what_was_asked_and_how_it_has_ended(market: Market, about: str, said: bool | None, outcome: str) -> None:  # fmt: skip
    one = await asked(market, about)
    if said is None:
        await expiry.settle(later(market, days=1).parts)
    else:
        assert (await one.answers(said))[0] == 200
    begun, ended = await changes(one.buyer, one.order)
    (first,) = [line for line in begun["lines"] if line["line_id"] == one.line["id"]]
    (last,) = [line for line in ended["lines"] if line["line_id"] == one.line["id"]]
    total = one.line["asked"]["total"]
    assert first["after"]["asked"] == {"about": about, "total": total, "answer_by": one.line["answer_by"]}
    assert first["after"]["total"]["amount"] == (440 if about == "weight" else 0), "what is proposed is not owed"
    assert (first["outcome"], last["outcome"], ended["by"]) == (None, outcome, "clock" if said is None else "buyer")
    assert last["before"]["asked"] == first["after"]["asked"]
    assert (last["after"] or {}).get("asked") is None
    if said:
        assert last["after"]["total"] == total


async def test_the_history_says_that_a_question_was_taken_back(market: Market) -> None:
    one = await asked(market, "weight")
    await of_line(one.farmer, one.order, "weigh", one.order["lines"][0], one.farmer, quantity="0.8")
    assert [line["outcome"] for change in await changes(one.buyer, one.order) for line in change["lines"]] == [None, "withdrawn"]  # fmt: skip


async def test_a_total_that_is_not_the_lines_is_refused_as_that(market: Market) -> None:
    one = await asked(market, "weight")
    refused = await answer(
        one.buyer, one.order, one.line, expected_total=one.line["asked"]["order_total"]["amount"] + 1
    )
    assert refused.status == 409 and refused.json()["detail"].startswith(
        "with a yes this line comes to €7.50, not €7.51"
    )
    (error,) = refused.json()["errors"]
    assert error["message"] == "with a yes this line comes to €7.50" and "asked.total" in refused.json()["detail"]
    page = (await market.stranger.get("/problems/price-changed")).text
    assert "asked.total" in page and "of that line" in page


async def test_only_the_buyer_answers_and_other_ids_are_not_there(market: Market) -> None:
    one, other = await asked(market, "weight"), await asked(market, "addition")
    path = "/api/orders/{}/lines/{}/answer"
    stranger, mine, theirs = await market.person(), one.order["id"], other.order["id"]
    for who, order_id, line_id, status in (
        (stranger, mine, one.line["id"], 404), (other.buyer, mine, one.line["id"], 404), (other.farmer, mine, one.line["id"], 404),
        (one.buyer, mine, other.line["id"], 404), (one.buyer, theirs, one.line["id"], 404), (one.buyer, theirs, other.line["id"], 404),
        (one.buyer, stranger.id, one.line["id"], 404), (one.buyer, mine, stranger.id, 404), (one.farmer, mine, one.line["id"], 403),
    ):  # fmt: skip
        for accept in (True, False):
            assert (await who.post(path.format(order_id, line_id), {"accept": accept})).status == status
    assert (
        await market.stranger.request("POST", path.format(mine, one.line["id"]), json={"accept": True})
    ).status == 401
    assert "answer" in (await seen(one.buyer, one.order))["can"]
