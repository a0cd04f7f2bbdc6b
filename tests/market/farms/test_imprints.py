"""The imprint of a farm: public, its owner's to change, and looked at again once it has changed."""

from __future__ import annotations

from typing import Any

import attrs

from harvestd.parts import Parts
from tests.market.accounts.mailbox import mails
from tests.market.farms.test_states import judged
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market

WHOLE = {
    "legal_name": "Green Acres KG", "address": "Main Street 1\n8010 Graz", "register": "FN 1234a, LG Graz", "tax_number": "ATU12345678"
}  # fmt: skip
NONE = dict.fromkeys(WHOLE, "")


async def change(who: Person, farm: str, imprint: Any) -> Response:
    return await who.request("PATCH", f"/api/farms/{farm}", {"imprint": imprint}, If_Match="*")


def strict(parts: Parts, **more: Any) -> Market:
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, farm_approval=True, **more)))


async def test_an_imprint_is_public_and_shows_at_once(market: Market) -> None:
    farmer = await market.farmer()
    path = f"/api/farms/{farmer.farm_id}"
    assert (await market.stranger.get(path)).json()["imprint"] == NONE
    given = WHOLE | {"legal_name": "  Green\u200b  Acres KG "}
    assert (await change(farmer, farmer.farm_id, given)).json()["imprint"] == WHOLE
    assert (await market.stranger.get(path)).json()["imprint"] == WHOLE
    assert (await market.stranger.get("/api/farms")).json()["items"][0]["imprint"] == WHOLE
    assert (await change(farmer, farmer.farm_id, {"register": ""})).json()["imprint"] == WHOLE | {"register": ""}
    assert (await change(farmer, farmer.farm_id, None)).json()["imprint"] == NONE
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_every_fault_of_an_imprint_is_told_at_once(market: Market) -> None:
    farmer = await market.farmer()
    wrong = await change(
        farmer, farmer.farm_id, {"legal_name": "\u0007", "address": "x" * 501, "tax_number": "1\u00072"}
    )
    assert [(e["field"], e["code"]) for e in wrong.json()["errors"]] == [
        ("imprint.address", "too-long"),
        ("imprint.legal_name", "control-character"),
        ("imprint.tax_number", "control-character"),
    ]


async def test_its_owner_changes_an_imprint_and_nobody_else_of_the_farm(market: Market) -> None:
    farmer, manager = await market.farmer(), await market.farmer("Elsewhere")
    await market.join(manager, farmer.farm_id, "manager")
    refused = await change(manager, farmer.farm_id, WHOLE)
    assert refused.status == 403 and "only an owner of the farm" in refused.json()["detail"], "who may, and what to do"
    assert (await change(farmer, farmer.farm_id, WHOLE)).status == 200
    assert (await change(manager, farmer.farm_id, WHOLE)).status == 200, (
        "who changes nothing may send back what was read"
    )
    assert (await change(await market.person("manager"), farmer.farm_id, {"register": ""})).status == 200
    assert (await change(await market.farmer("Third"), farmer.farm_id, WHOLE)).status == 403


async def test_no_api_key_changes_who_answers_for_a_farm(market: Market) -> None:
    farmer = await market.farmer()
    made = await farmer.post("/api/users/me/api-keys", {"name": "Till", "scopes": ["farm:write"]})
    key = attrs.evolve(farmer, client=market.stranger.signed_in(made.json()["key"]))
    refused = await change(key, farmer.farm_id, WHOLE)
    assert refused.status == 403 and "imprint" in refused.json()["detail"]
    path = f"/api/farms/{farmer.farm_id}"
    assert (await key.request("PATCH", path, {"description": "Ours"}, If_Match="*")).status == 200
    scopes = await farmer.post("/api/users/me/api-keys", {"name": "Till", "scopes": ["farm:imprint:write"]})
    assert scopes.status == 422


async def test_what_an_imprint_was_stays_in_the_audit_log(market: Market) -> None:
    farmer, admin = await market.farmer(), await market.person("admin")
    await change(farmer, farmer.farm_id, WHOLE)
    await change(farmer, farmer.farm_id, {"tax_number": "ATU87654321"})
    await change(farmer, farmer.farm_id, {"tax_number": "ATU87654321"})
    log = (await admin.get(f"/api/admin/audit?object=farm:{farmer.farm_id}")).json()["items"]
    assert [entry["action"] for entry in log] == ["farm.imprint_changed"] * 2
    assert (log[0]["before"]["tax_number"], log[0]["after"]["tax_number"]) == ("ATU12345678", "ATU87654321")


async def test_the_market_s_staff_is_mailed_of_another_imprint_of_a_farm_that_it_has_verified(parts: Parts) -> None:
    market = strict(parts)
    farmer, manager, admin = await market.farmer(), await market.person("manager"), await market.person("admin")
    await change(farmer, farmer.farm_id, WHOLE)
    await judged(market, farmer.farm_id, "verified", who=manager)
    for who in (manager, admin):
        assert not [mail for mail in await mails(market, who.email) if "imprint" in mail[0]], "it was not verified yet"
    answer = await change(farmer, farmer.farm_id, {"legal_name": "Somebody else"})
    assert answer.json()["state"] == "verified"
    for who in (manager, admin):
        assert len([mail for mail in await mails(market, who.email) if "imprint" in mail[0]]) == 1
    assert not [mail for mail in await mails(market, farmer.email) if "imprint" in mail[0]]
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_a_market_that_asks_for_imprints_verifies_no_farm_without(parts: Parts) -> None:
    market = strict(parts, farm_imprint_needed=True)
    farmer = await market.farmer()
    refused = await judged(market, farmer.farm_id, "verified")
    assert refused.status == 409
    assert [error["field"] for error in refused.json()["errors"]] == ["imprint.legal_name", "imprint.address"]
    await change(farmer, farmer.farm_id, {"legal_name": "Green Acres KG"})
    refused = await judged(market, farmer.farm_id, "verified")
    assert [error["field"] for error in refused.json()["errors"]] == ["imprint.address"]
    await change(farmer, farmer.farm_id, {"address": "Main Street 1"})
    assert (await judged(market, farmer.farm_id, "verified")).status == 200
    for gone in (None, {"legal_name": ""}, {"address": " "}):
        assert (await change(farmer, farmer.farm_id, gone)).status == 422, "and it keeps it"
    assert (await change(farmer, farmer.farm_id, {"address": "Main Street 2"})).status == 200
    assert (await judged(market, farmer.farm_id, "suspended")).status == 200
    assert (await change(farmer, farmer.farm_id, None)).status == 200
    assert (await judged(market, farmer.farm_id, "verified")).status == 409
