"""Mailed secrets: to verify an address, to set a new password, to sign in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.market.accounts.recovery_actions import MAX_AN_HOUR
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from tests.market.accounts.mailbox import mails, token
from tests.people import Market
from tests.web.client import Response
from tests.web.conftest import make_market

PASSWORD, NEW = "a long walk to market", "three turnips in a row"
BO = "bo@example.org"
OUTBOX = Statement(
    "test.asked", "select data from outbox where type = 'account.mail_requested' order by seq", lambda data: data
)


async def register(market: Market, email: str = BO, username: str = "bob") -> Response:
    body = {"email": email, "username": username, "password": PASSWORD, "name": "Bo", "role": "buyer"}
    return await market.stranger.post("/api/auth/register", body)


async def login(market: Market, password: str, email: str = BO) -> int:
    return (await market.stranger.post("/api/auth/login", {"email": email, "password": password})).status


async def asked(market: Market, path: str, **body: Any) -> Response:
    return await market.stranger.post(f"/api/auth/{path}", body)


def later(market: Market, **more: float) -> Market:
    """The same market, so much later."""
    now = market.parts.now
    return make_market(attrs.evolve(market.parts, now=lambda: now() + timedelta(**more)))


async def test_the_mail_that_welcomes_verifies_the_address(market: Market) -> None:
    user = (await register(market)).json()["user"]
    assert user["email_verified"] is False
    ((subject, body),) = await mails(market, BO)
    assert subject.startswith("Welcome") and "Bo" not in body
    secret = await token(market, BO, "verify")
    assert (await asked(market, "email/verify", token=secret)).status == 204
    access = (await market.stranger.post("/api/auth/login", {"email": BO, "password": PASSWORD})).json()
    assert access["user"]["email_verified"] is True
    again = await asked(market, "email/verify", token=secret)
    assert (again.status, again.json()["errors"][0]["code"]) == (422, "expired")


async def test_the_mail_that_verifies_can_be_sent_again_until_it_was_read(market: Market) -> None:
    who = market.stranger.signed_in((await register(market)).json()["access_token"])
    assert (await who.post("/api/auth/email/verification")).status == 202
    assert len(await mails(market, BO)) == 2
    await asked(market, "email/verify", token=await token(market, BO, "verify"))
    refused = await who.post("/api/auth/email/verification")
    assert (refused.status, refused.json()["detail"]) == (409, "your address is verified already")
    assert len(await mails(market, BO)) == 2
    assert (await market.stranger.post("/api/auth/email/verification")).status == 401


async def test_a_new_password_is_set_by_a_mail_and_ends_every_sign_in(market: Market) -> None:
    before = (await register(market)).json()
    assert (await asked(market, "password/forgot", email="BO@Example.org")).status == 202
    secret = await token(market, BO, "reset")
    assert (await asked(market, "password/reset", token=secret, password=NEW)).status == 204
    assert (await login(market, PASSWORD), await login(market, NEW)) == (401, 200)
    assert (await market.stranger.signed_in(before["access_token"]).get("/api/users/me")).status == 401
    assert (await asked(market, "refresh", refresh_token=before["refresh_token"])).status == 401
    assert (await asked(market, "password/reset", token=secret, password=NEW)).status == 422, "once"
    assert (await mails(market, BO))[-1][0].startswith("Your password"), "and the owner is told"


async def test_whoever_sets_a_new_password_signs_in_there_while_strangers_guess_from_everywhere(market: Market) -> None:
    """The limit on an account over all addresses keeps its owner out nowhere for good."""
    await register(market)
    settings = attrs.evolve(market.parts.settings, rate_limits=True, rate_login_account="4/3600")
    besieged = make_market(attrs.evolve(market.parts, settings=settings))

    async def tried(host: str, password: str) -> int:
        body = {"email": BO, "password": password}
        return (await besieged.stranger.request("POST", "/api/auth/login", json=body, host=host)).status

    assert [await tried(f"203.0.113.{n}", "guess number one") for n in range(5)] == [401] * 4 + [429]
    assert await tried("198.51.100.1", PASSWORD) == 429, "a new place"
    await asked(market, "password/forgot", email=BO)
    body = {"token": await token(market, BO, "reset"), "password": NEW}
    reset = await besieged.stranger.request("POST", "/api/auth/password/reset", json=body, host="198.51.100.1")
    assert reset.status == 204
    assert [await tried(host, NEW) for host in ("198.51.100.1", "203.0.113.9")] == [200, 429]
    assert (
        await besieged.stranger.request(
            "POST", "/api/auth/login", json={"email": BO, "password": "guess"}, host="198.51.100.1"
        )
    ).status == 401


@pytest.mark.parametrize(("password", "code"), [("short", "too-short"), ("bo@example.org 1", "common-password")])
async def test_a_password_that_cannot_be_set_uses_no_token_up(market: Market, password: str, code: str) -> None:
    await register(market)
    await asked(market, "password/forgot", email=BO)
    secret = await token(market, BO, "reset")
    refused = await asked(market, "password/reset", token=secret, password=password)
    assert (refused.status, [e["code"] for e in refused.json()["errors"]]) == (422, [code])
    assert (await asked(market, "password/reset", token=secret, password=NEW)).status == 204


async def test_a_password_that_is_set_again_makes_older_mails_useless(market: Market) -> None:
    await register(market)
    for _ in range(2):
        await asked(market, "password/forgot", email=BO)
        await market.work()
    older, newer = [body.rpartition("#reset=")[2][:43] for _, body in await mails(market, BO) if "#reset=" in body]
    assert (await asked(market, "password/reset", token=newer, password=NEW)).status == 204
    assert (await asked(market, "password/reset", token=older, password=NEW)).status == 422


async def test_a_secret_is_good_for_its_time_and_its_purpose_alone(parts: Parts) -> None:
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, link_sign_in=True)))
    await register(market)
    await asked(market, "password/forgot", email=BO)
    secret = await token(market, BO, "reset")
    assert (await asked(market, "email/verify", token=secret)).status == 422
    assert (await asked(market, "link/use", token=secret)).status == 422
    assert (await asked(later(market, hours=1, seconds=1), "password/reset", token=secret, password=NEW)).status == 422
    assert (await asked(later(market, minutes=59), "password/reset", token=secret, password=NEW)).status == 204


async def test_asking_says_nothing_of_who_has_an_account(market: Market) -> None:
    """Not by the answer, nor by what is done for it: it is recorded, and a worker looks for the account."""
    await register(market)
    answers = [await asked(market, "password/forgot", email=email) for email in (BO, "nobody@example.org")]
    assert [(a.status, a.text) for a in answers] == [(202, "")] * 2
    assert [data["email"] for data in await market.parts.database.rows(OUTBOX)] == [BO, "nobody@example.org"]
    assert await mails(market, "nobody@example.org") == []
    assert (await asked(market, "password/forgot", email="nobody")).status == 422


async def test_an_account_gets_a_few_mails_an_hour_and_who_asks_is_told_nothing_of_that(market: Market) -> None:
    await register(market)
    for _ in range(MAX_AN_HOUR + 2):
        assert (await asked(market, "password/forgot", email=BO)).status == 202
    resets = [body for _, body in await mails(market, BO) if "#reset=" in body]
    assert len(resets) == MAX_AN_HOUR


async def test_who_asks_for_many_mails_is_limited_by_their_address(parts: Parts) -> None:
    settings = attrs.evolve(parts.settings, rate_limits=True, rate_recovery="2/3600")
    market = make_market(attrs.evolve(parts, settings=settings))
    assert [(await asked(market, "password/forgot", email=f"a{n}@example.org")).status for n in range(3)] == [
        202,
        202,
        429,
    ]


async def test_a_closed_account_gets_no_mail(market: Market) -> None:
    await register(market)
    await market.work()
    close = Statement("test.close", "update users set active = false returning id", lambda id: id)
    await market.parts.database.transaction(lambda tx: tx.rows(close))
    await asked(market, "password/forgot", email=BO)
    assert not any("#reset=" in body for _, body in await mails(market, BO))


async def test_signing_in_by_a_mailed_link_is_a_setting(market: Market) -> None:
    await register(market)
    assert (await asked(market, "link", email=BO)).status == 403
    assert (await asked(market, "link/use", token="x")).status == 403


@pytest.fixture
def linked(parts: Parts) -> Market:
    """A market that signs in by mailed links."""
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, link_sign_in=True)))


async def test_who_reads_the_mail_is_signed_in(linked: Market) -> None:
    await register(linked)
    await asked(linked, "email/verify", token=await token(linked, BO, "verify"))
    assert [(await asked(linked, "link", email=e)).status for e in (BO, "nobody@example.org")] == [202, 202]
    secret = await token(linked, BO, "link")
    answer = await asked(linked, "link/use", token=secret)
    assert answer.status == 200
    assert (await linked.stranger.signed_in(answer.json()["access_token"]).get("/api/users/me")).status == 200
    assert (await asked(linked, "link/use", token=secret)).status == 422
    assert await login(linked, PASSWORD) == 200, "the password stays"
    assert not [subject for subject, _ in await mails(linked, BO) if "new password" in subject]


@pytest.mark.parametrize("way", ["use", "session"])
async def test_whoever_registered_an_address_that_they_cannot_read_loses_it_to_its_owner(
    linked: Market, way: str
) -> None:
    """They know the password, and may be signed in: both end when the owner comes in by a mail, who is told so."""
    squatter = (await register(linked)).json()
    await asked(linked, "link", email=BO)
    answer = await asked(linked, f"link/{way}", token=await token(linked, BO, "link"), email=BO)
    assert answer.json()["user"]["email_verified"] is True
    subject, body = (await mails(linked, BO))[-1]
    assert subject.startswith("Please set a new password") and "/account#forgot" in body
    admin = await linked.person("admin")
    (entry,) = (await admin.get("/api/admin/audit?action=account.password_removed")).json()["items"]
    assert entry["subject_id"] == entry["actor_id"] == squatter["user"]["id"]
    assert await login(linked, PASSWORD) == 401
    assert (await linked.stranger.signed_in(squatter["access_token"]).get("/api/users/me")).status == 401
    assert (await asked(linked, "refresh", refresh_token=squatter["refresh_token"])).status == 401
    if way == "use":
        assert (await linked.stranger.signed_in(answer.json()["access_token"]).get("/api/users/me")).status == 200


# --- registering where nobody may learn who is here ---


@pytest.fixture
def private(parts: Parts) -> Market:
    """A market whose registrations say nothing."""
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, private_registration=True)))


async def test_registering_privately_answers_alike_and_a_mail_tells_the_rest(private: Market) -> None:
    first, again = await register(private), await register(private, username="bob2")
    assert [(a.status, a.text) for a in (first, again)] == [(202, "")] * 2
    subjects = [subject for subject, _ in await mails(private, BO)]
    assert subjects[0].startswith("Welcome") and subjects[1].startswith("You have an account")
    assert await login(private, PASSWORD) == 401, "until the address is verified"
    await asked(private, "email/verify", token=await token(private, BO, "verify"))
    assert await login(private, PASSWORD) == 200


async def test_a_username_is_public_and_said_to_be_taken_even_then(private: Market) -> None:
    await register(private)
    for email in (BO, "ada@example.org"):
        taken = await register(private, email)
        assert (taken.status, [e["field"] for e in taken.json()["errors"]]) == (409, ["username"])


# --- another address, another password ---


async def test_a_new_address_is_the_account_s_once_its_mail_was_read(market: Market) -> None:
    who = market.stranger.signed_in((await register(market)).json()["access_token"])
    assert (await who.request("PUT", "/api/users/me/email", json={"email": "New@example.org"})).status == 202
    assert (await who.get("/api/users/me")).json()["email"] == BO
    secret = await token(market, "New@example.org", "verify")
    assert (await asked(market, "email/verify", token=secret)).status == 204
    me = (await who.get("/api/users/me")).json()
    assert (me["email"], me["email_verified"]) == ("New@example.org", True)
    assert (await login(market, PASSWORD), await login(market, PASSWORD, "new@example.org")) == (401, 200)
    assert (await mails(market, BO))[-1][0].endswith("has another address"), "the old address is told"


async def test_an_address_of_another_account_is_only_mailed_that_it_has_one(market: Market) -> None:
    await register(market, "ada@example.org", "ada")
    who = market.stranger.signed_in((await register(market)).json()["access_token"])
    assert (await who.request("PUT", "/api/users/me/email", json={"email": "ada@example.org"})).status == 202
    subject, text = (await mails(market, "ada@example.org"))[-1]
    assert subject.startswith("Your address at") and "It belongs to your account, and stays there." in text
    assert (await who.get("/api/users/me")).json()["email"] == BO


async def test_an_address_that_was_taken_in_the_meantime_is_refused(market: Market) -> None:
    who = market.stranger.signed_in((await register(market)).json()["access_token"])
    await who.request("PUT", "/api/users/me/email", json={"email": "ada@example.org"})
    secret = await token(market, "ada@example.org", "verify")
    await register(market, "ada@example.org", "ada")
    assert (await asked(market, "email/verify", token=secret)).status == 409


async def test_a_new_password_ends_every_other_sign_in(market: Market) -> None:
    first = (await register(market)).json()
    body = {"email": BO, "password": PASSWORD}
    here = market.stranger.signed_in((await market.stranger.post("/api/auth/login", body)).json()["access_token"])
    assert (await here.request("PUT", "/api/users/me/password", json={"password": "short"})).status == 422
    assert (await here.request("PUT", "/api/users/me/password", json={"password": NEW})).status == 204
    assert (await here.get("/api/users/me")).status == 200
    assert (await market.stranger.signed_in(first["access_token"]).get("/api/users/me")).status == 401
    assert (await login(market, PASSWORD), await login(market, NEW)) == (401, 200)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/users/me/password", {"password": NEW}),
        ("PUT", "/api/users/me/email", {"email": "new@example.org"}),
        ("POST", "/api/users/me/api-keys", {"name": "till", "scopes": ["orders:read"]}),
        ("DELETE", "/api/users/me", None),
    ],
)
async def test_what_decides_who_gets_at_an_account_needs_a_confirmation_of_late(
    market: Market, method: str, path: str, body: Any
) -> None:
    access = (await register(market)).json()["access_token"]
    afterwards = later(market, minutes=5, seconds=1)
    who = afterwards.stranger.signed_in(access)
    more = {"json": body} if body is not None else {}
    refused = await who.request(method, path, **more)
    assert (refused.status, refused.json()["type"]) == (403, "/problems/confirm")
    assert (await who.post("/api/auth/confirm", {"password": "not that one"})).status == 422
    assert (await who.request(method, path, **more)).status == 403
    assert (await who.post("/api/auth/confirm", {"password": PASSWORD})).status == 204
    assert (await who.request(method, path, **more)).status < 300
