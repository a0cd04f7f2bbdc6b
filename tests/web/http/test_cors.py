"""Pages of other sites: which may use the API, what they may send and read, and that the others may not."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.settings.faults import SettingError
from harvestd.settings.loading import load
from harvestd.settings.table import Settings
from harvestd.web.http.cors import EXPOSED, TAKEN
from harvestd.web.pages.responses import HEADERS
from harvestd.web.server import make_site
from tests.web.client import Client
from tests.web.conftest import make_parts, token_for
from tests.web.dummies import ROUTES

SHOP, OTHER = "https://shop.example.org", "https://evil.example.org"


def client_of(settings: Settings, *origins: str) -> Client:
    return Client(make_site(make_parts(attrs.evolve(settings, cors_origins=origins), None), ROUTES))


async def preflight(client: Client, origin: str, path: str = "/api/things/1", method: str = "PATCH") -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization",
    }
    return await client.request("OPTIONS", path, headers=headers)


async def test_without_the_setting_no_other_site_is_let_in(client: Client) -> None:
    for answer in (await client.get("/api/list", headers={"Origin": SHOP}), await preflight(client, SHOP)):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "Origin" not in answer.headers.get("vary", "")


async def test_a_shop_on_another_origin_works_with_tokens(web_settings: Settings) -> None:
    client = client_of(web_settings, SHOP)
    asked = await preflight(client, SHOP)
    assert (asked.status, asked.headers["access-control-allow-origin"]) == (204, SHOP)
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    answer = await client.signed_in(token_for("u1")).get("/api/mine", headers={"Origin": SHOP})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, SHOP)
    assert ("Vary", "Origin") in answer.all


async def test_errors_can_be_read_too(web_settings: Settings) -> None:
    client = client_of(web_settings, SHOP)
    for path in ("/api/mine", "/api/nowhere"):
        answer = await client.get(path, headers={"Origin": SHOP})
        assert answer.status in (401, 404) and answer.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize(
    "origin", [OTHER, "null", f"{SHOP}.evil.example", f"{SHOP}:8443", "http://shop.example.org", "\xff"]
)
async def test_others_are_not(web_settings: Settings, origin: str) -> None:
    client = client_of(web_settings, SHOP)
    for answer in (await client.get("/api/list", headers={"Origin": origin}), await preflight(client, origin)):
        assert "access-control-allow-origin" not in answer.headers
        assert ("Vary", "Origin") in answer.all, "so that no cache gives it to the shop"


async def test_no_cookie_of_the_user_goes_along(web_settings: Settings) -> None:
    for origins in ((SHOP,), ("*",)):
        answer = await client_of(web_settings, *origins).get("/api/list", headers={"Origin": SHOP})
        assert "access-control-allow-credentials" not in answer.headers


async def test_everybody_may_be_let_in(web_settings: Settings) -> None:
    answer = await client_of(web_settings, "*").get("/api/list", headers={"Origin": OTHER})
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_preflight_touches_no_handler(web_settings: Settings) -> None:
    from tests.web.dummies import seen

    seen.calls.clear()
    assert (await preflight(client_of(web_settings, SHOP), SHOP)).status == 204
    assert (await preflight(client_of(web_settings, SHOP), SHOP, "/api/nowhere")).status == 404
    assert seen.calls == []


async def test_a_cached_answer_is_each_asker_s_own(web_settings: Settings) -> None:
    """Out of the cache as from the handler; and never one that names somebody else."""
    client = client_of(web_settings, SHOP, OTHER)
    for origin in (SHOP, OTHER, SHOP, ""):
        answer = await client.get("/api/cached", headers={"Origin": origin} if origin else {})
        assert answer.headers.get("access-control-allow-origin", "") == origin
        assert ("Vary", "Origin") in answer.all


def test_what_the_contract_names_can_be_sent_and_read() -> None:
    """Of the headers of answers, all that a page could not read otherwise, but the cookie's."""
    safe = {"Cache-Control", "Content-Language", "Content-Type", "Expires", "Last-Modified", "Vary"}
    assert set(HEADERS) - {"Set-Cookie"} - safe <= set(EXPOSED)
    assert {"Authorization", "Idempotency-Key", "If-Match", "X-Cart-Token"} <= set(TAKEN)


@pytest.mark.parametrize(
    "wrong", ["shop.example.org", "https://shop.example.org/", "https://a@b", "ftp://x", "https://", "https://x?y"]
)
def test_what_is_no_origin_is_refused_at_the_start(wrong: str) -> None:
    with pytest.raises(SettingError, match="cors_origins"):
        load({}, {"HARVEST_CORS_ORIGINS": wrong})
