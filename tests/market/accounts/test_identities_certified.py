"""Signing in with an account at a certified issuer, which is a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from twisted.internet.threads import deferToThread

from harvestd.partners.oidc import OidcIssuer
from servers.oidc import CLIENT, SECRET, OidcServer
from tests.market.accounts.elsewhere import Browser
from tests.people import Market
from tests.web.client import Response
from tests.web.conftest import make_market

pytestmark = pytest.mark.xdist_group("certified")  # each issuer is started once
URL = "http://127.0.0.1:8080"


@pytest.fixture(scope="module", params=["client_secret_basic", "client_secret_post"])
def server(request: pytest.FixtureRequest) -> Iterator[OidcServer]:
    """With the address in UserInfo, and in the id token."""
    with OidcServer(URL, method=request.param, in_token=request.param == "client_secret_post") as found:
        yield found


def offering(market: Market, server: OidcServer) -> Market:
    parts = attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, public_url=URL))
    issuer = OidcIssuer(parts.reactor, server.url, CLIENT, SECRET, parts.now)
    return make_market(attrs.evolve(parts, issuer=issuer))


async def sign_in(browser: Browser, server: OidcServer, login: str) -> Response:
    return await browser.go(await deferToThread(server.visit, await browser.begin(return_to="/orders"), login))


async def test_people_sign_in_by_a_certified_issuer(market: Market, server: OidcServer) -> None:
    there = offering(market, server)
    browsers = [Browser(there) for _ in range(2)]
    for browser in browsers:
        answer = await sign_in(browser, server, "ivy")
        assert (answer.status, answer.headers["location"]) == (303, "/orders"), answer.text
    first, second = [(await browser.me()).json() for browser in browsers]
    assert first == second and (first["email"], first["email_verified"]) == ("ivy@example.org", True)
    refused = await sign_in(Browser(there), server, "unverified")
    assert (refused.status, refused.json()["type"]) == (403, "/problems/identity")


async def test_a_code_of_a_certified_issuer_is_good_once(market: Market, server: OidcServer) -> None:
    there = offering(market, server)
    browser, thief = Browser(there), Browser(there)
    back = await deferToThread(server.visit, await browser.begin(), "ivy")
    await thief.begin()
    mine, theirs = (one.partition("state=")[2].partition("&")[0] for one in (back, await thief.begin()))
    stolen = await thief.go(back.replace(mine, theirs))
    assert (stolen.status, stolen.json()["type"]) == (403, "/problems/identity"), "PKCE: the code is another attempt's"
    assert (await thief.me()).status == 401


async def test_a_certified_issuer_changes_its_key(market: Market, server: OidcServer) -> None:
    there = offering(market, server)
    assert (await sign_in(Browser(there), server, "ivy")).status == 303
    server.rotate()
    assert (await sign_in(Browser(there), server, "ivy")).status == 303


@pytest.mark.limit(60)
async def test_a_certified_issuer_that_is_frozen_or_gone_is_503_and_the_market_goes_on(
    market: Market, server: OidcServer
) -> None:
    there = offering(market, server)
    browser = Browser(there)
    back = await deferToThread(server.visit, await browser.begin(), "ivy")
    server.freeze()
    try:
        refused = await browser.go(back)
        assert (refused.status, refused.json()["type"]) == (503, "/problems/unavailable")
        assert "sign in with your password" in refused.json()["detail"] and int(refused.headers["retry-after"]) >= 1
        assert (await there.stranger.get("/api/products")).status == 200
    finally:
        server.thaw()
    assert (await sign_in(Browser(there), server, "ivy")).status == 303
