"""Mail to an address that its account has not verified, which may be a stranger's: few, and with nothing in them that anybody has written."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from tests.market.accounts.mailbox import mails
from tests.market.farms.test_states import judged
from tests.people import Market, Person
from tests.web.conftest import make_market

#: What the people below write, wherever they can.
SPAM = "Zorro"
_STATES = Statement(
    "test.unverified",
    "select state, count(*) from mails where recipient = :email group by 1 order by 1",
    lambda *row: row,
)
_VERIFY = Statement("test.verify_now", "update users set verified_at = now() where id = :id", lambda: None)


async def spammers(market: Market) -> tuple[Person, Person, dict[str, Any]]:
    """A farm and a buyer, both with an address that nobody has verified, who have called everything after the same; and their product."""
    farmer = await market.person("farmer", f"{SPAM} farm", verified=False)
    buyer = await market.person(verified=False)
    for who in (farmer, buyer):
        await who.request("PATCH", "/api/users/me", {"name": f"{SPAM} me", "phone": "+43 664 1234567"})
    points = [{"name": f"{SPAM} gate", "address": f"{SPAM} lane"}]
    await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"pickup_points": points}, If_Match="*")
    return farmer, buyer, await market.product(farmer, title=f"{SPAM} carrots", unit="each", stock="900")


def has_spam(found: list[tuple[str, str]]) -> bool:
    return any(SPAM in text or "1234567" in text for mail in found for text in mail)


@pytest.mark.parametrize("to", [("confirmed", "ready"), ("cancelled",), ()])
async def test_a_mail_about_an_order_has_its_number_and_our_words_alone(market: Market, to: tuple[str, ...]) -> None:
    farmer, buyer, product = await spammers(market)
    ways = [{"farm_id": farmer.farm_id, "method": "delivery", "address": f"{SPAM} road"}]
    answer = await buyer.order((product["id"], 1), note=f"{SPAM} note", fulfilments=ways)
    assert answer.status == 201, answer.text
    order = answer.json()
    for step in to:
        body = {"to": step} | ({"reason": f"{SPAM} reason"} if step == "cancelled" else {})
        path = f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status"
        assert (await farmer.post(path, body)).status == 200
    if not to:
        await buyer.post(f"/api/orders/{order['id']}/cancel", {"reason": f"{SPAM} reason"})
    for who, number in ((buyer, 1 + len(to)), (farmer, 1 + (not to))):
        found = [mail for mail in await mails(market, who.email) if order["number"] in mail[0]]
        assert len(found) == number and not has_spam(await mails(market, who.email)), who.email
        assert all(order["number"] in body and "/account" in body for _, body in found)
    told = (await farmer.get("/api/notifications")).json()["items"]
    assert any(SPAM in one["body"] for one in told), "the notices have all"


async def test_once_the_address_is_verified_mails_tell_all(market: Market) -> None:
    _, buyer, product = await spammers(market)
    await market.parts.database.transaction(lambda tx: tx.run(_VERIFY, id=buyer.id))
    assert (await buyer.order((product["id"], 1))).status == 201
    assert has_spam(await mails(market, buyer.email))


@pytest.mark.parametrize("state", ["suspended", "verified"])
async def test_a_judgement_of_a_farm_does_not_name_it_to_such_an_address(market: Market, state: str) -> None:
    farmer, _, _ = await spammers(market)
    if state == "verified":
        await judged(market, farmer.farm_id, "suspended", "looks odd")
    assert (await judged(market, farmer.farm_id, state, "looked at")).status == 200
    found = [mail for mail in await mails(market, farmer.email) if f"is {state}" in mail[0]]
    assert found and all(subject.startswith("Your farm is") for subject, _ in found) and not has_spam(found)


async def test_such_an_address_gets_so_many_mails_a_day_and_those_with_a_secret_beyond_that(parts: Parts) -> None:
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, mails_per_unverified=4)))
    _, buyer, product = await spammers(market)
    for _ in range(6):
        assert (await buyer.order((product["id"], 1))).status == 201
    await buyer.post("/api/users/me/api-keys", {"name": "till", "scopes": ["orders:read"]})
    await market.work()
    states = dict(await parts.database.rows(_STATES, email=buyer.email))
    assert states == {"pending": 4, "left": 4}, "the welcome is one of them"
    await market.stranger.post("/api/auth/password/forgot", {"email": buyer.email})
    assert any("#reset=" in body for _, body in await mails(market, buyer.email))
