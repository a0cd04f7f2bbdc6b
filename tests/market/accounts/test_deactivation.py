"""An account that its owner puts to rest, and opens again by signing in."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest

from tests.market.accounts.mailbox import mails, token
from tests.market.accounts.test_own_things import HOME, ONE, bought, complete
from tests.market.farms.test_members import joined
from tests.people import Market, Person
from tests.web.client import Client
from tests.web.conftest import settled

REST = "/api/users/me/deactivation"
PASSWORD = "a long walk to market"
BODY = {"email": "bo@example.org", "username": "bob", "password": PASSWORD, "name": "Bo", "role": "buyer"}
LOGIN = {"email": "bo@example.org", "password": PASSWORD}


async def bob(market: Market) -> Person:
    """Somebody who can sign in."""
    made = (await market.stranger.post("/api/auth/register", BODY)).json()
    return Person(made["user"]["id"], BODY["email"], market.stranger.signed_in(made["access_token"]))


async def resting(market: Market) -> Person:
    """The same, with an account at rest."""
    person = await bob(market)
    assert (await person.post(REST, None)).status == 204
    return person


async def sign_in(client: Client, path: str = "login", **more: Any) -> tuple[int, str]:
    """The status, and the problem's type."""
    answer = await client.post(f"/api/auth/{path}", LOGIN | more)
    return answer.status, answer.json().get("type", "")


async def test_it_ends_every_sign_in_and_key_and_hides_the_person_and_keeps_everything(market: Market) -> None:
    person = await bob(market)
    await person.request("PUT", f"/api/users/me/addresses/{ONE}", HOME)
    key = (await person.post("/api/users/me/api-keys", {"name": "till", "scopes": ["orders:read"]})).json()["key"]
    other = market.stranger.signed_in((await market.stranger.post("/api/auth/login", LOGIN)).json()["access_token"])
    assert (await person.post(REST, None)).status == 204
    for one in (person.client, other, market.stranger.signed_in(key)):
        assert (await one.get("/api/orders")).status == 401
    assert (await market.stranger.get(f"/api/users/{person.id}")).status == 404
    answer = await market.stranger.post("/api/auth/login", LOGIN | {"reactivate": True})
    again = market.stranger.signed_in(answer.json()["access_token"])
    assert (await again.get("/api/users/me/addresses")).json()["items"][0]["recipient"] == "Bo Bauer"
    assert (await market.stranger.get(f"/api/users/{person.id}")).status == 200
    assert (await market.stranger.signed_in(key).get("/api/orders")).status == 401, "keys are made anew"
    told = [body for subject, body in await mails(market, person.email) if "A change" in subject]
    assert ["deactivated" in body for body in told[-2:]] == [True, False] and "opened again" in told[-1]


async def test_who_has_the_password_is_told_how_to_open_it_and_nobody_else_is_told_anything(market: Market) -> None:
    await resting(market)
    for path in ("login", "session"):
        assert await sign_in(market.stranger, path) == (403, "/problems/deactivated")
        wrong = await sign_in(market.stranger, path, password="not the password", reactivate=True)
        assert wrong == (401, "/problems/wrong-credentials")
    assert (await sign_in(market.stranger, "session", reactivate=True))[0] == 200
    assert (await sign_in(market.stranger))[0] == 200


async def test_the_second_factor_is_asked_for_too(market: Market) -> None:
    person = await bob(market)
    made = (await person.post("/api/users/me/second-factors", {"name": "telephone"})).json()
    code = pyotp.TOTP(made["secret"]).now()
    given = await person.post(f"/api/users/me/second-factors/{made['id']}/confirm", {"code": code})
    first, second = given.json()["recovery_codes"][:2]
    assert (await person.post(REST, None)).status == 204
    refused = await market.stranger.post("/api/auth/login", LOGIN | {"reactivate": True})
    assert (refused.status, refused.json()["type"]) == (401, "/problems/second-factor")
    assert await sign_in(market.stranger, code="000000", reactivate=True) == (401, "/problems/second-factor")
    assert await sign_in(market.stranger) == (403, "/problems/deactivated"), "it is still at rest"
    step = {"challenge": refused.json()["challenge"], "code": first}
    assert (await market.stranger.post("/api/auth/second-factor", step)).status == 403
    assert (await market.stranger.post("/api/auth/second-factor", step | {"reactivate": True})).status == 200
    assert (await sign_in(market.stranger, code=second))[0] == 200


async def test_a_forgotten_password_is_set_anew_and_opens_nothing_by_itself(market: Market) -> None:
    await resting(market)
    await market.stranger.post("/api/auth/password/forgot", {"email": BODY["email"]})
    body = {"token": await token(market, BODY["email"], "reset"), "password": "three turnips in a row"}
    assert (await market.stranger.post("/api/auth/password/reset", body)).status == 204
    assert await sign_in(market.stranger, password=body["password"]) == (403, "/problems/deactivated")
    assert (await sign_in(market.stranger, password=body["password"], reactivate=True))[0] == 200


@pytest.mark.parametrize("first", [True, False])
async def test_what_the_staff_have_closed_its_owner_does_not_open(market: Market, first: bool) -> None:
    admin, person = await market.person("admin"), await (resting if first else bob)(market)
    path = f"/api/admin/users/{person.id}"
    closed = (await admin.request("PATCH", path, {"active": False})).json()
    assert (closed["active"], closed["deactivated"]) == (False, False)
    for more in ({}, {"reactivate": True}):
        for way in ("login", "session"):
            assert await sign_in(market.stranger, way, **more) == (403, "/problems/account-closed")
        wrong = await sign_in(market.stranger, password="not the password", **more)
        assert wrong == (401, "/problems/wrong-credentials"), "nobody else learns of it"
    await market.stranger.post("/api/auth/password/forgot", {"email": BODY["email"]})
    assert not [1 for subject, _ in await mails(market, person.email) if "new password" in subject]
    assert (await admin.request("PATCH", path, {"active": True})).json()["active"]
    assert (await sign_in(market.stranger))[0] == 200


async def test_another_change_by_the_staff_leaves_it_to_its_owner(market: Market) -> None:
    admin, person = await market.person("admin"), await resting(market)
    path = f"/api/admin/users/{person.id}"
    changed = (await admin.request("PATCH", path, {"role": "farmer"})).json()
    assert (changed["role"], changed["active"], changed["deactivated"]) == ("farmer", False, True)
    assert (await sign_in(market.stranger, reactivate=True))[0] == 200
    assert (await admin.request("PATCH", path, {"active": True})).json()["deactivated"] is False


async def test_nobody_goes_whom_others_wait_for(market: Market) -> None:
    farmer, admin = await market.farmer("Green Acres"), await market.person("admin")
    assert "Green Acres" in (await farmer.post(REST, None)).json()["detail"]
    assert (await admin.post(REST, None)).status == 409, "the market's only admin"
    buyer, order = await bought(market)
    assert order["number"] in (await buyer.post(REST, None)).json()["detail"]
    await complete(order)
    assert (await buyer.post(REST, None)).status == 204
    second = await market.person("farmer")
    await market.join(second, farmer.farm_id, "owner")
    assert (await farmer.post(REST, None)).status == 204
    assert (await second.post(REST, None)).status == 409, "by now the farm has no other owner"


async def test_it_needs_a_confirmation_and_is_no_deed_of_those_who_act_for_somebody(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    acting = (await admin.post(f"/api/admin/users/{person.id}/impersonate", {"reason": "to help"})).json()
    refused = await market.stranger.signed_in(acting["access_token"]).post(REST, None)
    assert (refused.status, refused.json()["type"]) == (403, "/problems/forbidden")
    assert (await person.get("/api/users/me")).status == 200


async def test_it_is_noted_in_the_audit_log(market: Market) -> None:
    admin, person = await market.person("admin"), await resting(market)
    assert (await sign_in(market.stranger, reactivate=True))[0] == 200
    log = (await admin.get(f"/api/admin/audit?subject={person.id}")).json()["items"]
    assert [one["action"] for one in log][:2] == ["account.reactivated", "account.deactivated"]


async def test_two_tabs_that_open_an_account_at_once_are_both_signed_in(market: Market) -> None:
    admin, person = await market.person("admin"), await resting(market)
    answers = await settled(*(market.stranger.post("/api/auth/login", LOGIN | {"reactivate": True}) for _ in range(3)))
    assert [one.status for one in answers] == [200] * 3
    log = (await admin.get(f"/api/admin/audit?subject={person.id}&action=account.reactivated")).json()["items"]
    assert len(log) == 1, "it was opened once"


async def test_whoever_rests_is_shown_to_those_alone_who_can_take_them_out(market: Market) -> None:
    """In a farm to its owners, in a group to the market's staff, both of whom are told; the rest of the farm sees and counts them no more."""
    admin, farmer, packer, person = (
        await market.person("admin"),
        await market.farmer(),
        await market.person(),
        await bob(market),
    )
    for one, role in ((packer, "packer"), (person, "driver")):
        await joined(market, farmer, role, one)
    group = (await admin.post("/api/groups", {"name": "Members"})).json()["id"]
    assert (await admin.request("PUT", f"/api/groups/{group}/members/{person.id}")).status == 200
    farm, group = f"/api/farms/{farmer.farm_id}/members?count=true", f"/api/groups/{group}/members?count=true"

    async def shown(who: Person, path: str) -> tuple[bool | None, int]:
        """Whether the person is shown as resting, None if not at all; and the total, which is that of the items."""
        page = (await who.get(path)).json()
        assert page["total"] == len(page["items"])
        return next((one["resting"] for one in page["items"] if one["id"] == person.id), None), page["total"]

    assert [await shown(who, farm) for who in (farmer, packer, admin)] == [(False, 3)] * 3
    assert await shown(admin, group) == (False, 1)
    assert (await person.post(REST, None)).status == 204
    assert [await shown(who, farm) for who in (farmer, packer, admin)] == [(True, 3), (None, 2), (True, 3)]
    assert await shown(admin, group) == (True, 1)
    assert (await farmer.request("DELETE", f"/api/farms/{farmer.farm_id}/members/{person.id}")).status == 204
    assert await shown(farmer, farm) == (None, 2)
    await sign_in(market.stranger, reactivate=True)
    assert await shown(admin, group) == (False, 1)
