"""Founding farms, and the market's word on them: what is not verified takes no orders."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.parts import Parts
from tests.market.accounts.mailbox import mails
from tests.people import Market, Person
from tests.web.conftest import make_market, settled


async def judged(market: Market, farm: str, state: str, reason: str = "Visited.", who: Person | None = None) -> Any:
    who = who or await market.person("manager")
    return await who.post(f"/api/farms/{farm}/verification", {"state": state, "reason": reason})


async def test_whoever_founds_a_farm_owns_it_and_is_a_farmer(market: Market) -> None:
    person = await market.person()
    made = await person.post("/api/farms", {"name": " Corn  Corner "})
    assert (made.status, made.json()["name"], made.json()["state"]) == (201, "Corn Corner", "verified")
    assert made.headers["location"] == f"/api/farms/{made.json()['id']}"
    me = (await person.get("/api/users/me")).json()
    assert (me["role"], [(f["id"], f["role"]) for f in me["farms"]]) == ("farmer", [(made.json()["id"], "owner")])
    product = await person.post("/api/products", {"title": "Corn", "unit": "each", "price": 50, "stock": 9})
    assert (product.status, product.json()["orderable"]) == (201, True)
    assert (await market.stranger.get("/api/farms")).json()["items"][0]["name"] == "Corn Corner"
    assert market.broken() == []


async def test_a_retry_with_its_key_founds_one_farm(market: Market) -> None:
    person = await market.person()
    made = [await person.post("/api/farms", {"name": "Corner"}, Idempotency_Key="one") for _ in range(2)]
    assert made[0].json() == made[1].json()
    assert len((await person.get("/api/users/me")).json()["farms"]) == 1


async def test_an_account_founds_so_many_farms_at_most_also_at_once(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvestd.market.farms.state_actions.MAX_FARMS", 2)
    person = await market.person()
    answers = await settled(*(person.post("/api/farms", {"name": f"Corner {n}"}) for n in range(5)))
    assert sorted(a.status for a in answers) == [201, 201, 422, 422, 422]


async def test_where_the_market_approves_farms_a_new_one_takes_no_orders_until_then(parts: Parts) -> None:
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, farm_approval=True)))
    farmer, buyer = await market.farmer("Green Acres"), await market.person()
    assert (await market.stranger.get(f"/api/farms/{farmer.farm_id}")).json()["state"] == "pending"
    product = await market.product(farmer, unit="each", stock="9")
    assert product["orderable"] is False
    refused = await buyer.order((product["id"], 1))
    assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "not-for-sale")
    assert (await judged(market, farmer.farm_id, "verified")).json()["state"] == "verified"
    assert (await market.stranger.get(f"/api/products/{product['id']}")).json()["orderable"] is True
    assert (await buyer.order((product["id"], 1))).status == 201
    subjects = [subject for subject, _ in await mails(market, farmer.email)]
    assert any("Green Acres is verified" in subject for subject in subjects)
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_a_suspended_farm_takes_no_orders_and_goes_on_with_those_it_has(market: Market) -> None:
    farmer, buyer = await market.farmer("Green Acres"), await market.person()
    product = await market.product(farmer, unit="each", stock="9")
    listing = (await market.stranger.get("/api/products")).json()["items"]
    assert listing[0]["orderable"] is True
    order = (await buyer.order((product["id"], 1))).json()
    await market.work()
    answer = await judged(market, farmer.farm_id, "suspended", "No <answer>\nfor weeks.")
    assert answer.status == 200
    assert (await buyer.order((product["id"], 1))).status == 422
    assert (await market.stranger.get("/api/products")).json()["items"] == [], "in what is cached, too"
    step = f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status"
    assert (await farmer.post(step, {"to": "confirmed"})).status == 200
    ((_, body),) = [mail for mail in await mails(market, farmer.email) if "suspended" in mail[0]]
    assert "No <answer> for weeks." in body
    again = await judged(market, farmer.farm_id, "suspended")
    assert again.json()["version"] == answer.json()["version"], "to say the same again is nothing new"
    assert (await judged(market, farmer.farm_id, "pending")).status == 200
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_of_what_the_market_said_in_between_nobody_is_mailed(market: Market) -> None:
    """The events of two judgements come in any order: a mail that a suspended farm is verified would be the last word on it."""
    farmer = await market.farmer("Green Acres")
    for state in ("suspended", "verified", "suspended", "pending", "verified"):
        assert (await judged(market, farmer.farm_id, state)).status == 200
    told = [subject for subject, _ in await mails(market, farmer.email) if "Green Acres" in subject]
    assert told and all("is verified" in subject for subject in told)
    assert (await judged(market, farmer.farm_id, "suspended")).status == 200
    told = [subject for subject, _ in await mails(market, farmer.email) if "Green Acres" in subject]
    assert [subject for subject in told if "is suspended" in subject] == told[-1:]
    assert (await judged(market, farmer.farm_id, "pending")).status == 200
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_only_the_market_s_staff_judges(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    for who in (farmer, buyer):
        assert (await judged(market, farmer.farm_id, "suspended", who=who)).status == 403
    assert (await judged(market, market.parts.new_id(), "suspended")).status == 404
    assert (await judged(market, farmer.farm_id, "closed")).status == 422
    admin = await market.person("admin")
    assert (await judged(market, farmer.farm_id, "suspended", who=admin)).status == 200
    (entry,) = (await admin.get(f"/api/admin/audit?object=farm:{farmer.farm_id}")).json()["items"]
    assert (entry["action"], entry["before"], entry["after"]["state"]) == (
        "farm.judged",
        {"state": "verified"},
        "suspended",
    )


# --- a farm whose owner the staff have closed ---


async def _can_be_had(market: Market, buyer: Person, product: dict[str, Any]) -> bool:
    """Whether a product is shown so, in what is cached, too, and is ordered."""
    shown = (await market.stranger.get(f"/api/products/{product['id']}")).json()["orderable"]
    assert [one["orderable"] for one in (await market.stranger.get("/api/products")).json()["items"]] == [shown]
    order = await buyer.order((product["id"], 1))
    assert order.status == (201 if shown else 422), order.text
    assert market.broken() == []
    return bool(shown)


async def _opened(admin: Person, person: Person, active: bool) -> None:
    assert (await admin.request("PATCH", f"/api/admin/users/{person.id}", {"active": active})).status == 200


async def test_a_farm_whose_only_owner_is_locked_out_takes_no_orders_until_it_has_one_again(market: Market) -> None:
    """Whoever packs would hear of them, and could neither cancel nor answer for one."""
    farmer, packer, buyer, admin = (
        await market.farmer(), await market.person("farmer"), await market.person(), await market.person("admin")
    )  # fmt: skip
    await market.join(packer, farmer.farm_id, "packer")
    product = await market.product(farmer, unit="each", stock="9")
    assert await _can_be_had(market, buyer, product)
    await _opened(admin, farmer, False)
    assert not await _can_be_had(market, buyer, product)
    await _opened(admin, farmer, True)
    assert await _can_be_had(market, buyer, product)
    await _opened(admin, farmer, False)
    member = f"/api/farms/{farmer.farm_id}/members/{packer.id}"
    assert (await admin.request("PATCH", member, {"role": "owner"})).status == 200
    assert await _can_be_had(market, buyer, product), "the staff have handed it on"
    assert (await admin.request("PATCH", member, {"role": "packer"})).status == 409, "its only owner who is there"


async def test_a_farm_that_has_another_owner_goes_on_selling(market: Market) -> None:
    farmer, other, buyer, admin = (
        await market.farmer(), await market.person("farmer"), await market.person(), await market.person("admin")
    )  # fmt: skip
    await market.join(other, farmer.farm_id)
    product = await market.product(farmer, unit="each", stock="9")
    await _opened(admin, farmer, False)
    assert await _can_be_had(market, buyer, product)


async def test_an_owner_at_rest_who_comes_back_has_the_farm_sell_again(market: Market) -> None:
    """They left it to another owner, whom the staff have locked out meanwhile."""
    email, password = "rest@example.org", "a long walk to market"
    body = {
        "email": email,
        "username": "rest",
        "password": password,
        "name": "Re",
        "role": "farmer",
        "farm_name": "Acres",
    }
    made = (await market.stranger.post("/api/auth/register", body)).json()
    farm_id = made["user"]["farms"][0]["id"]
    owner = Person(made["user"]["id"], email, market.stranger.signed_in(made["access_token"]), farm_id)
    other, buyer, admin = await market.person("farmer"), await market.person(), await market.person("admin")
    await market.join(other, farm_id)
    product = await market.product(owner, unit="each", stock="9")
    assert (await owner.post("/api/users/me/deactivation", None)).status == 204
    assert await _can_be_had(market, buyer, product)
    await _opened(admin, other, False)
    assert not await _can_be_had(market, buyer, product)
    again = await market.stranger.post("/api/auth/login", {"email": email, "password": password, "reactivate": True})
    assert again.status == 200, again.text
    assert await _can_be_had(market, buyer, product)
