"""Names of farms, where the market verifies them: none passes for another that is verified."""

from __future__ import annotations

import attrs
import pytest

from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from tests.market.accounts.mailbox import mails
from tests.market.farms.test_states import judged
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market, settled

LIKE = Statement("test.like", "select likeness(:one) = likeness(:other)", lambda same: same)
FARMER = {
    "email": "eve@example.org",
    "username": "eve",
    "name": "Eve",
    "password": "a long walk to market",
    "role": "farmer",
}
#: What people take for "Mill & Corn Farm 1", and what they do not.
ALIKE = ("mill & corn farm 1", "MILL AND CORN FARM 1".replace("AND", "&"), "Mill&Corn  Farm-l", "Mi11 & C0rn Farm I", "Мill & Соrn Fаrm 1",
         "Míll & Córn Fàrm 1", "Mill & Com Farm 1", "Ｍill & Corn Farm １", "Mill · Corn Farm 1!", "ΜiΙΙ & Cοrn Farm 1")  # fmt: skip
UNLIKE = ("Mill & Corn Farm 2", "Mill & Corn Farms 1", "Corn & Mill Farm 1", "Will & Corn Farm 1", "Mill")


@pytest.fixture
def strict(parts: Parts) -> Market:
    """A market that verifies farms."""
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, farm_approval=True)))


async def verified(market: Market, name: str) -> Person:
    farmer = await market.farmer(name)
    assert (await judged(market, farmer.farm_id, "verified")).status == 200
    return farmer


async def rename(who: Person, name: str) -> Response:
    return await who.request("PATCH", f"/api/farms/{who.farm_id}", {"name": name}, If_Match="*")


def refused(answer: Response, field: str = "name") -> bool:
    assert answer.status in (200, 201, 409), answer.text
    if answer.status != 409:
        return False
    assert answer.json()["errors"] == [
        {"field": field, "code": "taken", "params": {"reason": "farm-name"}, "message": answer.json()["errors"][0]["message"]}
    ]  # fmt: skip
    return True


@pytest.mark.parametrize("name", [*ALIKE, *UNLIKE])
async def test_names_that_people_take_for_one_are_one(market: Market, name: str) -> None:
    found = await market.parts.database.row(LIKE, one=name, other="Mill & Corn Farm 1")
    assert found is (name in ALIKE)


@pytest.mark.parametrize(("one", "other"), [("!!!", "???"), ("青菜", "白菜"), ("Ёлка", "Дуб"), ("αγρός", "κήπος")])
async def test_names_of_other_alphabets_and_of_signs_are_told_apart(market: Market, one: str, other: str) -> None:
    assert await market.parts.database.row(LIKE, one=one, other=other) is False
    assert await market.parts.database.row(LIKE, one=one, other=one) is True


async def test_nobody_passes_for_a_verified_farm(strict: Market) -> None:
    await verified(strict, "Mill Farm")
    other, buyer = await verified(strict, "Somewhere"), await strict.person()
    assert refused(await rename(other, "MILL-FARM"))
    assert refused(await buyer.post("/api/farms", {"name": "Mi11 Farm"}))
    assert refused(await strict.stranger.post("/api/auth/register", FARMER | {"farm_name": "mill farm"}), "farm_name")
    assert not refused(await rename(other, "Mill Farm Shop"))


async def test_a_farm_keeps_its_name_and_may_write_it_otherwise(strict: Market) -> None:
    mine = await verified(strict, "Mill Farm")
    assert not refused(await rename(mine, "Mill farm"))
    assert not refused(await rename(mine, "Mill farm"))


async def test_a_name_that_nobody_has_vouched_for_is_free_until_it_is_verified(strict: Market) -> None:
    one, two = await strict.farmer("Mill Farm"), await strict.farmer("Mill Farm")
    assert (await judged(strict, one.farm_id, "verified")).status == 200
    answer = await judged(strict, two.farm_id, "verified")
    assert answer.status == 409 and "name that looks like this one" in answer.json()["detail"]
    assert (await judged(strict, one.farm_id, "suspended", "it is another's")).status == 200
    assert (await judged(strict, two.farm_id, "verified")).status == 200


async def test_of_two_that_take_a_name_at_once_one_gets_it(strict: Market) -> None:
    one, two = await verified(strict, "One"), await verified(strict, "Two")
    answers = await settled(rename(one, "Mill Farm"), rename(two, "Mi11 Farm"))
    assert sorted(answer.status for answer in answers) == [200, 409]


async def test_where_nobody_verifies_farms_many_have_one_name(market: Market) -> None:
    one, _ = await market.farmer("Mill Farm"), await market.farmer("Mill Farm")
    assert not refused(await rename(one, "mill farm"))


async def test_registering_privately_tells_by_no_farm_s_name_who_has_an_account(parts: Parts) -> None:
    settings = attrs.evolve(parts.settings, farm_approval=True, private_registration=True)
    market = make_market(attrs.evolve(parts, settings=settings))
    await verified(market, "Mill Farm")
    for n in range(2):
        body = FARMER | {"farm_name": "Mill Farm", "username": f"eve{n}"}
        assert (await market.stranger.post("/api/auth/register", body)).status == 202


async def test_the_staff_are_told_of_another_name_of_a_verified_farm_and_the_audit_log_has_both(strict: Market) -> None:
    farmer, admin = await verified(strict, "Mill Farm"), await strict.person("admin")
    pending = await strict.farmer("Pending")
    for who, name in (
        (farmer, "Old Mill\r\nBcc: x".replace("\r\n", " ")),
        (farmer, "Old Mill Bcc: x"),
        (pending, "Later"),
    ):
        assert (await rename(who, name)).status == 200
    found = [(subject, body) for subject, body in await mails(strict, admin.email) if "now called" in subject]
    ((subject, body),) = found
    assert "Mill Farm is now called Old Mill Bcc: x" in subject and "suspend" in body
    (entry,) = (await admin.get("/api/admin/audit?action=farm.renamed")).json()["items"]
    assert (entry["before"], entry["after"]) == ({"name": "Mill Farm"}, {"name": "Old Mill Bcc: x"})
    assert entry["actor_id"] == farmer.id and entry["object"] == f"farm:{farmer.farm_id}"
    await strict.work()
    assert strict.broken(at_rest=True) == []
