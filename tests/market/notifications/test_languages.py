"""Each person is written to in their own language, and reads notices in the one that they ask for."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.market.accounts import rows as accounts
from harvestd.market.notifications.mail_wording import account_shown
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, nothing
from tests.people import Market, Person
from tests.web.client import Client
from tests.web.conftest import make_market

_MAILS = Statement(
    "test.languages_of_mails",
    "select language, subject, body from mails where recipient = :email order by created_at, id",
    lambda *row: row,
)
_OLD = Statement(
    "test.old_notice", "update notifications set language = 'en', facts = '{}' where user_id = :user_id", nothing
)
PASSWORD = "a long walk to market"


@pytest.fixture
def market(parts: Parts) -> Market:
    """One of three languages, whose first is German."""
    return make_market(
        attrs.evolve(parts, settings=attrs.evolve(parts.settings, market_languages=("de", "fr"), mails_per_recipient=3))
    )


async def mails(market: Market, email: str) -> list[tuple[str, str]]:
    """Language and subject of what was mailed to an address."""
    await market.work(twice=True)
    return [(language, subject) for language, subject, _ in await market.parts.database.rows(_MAILS, email=email)]


async def registered(market: Market, email: str, accepted: str = "") -> Client:
    body = {
        "email": email,
        "username": f"{email.partition('@')[0]}-1",
        "password": PASSWORD,
        "name": "Bo",
        "role": "buyer",
    }
    headers = {"Accept-Language": accepted} if accepted else {}
    answer = await market.stranger.post("/api/auth/register", body, headers=headers)
    return market.stranger.signed_in(answer.json()["access_token"])


async def speaking(market: Market, language: str, person: Person) -> Person:
    await person.request("PATCH", "/api/users/me", {"language": language})
    return person


@pytest.mark.parametrize(("accepted", "language"), [("fr-CA, en", "fr"), ("en", "en"), ("es", "de"), ("", None)])
async def test_a_new_account_has_the_language_that_it_registered_in(
    market: Market, accepted: str, language: str | None
) -> None:
    me = await registered(market, "bo@example.org", accepted)
    assert (await me.get("/api/users/me")).json()["language"] == language
    ((written, _),) = await mails(market, "bo@example.org")
    assert written == (language or "de")


async def test_an_account_that_has_chosen_none_is_written_to_in_the_first_of_the_market(market: Market) -> None:
    await registered(market, "bo@example.org")
    assert await mails(market, "bo@example.org") == [("de", "Willkommen bei harvestd market")]


async def test_a_language_that_the_market_gave_up_is_not_written_in(market: Market, parts: Parts) -> None:
    await registered(market, "bo@example.org", "fr")
    ((language, subject),) = await mails(make_market(parts), "bo@example.org")
    assert (language, subject) == ("en", "Welcome to harvestd market")


async def test_what_concerns_an_account_is_mailed_in_its_language_wherever_it_is_asked_for(market: Market) -> None:
    """The request's language is a stranger's, perhaps; an invitation goes to an address, which may have an account or none."""
    farmer = await speaking(market, "fr", await market.farmer())
    bo = await speaking(market, "en", await market.person())
    for email in (bo.email, "nobody@example.org"):
        body = {"email": email, "role": "packer"}
        assert (await farmer.post(f"/api/farms/{farmer.farm_id}/members", body)).status < 300
    await market.stranger.post("/api/auth/password/forgot", {"email": bo.email}, headers={"Accept-Language": "fr"})
    assert {language for language, _ in await mails(market, bo.email)} == {"en"}
    assert [language for language, _ in await mails(market, "nobody@example.org")] == ["de"]


#: Mails that a request causes, by their kind: who asks, with what; whose address they go to, ``{bo}``.
CAUSED: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "reset": ("stranger", "POST", "/api/auth/password/forgot", {"email": "{bo}"}),
    "link": ("stranger", "POST", "/api/auth/link", {"email": "{bo}"}),
    "known": ("stranger", "POST", "/api/auth/register", {"email": "{bo}", "username": "another", "password": PASSWORD, "name": "X", "role": "buyer"}),
    "verify": ("bo", "POST", "/api/auth/email/verification", {}),
    "known_address": ("other", "PUT", "/api/users/me/email", {"email": "{bo}"}),
    "address": ("bo", "PUT", "/api/users/me/email", {"email": "new@example.org"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", CAUSED)
@pytest.mark.parametrize(
    ("own", "asked", "written"),
    [("fr", "en", "fr"), ("en", "fr", "en"), ("fr", "", "fr"), (None, "en", "en"), (None, "fr-CA, en", "fr"), (None, "es", "de"), (None, "", "de")],
)  # fmt: skip
async def test_a_mail_is_in_the_language_of_its_account_or_else_of_the_request_that_caused_it(
    market: Market, kind: str, own: str | None, asked: str, written: str
) -> None:
    settings = attrs.evolve(market.parts.settings, link_sign_in=True, private_registration=True)
    market = make_market(attrs.evolve(market.parts, settings=settings))
    who, method, path, body = CAUSED[kind]
    bo, other = await market.person(verified=kind != "verify"), await market.person()
    await bo.request("PATCH", "/api/users/me", {"language": own})
    await mails(market, bo.email)  # the welcome
    client = {"stranger": market.stranger, "bo": bo.client, "other": other.client}[who]
    given = {name: value.format(bo=bo.email) for name, value in body.items()}
    headers = {"Accept-Language": asked} if asked else {}
    assert (await client.request(method, path, json=given, headers=headers)).status < 300
    (*_, (language, subject)) = await mails(market, "new@example.org" if kind == "address" else bo.email)
    expected, _ = account_shown(kind, written, market.parts.settings.market_name, "")
    assert (language, subject) == (written, expected)


@pytest.mark.parametrize(("language", "written"), [("fr", "fr"), (None, "de")])
async def test_a_closed_account_is_said_goodbye_to_in_its_language(
    market: Market, language: str | None, written: str
) -> None:
    bo = await market.person()
    await bo.request("PATCH", "/api/users/me", {"language": language})
    assert (await bo.request("DELETE", "/api/users/me")).status == 204
    assert [one for one, _ in await mails(market, bo.email)] == [written]


async def placed(market: Market) -> tuple[Person, Person, str]:
    """A French-speaking buyer, an English-speaking farmer, and the order's number."""
    farmer, buyer = (
        await speaking(market, "en", await market.farmer()),
        await speaking(market, "de", await market.person()),
    )
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], "1.25"), note="bitte läuten")).json()
    await market.work(twice=True)
    return farmer, buyer, order["number"]


async def test_an_order_is_mailed_to_each_in_their_language(market: Market) -> None:
    farmer, buyer, number = await placed(market)
    *_, (language, subject, body) = await market.parts.database.rows(_MAILS, email=buyer.email)
    assert (language, subject) == ("de", f"Ihre Bestellung {number}")
    assert "  1,25 kg  Carrots  4,88 €" in body and "Summe: 4,88 €" in body and "Wird abgeholt." in body
    *_, (language, subject, body) = await market.parts.database.rows(_MAILS, email=farmer.email)
    assert (language, subject) == ("en", f"New order {number} for Green Acres")
    assert "  1.25 kg  Carrots  €4.88" in body and "Note: bitte läuten" in body


async def notices(person: Person, accepted: str = "") -> Any:
    headers = {"Accept_Language": accepted} if accepted else {}
    return await person.request("GET", "/api/notifications", **headers)


async def test_a_notice_is_read_in_the_language_that_is_asked_for_or_else_in_the_one_it_was_told_in(
    market: Market,
) -> None:
    _, buyer, number = await placed(market)
    for accepted, language, title, total in (
        ("", "de", f"Ihre Bestellung {number}", "Summe: 4,88 €"),
        ("en-GB", "en", f"Your order {number}", "Total: €4.88"),
        ("de", "de", f"Ihre Bestellung {number}", "Summe: 4,88 €"),
        ("es", "de", f"Ihre Bestellung {number}", "Summe: 4,88 €"),
    ):
        answer = await notices(buyer, accepted)
        (item,) = answer.json()["items"]
        assert (answer.headers["content-language"], answer.headers["vary"]) == (language, "Accept-Language")
        assert item["title"] == title and total in item["body"]


async def test_a_notice_of_before_stays_as_it_was_and_the_answer_says_so(market: Market) -> None:
    farmer, buyer, _ = await placed(market)
    await market.parts.database.transaction(lambda tx: tx.run(_OLD, user_id=buyer.id))
    product = await market.product(farmer, title="Eggs", unit="box", price=250)
    await buyer.order((product["id"], 1))
    await market.work(twice=True)
    answer = await notices(buyer, "en")
    assert answer.headers["content-language"] == "en"
    for accepted in ("", "de"):
        answer = await notices(buyer, accepted)
        assert answer.headers["content-language"] == "de, en"
    assert (await notices(await market.person())).headers["content-language"] == "de"


async def test_what_stands_in_for_too_many_mails_is_in_the_language_of_who_gets_them(market: Market) -> None:
    farmer, buyer = await market.farmer(), await speaking(market, "en", await market.person())
    product = await market.product(farmer, unit="box", stock="9")
    for _ in range(5):
        await buyer.order((product["id"], 1))
        await market.work(twice=True)
    assert ("en", "More has happened at harvestd market") in await mails(market, buyer.email)
    assert ("de", "Weitere Neuigkeiten von harvestd market") in await mails(market, farmer.email)


async def test_an_export_says_the_language(market: Market) -> None:
    buyer = await speaking(market, "fr", await market.person())
    assert (await buyer.get("/api/users/me/export")).json()["account"]["language"] == "fr"


async def test_an_account_s_own_language_counts_and_not_that_of_who_has_the_address(market: Market) -> None:
    """An address that an account gave up may be another's by now."""
    first, second = (
        await speaking(market, "fr", await market.person()),
        await speaking(market, "en", await market.person()),
    )
    database = market.parts.database
    for one, other in ((first, second), (second, first)):
        own = await accounts.language(database, one.id, "nobody@example.org")
        assert own is not None and await accounts.language(database, one.id, other.email) == own
        assert await accounts.language(database, market.parts.new_id(), one.email) == own
    assert await accounts.language(database, market.parts.new_id(), "nobody@example.org") is None
