"""API keys: what they may do, and how they end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import attrs
import pytest
from zope.interface.verify import verifyObject

from harvestd.interfaces import ApiKey, IApiKeys
from harvestd.kernel.permissions import SCOPES, Permission
from harvestd.market.accounts.keys_near import NearApiKeys
from harvestd.store.postgres.statements import Statement, nothing
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market

KEY = Statement("test.keys", "select name, hint, secret_hash, last_used_at from api_keys order by id", lambda *row: row)
ROLE = Statement("test.role", "update users set role = :role where id = :user_id", nothing)


async def made(person: Person, *scopes: str, **more: Any) -> Response:
    return await person.post("/api/users/me/api-keys", {"name": "till", "scopes": list(scopes)} | more)


async def secret(person: Person, *scopes: str) -> str:
    answer = await made(person, *scopes)
    assert answer.status == 201, answer.text
    found: str = answer.json()["key"]
    return found


async def test_a_secret_is_shown_once_and_stored_as_a_hash(market: Market) -> None:
    farmer = await market.farmer()
    answer = await made(farmer, "farm:products:write")
    key = answer.json()["key"]
    assert key.startswith("hk_") and answer.headers["location"].endswith(answer.json()["id"])
    listed = (await farmer.get("/api/users/me/api-keys")).json()["items"]
    assert [(one["name"], one["hint"], one["scopes"]) for one in listed] == [("till", key[:8], ["farm:products:write"])]
    assert "key" not in listed[0] and key not in str(await market.parts.database.rows(KEY))


async def test_a_key_does_what_its_scopes_say_for_its_owner_and_nothing_else(market: Market) -> None:
    farmer = await market.farmer()
    client = market.stranger.signed_in(await secret(farmer, "farm:products:write"))
    product = await client.post("/api/products", {"title": "Leek", "unit": "each", "price": 100, "stock": "9"})
    assert product.status == 201
    refused = await client.post(f"/api/products/{product.json()['id']}/stock", {"set": 5})
    assert (refused.status, "scope farm:stock:write" in refused.json()["detail"]) == (403, True)
    for method, path in (("GET", "/api/users/me"), ("GET", "/api/orders"), ("POST", "/api/auth/logout"), ("DELETE", "/api/users/me"),
                         ("GET", "/api/users/me/api-keys"), ("GET", "/api/users/me/export")):  # fmt: skip
        assert (await client.request(method, path)).status == 403, path
    assert (await client.get("/api/products?mine=true")).status == 200


async def test_a_key_without_the_scope_is_nobody_where_anyone_may_ask(market: Market) -> None:
    """It sees no drafts, and touches no cart."""
    farmer = await market.farmer()
    draft = await market.product(farmer, status="draft")
    client = market.stranger.signed_in(await secret(farmer, "account:read"))
    assert (await client.get(f"/api/products/{draft['id']}")).status == 404
    assert (await client.get("/api/products?mine=true")).status == 401
    assert (await farmer.get(f"/api/products/{draft['id']}")).status == 200
    product = await market.product(farmer, title="Eggs", unit="each", stock="9")
    await farmer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    assert (await client.get("/api/cart")).json()["count"] == 0
    assert (await client.get("/api/users/me")).json()["id"] == farmer.id


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"scopes": []}, "scopes", "too-short"),
        ({"scopes": ["orders:*"]}, "scopes[0]", "not-one-of"),
        ({"scopes": ["orders:read", "account:own"]}, "scopes[1]", "not-one-of"),
        ({"scopes": ["market:categories:write"]}, "scopes[0]", "not-accepted"),
        ({"name": " \u200b"}, "name", "not-visible"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at", "not-accepted"),
    ],
)
async def test_what_cannot_be_given_is_named(market: Market, change: dict[str, Any], field: str, code: str) -> None:
    person = await market.person()
    refused = await made(person, "orders:read", **change)
    assert (refused.status, [(e["field"], e["code"]) for e in refused.json()["errors"]]) == (422, [(field, code)])


async def test_nothing_that_decides_who_gets_at_an_account_can_be_given() -> None:
    assert not {Permission.OWN_ACCOUNT, Permission.MANAGE_ACCOUNTS} & set(SCOPES.values())


async def test_a_key_ends_when_it_is_deleted_when_it_expires_and_with_its_owner_s_account(market: Market) -> None:
    person = await market.person()
    until = (market.parts.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = (await made(person, "orders:read", expires_at=until)).json()
    client = market.stranger.signed_in(answer["key"])
    assert (await client.get("/api/orders")).status == 200
    now = market.parts.now
    after = make_market(attrs.evolve(market.parts, now=lambda: now() + timedelta(minutes=61)))
    assert (await after.stranger.signed_in(answer["key"]).get("/api/orders")).status == 401
    stranger = await market.person()
    assert (await stranger.request("DELETE", f"/api/users/me/api-keys/{answer['id']}")).status == 404
    assert (await person.request("DELETE", f"/api/users/me/api-keys/{answer['id']}")).status == 204
    assert (await client.get("/api/orders")).status == 401
    assert (await client.get("/api/products")).status == 401, "on public routes, too"
    assert (await person.request("DELETE", f"/api/users/me/api-keys/{answer['id']}")).status == 404


async def test_a_key_may_do_what_its_owner_may_now(market: Market) -> None:
    admin = await market.person("admin")
    client = market.stranger.signed_in(await secret(admin, "market:categories:write"))
    assert (await client.post("/api/categories", {"name": "Herbs"})).status == 201
    await market.parts.database.transaction(lambda tx: tx.run(ROLE, user_id=admin.id, role="buyer"))
    await market.parts.api_keys.ended(admin.id)  # in this market nobody listens to the database
    assert (await client.post("/api/categories", {"name": "Roots"})).status == 403


async def test_a_key_notes_when_it_was_used(market: Market) -> None:
    from tests.waiting import eventually

    person = await market.person()
    client = market.stranger.signed_in(await secret(person, "orders:read"))
    await client.get("/api/orders")

    async def noted() -> bool:
        return (await person.get("/api/users/me/api-keys")).json()["items"][0]["last_used_at"] is not None

    await eventually("the use is noted", noted)


async def test_an_account_has_so_many_keys_at_most(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvestd.market.accounts.key_routes.MAX_KEYS", 2)
    person = await market.person()
    assert [(await made(person, "orders:read")).status for _ in range(3)] == [201, 201, 422]


@pytest.mark.parametrize(
    "wrong", ["hk_", "hk_x", "hk_" + "a" * 43, "hk_" + "a" * 44, "hk_" + "ä" * 43, "HK_" + "a" * 43]
)
async def test_what_is_no_key_is_refused(market: Market, wrong: str) -> None:
    response = await market.stranger.request("GET", "/api/products", headers={"Authorization": f"Bearer {wrong}"})
    assert response.status == 401 and "invalid_token" in response.headers["www-authenticate"]


async def test_a_key_is_known_until_something_of_its_owner_changes(market: Market) -> None:
    keys = market.parts.api_keys
    assert isinstance(keys, NearApiKeys) and verifyObject(IApiKeys, keys)
    person, other = await market.person(), await market.person()
    for one in (person, other):
        found = await keys.find(await secret(one, "orders:read"))
        assert isinstance(found, ApiKey) and found.user_id == one.id
    assert len(keys._known) == 2
    keys._receive("garbage")
    assert len(keys._known) == 2, "what cannot be read says nothing"
    keys._receive(json.dumps({"by": "another process", "user": person.id}))
    assert len(keys._known) == 1


async def test_what_an_act_needs_besides_its_route_is_a_scope_too(market: Market) -> None:
    """A key that packs withdraws nothing, and one that reads the staff takes nobody out, its owner included."""
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await market.product(farmer))["id"], 1))).json()
    packs = market.stranger.signed_in(await secret(farmer, "farm:orders:write", "orders:read"))
    assert (await packs.get(f"/api/orders/{order['id']}")).json()["can"] == ["short"]
    part = f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status"
    refused = await packs.post(part, {"to": "cancelled"})
    assert (refused.status, "scope orders:cancel" in refused.json()["detail"]) == (403, True)
    assert (await packs.post(part, {"to": "confirmed"})).status == 200
    reads = market.stranger.signed_in(await secret(farmer, "farm:members:read"))
    refused = await reads.request("DELETE", f"/api/farms/{farmer.farm_id}/members/{farmer.id}")
    assert (refused.status, "scope farm:members:write" in refused.json()["detail"]) == (403, True)


async def test_who_owns_a_farm_is_decided_by_people_alone(market: Market) -> None:
    """A key that changes the staff makes nobody an owner, and takes no owner out: whoever had it would have the farm."""
    farmer, owner, packer = await market.farmer(), await market.person("farmer"), await market.person("farmer")
    await market.join(owner, farmer.farm_id)
    await market.join(packer, farmer.farm_id, "packer")
    key, path = (
        market.stranger.signed_in(await secret(farmer, "farm:members:write")),
        f"/api/farms/{farmer.farm_id}/members",
    )
    stars = {"If-Match": "*"}
    for refused in (
        await key.post(path, {"email": "thief@example.org", "role": "owner"}),
        await key.request("PATCH", f"{path}/{packer.id}", json={"role": "owner"}, headers=stars),
        await key.request("PATCH", f"{path}/{owner.id}", json={"role": "packer"}, headers=stars),
        await key.request("DELETE", f"{path}/{owner.id}"),
        await key.request("DELETE", f"{path}/{farmer.id}"),
    ):
        assert (refused.status, "sign in" in refused.json()["detail"]) == (403, True), refused.text
    assert (await key.post(path, {"email": "driver@example.org", "role": "driver"})).status == 201
    assert (await key.request("PATCH", f"{path}/{packer.id}", json={"role": "driver"}, headers=stars)).status == 200
    assert (await key.request("DELETE", f"{path}/{packer.id}")).status == 204
