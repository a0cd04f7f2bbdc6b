"""What changes nothing of an account, a farm or a group is told to nobody: it has no entry in the audit log, and causes no mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from harvestd.store.postgres.statements import Statement
from tests.market.accounts.mailbox import token
from tests.market.accounts.test_second_factors import BO, protected
from tests.market.farms.test_members import joined
from tests.people import Market
from tests.web.client import Response

#: Entries, and what was recorded to tell somebody of them.
TOLD = Statement(
    "test.told",
    "select (select count(*) from audit), (select count(*) from outbox where type = 'account.noted' or type like 'farm.%')",
    lambda *numbers: numbers,
)
FACTORS, ADMIN = "/api/users/me/second-factors", "/api/admin/users/"
Again = Callable[[], Awaitable[Response]]


async def confirmed_again(market: Market) -> Again:
    bo = await protected(market)
    return lambda: bo.client.post(f"{FACTORS}/{bo.id}/confirm", {"code": bo.code()})


async def never_counted(market: Market) -> Again:
    person = await market.person()
    begun = (await person.post(FACTORS, {"name": "telephone"})).json()
    return lambda: person.request("DELETE", f"{FACTORS}/{begun['id']}")


async def verified_again(market: Market) -> Again:
    made = (await market.stranger.post("/api/auth/register", BO)).json()
    who = market.stranger.signed_in(made["access_token"])
    first = await token(market, BO["email"], "verify")
    assert (await who.post("/api/auth/email/verification", None)).status == 202
    second = await token(market, BO["email"], "verify")
    assert (await market.stranger.post("/api/auth/email/verify", {"token": first})).status == 204
    return lambda: market.stranger.post("/api/auth/email/verify", {"token": second})


async def as_it_was(market: Market) -> Again:
    admin, person = await market.person("admin"), await market.person()
    return lambda: admin.request("PATCH", ADMIN + person.id, {"role": "buyer", "active": True, "second_factor": False})


async def exported_meanwhile(market: Market) -> Again:
    person = await market.person()
    assert (await person.post("/api/users/me/export", None)).status == 202
    return lambda: person.post("/api/users/me/export", None)


async def same_role(market: Market) -> Again:
    farmer = await market.farmer()
    packer = await joined(market, farmer)
    path = f"/api/farms/{farmer.farm_id}/members/{packer.id}"
    return lambda: farmer.request("PATCH", path, {"role": "packer"})


async def same_state(market: Market) -> Again:
    admin, farmer = await market.person("admin"), await market.farmer()
    path = f"/api/farms/{farmer.farm_id}/verification"
    return lambda: admin.post(path, {"state": "verified"})


async def same_farm(market: Market) -> Again:
    farmer = await market.farmer("Green Acres")
    body = {"name": " Green  Acres", "imprint": {}}
    return lambda: farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", body, If_Match="*")


async def same_group(market: Market) -> Again:
    admin = await market.person("admin")
    group = (await admin.post("/api/groups", {"name": "Members"})).json()
    return lambda: admin.request("PATCH", f"/api/groups/{group['id']}", {"name": "Members"})


async def in_the_group_already(market: Market) -> Again:
    admin, person = await market.person("admin"), await market.person()
    group = (await admin.post("/api/groups", {"name": "Members"})).json()
    path = f"/api/groups/{group['id']}/members/{person.id}"
    assert (await admin.request("PUT", path)).status in (200, 201, 204)
    return lambda: admin.request("PUT", path)


@pytest.mark.parametrize(
    "case",
    [
        confirmed_again, never_counted, verified_again, as_it_was, exported_meanwhile, same_role, same_state, same_farm, same_group,
        in_the_group_already,
    ],
)  # fmt: skip
async def test_what_changes_nothing_is_told_to_nobody(
    market: Market, case: Callable[[Market], Awaitable[Again]]
) -> None:
    again = await case(market)
    before = await market.parts.database.row(TOLD)
    answer = await again()
    assert answer.status < 300, answer.text
    assert await market.parts.database.row(TOLD) == before
