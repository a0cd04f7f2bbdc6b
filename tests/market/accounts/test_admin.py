"""Accounts in the hands of the market's admins, and the audit log of what they did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg2
import pytest

from harvestd.store.postgres.statements import Statement, nothing, scalar
from tests.locks import holding, meeting
from tests.market.accounts.mailbox import mails
from tests.people import Market, Person

TAMPER = (
    "alter table audit disable trigger audit_refuse",
    'update audit set after = \'{"role": "buyer"}\' where seq = 1',
    "alter table audit enable trigger audit_refuse",
)
NAMED = Statement("test.named", "update users set name = :name where id = :id", nothing)


async def found(admin: Person, **query: str) -> list[str]:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await admin.get(f"/api/admin/users?{text}")
    assert answer.status == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def entries(admin: Person, query: str = "") -> list[dict[str, Any]]:
    answer = await admin.get(f"/api/admin/audit?{query}")
    assert answer.status == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_an_admin_finds_people(market: Market) -> None:
    admin, buyer, farmer = await market.person("admin"), await market.person(), await market.farmer()
    await market.parts.database.transaction(lambda tx: tx.run(NAMED, id=buyer.id, name="Šárka Dvořák"))
    assert await found(admin) == [farmer.id, buyer.id, admin.id]
    assert await found(admin, role="buyer") == [buyer.id]
    assert await found(admin, q=buyer.email.upper()) == [buyer.id]
    assert await found(admin, q="dvorak") == [buyer.id]
    assert await found(admin, q=farmer.id) == [farmer.id]
    assert await found(admin, q="%25") == [] and await found(admin, active="false") == []
    assert (await admin.get("/api/admin/users?role=king")).status == 422
    for other in (buyer, farmer, await market.person("manager")):
        assert (await other.get("/api/admin/users")).status == 403
    assert (await market.stranger.get("/api/admin/users")).status == 401


async def test_an_admin_sees_one_account_with_what_belongs_to_it(market: Market) -> None:
    admin, farmer, buyer = await market.person("admin"), await market.farmer("Green Acres"), await market.person()
    group = (await admin.post("/api/groups", {"name": "Trade"})).json()
    await admin.request("PUT", f"/api/groups/{group['id']}/members/{farmer.id}")
    factors = "insert into second_factors (id, user_id, kind, name, secret, created_at, confirmed_at) values (gen_random_uuid(), :id, 'totp', 'x', '', now(), {})"
    for n, confirmed in enumerate(("now()", "null")):
        statement = Statement(f"test.factor{n}", factors.format(confirmed), nothing)
        await market.parts.database.transaction(lambda tx, one=statement: tx.run(one, id=farmer.id))
    one = (await admin.get(f"/api/admin/users/{farmer.id}")).json()
    listed = (await admin.get(f"/api/admin/users?q={farmer.id}")).json()["items"][0]
    assert {name: one[name] for name in listed} == listed
    assert [(farm["name"], farm["role"]) for farm in one["farms"]] == [("Green Acres", "owner")]
    assert [found["name"] for found in one["groups"]] == ["Trade"]
    assert one["second_factors"] == ["totp"], "what was only begun does not count"
    assert one["last_sign_in_at"] is not None and "secret" not in one
    acted = await admin.request("POST", f"/api/admin/users/{buyer.id}/impersonate", {"reason": "to see"})
    assert acted.status == 200
    before = (await admin.get(f"/api/admin/users/{buyer.id}")).json()["last_sign_in_at"]
    signed_in = Statement(
        "test.signed_in", "select created_at from sign_ins where user_id = :id and actor_id is null", scalar
    )
    at = await market.parts.database.row(signed_in, id=buyer.id)
    assert datetime.fromisoformat(before) == at, "not when somebody acted for them"
    for path, status in ((market.parts.new_id(), 404), ("x", 404)):
        assert (await admin.get(f"/api/admin/users/{path}")).status == status
    for other in (farmer, await market.person("manager")):
        assert (await other.get(f"/api/admin/users/{farmer.id}")).status == 403


async def test_a_role_is_changed_and_an_account_closed_at_once(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    changed = await admin.request("PATCH", f"/api/admin/users/{person.id}", {"role": "manager"})
    assert (changed.status, changed.json()["role"]) == (200, "manager")
    assert (await person.get("/api/users/me")).json()["role"] == "manager"
    assert (await admin.request("PATCH", f"/api/admin/users/{person.id}", {"active": False})).status == 200
    assert (await person.get("/api/users/me")).status == 401
    assert await found(admin, active="false") == [person.id]
    assert (await admin.request("PATCH", f"/api/admin/users/{person.id}", {"active": True})).status == 200
    assert (await person.get("/api/users/me")).status == 401, "its sign-ins ended for good"
    assert (await admin.request("PATCH", f"/api/admin/users/{person.id}", {"role": "king"})).status == 422
    assert (await admin.request("PATCH", f"/api/admin/users/{market.parts.new_id()}", {"role": "buyer"})).status == 404


async def test_its_owner_is_mailed_what_became_of_an_account_and_nothing_else(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    for change, said in (
        ({"role": "manager"}, ["a manager's now"]),
        ({"active": False}, ["closed your account"]),
        ({"active": True}, ["opened your account again"]),
        ({"active": False, "role": "farmer"}, ["closed your account", "a farmer's now"]),
    ):
        before = len(await mails(market, person.email))
        assert (await admin.request("PATCH", f"/api/admin/users/{person.id}", change)).status == 200
        told = [body for _, body in (await mails(market, person.email))[before:]]
        assert len(told) == len(said) and all(any(one in body for body in told) for one in said), told


@pytest.mark.parametrize("change", [{"role": "buyer"}, {"active": False}])
async def test_a_market_keeps_an_admin(market: Market, change: dict[str, Any]) -> None:
    admin = await market.person("admin")
    assert (await admin.request("PATCH", f"/api/admin/users/{admin.id}", change)).status == 409
    other = await market.person("admin")
    assert (await other.request("PATCH", f"/api/admin/users/{admin.id}", change)).status == 200


async def test_two_admins_cannot_unmake_each_other(market: Market) -> None:
    from tests.web.conftest import settled

    one, other = await market.person("admin"), await market.person("admin")
    answers = await settled(
        one.request("PATCH", f"/api/admin/users/{other.id}", {"role": "buyer"}),
        other.request("PATCH", f"/api/admin/users/{one.id}", {"role": "buyer"}),
    )
    assert sorted(a.status for a in answers)[0] == 200 and {a.status for a in answers} <= {200, 403, 409, 503}
    third = await market.parts.database.row(
        Statement("test.admins", "select count(*) from users where role = 'admin'", lambda n: n)
    )
    assert third == 1


async def test_what_is_done_is_in_the_audit_log(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    await admin.request("PATCH", f"/api/admin/users/{person.id}", {"role": "farmer"})
    await admin.request("PATCH", f"/api/admin/users/{person.id}", {"role": "farmer"})
    (entry,) = await entries(admin)
    assert (entry["actor_id"], entry["subject_id"], entry["action"]) == (admin.id, person.id, "account.changed")
    assert (entry["before"], entry["after"]) == ({"role": "buyer"}, {"role": "farmer"})
    assert entry["address"] and entry["request_id"] and entry["object"] == f"user:{person.id}"
    await person.post("/api/users/me/api-keys", {"name": "till", "scopes": ["orders:read"]})
    assert [one["action"] for one in await entries(admin)] == ["api_key.created", "account.changed"]
    assert [one["action"] for one in await entries(admin, f"actor={person.id}")] == ["api_key.created"]
    assert [one["action"] for one in await entries(admin, "action=account.changed")] == ["account.changed"]
    assert [one["action"] for one in await entries(admin, f"object=user:{person.id}")] == ["account.changed"]
    assert (await person.get("/api/admin/audit")).status == 403


async def test_the_audit_log_is_only_ever_added_to_and_tells_when_it_was_not(market: Market) -> None:
    admin = await market.person("admin")
    for _ in range(3):
        person = await market.person()
        await admin.request("PATCH", f"/api/admin/users/{person.id}", {"role": "farmer"})
    assert market.broken() == []
    with psycopg2.connect(market.parts.database.settings.dsn) as connection, connection.cursor() as cursor:
        for forbidden in ("update audit set action = 'x'", "delete from audit", "truncate audit"):
            cursor.execute("savepoint s")
            with pytest.raises(psycopg2.Error, match="append-only"):
                cursor.execute(forbidden)
            cursor.execute("rollback to s")
        for statement in TAMPER:
            cursor.execute(statement)
    (broken,) = market.broken()
    assert "audit" in str(broken)


async def test_entries_made_at_once_are_one_chain(market: Market) -> None:
    from tests.web.conftest import settled

    admin = await market.person("admin")
    people = [await market.person() for _ in range(8)]
    answers = await settled(*(admin.request("PATCH", f"/api/admin/users/{p.id}", {"role": "farmer"}) for p in people))
    assert {a.status for a in answers} == {200}
    assert len(await entries(admin)) == 8
    assert market.broken() == []


# --- acting for somebody ---


async def acting(market: Market, admin: Person, person: Person) -> Any:
    answer = await admin.post(
        f"/api/admin/users/{person.id}/impersonate", {"reason": "they called: the cart is broken"}
    )
    assert answer.status == 200, answer.text
    return market.stranger.signed_in(answer.json()["access_token"])


async def test_who_acts_for_somebody_gets_no_answer_that_they_were_given_nor_they_one_of_that(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    client, key = await acting(market, admin, person), {"Idempotency-Key": "one"}
    path = "/api/orders"
    farmer = await market.farmer()
    product = await market.product(farmer, unit="each", stock="9")
    body = {"lines": [{"product_id": product["id"], "quantity": 1}]}
    mine = await person.client.request("POST", path, json=body, headers=key)
    for_them = await client.request("POST", path, json=body, headers=key)
    assert (mine.status, for_them.status) == (201, 201)
    assert mine.json()["id"] != for_them.json()["id"] and "idempotent-replayed" not in for_them.headers
    again = await client.request("POST", path, json=body, headers=key)
    assert (again.json()["id"], again.headers["idempotent-replayed"]) == (for_them.json()["id"], "true")


async def test_an_admin_acts_for_somebody_and_both_names_are_in_the_audit_log(market: Market) -> None:
    admin, person, farmer = await market.person("admin"), await market.person(), await market.farmer()
    product = await market.product(farmer, unit="each", stock="9")
    client = await acting(market, admin, person)
    assert (await client.get("/api/users/me")).json()["id"] == person.id
    signed_in = (await person.get("/api/users/me/sessions")).json()["items"]
    assert [(one["acting"], one["current"]) for one in signed_in] == [(True, False), (False, True)]
    answer = await client.request(
        "POST",
        "/api/orders",
        json={"lines": [{"product_id": product["id"], "quantity": 1}]},
        headers={"Idempotency-Key": "a"},
    )
    assert answer.status == 201
    newest, first = await entries(admin)
    assert (first["action"], first["after"]) == ("account.impersonated", {"reason": "they called: the cart is broken"})
    assert (newest["action"], newest["object"]) == ("for_another.placeOrder", f"user:{person.id}")
    assert product["id"] in str(newest["after"]["lines"]), "and what was sent"
    await client.request("PATCH", "/api/users/me", json={"phone": "+43 664 1234567"}, headers={"If-Match": "*"})
    assert (await entries(admin))[0]["after"] == {"phone": "…"}, "but for what is the person's own"
    assert [(one["actor_id"], one["subject_id"]) for one in (newest, first)] == [(admin.id, person.id)] * 2


async def test_who_acts_for_somebody_cannot_take_their_account(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    client = await acting(market, admin, person)
    for method, path, body in (
        ("PUT", "/api/users/me/password", {"password": "three turnips in a row"}),
        ("PUT", "/api/users/me/email", {"email": "new@example.org"}),
        ("POST", "/api/users/me/api-keys", {"name": "till", "scopes": ["orders:read"]}),
        ("DELETE", "/api/users/me", None),
    ):
        refused = await client.request(method, path, **({"json": body} if body else {}))
        assert (refused.status, refused.json()["type"]) == (403, "/problems/forbidden"), path


async def test_nobody_acts_for_an_admin_or_a_closed_account(market: Market) -> None:
    admin, other, person = await market.person("admin"), await market.person("admin"), await market.person()
    body = {"reason": "to see"}
    assert (await admin.post(f"/api/admin/users/{other.id}/impersonate", body)).status == 403
    await admin.request("PATCH", f"/api/admin/users/{person.id}", {"active": False})
    assert (await admin.post(f"/api/admin/users/{person.id}/impersonate", body)).status == 404
    assert (await person.post(f"/api/admin/users/{other.id}/impersonate", body)).status == 401
    manager = await market.person("manager")
    assert (await manager.post(f"/api/admin/users/{other.id}/impersonate", body)).status == 403
    buyer = await market.person()
    assert (await admin.post(f"/api/admin/users/{buyer.id}/impersonate", {"reason": " "})).status == 422


async def test_it_ends_with_the_admin_s_role(market: Market) -> None:
    admin, second, person = await market.person("admin"), await market.person("admin"), await market.person()
    client = await acting(market, admin, person)
    assert (await client.get("/api/users/me")).status == 200
    await second.request("PATCH", f"/api/admin/users/{admin.id}", {"role": "buyer"})
    assert (await client.get("/api/users/me")).status == 401
    assert (await person.get("/api/users/me")).status == 200, "whose own sign-in goes on"


async def test_a_version_that_is_sent_has_to_be_the_present_one(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    path = f"/api/admin/users/{person.id}"
    tag = (await admin.get(path)).headers["etag"]
    answers = [
        await admin.client.request("PATCH", path, headers={"If-Match": tag}, json={"role": role})
        for role in ("farmer", "manager")
    ]
    assert [answer.status for answer in answers] == [200, 412]
    assert (await admin.get(path)).json()["role"] == "farmer"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/impersonate", {"reason": "one last time"}), ("PATCH", "", {"role": "manager"})],
)
async def test_an_admin_who_is_demoted_meanwhile_has_no_last_act(
    market: Market, method: str, path: str, body: dict[str, str]
) -> None:
    """The gate has let it in before; what counts is the role when it is done."""
    admin, person = await market.person("admin"), await market.person()
    await market.person("admin")
    url = market.parts.database.settings.dsn
    with holding(url, "update users set role = 'buyer', version = version + 1 where id = %s", admin.id) as held:
        (refused,) = await meeting(url, held, admin.request(method, f"/api/admin/users/{person.id}{path}", body))
    assert (refused.status, refused.json()["type"]) == (403, "/problems/forbidden"), refused.text
    assert "another role" in refused.json()["detail"]


async def test_nobody_agrees_to_anything_for_somebody_else(market: Market) -> None:
    admin, person = await market.person("admin"), await market.person()
    client = await acting(market, admin, person)
    agreed = {"items": [{"kind": "terms", "version": "1", "agreed": True}]}
    assert (await client.request("PUT", "/api/users/me/consents", json=agreed)).status == 403
    assert (await person.request("PUT", "/api/users/me/consents", agreed)).status == 200
