"""Staff of a farm: who invites whom, what each may do, and that a farm keeps an owner."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.store.postgres.statements import Statement, nothing
from tests.market.accounts.mailbox import mails
from tests.market.farms.test_states import judged
from tests.people import Market, Person
from tests.web.conftest import make_market, settled

OWNERS = Statement(
    "test.owners", "select count(*) from farm_members where farm_id = :farm and role = 'owner'", lambda n: n
)
YESTERDAY = Statement(
    "test.yesterday",
    "update farm_invitations set created_at = created_at - interval '1 day' where farm_id = :farm",
    nothing,
)
SENT = Statement("test.sent", "select data from outbox where type = 'farm.member_invited'", lambda data: data)


async def invited(market: Market, farmer: Person, person: Person, role: str = "packer") -> str:
    """The token of the mail of an invitation."""
    answer = await farmer.post(f"/api/farms/{farmer.farm_id}/members", {"email": person.email, "role": role})
    assert answer.status == 201, answer.text
    found = [re.search(r"#invitation=([\w-]{43})", body) for _, body in await mails(market, person.email)]
    return [match[1] for match in found if match][-1]


async def joined(market: Market, farmer: Person, role: str = "packer", person: Person | None = None) -> Person:
    """Somebody who was invited, and accepted."""
    person = person or await market.person()
    token = await invited(market, farmer, person, role)
    answer = await person.post(f"/api/invitations/{token}/accept", None)
    assert answer.status == 200, answer.text
    return person


async def members(farmer: Person, who: Person | None = None) -> list[tuple[str, str]]:
    answer = await (who or farmer).get(f"/api/farms/{farmer.farm_id}/members")
    assert answer.status == 200, answer.text
    return [(one["id"], one["role"]) for one in answer.json()["items"]]


async def test_somebody_is_invited_by_mail_and_joins(market: Market) -> None:
    farmer, person = await market.farmer("Green Acres"), await market.person()
    token = await invited(market, farmer, person)
    subject, body = (await mails(market, person.email))[-1]
    assert "Green Acres" in subject and "packer" in body
    assert await members(farmer) == [(farmer.id, "owner")]
    answer = await person.post(f"/api/invitations/{token}/accept", None)
    assert (answer.status, answer.json()["farm"]["id"], answer.json()["role"]) == (200, farmer.farm_id, "packer")
    assert await members(farmer) == [(farmer.id, "owner"), (person.id, "packer")]
    me = (await person.get("/api/users/me")).json()
    assert (me["role"], [f["role"] for f in me["farms"]]) == ("farmer", ["packer"])
    assert (await person.post(f"/api/invitations/{token}/accept", None)).status == 404, "once"


@pytest.mark.parametrize("state", ["pending", "suspended"])
async def test_the_name_of_a_farm_that_is_not_verified_reaches_no_stranger(market: Market, state: str) -> None:
    """Anybody may call a farm what they like, and invite whom they like: their text would come in the market's name."""
    farmer, person = await market.farmer("Cheap pills at pills.example"), await market.person()
    path, body = f"/api/farms/{farmer.farm_id}/members", {"email": person.email, "role": "packer"}
    assert (await farmer.post(path, body)).status == 201
    assert (await judged(market, farmer.farm_id, state)).status == 200
    again = await farmer.post(path, body)
    assert (again.status, "suspended" in again.text) == ((201, False) if state == "pending" else (409, True))
    subject, body = (await mails(market, person.email))[-1]
    token = re.findall(r"#invitation=([\w-]{43})", body)[-1]
    assert "pills" not in subject + body and "packer" in body
    assert (await person.post(f"/api/invitations/{token}/accept", None)).status == 200, "its staff joins all the same"


@pytest.mark.parametrize(
    ("name", "told"),
    [("Win 1000 EUR http://evil.example/x", False), ("Look at EVIL.example, now", False), ("evil.example", False), ("xn--pypal-4ve.com/a", False),
     ("St. Mary's Farm Inc.", True), ("Hof Nr.7 & Co.", True), ("Anna & Bert 2.0", True)],
)  # fmt: skip
async def test_a_name_that_reads_as_a_link_reaches_no_stranger_whatever_the_farm_is(
    market: Market, name: str, told: bool
) -> None:
    farmer, person = await market.farmer(name), await market.person()
    await invited(market, farmer, person)
    subject, body = (await mails(market, person.email))[-1]
    assert (name in subject, name in " ".join(body.split())) == (told, told)


async def test_a_farm_invites_so_many_people_a_day(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many accepted, or were invited again: each was mailed."""
    monkeypatch.setattr("harvestd.market.farms.member_actions.MAX_A_DAY", 3)
    farmer, other, person = await market.farmer(), await market.farmer(), await market.person()
    await joined(market, farmer)
    for _ in range(2):
        await invited(market, farmer, person)
    path, body = f"/api/farms/{farmer.farm_id}/members", {"email": "one.more@example.org", "role": "packer"}
    refused = await farmer.post(path, body)
    assert (refused.status, refused.json()["type"]) == (429, "/problems/too-many-requests"), refused.text
    assert 86_300 < int(refused.headers["retry-after"]) <= 86_400
    await invited(market, other, person)
    await market.parts.database.transaction(lambda tx: tx.run(YESTERDAY, farm=farmer.farm_id))
    assert (await farmer.post(path, body)).status == 201


async def test_a_packer_moves_orders_and_changes_no_price(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, unit="each", stock="9")
    order = (await buyer.order((product["id"], 1))).json()
    await market.work()
    packer = await joined(market, farmer)
    path = f"/api/products/{product['id']}"
    assert (await packer.request("PATCH", path, {"price": 1}, If_Match="*")).status == 403
    assert (await packer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"name": "Mine"}, If_Match="*")).status == 403
    assert (await packer.post(f"{path}/stock", {"set": 20})).status == 200
    step = f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status"
    assert (await packer.post(step, {"to": "confirmed"})).status == 200
    assert (await packer.get(f"/api/orders/{order['id']}")).status == 200
    assert (await packer.request("DELETE", f"/api/farms/{farmer.farm_id}/members/{packer.id}")).status == 204
    gone = await packer.post(step, {"to": "ready"})
    assert (gone.status, gone.json()["type"]) == (403, "/problems/no-farm"), "from the next request on"


@pytest.mark.parametrize("role", ["manager", "packer", "driver"])
async def test_only_an_owner_changes_the_staff(market: Market, role: str) -> None:
    farmer, other = await market.farmer(), await market.person()
    member = await joined(market, farmer, role)
    path = f"/api/farms/{farmer.farm_id}"
    assert len(await members(farmer, member)) == 2
    for method, where, body in (
        ("POST", f"{path}/members", {"email": other.email, "role": "packer"}),
        ("PATCH", f"{path}/members/{farmer.id}", {"role": "packer"}),
        ("PATCH", f"{path}/members/{member.id}", {"role": "owner"}),
        ("DELETE", f"{path}/members/{farmer.id}", None),
        ("GET", f"{path}/invitations", None),
        ("DELETE", f"{path}/invitations/{member.id}", None),
    ):
        assert (await member.request(method, where, body)).status == 403, where


async def test_strangers_see_and_change_nothing(market: Market) -> None:
    farmer, other, buyer = await market.farmer(), await market.farmer("Elsewhere"), await market.person()
    path = f"/api/farms/{farmer.farm_id}/members"
    for who in (other, buyer):
        assert (await who.get(path)).status == 403
        assert (await who.post(path, {"email": "x@example.org", "role": "owner"})).status == 403
        assert (await who.request("DELETE", f"{path}/{farmer.id}")).status == 403
    assert (await market.stranger.get(path)).status == 401
    admin = await market.person("admin")
    assert await members(farmer, admin) == [(farmer.id, "owner")]
    assert (await other.get(f"/api/farms/{market.parts.new_id()}/members")).status == 404


async def test_ownership_is_handed_on_and_a_farm_keeps_an_owner(market: Market) -> None:
    farmer = await market.farmer()
    path = f"/api/farms/{farmer.farm_id}/members"
    for method, body in (("PATCH", {"role": "manager"}), ("DELETE", None)):
        refused = await farmer.request(method, f"{path}/{farmer.id}", body)
        assert (refused.status, "only owner" in refused.json()["detail"]) == (409, True)
    heir = await joined(market, farmer, "manager")
    assert (await farmer.request("PATCH", f"{path}/{heir.id}", {"role": "owner"})).json()["role"] == "owner"
    assert (await farmer.request("PATCH", f"{path}/{farmer.id}", {"role": "packer"})).status == 200
    assert (await heir.request("DELETE", f"{path}/{farmer.id}")).status == 204
    assert await members(heir_of(heir, farmer)) == [(heir.id, "owner")]
    assert market.broken() == []


def heir_of(heir: Person, farmer: Person) -> Person:
    return attrs.evolve(heir, farm_id=farmer.farm_id)


async def test_two_owners_who_leave_at_once_leave_one(market: Market) -> None:
    farmer = await market.farmer()
    other = await joined(market, farmer, "owner")
    path = f"/api/farms/{farmer.farm_id}/members"
    for _ in range(5):
        answers = await settled(*(who.request("DELETE", f"{path}/{who.id}") for who in (farmer, other)))
        assert sorted(a.status for a in answers) == [204, 409], [a.text for a in answers]
        assert await market.parts.database.row(OWNERS, farm=farmer.farm_id) == 1
        gone, stays = (farmer, other) if answers[0].status == 204 else (other, farmer)
        await joined(market, heir_of(stays, farmer), "owner", gone)


async def test_an_invitation_ends_with_its_time_its_withdrawal_and_a_newer_one(market: Market) -> None:
    farmer, person = await market.farmer(), await market.person()
    first, second = await invited(market, farmer, person), await invited(market, farmer, person, "driver")
    assert (await person.post(f"/api/invitations/{first}/accept", None)).status == 404
    path = f"/api/farms/{farmer.farm_id}/invitations"
    (open_,) = (await farmer.get(path)).json()["items"]
    assert (open_["email"], open_["role"]) == (person.email, "driver")
    now = market.parts.now
    settings = attrs.evolve(market.parts.settings, access_token_ttl=86400)
    late = make_market(attrs.evolve(market.parts, settings=settings, now=lambda: now() + timedelta(days=7, seconds=1)))
    reader = await late.person()
    assert (await reader.post(f"/api/invitations/{second}/accept", None)).status == 404, "too late"
    assert (await farmer.request("DELETE", f"{path}/{open_['id']}")).status == 204
    assert (await farmer.request("DELETE", f"{path}/{open_['id']}")).status == 404
    assert (await person.post(f"/api/invitations/{second}/accept", None)).status == 404


async def test_who_belongs_to_the_farm_is_not_invited_again(market: Market) -> None:
    farmer = await market.farmer()
    person = await joined(market, farmer)
    path = f"/api/farms/{farmer.farm_id}/members"
    refused = await farmer.post(path, {"email": person.email.upper(), "role": "driver"})
    assert (refused.status, refused.json()["errors"][0]["field"]) == (409, "email")
    stranger = await market.person()
    token = await invited(market, farmer, stranger)
    assert (await person.post(f"/api/invitations/{token}/accept", None)).status == 403, "whose mail it is not"
    assert (await stranger.post(f"/api/invitations/{token}/accept", None)).status == 200, "and it still holds"


async def test_a_person_works_for_several_farms(market: Market) -> None:
    one, two, person = await market.farmer("One"), await market.farmer("Two"), await market.person()
    await joined(market, one, "packer", person)
    await joined(market, two, "driver", person)
    farms = (await person.get("/api/users/me")).json()["farms"]
    assert [(f["name"], f["role"]) for f in farms] == [("One", "packer"), ("Two", "driver")]


async def test_the_secret_of_an_invitation_is_in_its_mail_alone(market: Market) -> None:
    farmer, person = await market.farmer(), await market.person()
    token = await invited(market, farmer, person)
    (data,) = await market.parts.database.rows(SENT)
    assert token not in str(data) and set(data) <= {"farm_id", "invitation_id", "families"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "x", "role": "packer"}, "email"),
        ({"email": "a@example.org", "role": "king"}, "role"),
        ({"role": "packer"}, "email"),
    ],
)
async def test_what_is_wrong_with_an_invitation_is_named(market: Market, body: dict[str, Any], field: str) -> None:
    farmer = await market.farmer()
    refused = await farmer.post(f"/api/farms/{farmer.farm_id}/members", body)
    assert (refused.status, [e["field"] for e in refused.json()["errors"]]) == (422, [field])


async def test_what_is_done_to_the_staff_is_in_the_audit_log(market: Market) -> None:
    farmer, admin = await market.farmer(), await market.person("admin")
    member = await joined(market, farmer)
    await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}/members/{member.id}", {"role": "driver"})
    await farmer.request("DELETE", f"/api/farms/{farmer.farm_id}/members/{member.id}")
    found = (await admin.get(f"/api/admin/audit?object=farm:{farmer.farm_id}")).json()["items"]
    assert [(one["action"], one["actor_id"]) for one in found] == [
        ("farm.member_left", farmer.id), ("farm.member_changed", farmer.id), ("farm.member_joined", member.id),
        ("farm.member_invited", farmer.id),
    ]  # fmt: skip
    assert found[1]["before"] == {"role": "packer"} and found[1]["after"] == {"role": "driver"}


async def test_invitations_end_with_whoever_sent_them(market: Market) -> None:
    """An owner who is put out could come back by an invitation that they had sent before."""
    farmer, second, friend = await market.farmer(), await market.person("farmer"), await market.person()
    await market.join(second, farmer.farm_id)
    path = f"/api/farms/{farmer.farm_id}/members"
    assert (await second.post(path, {"email": friend.email, "role": "owner"})).status == 201
    found = re.search(r"#invitation=([\w-]{43})", (await mails(market, friend.email))[-1][1])
    assert found is not None
    assert (await farmer.request("PATCH", f"{path}/{second.id}", {"role": "packer"})).status == 200
    assert (await friend.post(f"/api/invitations/{found[1]}/accept", None)).status == 404


async def test_an_invitation_holds_for_the_address_that_it_went_to_and_verifies_it(market: Market) -> None:
    farmer, person, thief = await market.farmer(), await market.person(), await market.person()
    token = await invited(market, farmer, person)
    assert (await thief.post(f"/api/invitations/{token}/accept", None)).status == 403
    assert (await person.post(f"/api/invitations/{token}/accept", None)).status == 200
    assert (await person.get("/api/users/me")).json()["email_verified"] is True


async def test_the_invitations_of_an_account_that_closes_are_erased(market: Market) -> None:
    farmer, person = await market.farmer(), await market.person()
    token = await invited(market, farmer, person)
    accepted, closed = await settled(
        person.post(f"/api/invitations/{token}/accept", None), person.request("DELETE", "/api/users/me")
    )
    assert closed.status == 204 and accepted.status in (200, 401, 404)
    assert (await farmer.get(f"/api/farms/{farmer.farm_id}/invitations")).json()["items"] == []
    assert person.id not in [id for id, _ in await members(farmer)]


async def test_the_other_owners_are_told_that_a_member_has_closed_their_account_and_not_who_it_was(
    market: Market,
) -> None:
    farmer, other = await market.farmer("Green Acres"), await market.farmer("Elsewhere")
    second = await joined(market, farmer, "owner")
    packer = await joined(market, farmer, "packer")
    await market.work()
    for leaving, words in ((packer, "a packer"), (second, "an owner")):
        before = len((await farmer.get("/api/notifications")).json()["items"])
        assert (await leaving.request("DELETE", "/api/users/me")).status == 204
        await market.work()
        items = (await farmer.get("/api/notifications")).json()["items"]
        told = [one for one in items if one["kind"] == "farm.member_closed"]
        assert told[0] == items[0] and words in told[0]["body"] and "Green Acres" in told[0]["title"]
        assert told[0]["data"] == {"farm_id": farmer.farm_id}
        assert not [part for part in (leaving.id, leaving.email) if part in json.dumps(items)], before
        assert any("has closed their account" in subject for subject, _ in await mails(market, farmer.email))
    assert (await other.get("/api/notifications")).json()["items"] == []
