"""Links to sign in, and who opens them: nobody is signed in to somebody else's account by a link that was handed to them."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from harvestd.market.accounts.recovery_actions import LIFE
from harvestd.parts import Parts
from tests.market.accounts.mailbox import token
from tests.people import Market
from tests.web.client import Response
from tests.web.conftest import make_market

EVE, VIC = "eve@example.org", "vic@example.org"
SESSION, USE = "/api/auth/link/session", "/api/auth/link/use"


@pytest.fixture
def linked(parts: Parts) -> Market:
    """A market that signs in by mailed links."""
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, link_sign_in=True)))


async def registered(market: Market) -> None:
    """Both have accounts."""
    for email in (EVE, VIC):
        name = email.partition("@")[0]
        body = {"email": email, "username": name, "name": name, "password": "a long walk to market", "role": "buyer"}
        assert (await market.stranger.post("/api/auth/register", body)).status in (201, 409)


async def asked(market: Market, email: str) -> dict[str, str]:
    """The cookie of a browser that asked for a link."""
    await registered(market)
    answer = await market.stranger.post("/api/auth/link", {"email": email})
    assert answer.status == 202
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def fault(answer: Response) -> tuple[int, str, str]:
    (one,) = answer.json()["errors"]
    return answer.status, one["field"], one["code"]


async def test_a_browser_that_asked_for_the_link_needs_no_more(linked: Market) -> None:
    browser = await asked(linked, EVE)
    answer = await linked.stranger.post(SESSION, {"token": await token(linked, EVE, "link")}, headers=browser)
    assert (answer.status, answer.json()["user"]["email"]) == (200, EVE)


@pytest.mark.parametrize(("named", "code"), [({}, "required"), ({"email": VIC}, "not-found")])
async def test_any_other_browser_is_signed_in_to_the_account_that_the_person_names(
    linked: Market, named: dict[str, str], code: str
) -> None:
    """The victim of a link that Eve had mailed to herself, who has asked for one of their own, too."""
    await asked(linked, EVE)
    body = {"token": await token(linked, EVE, "link")}
    for headers in ({}, await asked(linked, VIC)):
        answer = await linked.stranger.post(SESSION, body | named, headers=headers)
        assert fault(answer) == (422, "email", code) and "set-cookie" not in answer.headers
    answer = await linked.stranger.post(SESSION, body | {"email": f" {EVE.upper()} "})
    assert answer.status == 200, "however it is spelt, and the link works on"


async def test_a_client_that_is_no_browser_needs_the_token_alone(linked: Market) -> None:
    await asked(linked, EVE)
    assert (await linked.stranger.post(USE, {"token": await token(linked, EVE, "link")})).status == 200


@pytest.mark.parametrize("path", [SESSION, USE])
async def test_a_wrong_address_is_answered_as_a_token_that_is_not_good(linked: Market, path: str) -> None:
    await asked(linked, EVE)
    good = await token(linked, EVE, "link")
    answers = [
        await linked.stranger.post(path, {"token": secret, "email": VIC}) for secret in (good, "x" * 43, "é", "")
    ]
    seen = [{k: v for k, v in one.json().items() if k != "request_id"} for one in answers]
    assert fault(answers[0]) == (422, "email", "not-found") and seen == [seen[0]] * 4
    assert (await linked.stranger.post(path, {"token": good, "email": EVE})).status == 200


@pytest.mark.parametrize("path", [SESSION, USE])
async def test_addresses_of_a_link_are_guessed_as_little_as_passwords_from_however_many_places(
    linked: Market, path: str
) -> None:
    await asked(linked, EVE)
    good = await token(linked, EVE, "link")
    settings = attrs.evolve(linked.parts.settings, rate_limits=True, rate_login="3/60")
    limited = make_market(attrs.evolve(linked.parts, settings=settings))
    for secret in (good, "x" * 43):
        found = [
            (await limited.stranger.request("POST", path, json={"token": secret, "email": VIC}, host=f"10.1.1.{n}")).status
            for n in range(5)
        ]  # fmt: skip
        assert found == [422, 422, 422, 429, 429], "a token that is not good is told apart by nothing"


@pytest.mark.parametrize("wrong", ["", "x", "é", "A" * 5000])
async def test_a_cookie_that_the_market_has_not_made_counts_as_none(linked: Market, wrong: str) -> None:
    await asked(linked, EVE)
    name = (await asked(linked, EVE))["Cookie"].partition("=")[0]
    body = {"token": await token(linked, EVE, "link")}
    answer = await linked.stranger.post(SESSION, body, headers={"Cookie": f"{name}={wrong}"})
    assert fault(answer) == (422, "email", "required")


async def test_the_cookie_is_good_as_long_as_the_link_and_its_time_cannot_be_changed(linked: Market) -> None:
    cookie = (await asked(linked, EVE))["Cookie"]
    body = {"token": await token(linked, EVE, "link")}
    words, until, seal = cookie.split(".")
    longer = f"{words}.{int(until) + 1}.{seal}"
    assert fault(await linked.stranger.post(SESSION, body, headers={"Cookie": longer})) == (422, "email", "required")
    now = linked.parts.now
    later = make_market(attrs.evolve(linked.parts, now=lambda: now() + LIFE["link"]))
    await asked(later, EVE)
    newer = {"token": await token(later, EVE, "link")}
    assert fault(await later.stranger.post(SESSION, newer, headers={"Cookie": cookie})) == (422, "email", "required")
    sooner = make_market(attrs.evolve(linked.parts, now=lambda: now() + LIFE["link"] - timedelta(seconds=60)))
    assert (await sooner.stranger.post(SESSION, body, headers={"Cookie": cookie})).status == 200


async def test_the_cookie_says_nothing_of_the_address_and_goes_to_all_who_ask(linked: Market) -> None:
    cookies = [(await asked(linked, email))["Cookie"] for email in (EVE, EVE, "nobody@example.org")]
    assert len({cookie.partition("=")[2] for cookie in cookies}) == 3
    assert {len(cookie) for cookie in cookies} == {len(cookies[0])} and not any("eve" in one for one in cookies)
