"""Accounts: registering, signing in, and what the tokens are good for."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.people import Market
from tests.web.client import Response

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
        "id": "", "email": "bo@example.org", "username": "bob", "name": "Bo", "role": "buyer", "avatar": None, "farms": [],
    }  # fmt: skip


async def test_a_farmer_comes_with_the_farm(market: Market) -> None:
    response = await register(market, role="farmer", farm_name="Green Acres")
    (farm,) = response.json()["user"]["farms"]
    assert (farm["name"], farm["role"]) == ("Green Acres", "owner")
    page = await market.stranger.get(f"/api/farms/{farm['slug']}")
    assert page.json()["id"] == farm["id"]


@pytest.mark.parametrize(
    ("change", "field"), [({"username": "bob2"}, "email"), ({"email": "BO2@example.org"}, "username")]
)
async def test_an_address_and_a_username_are_taken_once(market: Market, change: dict[str, str], field: str) -> None:
    await register(market)
    changes = {"email": "BO@Example.org"} | change if field == "email" else {"username": "Bob"} | change
    response = await register(market, **changes)
    assert response.status == 409
    assert [e["field"] for e in response.json()["errors"]] == [field]


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


async def test_signing_in_takes_the_password_alone(market: Market) -> None:
    await register(market)
    assert (await login(market, "BO@example.org")).status == 200
    wrong, unknown = await login(market, password="another long walk"), await login(market, "nobody@example.org")
    assert wrong.status == unknown.status == 401
    without_ids = [{k: v for k, v in r.json().items() if k != "request_id"} for r in (wrong, unknown)]
    assert without_ids[0] == without_ids[1]  # nothing tells an unknown address from a wrong password


async def test_an_unknown_address_takes_as_much_work_as_a_wrong_password(market: Market, monkeypatch: Any) -> None:
    from harvestd.web import passwords

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
    assert (await refresh(first)).status == 401  # somebody has a copy
    assert (await refresh(second.json()["refresh_token"])).status == 401  # so neither holds any more
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


async def test_the_theft_of_a_refresh_token_ends_the_access_token_too(market: Market) -> None:
    first = (await register(market)).json()
    other = (await login(market)).json()

    async def refresh(token: str) -> Response:
        return await market.stranger.post("/api/auth/refresh", {"refresh_token": token})

    second = (await refresh(first["refresh_token"])).json()
    assert (await market.stranger.signed_in(second["access_token"]).get("/api/users/me")).status == 200
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


async def test_brute_force_is_limited_by_address_and_by_account(market: Market) -> None:
    from tests.web.conftest import make_market

    parts = attrs.evolve(
        market.parts, settings=attrs.evolve(market.parts.settings, rate_limits=True, rate_login="3/60")
    )
    limited = make_market(parts)
    statuses = []
    for n in range(4):  # one account from many addresses
        body = {"email": "bo@example.org", "password": "guess number one"}
        response = await limited.stranger.request("POST", "/api/auth/login", json=body, host=f"198.51.100.{n}")
        statuses.append(response.status)
    assert statuses == [401, 401, 401, 429]
    assert int(response.headers["retry-after"]) >= 1
    statuses = []
    for n in range(4):  # many accounts from one address
        body = {"email": f"user-{n}@example.org", "password": "guess number one"}
        response = await limited.stranger.request("POST", "/api/auth/login", json=body, host="203.0.113.9")
        statuses.append(response.status)
    assert statuses == [401, 401, 401, 429]
