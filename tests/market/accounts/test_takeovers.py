"""Accounts that change hands, end, or are meant to stay out of somebody's hands: what ends with what, and at once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd import tables as table
from harvestd.market.accounts import audit
from harvestd.market.notifications.account_messages import NOTED
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from harvestd.web.routes import Route
from tests.market.accounts.mailbox import mails, token
from tests.market.accounts.test_admin import acting, entries
from tests.market.accounts.test_own_things import DELIVERED, HOME, LEFT, ONE, bought, complete
from tests.market.accounts.test_second_factors import BO, PASSWORD, protected
from tests.people import Market, Person
from tests.web.conftest import make_market, settled

NEW = "three turnips in a row"
ADDRESSES = Statement("test.addresses", "select count(*) from users where email_key = :email and active", lambda n: n)
ADMINS = Statement("test.admins", "select count(*) from users where role = 'admin' and active", lambda n: n)
OWNERS = Statement(
    "test.owners", "select count(*) from farm_members where farm_id = :farm and role = 'owner'", lambda n: n
)
RECIPIENTS = Statement("test.recipients", "select recipient from mails", lambda one: one)
KEY = {"name": "till", "scopes": ["orders:read"]}


@pytest.fixture
def linked(parts: Parts) -> Market:
    """A market that signs in by mailed links."""
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, link_sign_in=True)))


# --- taking an account back ---


async def test_a_new_password_by_mail_ends_the_api_keys_and_one_s_own_change_keeps_them(market: Market) -> None:
    made = (await market.stranger.post("/api/auth/register", BO)).json()
    who = market.stranger.signed_in(made["access_token"])
    key = market.stranger.signed_in((await who.post("/api/users/me/api-keys", KEY)).json()["key"])
    assert (await who.request("PUT", "/api/users/me/password", json={"password": NEW})).status == 204
    assert (await key.get("/api/orders")).status == 200
    await market.stranger.post("/api/auth/password/forgot", {"email": BO["email"]})
    body = {"token": await token(market, BO["email"], "reset"), "password": PASSWORD}
    assert (await market.stranger.post("/api/auth/password/reset", body)).status == 204
    assert (await key.get("/api/orders")).status == 401


@pytest.mark.parametrize("way", ["reset", "link", "link/session"])
async def test_the_owner_of_an_address_gets_in_whatever_a_squatter_has_set_up(linked: Market, way: str) -> None:
    """Whoever registers an address that is not theirs could lock its owner out by a second factor."""
    squatter = await protected(linked)
    key = linked.stranger.signed_in((await squatter.client.post("/api/users/me/api-keys", KEY)).json()["key"])
    if way == "reset":
        await linked.stranger.post("/api/auth/password/forgot", {"email": BO["email"]})
        body = {"token": await token(linked, BO["email"], "reset"), "password": NEW}
        assert (await linked.stranger.post("/api/auth/password/reset", body)).status == 204
        assert (await squatter.login(password=NEW)).status == 200
    else:
        await linked.stranger.post("/api/auth/link", {"email": BO["email"]})
        secret = {"token": await token(linked, BO["email"], "link"), "email": BO["email"]}
        path = "/api/auth/link/use" if way == "link" else "/api/auth/link/session"
        assert (await linked.stranger.post(path, secret)).status in (200, 201)
    assert (await squatter.login(code=squatter.code())).status == 401
    assert (await squatter.client.get("/api/users/me")).status == 401
    assert (await key.get("/api/orders")).status == 401


async def test_a_mailed_link_begins_a_browser_s_session(linked: Market) -> None:
    await linked.stranger.post("/api/auth/register", BO)
    await linked.stranger.post("/api/auth/link", {"email": BO["email"]})
    body = {"token": await token(linked, BO["email"], "link"), "email": BO["email"]}
    answers = await settled(*(linked.stranger.post("/api/auth/link/session", body) for _ in range(2)))
    (begun,) = [a for a in answers if a.status != 422]
    assert begun.json()["user"]["email"] == BO["email"] and "access_token" not in begun.text
    cookie = begun.headers["set-cookie"].partition(";")[0]
    assert (await linked.stranger.get("/api/users/me", headers={"Cookie": cookie})).status == 200
    assert (await linked.stranger.post("/api/auth/link/session", {"token": "x" * 43})).status == 422


async def test_two_accounts_that_take_one_address_at_once(market: Market) -> None:
    one, two = await market.person(), await market.person()
    secrets = []
    for person in (one, two):
        answer = await person.request("PUT", "/api/users/me/email", {"email": "new@example.org"})
        assert answer.status == 202
        secrets.append(await token(market, "new@example.org", "verify"))
    assert secrets[0] != secrets[1]
    answers = await settled(*(market.stranger.post("/api/auth/email/verify", {"token": s}) for s in secrets))
    assert sorted(a.status for a in answers) == [204, 409]
    assert await market.parts.database.row(ADDRESSES, email="new@example.org") == 1


# --- acting for somebody ---


async def test_who_acts_for_somebody_does_nothing_that_outlives_it(market: Market) -> None:
    admin, person, farmer = await market.person("admin"), await market.person(), await market.farmer()
    client = await acting(market, admin, person)
    for method, path, body in (
        ("POST", "/api/auth/confirm", {"password": PASSWORD}),
        ("POST", "/api/users/me/second-factors", {"name": "mine"}),
        ("POST", f"/api/admin/users/{farmer.id}/impersonate", {"reason": "further"}),
    ):
        assert (await client.request(method, path, json=body)).status == 403, path


async def test_acting_ends_when_the_admin_signs_out_everywhere_and_when_the_other_becomes_an_admin(
    market: Market,
) -> None:
    admin, person, other = await market.person("admin"), await market.person(), await market.person()
    promoted, one = await acting(market, admin, other), await acting(market, admin, person)
    assert (await admin.request("PATCH", f"/api/admin/users/{other.id}", {"role": "admin"})).status == 200
    assert (await promoted.get("/api/users/me")).status == 401
    assert (await one.get("/api/users/me")).status == 200
    second = await market.person("admin")
    assert (await second.request("PATCH", f"/api/admin/users/{admin.id}", {"active": False})).status == 200
    assert (await one.get("/api/users/me")).status == 401


async def test_who_acts_for_somebody_ends_nothing_of_theirs(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    key = (await person.post("/api/users/me/api-keys", KEY)).json()
    (session,) = (await person.get("/api/users/me/sessions")).json()["items"]
    client = await acting(market, admin, person)
    for method, path in (
        ("DELETE", f"/api/users/me/sessions/{session['id']}"),
        ("DELETE", f"/api/users/me/api-keys/{key['id']}"),
        ("GET", "/api/users/me/export"),
    ):
        assert (await client.request(method, path)).status == 403, path
    assert (await client.post("/api/auth/logout?everywhere=true")).status == 204
    assert (await client.get("/api/users/me")).status == 401
    assert (await person.get("/api/users/me")).status == 200


async def test_what_is_noted_of_acting_has_the_thing_s_id_and_nothing_that_is_the_person_s(market: Market) -> None:
    admin, farmer = await market.person("admin"), await market.farmer()
    client = await acting(market, admin, farmer)
    slug = (await client.get(f"/api/farms/{farmer.farm_id}")).json()["slug"]
    point = {"name": "Ann Smith's home", "address": "Private Road 7"}
    body = {
        "location": {"address": "Private Road 5", "latitude": None, "longitude": None},
        "pickup_points": [point],
        "order_minimum": 500,
    }
    changed = await client.request("PATCH", f"/api/farms/{slug}", json=body, headers={"If-Match": "*"})
    assert changed.status == 200, changed.text
    put = await client.request("PUT", f"/api/users/me/addresses/{ONE}", json=HOME)
    assert put.status == 200, put.text
    second, first, _ = await entries(admin)
    assert (first["object"], second["object"]) == (f"farm:{farmer.farm_id}", f"address:{ONE}")
    assert first["after"].keys() == body.keys() and "Private" not in str(first) and "Bauer" not in str(second)


@pytest.mark.parametrize(
    "route", [r for r in table.ROUTES if r.method != "GET" and "{" in r.path], ids=lambda r: r.name
)
def test_whatever_a_path_names_has_a_word_in_the_log_or_is_a_secret(route: Route) -> None:
    collection, name = re.findall(r"([a-z-]+)/{(\w+)}", route.path)[0]
    assert collection in audit.THINGS or name == "token"


# --- the end of an account ---


async def test_the_market_s_last_admin_cannot_close_their_account(market: Market) -> None:
    one, other = await market.person("admin"), await market.person("admin")
    answers = await settled(*(admin.request("DELETE", "/api/users/me") for admin in (one, other)))
    assert sorted(a.status for a in answers) == [204, 409]
    assert await market.parts.database.row(ADMINS) == 1


async def test_two_owners_who_close_their_accounts_at_once_leave_one(market: Market) -> None:
    one, other = await market.farmer(), await market.person("farmer")
    await market.join(other, one.farm_id)
    answers = await settled(*(owner.request("DELETE", "/api/users/me") for owner in (one, other)))
    assert sorted(a.status for a in answers) == [204, 409]
    assert await market.parts.database.row(OWNERS, farm=one.farm_id) == 1


async def test_an_account_that_closes_keeps_nothing_that_comes_at_the_same_moment(market: Market) -> None:
    for _ in range(4):
        person = await market.person()
        answers = await settled(
            person.request("DELETE", "/api/users/me"),
            person.request("PUT", f"/api/users/me/addresses/{ONE}", HOME),
            person.request(
                "PUT", "/api/users/me/consents", {"items": [{"kind": "terms", "version": "1", "agreed": True}]}
            ),
            person.post("/api/users/me/api-keys", KEY),
            person.request("DELETE", "/api/users/me"),
        )
        closed = [answers[0].status, answers[4].status]
        assert 204 in closed and closed.count(204) == 1 and all(a.status < 500 for a in answers), closed
        await market.work()
        left = await market.parts.database.row(LEFT, id=person.id, email=person.email)
        assert left == (0,) * 6 + (1,), "nothing but the mail that says goodbye"
    assert market.broken(at_rest=True) == []


async def test_an_order_beside_the_closing_of_its_account_is_withdrawn(market: Market) -> None:
    """One of them waits for the other: the order is refused, or the closing is, or the order that came through is withdrawn."""
    farmer = await market.farmer()
    product = await market.product(farmer, unit="each", stock="9")
    for _ in range(4):
        buyer = await market.person()
        placed, closed = await settled(
            buyer.order((product["id"], 1), **DELIVERED), buyer.request("DELETE", "/api/users/me")
        )
        assert {placed.status, closed.status} <= {201, 204, 401, 409}, (placed.text, closed.text)
        await market.work()
        if (placed.status, closed.status) == (201, 204):
            shown = (await farmer.get(f"/api/orders/{placed.json()['id']}")).json()
            assert shown["status"] == "cancelled" and "Secret Lane" not in str(shown)
    assert market.broken(at_rest=True) == []


async def test_an_account_that_was_erased_is_not_opened_again(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    assert (await person.request("DELETE", "/api/users/me")).status == 204
    path = f"/api/admin/users/{person.id}"
    for change in ({"active": True}, {"role": "admin"}):
        assert (await admin.request("PATCH", path, change)).status == 409
    assert person.email not in str(await entries(admin))


async def test_keys_end_with_the_account_and_do_not_come_back_with_it(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    key = market.stranger.signed_in((await person.post("/api/users/me/api-keys", KEY)).json()["key"])
    assert (await key.get("/api/orders")).status == 200
    for active in (False, True):
        await admin.request("PATCH", f"/api/admin/users/{person.id}", {"active": active})
        assert (await key.get("/api/orders")).status == 401


async def test_who_works_for_a_farm_is_not_made_a_buyer(market: Market) -> None:
    admin, farmer = await market.person("admin"), await market.farmer()
    refused = await admin.request("PATCH", f"/api/admin/users/{farmer.id}", {"role": "buyer"})
    assert (refused.status, "works for a farm" in refused.json()["detail"]) == (409, True)


async def test_what_was_bought_is_erased_of_whoever_is_closed(market: Market) -> None:
    buyer, order = await bought(market, **DELIVERED)
    await complete(order)
    assert (await buyer.request("DELETE", "/api/users/me")).status == 204
    assert (await buyer.request("DELETE", "/api/users/me")).status == 401
    assert (await order["farmer"].get(f"/api/orders/{order['id']}")).json()["buyer"]["name"] == "Deleted account"


# --- who invites for a farm ---


async def open_invitation(market: Market, who: Person, farm_id: str, friend: Person) -> str:
    answer = await who.post(f"/api/farms/{farm_id}/members", {"email": friend.email, "role": "owner"})
    assert answer.status == 201, answer.text
    return await token(market, friend.email, "invitation")


@pytest.mark.parametrize("change", [{"role": "farmer"}, {"active": False}])
async def test_invitations_of_the_staff_end_with_their_role_or_account(market: Market, change: dict[str, Any]) -> None:
    admin, staff, farmer = await market.person("admin"), await market.person("manager"), await market.farmer()
    friend = await market.person()
    secret = await open_invitation(market, staff, farmer.farm_id, friend)
    assert (await admin.request("PATCH", f"/api/admin/users/{staff.id}", change)).status == 200
    assert (await friend.post(f"/api/invitations/{secret}/accept", None)).status == 404


@pytest.mark.parametrize(("change", "status"), [({"active": False}, 404), ({"role": "manager"}, 200)])
async def test_an_owner_s_invitations_end_with_their_account_alone(
    market: Market, change: dict[str, Any], status: int
) -> None:
    admin, farmer, friend = await market.person("admin"), await market.farmer(), await market.person()
    secret = await open_invitation(market, farmer, farmer.farm_id, friend)
    assert (await admin.request("PATCH", f"/api/admin/users/{farmer.id}", change)).status == 200
    assert (await friend.post(f"/api/invitations/{secret}/accept", None)).status == status


# --- recovery codes ---


async def test_recovery_codes_stand_in_for_a_factor_and_are_never_there_without_one(market: Market) -> None:
    person = await market.person()
    refused = await person.post("/api/users/me/recovery-codes", {})
    assert (refused.status, "set one up first" in refused.json()["detail"]) == (409, True)


async def test_recovery_codes_renewed_at_once_are_ten_and_none_outlives_the_last_factor(market: Market) -> None:
    bo = await protected(market)
    answers = await settled(*(bo.client.post("/api/users/me/recovery-codes", {}) for _ in range(4)))
    assert [a.status for a in answers] == [200] * 4
    assert (await bo.client.get("/api/users/me/second-factors")).json()["recovery_codes_left"] == 10
    answers = await settled(
        bo.client.request("DELETE", f"/api/users/me/second-factors/{bo.id}"),
        *(bo.client.post("/api/users/me/recovery-codes", {}) for _ in range(4)),
    )
    assert answers[0].status == 204 and {a.status for a in answers[1:]} <= {200, 409}
    assert (await bo.client.get("/api/users/me/second-factors")).json()["recovery_codes_left"] == 0


# --- what the owner is told ---


async def told(market: Market, person: Person) -> list[str]:
    """What the mails say happened to the account, in order of their time."""
    texts = [body for subject, body in await mails(market, person.email) if subject.startswith("A change to")]
    return [next(action for action, what in NOTED.items() if what in text) for text in texts]


async def test_whoever_is_given_a_key_a_role_or_a_deputy_is_mailed_so(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person("farmer")
    for who, method, path, body, action in (
        (person, "POST", "/api/users/me/api-keys", KEY, "api_key.created"),
        (admin, "PATCH", f"/api/admin/users/{person.id}", {"role": "manager"}, "account.changed/manager"),
        (admin, "POST", f"/api/admin/users/{person.id}/impersonate", {"reason": "a call"}, "account.impersonated"),
    ):
        assert (await who.request(method, path, body)).status < 300
        assert (await told(market, person))[-1] == action
    assert await told(market, admin) == [], "nor is whoever did it told"


async def test_a_second_factor_is_told_when_it_comes_and_when_it_goes(market: Market) -> None:
    bo = await protected(market)
    assert (await bo.client.request("DELETE", f"/api/users/me/second-factors/{bo.id}")).status == 204
    subjects = [subject for subject, _ in await mails(market, BO["email"])]
    assert len([subject for subject in subjects if subject.startswith("A change to")]) == 2


async def test_the_staff_help_somebody_who_has_lost_their_second_factor(market: Market) -> None:
    bo, admin = await protected(market), await market.person("admin")
    (found,) = (await admin.get(f"/api/admin/users?q={BO['username']}")).json()["items"]
    path = f"/api/admin/users/{found['id']}"
    refused = await admin.request("PATCH", path, {"second_factor": True})
    assert (refused.status, refused.json()["errors"][0]["params"]) == (422, {"allowed": "false"})
    answers = [await admin.request("PATCH", path, {"second_factor": False}) for _ in range(2)]
    assert found["second_factor"] and [(a.status, a.json()["second_factor"]) for a in answers] == [(200, False)] * 2
    assert (await bo.login()).status == 200
    assert [one["action"] for one in await entries(admin)] == ["second_factor.removed", "second_factor.added"]
    assert [body for _, body in await mails(market, BO["email"]) if NOTED["second_factor.removed"] in body]


async def test_changing_an_account_needs_a_confirmation_of_late(market: Market) -> None:
    """A stolen access token would make an admin for good."""
    admin, person = await market.person("admin"), await market.person()
    now = market.parts.now
    later = make_market(attrs.evolve(market.parts, now=lambda: now() + timedelta(minutes=5, seconds=1)))
    late = later.stranger.signed_in(admin.client.headers["Authorization"].removeprefix("Bearer "))
    for change in ({"role": "admin"}, {"second_factor": False}, {"active": False}):
        refused = await late.request("PATCH", f"/api/admin/users/{person.id}", json=change)
        assert (refused.status, refused.json()["type"]) == (403, "/problems/confirm")


async def test_nobody_is_mailed_who_has_closed_their_account_but_goodbye(market: Market) -> None:
    person = await market.person()
    await person.request("PUT", "/api/users/me/email", {"email": "new@example.org"})
    await person.post("/api/users/me/api-keys", KEY)
    assert (await person.request("DELETE", "/api/users/me")).status == 204
    ((subject, _),) = await mails(market, person.email)
    assert "is closed" in subject and await market.parts.database.rows(RECIPIENTS) == [person.email]
