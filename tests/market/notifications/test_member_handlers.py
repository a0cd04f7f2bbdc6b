"""Who is told of whoever joins a farm, leaves it, is taken out, or has another role there."""

from __future__ import annotations

import attrs
import pytest

from harvestd.kernel.permissions import FARM_ROLES
from harvestd.market.notifications.messages import ROLES
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from tests.market.farms.test_members import invited, joined
from tests.market.notifications.test_handlers import mails
from tests.people import Market, Person
from tests.web.conftest import make_market

_UNTOLD = Statement(
    "test.untold_name", "select count(*) from notifications where title like :name or body like :name", lambda n: n
)


async def named(market: Market, name: str, role: str = "buyer") -> Person:
    person = await market.person(role)
    assert (await person.request("PATCH", "/api/users/me", {"name": name})).status == 200
    return person


async def told(market: Market, person: Person) -> list[str]:
    """The titles of somebody's notices of members, oldest first, each of which was mailed, too."""
    await market.work(twice=True)
    items = (await person.get("/api/notifications")).json()["items"]
    titles = [item["title"] for item in reversed(items) if item["kind"].startswith("farm.member_")]
    mailed = [subject for subject, _ in await mails(market, person.email)]
    assert [subject for subject in mailed if subject in titles] == titles
    return titles


@attrs.define
class Farm:
    """Green Acres: Fay and Flo own it, Bo packs."""

    fay: Person
    flo: Person
    bo: Person
    path: str

    def at(self, person: Person) -> str:
        """The address of a member."""
        return f"{self.path}/{person.id}"


async def green_acres(market: Market) -> Farm:
    fay, flo, bo = await market.farmer(), await named(market, "Flo", "farmer"), await named(market, "Bo", "farmer")
    await market.join(flo, fay.farm_id)
    await market.join(bo, fay.farm_id, "packer")
    return Farm(fay, flo, bo, f"/api/farms/{fay.farm_id}/members")


async def test_the_owners_are_told_who_has_joined_and_as_what(market: Market) -> None:
    """Neither who has joined, though they own it from now on, nor anybody else."""
    farm = await green_acres(market)
    await joined(market, farm.fay, "driver", await named(market, "Dee"))
    lou = await joined(market, farm.fay, "owner", await named(market, "Lou"))
    for owner in (farm.fay, farm.flo):
        assert await told(market, owner) == ["Dee has joined Green Acres", "Lou has joined Green Acres"]
        assert "as a driver" in (await mails(market, owner.email))[-2][1]
    for other in (farm.bo, lou):
        assert await told(market, other) == []
    (notice, _) = (await farm.fay.get("/api/notifications")).json()["items"]
    assert (notice["kind"], notice["data"]) == (
        "farm.member_joined", {"farm_id": farm.fay.farm_id, "user_id": lou.id}
    )  # fmt: skip


async def test_the_owners_are_told_who_has_left(market: Market) -> None:
    farm = await green_acres(market)
    assert (await farm.bo.request("DELETE", farm.at(farm.bo))).status == 204
    assert await told(market, farm.flo) == ["Bo has left Green Acres"]
    assert (await farm.flo.request("DELETE", farm.at(farm.flo))).status == 204
    assert await told(market, farm.fay) == ["Bo has left Green Acres", "Flo has left Green Acres"]
    assert await told(market, farm.flo) == ["Bo has left Green Acres"], "nobody is told of what they did themselves"
    assert await told(market, farm.bo) == []


@pytest.mark.parametrize("by", ["an owner", "the staff", "the staff for an owner"])
async def test_whoever_is_taken_out_is_told_so_and_the_owners_but_for_the_one_who_did_it(
    market: Market, by: str
) -> None:
    farm, admin = await green_acres(market), await market.person("admin")
    if by == "the staff for an owner":
        acting = await admin.post(f"/api/admin/users/{farm.fay.id}/impersonate", {"reason": "a call"})
        who = attrs.evolve(admin, client=market.stranger.signed_in(acting.json()["access_token"]))
    else:
        who = farm.fay if by == "an owner" else admin
    assert (await who.request("DELETE", farm.at(farm.bo))).status == 204
    assert await told(market, farm.bo) == ["You no longer belong to Green Acres"]
    assert await told(market, farm.flo) == ["Bo no longer belongs to Green Acres"]
    assert await told(market, farm.fay) == ([] if by == "an owner" else ["Bo no longer belongs to Green Acres"])
    assert await told(market, admin) == []


async def test_a_member_is_told_the_farm_and_the_role_that_they_have_now(market: Market) -> None:
    farm = await green_acres(market)
    assert (await farm.fay.request("PATCH", farm.at(farm.bo), {"role": "driver"})).status == 200
    assert await told(market, farm.bo) == ["Your role in Green Acres has changed"]
    assert "you work for it as a driver" in (await mails(market, farm.bo.email))[-1][1]
    assert (await farm.flo.request("PATCH", farm.at(farm.flo), {"role": "packer"})).status == 200
    assert (await farm.fay.request("PATCH", farm.at(farm.bo), {"role": "driver"})).status == 200
    assert (await told(market, farm.flo), await told(market, farm.fay)) == ([], []), "what they did themselves"
    assert len(await told(market, farm.bo)) == 1, "nothing has changed"
    subjects = [subject for subject, _ in await mails(market, farm.bo.email)]
    assert not any(subject.startswith("A change to your account") for subject in subjects), "once"


@pytest.mark.parametrize(
    ("language", "title", "says"),
    [("de", "Ihre Rolle bei Green Acres hat sich geändert", "zum Ausfahren"),
     ("fr", "Votre rôle chez Green Acres a changé", "pour livrer les commandes"),
     ("es", "Su rol en Green Acres ha cambiado", "para repartir los pedidos")],
)  # fmt: skip
async def test_it_is_told_in_the_language_of_whoever_is_told(
    parts: Parts, language: str, title: str, says: str
) -> None:
    settings = attrs.evolve(parts.settings, market_languages=("en", "de", "fr", "es"))
    market = make_market(attrs.evolve(parts, settings=settings))
    farm = await green_acres(market)
    await farm.bo.request("PATCH", "/api/users/me", {"language": language})
    await farm.fay.request("PATCH", farm.at(farm.bo), {"role": "driver"})
    assert await told(market, farm.bo) == [title]
    assert says in (await mails(market, farm.bo.email))[-1][1]
    again = await farm.bo.request("GET", "/api/notifications", Accept_Language="en")
    assert again.json()["items"][0]["title"] == "Your role in Green Acres has changed"


@pytest.mark.parametrize("role", FARM_ROLES)
async def test_each_role_is_named(market: Market, role: str) -> None:
    farm = await green_acres(market)
    first = "driver" if role == "packer" else "packer"
    for to in (first, role):
        await farm.fay.request("PATCH", farm.at(farm.bo), {"role": to})
        await told(market, farm.bo)
    assert f"as {ROLES[role]} from now on" in (await mails(market, farm.bo.email))[-1][1]


async def test_nobody_is_told_what_is_otherwise_by_now(market: Market) -> None:
    """All of it happens before the workers come to the first of it."""
    farm, dee = await green_acres(market), await named(market, "Dee")
    secret = await invited(market, farm.fay, dee)
    assert (await dee.post(f"/api/invitations/{secret}/accept", None)).status == 200
    for role in ("driver", "manager"):
        await farm.fay.request("PATCH", farm.at(dee), {"role": role})
    await farm.fay.request("DELETE", farm.at(dee))
    assert await told(market, dee) == ["You no longer belong to Green Acres"]
    assert await told(market, farm.flo) == ["Dee no longer belongs to Green Acres"]
    for role in ("driver", "manager"):
        await farm.fay.request("PATCH", farm.at(farm.bo), {"role": role})
    assert await told(market, farm.bo) == ["Your role in Green Acres has changed"]
    assert "as a manager" in (await mails(market, farm.bo.email))[-1][1]


async def test_what_owners_were_told_of_a_member_is_erased_with_their_account(market: Market) -> None:
    farm, dee = await green_acres(market), await named(market, "Dee Dee")
    await joined(market, farm.fay, "packer", dee)
    assert await told(market, farm.flo) == ["Dee Dee has joined Green Acres"]
    await farm.fay.request("PATCH", farm.at(farm.bo), {"role": "driver"})
    assert (await dee.request("DELETE", "/api/users/me")).status == 204
    closed = ["A member of Green Acres has closed their account"]
    assert (await told(market, farm.flo), await told(market, farm.fay)) == (closed, closed)
    assert await market.parts.database.row(_UNTOLD, name="%Dee Dee%") == 0
    assert len(await told(market, farm.bo)) == 1, "what is of another stays"


async def test_an_account_that_is_closed_before_the_owners_are_told_is_not_named(market: Market) -> None:
    farm, dee = await green_acres(market), await named(market, "Dee Dee")
    await joined(market, farm.fay, "packer", dee)
    assert (await dee.request("DELETE", farm.at(dee))).status == 204
    assert (await dee.request("DELETE", "/api/users/me")).status == 204
    assert await told(market, farm.flo) == []
    assert market.broken() == []
