"""Addresses that programs know beforehand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from harvestd import tables
from harvestd.settings.table import Settings
from harvestd.web import signing_keys
from harvestd.web.server import make_site
from tests.web.client import Client
from tests.web.conftest import SECRET, make_parts


def client_of(settings: Settings, **more: Any) -> Client:
    return Client(make_site(make_parts(attrs.evolve(settings, **more), None), tables.ROUTES))


async def test_the_public_keys_are_there_and_may_be_kept(web_settings: Settings) -> None:
    answer = await client_of(web_settings).get("/.well-known/jwks.json")
    assert answer.status == 200 and answer.headers["cache-control"] == "public, max-age=3600"
    keys = answer.json()["keys"]
    assert keys == signing_keys.public_set(SECRET, datetime.now(UTC)) and len(keys) == 3
    assert all(set(key) == {"kty", "crv", "use", "alg", "kid", "x"} for key in keys), "nothing private"


async def test_the_catalogue_says_where_the_api_is_described(web_settings: Settings) -> None:
    client = client_of(web_settings)
    answer = await client.get("/.well-known/api-catalog")
    assert answer.headers["content-type"].startswith("application/linkset+json; profile=")
    (links,) = answer.json()["linkset"]
    for kind in ("service-desc", "service-doc", "service-meta"):
        assert (await client.get(links[kind][0]["href"])).status == 200, kind


@pytest.mark.parametrize(
    ("contact", "said"),
    [("security@example.org", "mailto:security@example.org"), ("https://example.org/s", "https://example.org/s")],
)
async def test_security_txt_says_whom_to_tell(web_settings: Settings, contact: str, said: str) -> None:
    answer = await client_of(web_settings, security_contact=contact).get("/.well-known/security.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"Contact: {said}\n" in answer.text
    expires = answer.text.partition("Expires: ")[2].partition("\n")[0]
    assert datetime.fromisoformat(expires) > datetime.now(UTC)
    assert (await client_of(web_settings).get("/.well-known/security.txt")).status == 404


@pytest.mark.parametrize(
    ("url", "where"), [("", "/account"), ("https://shop.example.org/me", "https://shop.example.org/me")]
)
async def test_password_managers_find_the_page_for_a_new_password(web_settings: Settings, url: str, where: str) -> None:
    answer = await client_of(web_settings, account_url=url).get("/.well-known/change-password")
    assert (answer.status, answer.headers["location"]) == (302, where)


async def test_the_page_of_accounts_sends_nothing_typed_into_an_address(web_settings: Settings) -> None:
    page = await client_of(web_settings).get("/account")
    assert page.status == 200 and "script-src 'self'" in page.headers["content-security-policy"]
    assert page.text.count('method="post"') == page.text.count("<form ") >= 5
    assert (await client_of(web_settings).get("/docs/account.js")).status == 200
