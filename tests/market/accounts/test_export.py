"""Everything held on a person: in one answer, and as a file that a worker writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.market.accounts import export_actions, sign_ins
from harvestd.market.long_work import running
from harvestd.store.postgres.statements import Statement
from harvestd.unit_of_work import UnitOfWork, change
from tests.market.accounts.mailbox import mails, token
from tests.market.accounts.test_own_things import DELIVERED, HOME, ONE, bought, complete
from tests.people import Market, Person
from tests.web.client import Client, Response
from tests.web.conftest import make_market

EXPORT = "/api/users/me/export"
LEFT = Statement(
    "test.exports", "select (select count(*) from operations), (select count(*) from operation_files)", lambda *n: n
)


async def exported(market: Market, person: Person) -> Response:
    """The file of a new export."""
    begun = await person.post(EXPORT, None)
    assert begun.status == 202, begun.text
    await running.run(market.parts)
    shown = (await person.get(begun.headers["location"])).json()
    assert shown["status"] == "succeeded", shown
    return await person.get(shown["result"]["file"])


async def test_the_file_and_the_answer_have_everything_that_is_held(market: Market) -> None:
    buyer, order = await bought(market, **DELIVERED)
    await buyer.request("PUT", f"/api/users/me/addresses/{ONE}", HOME)
    other = await market.product(order["farmer"], title="Leeks")
    await buyer.request("PUT", f"/api/cart/items/{other['id']}", {"quantity": "0.5"})
    key = (await buyer.post("/api/users/me/api-keys", {"name": "till", "scopes": ["orders:read"]})).json()
    await buyer.request("DELETE", f"/api/users/me/api-keys/{key['id']}")
    factor = (await buyer.post("/api/users/me/second-factors", {"name": "telephone"})).json()
    await market.work()
    answer, file = await buyer.get(EXPORT), await exported(market, buyer)
    assert file.headers["content-disposition"] == 'attachment; filename="account.json"'
    assert (file.headers["content-type"], file.headers["cache-control"]) == ("application/json", "private, no-store")
    for found in (answer.json(), file.json()):
        assert found["account"]["email"] == buyer.email and found["farms"] == found["invitations"] == []
        assert found["addresses"][0]["recipient"] == "Bo Bauer"
        assert found["orders"][0]["number"] == order["number"] and "Secret Lane 3" in str(found["orders"])
        assert [(line["title"], line["quantity"]) for line in found["cart"]] == [("Leeks", "0.500")]
        ((name, ended),) = [(one["name"], one["ended_at"]) for one in found["api_keys"]]
        assert name == "till" and ended.endswith("Z")
        assert [(one["name"], one["confirmed_at"]) for one in found["second_factors"]] == [("telephone", None)]
        assert found["notices"] and found["sign_ins"] and found["mails"]
        assert {"api_key.created", "api_key.ended"} <= {one["action"] for one in found["audit"]}
    assert answer.json().keys() == file.json().keys()
    for secret in (key["key"], factor["secret"], "password", "hash"):
        assert secret not in answer.text + file.text


async def test_what_others_did_to_one_says_neither_who_they_are_nor_from_where(market: Market) -> None:
    admin, person, other = await market.person("admin"), await market.person(), await market.person()
    for one in (person, other):
        assert (await admin.request("PATCH", f"/api/admin/users/{one.id}", {"role": "farmer"})).status == 200
    (told,) = (await person.get(EXPORT)).json()["audit"]
    assert (told["action"], told["by"], told["address"]) == ("account.changed", "another", "")
    assert (told["before"], told["after"]) == ({"role": "buyer"}, {"role": "farmer"})
    text = (await person.get(EXPORT)).text
    assert admin.id not in text and admin.email not in text and other.id not in text
    own = [one for one in (await admin.get(EXPORT)).json()["audit"] if one["action"] == "account.changed"]
    assert [(one["by"], one["before"], one["after"]) for one in own] == [("you", {}, {})] * 2


async def test_its_sign_ins_are_those_of_the_list_and_those_that_are_over_marked_so(market: Market) -> None:
    """Of one by which the staff act it has as little as the list."""
    person, admin = await market.person(), await market.person("admin")
    acting = await admin.client.request(
        "POST",
        f"/api/admin/users/{person.id}/impersonate",
        json={"reason": "to help"},
        headers={"User-Agent": "Ada's own"},
    )
    assert acting.status == 200, acting.text
    await change(market.parts, lambda unit: _over(unit, person))
    listed = (await person.get("/api/users/me/sessions")).json()["items"]
    answer, file = await person.get(EXPORT), await exported(market, person)
    for found in (answer, file):
        told = found.json()["sign_ins"]
        shared = ("kind", "device", "acting", "created_at", "renewed_at", "expires_at")
        assert [{name: one[name] for name in shared} for one in told if one["live"]] == [
            {name: one[name] for name in shared} for one in reversed(listed)
        ]
        assert [(one["device"], one["ended_at"] is None) for one in told if not one["live"]] == [
            ("signed out", False), ("expired", True)
        ]  # fmt: skip
        assert [one["acting"] for one in told].count(True) == 1
        assert "Ada's own" not in found.text and admin.id not in found.text


async def _over(unit: UnitOfWork, person: Person) -> None:
    """Two sign-ins of a person that are over."""
    for device, left in (("signed out", 60), ("expired", -60)):
        session, until = unit.new_id(), unit.now + timedelta(seconds=left)
        await sign_ins.begin(unit.tx, session, person.id, unit.now, until, None, "browser", device)
        if device == "signed out":
            await sign_ins.end(unit.tx, session, person.id, unit.now)


async def test_a_place_that_is_known_by_a_new_password_is_no_sign_in(market: Market) -> None:
    """Whoever sets one by a mail has signed in nowhere: neither the export nor the staff are told that they have."""
    person, admin = await market.person(), await market.person("admin")
    path = f"/api/admin/users/{person.id}"
    before = (await admin.get(path)).json()["last_sign_in_at"]
    await market.stranger.post("/api/auth/password/forgot", {"email": person.email})
    secret = await token(market, person.email, "reset")
    body = {"token": secret, "password": "a longer walk to market"}
    assert (await market.stranger.post("/api/auth/password/reset", body)).status == 204
    assert (await admin.get(path)).json()["last_sign_in_at"] == before
    login = await market.stranger.post("/api/auth/login", {"email": person.email, "password": body["password"]})
    again = attrs.evolve(person, client=market.stranger.signed_in(login.json()["access_token"]))
    told = (await again.get(EXPORT)).json()["sign_ins"]
    assert [one["live"] for one in told] == [False, True], "the one that the password ended, and the new one"


@pytest.mark.parametrize("page", [1, 2, 3, 500])
async def test_the_file_is_the_same_in_however_many_steps_it_is_written(
    market: Market, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    person = await market.person()
    for n in range(5):
        consent = {"items": [{"kind": kind, "version": str(n), "agreed": True} for kind in ("terms", "privacy")]}
        await person.request("PUT", "/api/users/me/consents", consent)
        await person.post("/api/users/me/api-keys", {"name": f"key {n}", "scopes": ["orders:read"]})
    monkeypatch.setattr(export_actions, "PAGE", page)
    file, answer = (await exported(market, person)).json(), (await person.get(EXPORT)).json()
    assert {len(one) for one in (file["consents"], answer["consents"])} == {10}
    grown = ("operations", "audit")
    assert {k: v for k, v in file.items() if k not in grown} == {k: v for k, v in answer.items() if k not in grown}


async def test_one_export_of_an_account_goes_on_at_a_time(market: Market) -> None:
    person, other = await market.person(), await market.person()
    first, second, theirs = (
        await person.post(EXPORT, None),
        await person.post(EXPORT, None),
        await other.post(EXPORT, None),
    )
    assert (first.status, second.status, theirs.status) == (202, 202, 202)
    assert first.headers["location"] == second.headers["location"] != theirs.headers["location"]
    await running.run(market.parts)
    assert (await person.post(EXPORT, None)).headers["location"] != first.headers["location"]


async def test_a_worker_that_dies_in_an_export_leaves_no_half_of_it(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await market.person()
    monkeypatch.setattr(export_actions, "PAGE", 1)
    begun = await person.post(EXPORT, None)
    claimed = await change(market.parts, running._claim)
    assert claimed is not None
    await running._tried(market.parts, claimed)  # one step, and then another worker
    assert await change(market.parts, running._claim) is not None  # which dies
    then = market.parts.now() + timedelta(seconds=60)
    await running.run(attrs.evolve(market.parts, now=lambda: then))
    shown = (await person.get(begun.headers["location"])).json()
    assert shown["status"] == "succeeded", shown
    file: dict[str, Any] = (await person.get(shown["result"]["file"])).json()
    assert list(file) == list((await person.get(EXPORT)).json())


async def test_the_person_is_told_by_mail_once_the_file_is_there(market: Market) -> None:
    person = await market.person()
    await exported(market, person)
    told = [body for subject, body in await mails(market, person.email) if subject.startswith("Your data at")]
    assert len(told) == 1 and "7 days" in told[0]
    await market.work(twice=True)
    assert len([1 for subject, _ in await mails(market, person.email) if subject.startswith("Your data at")]) == 1


async def test_nobody_but_the_person_gets_the_file(market: Market) -> None:
    person, other, admin = await market.person(), await market.person(), await market.person("admin")
    begun = await person.post(EXPORT, None)
    await running.run(market.parts)
    file = begun.headers["location"] + "/file"
    acting = (await admin.post(f"/api/admin/users/{person.id}/impersonate", {"reason": "to help"})).json()
    key = (await person.post("/api/users/me/api-keys", {"name": "till", "scopes": ["operations:own"]})).json()["key"]
    as_person, by_key = (market.stranger.signed_in(one) for one in (acting["access_token"], key))
    assert (await as_person.post(EXPORT, None)).status == 403
    statuses = [(await one.get(file)).status for one in (other, admin, as_person, by_key, person)]
    assert statuses == [404, 404, 403, 403, 200]
    assert (await by_key.get(begun.headers["location"])).json()["status"] == "succeeded", "how it goes is no secret"


async def test_an_account_that_closes_takes_its_exports_along(market: Market) -> None:
    buyer, order = await bought(market)
    await complete(order)
    await exported(market, buyer)
    await buyer.post(EXPORT, None)
    assert (await buyer.request("DELETE", "/api/users/me")).status == 204
    assert await market.parts.database.row(LEFT) == (0, 0)
    await running.run(market.parts)
    assert await market.parts.database.row(LEFT) == (0, 0)


async def test_a_closed_account_is_told_so_at_the_address_that_it_had(market: Market) -> None:
    person = await market.person()
    assert (await person.request("DELETE", "/api/users/me")).status == 204
    told = [subject for subject, _ in await mails(market, person.email)]
    assert [one for one in told if "is closed" in one] == told[-1:]
    await market.work(twice=True)
    assert len(await mails(market, person.email)) == len(told)


async def test_exports_are_few_an_hour(market: Market) -> None:
    person = await market.person()
    settings = attrs.evolve(market.parts.settings, rate_limits=True, rate_export="2/3600")
    here = Client(make_market(attrs.evolve(market.parts, settings=settings)).stranger.site, person.client.headers)
    answers = [await here.post(EXPORT, None) for _ in range(3)]
    assert [answer.status for answer in answers] == [202, 202, 429]
