"""Passkeys in a browser, with an authenticator of its own: what the API asks with and what a browser answers go through as they are."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.openapi.conftest import DemoMarket
from tests.openapi.test_account_page import PASSWORD, Person, ask

pytestmark = [pytest.mark.xdist_group("demo_market"), pytest.mark.limit(60)]
FACTORS = "/api/users/me/second-factors"
CREATE = """async (options) => JSON.stringify(await navigator.credentials.create({
  publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }))"""
GET = """async (options) => JSON.stringify(await navigator.credentials.get({
  publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }))"""


def page_with_authenticator(browser: Any, market: DemoMarket, **about: Any) -> Page:
    """A page of the market, which a browser has to know by a name: passkeys are for domains."""
    page: Page = browser.new_context().new_page()
    page.goto(f"http://localhost:{market.port}/account")
    client = page.context.new_cdp_session(page)
    client.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    client.send("WebAuthn.addVirtualAuthenticator", {"options": options | about})
    return page


def set_up(page: Page, person: Person) -> None:
    begun = ask(person.market, "POST", FACTORS, {"name": "laptop", "kind": "passkey"}, person.token)
    made = page.evaluate(CREATE, begun["options"])
    codes = ask(person.market, "POST", f"{FACTORS}/{begun['id']}/confirm", {"passkey": made}, person.token)
    assert len(codes["recovery_codes"]) == 10


def test_a_browser_s_passkey_signs_in_alone_and_as_the_second_factor(browser: Any, demo_market: DemoMarket) -> None:
    person, page = Person(demo_market), page_with_authenticator(browser, demo_market)
    set_up(page, person)
    answer = page.evaluate(GET, ask(demo_market, "POST", "/api/auth/passkey/options"))
    signed_in = ask(demo_market, "POST", "/api/auth/passkey", {"passkey": answer})
    assert signed_in["user"]["email"] == person.email
    asked = page.evaluate(
        "async (body) => (await fetch('/api/auth/login', { method: 'POST', body: JSON.stringify(body), "
        "headers: { 'Content-Type': 'application/json' } })).json()",
        {"email": person.email, "password": PASSWORD},
    )
    assert asked["type"] == "/problems/second-factor"
    options = ask(demo_market, "POST", "/api/auth/second-factor/options", {"challenge": asked["challenge"]})
    body = {"challenge": asked["challenge"], "passkey": page.evaluate(GET, options)}
    assert ask(demo_market, "POST", "/api/auth/second-factor", body)["user"]["email"] == person.email


def test_an_authenticator_makes_one_passkey_for_an_account(browser: Any, demo_market: DemoMarket) -> None:
    person, page = Person(demo_market), page_with_authenticator(browser, demo_market)
    set_up(page, person)
    begun = ask(demo_market, "POST", FACTORS, {"name": "again", "kind": "passkey"}, person.token)
    refused = page.evaluate(f"(options) => ({CREATE})(options).catch((error) => error.name)", begun["options"])
    assert refused == "InvalidStateError"
