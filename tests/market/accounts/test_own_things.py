"""What an account keeps (addresses, consents), what is held on its person, and its end."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.store.postgres.statements import Statement
from tests.people import Market

ONE, TWO = "0197f0a0-7c1e-7abc-8def-000000000001", "0197f0a0-7c1e-7abc-8def-000000000002"
HOME = {
    "recipient": "Bo Bauer",
    "address": "Main Street 1\n8010 Graz",
    "label": "home",
    "phone": "+43 664 1234567",
    "note": "ring twice",
}
LEFT = Statement(
    "test.left",
    """select (select count(*) from addresses where user_id = :id), (select count(*) from consents where user_id = :id),
              (select count(*) from carts where user_id = :id), (select count(*) from notifications where user_id = :id),
              (select count(*) from mailed_tokens where user_id = :id), (select count(*) from farm_members where user_id = :id),
              (select count(*) from mails where recipient = :email)""",
    lambda *counts: counts,
)
ROW = Statement("test.user", "select to_jsonb(u) from users u where id = :id", lambda row: row)
BOUGHT = Statement(
    "test.bought",
    "select o.total, o.fulfilment, p.fulfilment, o.note from orders o join order_parts p on p.order_id = o.id where o.buyer_id = :id",
    lambda *row: row,
)


async def test_an_address_is_stored_changed_and_deleted_by_the_client_s_own_id(market: Market) -> None:
    person = await market.person()
    first = await person.request("PUT", f"/api/users/me/addresses/{ONE}", HOME)
    assert first.status == 200 and first.json() | HOME | {"phone": "+436641234567"} == first.json()
    await person.request("PUT", f"/api/users/me/addresses/{TWO}", {"recipient": "Bo", "address": "Elsewhere 2"})
    changed = await person.request("PUT", f"/api/users/me/addresses/{ONE}", HOME | {"label": "work", "phone": None})
    assert (changed.json()["label"], changed.json()["phone"]) == ("work", None)
    listed = (await person.get("/api/users/me/addresses")).json()["items"]
    assert [one["id"] for one in listed] == [ONE, TWO]
    assert (await person.request("DELETE", f"/api/users/me/addresses/{ONE}")).status == 204
    assert (await person.request("DELETE", f"/api/users/me/addresses/{ONE}")).status == 404


async def test_an_address_is_its_owner_s_alone(market: Market) -> None:
    one, other = await market.person(), await market.person()
    await one.request("PUT", f"/api/users/me/addresses/{ONE}", HOME)
    assert (await other.get("/api/users/me/addresses")).json()["items"] == []
    assert (await other.request("DELETE", f"/api/users/me/addresses/{ONE}")).status == 404
    await other.request("PUT", f"/api/users/me/addresses/{ONE}", HOME | {"label": "theirs"})
    assert (await one.get("/api/users/me/addresses")).json()["items"][0]["label"] == "home"


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"recipient": " "}, "recipient", "not-visible"),
        ({"recipient": "\u3164"}, "recipient", "not-visible"),
        ({"address": "\u200b"}, "address", "required"),
        ({"phone": "call me"}, "phone", "not-a-phone-number"),
        ({"note": "x\x00y"}, "note", "control-character"),
        ({"label": "x" * 61}, "label", "too-long"),
    ],
)
async def test_what_is_wrong_with_an_address_is_named(
    market: Market, change: dict[str, Any], field: str, code: str
) -> None:
    refused = await (await market.person()).request("PUT", f"/api/users/me/addresses/{ONE}", HOME | change)
    assert (refused.status, [(e["field"], e["code"]) for e in refused.json()["errors"]]) == (422, [(field, code)])


async def test_an_account_keeps_so_many_addresses_at_most(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvestd.market.accounts.address_routes.MAX_ADDRESSES", 1)
    person = await market.person()
    statuses = [(await person.request("PUT", f"/api/users/me/addresses/{id}", HOME)).status for id in (ONE, TWO, ONE)]
    assert statuses == [200, 422, 200]


async def test_consents_say_what_stands_and_keep_what_was(market: Market) -> None:
    person = await market.person()

    async def said(agreed: bool, version: str = "2026-05") -> list[tuple[str, str, bool]]:
        body = {"items": [{"kind": "terms", "version": version, "agreed": agreed}]}
        answer = await person.request("PUT", "/api/users/me/consents", body)
        assert answer.status == 200, answer.text
        return [(one["kind"], one["version"], one["agreed"]) for one in answer.json()["items"]]

    assert await said(True) == [("terms", "2026-05", True)]
    before = (await person.get("/api/users/me/consents")).json()
    assert await said(True) == [("terms", "2026-05", True)]
    assert (await person.get("/api/users/me/consents")).json() == before, "to say the same again is nothing new"
    assert await said(True, "2026-11") == [("terms", "2026-11", True)]
    assert await said(False, "2026-11") == [("terms", "2026-11", False)]
    export = (await person.get("/api/users/me/export")).json()
    assert [(one["version"], one["agreed"]) for one in export["consents"]] == [
        ("2026-05", True),
        ("2026-11", True),
        ("2026-11", False),
    ]


async def test_one_answer_a_kind(market: Market) -> None:
    one = {"kind": "terms", "version": "1", "agreed": True}
    refused = await (await market.person()).request(
        "PUT", "/api/users/me/consents", {"items": [one, one | {"agreed": False}]}
    )
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "items[1].kind")
    wrong = await (await market.person()).request(
        "PUT", "/api/users/me/consents", {"items": [one | {"kind": "Terms\n"}]}
    )
    assert wrong.status == 422


async def bought(market: Market, **more: Any) -> tuple[Any, dict[str, Any]]:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, unit="each", stock="9")
    order = await buyer.order((product["id"], 2), **more)
    assert order.status == 201, order.text
    await market.work()
    return buyer, {"farmer": farmer, **order.json()}


DELIVERED = {"fulfilment": {"method": "delivery", "address": "Secret Lane 3"}, "note": "the dog bites"}


async def complete(order: dict[str, Any]) -> None:
    farmer = order["farmer"]
    for to in ("confirmed", "ready", "completed"):
        answer = await farmer.post(f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status", {"to": to})
        assert answer.status == 200, answer.text


async def test_a_person_gets_everything_that_is_held_on_them(market: Market) -> None:
    buyer, order = await bought(market, **DELIVERED)
    await buyer.request("PUT", f"/api/users/me/addresses/{ONE}", HOME)
    answer = await buyer.get("/api/users/me/export")
    assert answer.status == 200 and answer.headers["content-disposition"].startswith("attachment")
    found = answer.json()
    assert found["account"]["email"] == buyer.email
    assert found["addresses"][0]["recipient"] == "Bo Bauer"
    assert found["orders"][0]["number"] == order["number"] and "Secret Lane 3" in str(found["orders"])
    assert found["orders"][0]["lines"][0]["quantity"] == "2.000"
    assert found["notices"] and found["sign_ins"] and found["api_keys"] == []
    assert "password" not in answer.text


async def test_closing_an_account_erases_the_person_and_keeps_the_books(market: Market) -> None:
    buyer, order = await bought(market, **DELIVERED)
    await buyer.request("PUT", f"/api/users/me/addresses/{ONE}", HOME)
    key = (await buyer.post("/api/users/me/api-keys", {"name": "till", "scopes": ["orders:read"]})).json()["key"]
    refused = await buyer.request("DELETE", "/api/users/me")
    assert (refused.status, order["number"] in refused.json()["detail"]) == (409, True), "while an order is open"
    await complete(order)
    await market.work()
    assert (await buyer.request("DELETE", "/api/users/me")).status == 204
    assert (await buyer.get("/api/users/me")).status == 401
    assert (await market.stranger.signed_in(key).get("/api/orders")).status == 401
    assert (await market.stranger.get(f"/api/users/{buyer.id}")).status == 404
    assert await market.parts.database.row(LEFT, id=buyer.id, email=buyer.email) == (0,) * 7
    row = await market.parts.database.row(ROW, id=buyer.id)
    assert buyer.email not in str(row) and row["password_hash"] == "" and row["phone"] is None
    ((total, whole, part, note),) = await market.parts.database.rows(BOUGHT, id=buyer.id)
    assert total == order["totals"]["total"]["amount"] and "Secret" not in f"{whole}{part}" and note == ""
    shown = (await order["farmer"].get(f"/api/orders/{order['id']}")).json()
    assert shown["buyer"]["name"] == "Deleted account" and shown["totals"] == order["totals"]
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_its_address_and_its_username_are_free_again(market: Market) -> None:
    body = {
        "email": "bo@example.org",
        "username": "bob",
        "password": "a long walk to market",
        "name": "Bo",
        "role": "buyer",
    }
    who = market.stranger.signed_in((await market.stranger.post("/api/auth/register", body)).json()["access_token"])
    assert (await market.stranger.post("/api/auth/register", body)).status == 409
    assert (await who.request("DELETE", "/api/users/me")).status == 204
    assert (await market.stranger.post("/api/auth/register", body)).status == 201


async def test_a_farm_is_not_left_without_an_owner(market: Market) -> None:
    farmer, other = await market.farmer("Green Acres"), await market.person("farmer")
    refused = await farmer.request("DELETE", "/api/users/me")
    assert (refused.status, "Green Acres" in refused.json()["detail"]) == (409, True)
    await market.join(other, farmer.farm_id, "packer")
    assert (await farmer.request("DELETE", "/api/users/me")).status == 409
    third = await market.person("farmer")
    await market.join(third, farmer.farm_id, "owner")
    assert (await farmer.request("DELETE", "/api/users/me")).status == 204
    assert (await third.request("DELETE", "/api/users/me")).status == 409
