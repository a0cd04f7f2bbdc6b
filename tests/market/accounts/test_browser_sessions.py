"""The session of a browser: in a cookie, with a CSRF token; and the list of an account's sign-ins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.parts import Parts
from harvestd.tables import ROUTES
from tests.people import Market
from tests.uploading import form
from tests.web.client import Client, Response
from tests.web.conftest import make_market

PASSWORD = "a long walk to market"
BO = {"email": "bo@example.org", "username": "bob", "password": PASSWORD, "name": "Bo", "role": "buyer"}
LOGIN = {"email": "bo@example.org", "password": PASSWORD}


def cookie_of(response: Response) -> str:
    """The cookie that an answer sets, as a browser sends it back."""
    return response.headers["set-cookie"].partition(";")[0]


async def browser(market: Market, **headers: str) -> tuple[str, str]:
    """A signed-in browser: its cookie and its CSRF token."""
    answer = await market.stranger.post("/api/auth/session", LOGIN, headers=headers)
    assert answer.status == 200, answer.text
    return cookie_of(answer), answer.json()["csrf_token"]


async def ask(client: Client, method: str, path: str, cookie: str, csrf: str = "", **more: Any) -> Response:
    sent = {"Cookie": cookie} | ({"X-CSRF-Token": csrf} if csrf else {})
    return await client.request(method, path, headers=sent, **more)


async def registered(market: Market) -> Market:
    assert (await market.stranger.post("/api/auth/register", BO)).status == 201
    return market


async def test_a_browser_that_signs_in_is_known_by_its_cookie(market: Market) -> None:
    await registered(market)
    answer = await market.stranger.post("/api/auth/session", LOGIN)
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=Lax" in answer.headers["set-cookie"]
    assert answer.headers["cache-control"].endswith("no-store")
    me = await ask(market.stranger, "GET", "/api/users/me", cookie_of(answer))
    assert me.json() == answer.json()["user"]
    again = await ask(market.stranger, "GET", "/api/auth/session", cookie_of(answer))
    assert again.json() == answer.json(), "for a page that was just loaded"


@pytest.mark.parametrize(
    ("url", "name"),
    [("https://market.example.org", "__Host-harvest_session"), ("http://127.0.0.1:8080", "harvest_session")],
)
async def test_the_cookie_is_for_tls_alone_where_the_market_has_it(parts: Parts, url: str, name: str) -> None:
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, public_url=url)))
    await registered(market)
    answer = await market.stranger.post("/api/auth/session", LOGIN, host="127.0.0.1")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{name}=") and ("; Secure" in cookie) == url.startswith("https") and "; Path=/;" in cookie


async def test_what_changes_something_needs_the_csrf_token(market: Market) -> None:
    await registered(market)
    cookie, csrf = await browser(market)
    body = {"json": {"name": "Bob"}}
    for wrong in ("", "0" * 48, csrf.upper(), csrf[:-1], "ü"):
        refused = await ask(market.stranger, "PATCH", "/api/users/me", cookie, wrong, **body)
        assert (refused.status, refused.json()["type"]) == (403, "/problems/csrf"), wrong
    other = (await browser(market))[1]
    assert (await ask(market.stranger, "PATCH", "/api/users/me", cookie, other, **body)).status == 403, (
        "of another session"
    )
    assert (await ask(market.stranger, "PATCH", "/api/users/me", cookie, csrf, **body)).status == 200
    assert (await ask(market.stranger, "PUT", "/api/cart/items", cookie, json={"items": []})).status == 403, (
        "and the cart"
    )


async def test_a_form_of_another_site_does_nothing(market: Market) -> None:
    await registered(market)
    cookie, _ = await browser(market)
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", "Origin": "https://evil.example"}
    response = await market.stranger.request("POST", "/api/auth/logout", headers=headers, body=b"everywhere=true")
    assert response.status in (403, 415)
    body, kind = form(b"%PDF-1.7 %%EOF", title="x", kind="other")
    headers |= kind  # which browsers send to other sites without asking them first
    files = [route for route in ROUTES if route.upload and route.method == "POST"]
    assert files
    for route in files:
        refused = await market.stranger.request("POST", route.path.replace("{id}", "x"), headers=headers, body=body)
        assert (refused.status, refused.json()["type"]) == (403, "/problems/csrf"), route.path
    assert (await ask(market.stranger, "GET", "/api/users/me", cookie)).status == 200


async def test_signing_out_ends_the_session_and_takes_the_cookie_away(market: Market) -> None:
    await registered(market)
    cookie, csrf = await browser(market)
    out = await ask(market.stranger, "DELETE", "/api/auth/session", cookie, csrf)
    assert out.status == 204 and "Max-Age=0" in out.headers["set-cookie"]
    assert (await ask(market.stranger, "GET", "/api/users/me", cookie)).status == 401
    assert (await ask(market.stranger, "GET", "/api/products", cookie)).status == 200, "what is public works on"


async def test_each_sign_in_is_a_new_session_and_ends_the_one_that_the_browser_had(market: Market) -> None:
    await registered(market)
    first, _ = await browser(market)
    second, _ = await browser(market, Cookie=first)
    assert first != second
    assert (await ask(market.stranger, "GET", "/api/users/me", first)).status == 401
    assert (await ask(market.stranger, "GET", "/api/users/me", second)).status == 200


async def test_a_cookie_that_is_not_ours_or_has_expired_is_none(market: Market) -> None:
    await registered(market)
    cookie, _ = await browser(market)
    name, _, value = cookie.partition("=")
    now = market.parts.now
    over = make_market(attrs.evolve(market.parts, now=lambda: now() + timedelta(days=31)))
    assert (await ask(over.stranger, "GET", "/api/users/me", cookie)).status == 401
    seal = value.rpartition(".")[2]
    for forged in (
        value[:-1] + ("0" if value[-1] != "0" else "1"),
        value.replace(seal, "0" * 64),
        value + "0",
        "x",
        "",
    ):
        assert (await ask(market.stranger, "GET", "/api/users/me", f"{name}={forged}")).status == 401, forged
        assert (await ask(market.stranger, "GET", "/api/categories", f"{name}={forged}")).status == 200, forged


async def test_an_access_token_is_no_browser_s_session(market: Market) -> None:
    await registered(market)
    token = (await market.stranger.post("/api/auth/login", LOGIN)).json()["access_token"]
    assert (await market.stranger.signed_in(token).get("/api/auth/session")).status == 404
    assert (await market.stranger.get("/api/auth/session")).status == 401


async def test_what_a_signed_in_browser_sees_is_kept_by_nobody(market: Market) -> None:
    await registered(market)
    cookie, _ = await browser(market)
    for path in ("/api/products", "/api/categories"):
        assert (await ask(market.stranger, "GET", path, cookie)).headers["cache-control"] == "private, no-store", path


# --- devices ---


async def test_a_person_sees_their_sign_ins_and_ends_one(market: Market) -> None:
    await registered(market)
    cookie, csrf = await browser(market, **{"User-Agent": "Firefox\t on  a telephone" + "x" * 300})
    token = (await market.stranger.post("/api/auth/login", LOGIN, headers={"User-Agent": "till"})).json()[
        "access_token"
    ]
    seen = (await ask(market.stranger, "GET", "/api/users/me/sessions", cookie)).json()["items"]
    assert [(s["kind"], s["current"]) for s in seen] == [("tokens", False), ("browser", True), ("tokens", False)]
    assert seen[0]["device"] == "till" and seen[1]["device"].startswith("Firefox on a telephone")
    assert len(seen[1]["device"]) <= 200
    ended = await ask(market.stranger, "DELETE", f"/api/users/me/sessions/{seen[0]['id']}", cookie, csrf)
    assert ended.status == 204
    assert (await market.stranger.signed_in(token).get("/api/users/me")).status == 401
    again = await ask(market.stranger, "DELETE", f"/api/users/me/sessions/{seen[0]['id']}", cookie, csrf)
    assert again.status == 404
    stranger = await market.person()
    assert (await stranger.request("DELETE", f"/api/users/me/sessions/{seen[1]['id']}")).status == 404
    assert (await ask(market.stranger, "GET", "/api/users/me", cookie)).status == 200


# --- refreshing ---


async def test_two_tabs_that_refresh_at_once_stay_signed_in(market: Market) -> None:
    from tests.web.conftest import settled

    first = (await market.stranger.post("/api/auth/register", BO)).json()["refresh_token"]
    body = {"refresh_token": first}
    answers = await settled(*(market.stranger.post("/api/auth/refresh", body) for _ in range(20)))
    assert {a.status for a in answers} == {200}
    following = {a.json()["refresh_token"] for a in answers}
    assert len(following) == 1, "all get the same next one"
    assert (await market.stranger.post("/api/auth/refresh", {"refresh_token": following.pop()})).status == 200


async def test_a_token_that_comes_again_after_its_successor_was_used_or_later_ends_the_sign_in(market: Market) -> None:
    async def refresh(where: Market, token: str) -> Response:
        return await where.stranger.post("/api/auth/refresh", {"refresh_token": token})

    now = market.parts.now
    later = make_market(attrs.evolve(market.parts, now=lambda: now() + timedelta(seconds=11)))
    for where, uses in ((market, 2), (later, 1)):
        first = (await market.stranger.post("/api/auth/login", LOGIN)).json() if uses == 1 else (
            await market.stranger.post("/api/auth/register", BO)
        ).json()  # fmt: skip
        tokens = [first["refresh_token"]]
        for _ in range(uses):
            tokens.append((await refresh(market, tokens[-1])).json()["refresh_token"])
        assert (await refresh(where, tokens[0])).status == 401, uses
        assert (await refresh(where, tokens[-1])).status == 401, "and nobody has it any more"
        assert (await market.stranger.signed_in(first["access_token"]).get("/api/users/me")).status == 401
