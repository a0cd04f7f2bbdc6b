"""Accounts: registering, signing in, and what the tokens are good for."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.logger import formatEvent, globalLogPublisher

from harvestd.market.accounts.rules import USERNAME_RULE
from harvestd.store.limiter import MemoryLimiter
from harvestd.store.postgres.statements import Statement, nothing, scalar
from tests.hashes import real
from tests.people import Market
from tests.web.client import Client, Response
from tests.web.conftest import make_market

#: Of addresses that were not used yet.
NUMBERS = itertools.count(20)
HASH = Statement("test.hash", "select password_hash from users where username = 'bob'", scalar)
PASSWORD = "a long walk to market"
BUYER = {"email": "bo@example.org", "username": "bob", "password": PASSWORD, "name": "Bo", "role": "buyer"}


async def register(market: Market, **changes: Any) -> Response:
    return await market.stranger.post("/api/auth/register", BUYER | changes)


async def login(market: Market, email: str = "bo@example.org", password: str = PASSWORD) -> Response:
    return await market.stranger.post("/api/auth/login", {"email": email, "password": password})


async def test_who_registers_is_signed_in(market: Market) -> None:
    response = await register(market)
    assert response.status == 201
    answer = response.json()
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 900
    assert "no-store" in response.headers["cache-control"]
    me = await market.stranger.signed_in(answer["access_token"]).get("/api/users/me")
    assert me.json() == answer["user"]
    assert me.json() | {"id": ""} == {
        "id": "", "email": "bo@example.org", "email_verified": False, "username": "bob", "name": "Bo", "role": "buyer", "avatar": None, "phone": None,
        "language": None, "farms": [], "groups": [],
    }  # fmt: skip


async def test_a_farmer_comes_with_the_farm(market: Market) -> None:
    response = await register(market, role="farmer", farm_name="Green Acres")
    (farm,) = response.json()["user"]["farms"]
    assert (farm["name"], farm["role"]) == ("Green Acres", "owner")
    page = await market.stranger.get(f"/api/farms/{farm['slug']}")
    assert page.json()["id"] == farm["id"]


@pytest.mark.parametrize(
    ("change", "fields"),
    [({"username": "bob2"}, ["email"]), ({"email": "BO2@example.org"}, ["username"]), ({}, ["email", "username"])],
)
async def test_an_address_and_a_username_are_taken_once(
    market: Market, change: dict[str, str], fields: list[str]
) -> None:
    """All that is taken is told at once; whether others have it, or two."""
    await register(market)
    response = await register(market, **{"email": "BO@Example.org", "username": "Bob"} | change)
    assert response.status == 409
    assert [(e["field"], e["code"]) for e in response.json()["errors"]] == [(field, "taken") for field in fields]
    assert all(f"this {field} is in use" in response.json()["detail"] for field in fields)


async def test_an_address_and_a_username_of_two_others_are_both_told(market: Market) -> None:
    await register(market)
    await register(market, email="ada@example.org", username="ada")
    response = await register(market, email="bo@example.org", username="Ada")
    assert [e["field"] for e in response.json()["errors"]] == ["email", "username"]


@pytest.mark.parametrize("smuggled", ["price", "total", "status", "id", "active"])
async def test_a_field_that_is_not_accepted_is_refused(market: Market, smuggled: str) -> None:
    response = await register(market, **{smuggled: "admin"})
    assert response.status == 422
    assert smuggled in response.text


async def test_nobody_registers_as_admin(market: Market) -> None:
    assert (await register(market, role="admin")).status == 422


async def test_all_that_is_wrong_with_a_registration_is_named_at_once(market: Market) -> None:
    response = await register(market, email="bo", password="short", name="")
    assert response.status == 422
    assert [e["field"] for e in response.json()["errors"]] == ["email", "name", "password"]


async def test_what_is_missing_is_asked_for_by_its_rule(market: Market) -> None:
    response = await market.stranger.post(
        "/api/auth/register", {"email": "bo@example.org", "name": "Bo", "role": "buyer"}
    )
    said = {e["field"]: e["message"] for e in response.json()["errors"]}
    assert said["username"] == USERNAME_RULE.replace("must be", "is required:")
    assert "password_min_length of GET /api/market" in said["password"]


@pytest.mark.parametrize("username", ["", "ab", "a" * 41, "-ab", "ab.", "a b", "ä" * 5, "abc\n1"])
async def test_the_contract_has_the_rule_of_usernames_and_the_message_says_it(market: Market, username: str) -> None:
    contract = (await market.stranger.get("/openapi.json")).json()
    schema = contract["components"]["schemas"]["Register"]["properties"]["username"]
    sound = schema["minLength"] <= len(username) <= schema["maxLength"] and re.search(schema["pattern"], username)
    assert not sound and re.search(schema["pattern"], "bob")
    response = await register(market, username=username)
    assert response.status == 422
    assert [(e["field"], e["message"]) for e in response.json()["errors"]] == [("username", USERNAME_RULE)]


async def test_signing_in_takes_the_password_alone(market: Market) -> None:
    await register(market)
    assert (await login(market, "BO@example.org")).status == 200
    wrong, unknown = await login(market, password="another long walk"), await login(market, "nobody@example.org")
    assert wrong.status == unknown.status == 401
    without_ids = [{k: v for k, v in r.json().items() if k != "request_id"} for r in (wrong, unknown)]
    assert without_ids[0] == without_ids[1]  # nothing tells an unknown address from a wrong password
    assert "typing errors" in wrong.json()["detail"] and "forgotten" in wrong.json()["detail"]  # what to do about it


async def test_a_password_whose_hash_costs_less_than_todays_is_hashed_anew_at_the_next_sign_in(market: Market) -> None:
    await register(market)
    before = await market.parts.database.row(HASH)
    with real():
        assert (await login(market, password="another long walk")).status == 401
        assert await market.parts.database.row(HASH) == before, "nobody has proved to know it"
        both = [Deferred.fromCoroutine(login(market)) for _ in range(2)]
        assert [(await one).status for one in both] == [200, 200], "of two at once either counts"
        after = await market.parts.database.row(HASH)
        assert after.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert (await login(market)).status == 200
    assert await market.parts.database.row(HASH) == after, "and none is made cheaper"


async def test_a_sign_in_that_fails_is_logged_with_its_account_and_address_and_without_what_was_typed(
    market: Market,
) -> None:
    await register(market)
    logged: list[Any] = []
    globalLogPublisher.addObserver(logged.append)
    try:
        await login(market, "Nobody@Example.org", password="another long walk")
        await login(market, password="another long walk")
    finally:
        globalLogPublisher.removeObserver(logged.append)
    told = [event for event in logged if "sign-in failed" in event.get("log_format", "")]
    assert [event["account"] for event in told] == ["nobody@example.org", "bo@example.org"]
    assert all(event["address"] for event in told) and not any("long walk" in formatEvent(event) for event in told)


async def test_a_sign_in_is_logged_with_how_it_came_about(market: Market) -> None:
    await register(market)
    logged: list[Any] = []
    globalLogPublisher.addObserver(logged.append)
    try:
        user_id = (await login(market)).json()["user"]["id"]
        body = {"email": "bo@example.org", "password": PASSWORD}
        session = await market.stranger.post("/api/auth/session", body)
        cookie, csrf = session.headers["set-cookie"].partition(";")[0], session.json()["csrf_token"]
        wrong = {"password": "another long walk"}
        headers = {"Cookie": cookie, "X-CSRF-Token": csrf}
        assert (await market.stranger.post("/api/auth/confirm", wrong, headers=headers)).status == 422
    finally:
        globalLogPublisher.removeObserver(logged.append)
    lines = [formatEvent(event) for event in logged if event.get("user_id") == user_id]
    told = [
        f"{user_id} signed in by signIn",
        f"{user_id} signed in by beginSession",
        f"confirmation of {user_id} failed",
    ]
    assert [line for line in lines if line in told] == told and not any("long walk" in line for line in lines)


async def test_a_sign_in_ends_after_so_long_however_often_it_is_renewed(market: Market) -> None:
    """With the setting ``sign_in_ttl``; a browser's, which is not renewed, by its cookie."""
    day, now = 86_400, market.parts.now
    settings = attrs.evolve(market.parts.settings, refresh_token_ttl=10 * day, sign_in_ttl=25 * day)

    def at(days: float) -> Market:
        return make_market(attrs.evolve(market.parts, settings=settings, now=lambda: now() + timedelta(days=days)))

    async def renewed(token: str, days: float) -> Response:
        return await at(days).stranger.post("/api/auth/refresh", {"refresh_token": token})

    first = (await register(at(0))).json()["refresh_token"]
    second = (await renewed(first, 9)).json()["refresh_token"]
    third = (await renewed(second, 18)).json()["refresh_token"]
    assert (await renewed(third, 25.1)).status == 401
    last = await renewed(third, 24.9)
    assert last.status == 200
    assert (await at(25.1).stranger.signed_in(last.json()["access_token"]).get("/api/users/me")).status == 401
    short = attrs.evolve(settings, sign_in_ttl=day)
    browser = make_market(attrs.evolve(market.parts, settings=short)).stranger
    cookie = (await browser.post("/api/auth/session", {"email": "bo@example.org", "password": PASSWORD})).headers[
        "set-cookie"
    ]
    assert f"Max-Age={day};" in cookie


async def test_an_unknown_address_takes_as_much_work_as_a_wrong_password(market: Market, monkeypatch: Any) -> None:
    from harvestd.market.accounts import passwords

    await register(market)
    verified: list[str] = []
    hasher = passwords._HASHER

    class Counted:
        hash = staticmethod(hasher.hash)

        @staticmethod
        def verify(stored: str, password: str) -> bool:
            verified.append(stored)
            return hasher.verify(stored, password)

    monkeypatch.setattr(passwords, "_HASHER", Counted)
    await login(market, "nobody@example.org")
    await login(market, password="another long walk")
    assert len(verified) == 2 and all(stored.startswith("$argon2id$") for stored in verified)


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_sign_in(market: Market) -> None:
    first = (await register(market)).json()["refresh_token"]

    async def refresh(token: str) -> Response:
        return await market.stranger.post("/api/auth/refresh", {"refresh_token": token})

    second = await refresh(first)
    assert second.status == 200
    third = await refresh(second.json()["refresh_token"])
    assert third.status == 200
    assert (await refresh(first)).status == 401  # somebody has a copy
    assert (await refresh(third.json()["refresh_token"])).status == 401  # so neither holds any more
    assert (await refresh("no token at all \ud83c\udf45")).status == 401


async def test_signing_out_ends_one_sign_in_or_all(market: Market) -> None:
    await register(market)
    here, there, third = [(await login(market)).json() for _ in range(3)]

    async def holds(session: dict[str, Any]) -> bool:
        body = {"refresh_token": session["refresh_token"]}
        return (await market.stranger.post("/api/auth/refresh", body)).status == 200

    out = await market.stranger.signed_in(here["access_token"]).post("/api/auth/logout")
    assert out.status == 204
    assert not await holds(here)
    await market.stranger.signed_in(there["access_token"]).post("/api/auth/logout?everywhere=true")
    assert not await holds(there) and not await holds(third)


async def test_who_signed_out_is_nobody_any_more_with_the_access_token_too(market: Market) -> None:
    """Here at once; in every other process as tests/contracts/sessions.py says."""
    await register(market)
    here, there, third = [(await login(market)).json()["access_token"] for _ in range(3)]

    async def me(token: str, path: str = "/api/users/me") -> Response:
        return await market.stranger.signed_in(token).get(path)

    assert [(await me(token)).status for token in (here, there, third)] == [200] * 3
    assert (await market.stranger.signed_in(here).post("/api/auth/logout")).status == 204
    out = await me(here)
    assert out.status == 401 and "sign in again" in out.json()["detail"]
    assert out.headers["www-authenticate"] == 'Bearer realm="harvestd", error="invalid_token"'
    assert (await me(here, "/api/products")).status == 401, "on public routes, too"
    assert [(await me(token)).status for token in (there, third)] == [200] * 2
    assert (await market.stranger.signed_in(there).post("/api/auth/logout?everywhere=true")).status == 204
    assert [(await me(token)).status for token in (there, third)] == [401] * 2
    assert (await login(market)).status == 200, "with the old token along, or without"


async def test_what_a_caller_may_do_is_what_the_account_may_do_now(market: Market) -> None:
    """Whatever the access token says that it could do when it was issued. In other processes: tests/contracts/sessions.py."""
    admin = await market.person("admin")
    names = itertools.count()

    async def status() -> int:
        return (await admin.post("/api/categories", {"name": f"Vegetables {next(names)}"})).status

    async def changed(change: str) -> None:
        statement = Statement(f"test.{change}", f"update users set {change} where id = :user_id", nothing)
        await market.parts.database.transaction(lambda tx: tx.run(statement, user_id=admin.id))
        await market.parts.sign_ins.ended(admin.id)  # in this market nobody listens to the database

    assert await status() == 201
    for change, expected in [
        ("role = 'buyer'", 403), ("role = 'admin'", 201), ("active = false", 401), ("active = true", 401),
    ]:  # fmt: skip
        await changed(change)
        assert await status() == expected, change


async def test_the_theft_of_a_refresh_token_ends_the_access_token_too(market: Market) -> None:
    first = (await register(market)).json()
    other = (await login(market)).json()

    async def refresh(token: str) -> Response:
        return await market.stranger.post("/api/auth/refresh", {"refresh_token": token})

    second = (await refresh(first["refresh_token"])).json()
    assert (await market.stranger.signed_in(second["access_token"]).get("/api/users/me")).status == 200
    assert (await refresh(second["refresh_token"])).status == 200
    assert (await refresh(first["refresh_token"])).status == 401  # somebody has a copy
    for token in (first["access_token"], second["access_token"]):
        assert (await market.stranger.signed_in(token).get("/api/users/me")).status == 401
    assert (await market.stranger.signed_in(other["access_token"]).get("/api/users/me")).status == 200


async def test_others_see_a_person_without_the_address(market: Market) -> None:
    farmer = await market.farmer()
    seen = (await market.stranger.get(f"/api/users/{farmer.id}")).json()
    assert seen["farms"][0]["id"] == farmer.farm_id
    assert "email" not in seen
    assert (await market.stranger.get(f"/api/users/{farmer.farm_id}")).status == 404


def limited(market: Market, **rates: str) -> Client:
    """Somebody at a market with these limits, and without time: nothing is given back, however busy the machine."""
    settings = attrs.evolve(market.parts.settings, rate_limits=True, **rates)
    return make_market(attrs.evolve(market.parts, settings=settings, limiter=MemoryLimiter(lambda: 0.0))).stranger


async def tried(client: Client, host: str, password: str = "guess number one", email: str = "bo@example.org") -> int:
    body = {"email": email, "password": password}
    response = await client.request("POST", "/api/auth/login", json=body, host=host)
    assert response.status != 429 or int(response.headers["retry-after"]) >= 1
    return response.status


@pytest.mark.parametrize("registered", [False, True])
async def test_brute_force_is_limited(market: Market, registered: bool) -> None:
    """Whether or not there is such an account: nobody learns that by it."""
    if registered:
        await register(market)
    client = limited(market, rate_login="3/3600", rate_login_address="5/3600", rate_login_account="4/3600")
    assert [await tried(client, "198.51.100.1") for _ in range(4)] == [401] * 3 + [429], "one account from one address"
    assert [await tried(client, f"198.51.100.{n}") for n in (2, 3)] == [401, 429], "one account from many addresses"
    several = [await tried(client, "203.0.113.9", email=f"user-{n}@example.org") for n in range(6)]
    assert several == [401] * 5 + [429], "many accounts from one address"
    block = [await tried(client, f"2001:db8::{n}", email="eve@example.org") for n in range(4)]
    assert block == [401] * 3 + [429], "who has a /64 has one address"


async def test_a_refusal_says_which_limit_it_was(market: Market) -> None:
    """A client that reads what is left reads it of the limit that it met, not of another that has more."""
    client = limited(market, rate_login="1/60", rate_login_address="50/60")
    body = {"email": "ada@example.org", "password": "not that one either"}
    answers = [await client.request("POST", "/api/auth/login", json=body) for _ in range(2)]
    assert [(one.status, one.headers["ratelimit"].partition(";t")[0]) for one in answers] == [
        (401, '"login";r=0'),
        (429, '"login";r=0'),
    ]
    assert '"login_address";r=49' in answers[0].headers["ratelimit"], "beside the one that ends first"
    assert answers[0].headers["ratelimit-policy"] == '"login_address";q=50;w=60, "login";q=1;w=60'
    assert "login_account" not in str(answers[0].headers), "when others sign in is nobody's business"
    assert answers[1].headers["ratelimit-policy"] == '"login";q=1;w=60'


async def test_who_tries_elsewhere_does_not_keep_the_owner_out(market: Market) -> None:
    await register(market)
    client = limited(market, rate_login="3/3600", rate_login_address="100/3600", rate_login_account="9/3600")
    assert [await tried(client, "203.0.113.7") for _ in range(4)] == [401] * 3 + [429]
    assert await tried(client, "198.51.100.1", PASSWORD) == 200, "the owner's first time there"
    while await tried(client, f"203.0.113.{next(NUMBERS)}") == 401:
        pass
    assert await tried(client, "192.0.2.1", PASSWORD) == 429, "many try from everywhere, and so might this one"
    assert await tried(client, "198.51.100.1", PASSWORD) == 200, "here the owner was before"
    assert await tried(client, "198.51.100.1", email="eve@example.org") == 401
    assert [await tried(client, "198.51.100.1") for _ in range(2)] == [401, 429], "and guesses no more than anybody"


async def test_a_password_is_compared_whole(market: Market) -> None:
    """For what is longer than any password may be, whatever it begins with, the same answer."""
    longest = "long walks " * 93 + "x"
    assert len(longest) == 1024 and (await register(market, password=longest)).status == 201
    assert (await login(market, password=longest)).status == 200
    for tail in ("x", "\u200b", "x" * 1000):
        response = await login(market, password=longest + tail)
        other = await login(market, "nobody@example.org", longest + tail)
        assert response.status == other.status in (401, 422) and response.json()["title"] == other.json()["title"]


async def test_registrations_are_counted_and_typing_errors_are_not(market: Market) -> None:
    settings = attrs.evolve(market.parts.settings, rate_limits=True, rate_register="2/3600")
    shop = make_market(attrs.evolve(market.parts, settings=settings))
    for wrong in ({"password": "short"}, {"email": "bo"}, {"username": "-"}, {"name": 5}, {"farm_name": "Acres"}) * 2:
        assert (await register(shop, **wrong)).status == 422
    assert [(await register(shop)).status for _ in range(3)] == [201, 409, 429]
    assert (await register(shop, password="short")).status == 422
