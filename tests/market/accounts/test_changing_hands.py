"""What is under way while a new password is set: nothing that was checked before outlives it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from harvestd.market.accounts import confirming, passwords
from harvestd.store.postgres.statements import Statement
from tests.market.accounts.mailbox import mails, token
from tests.market.accounts.test_second_factors import BO
from tests.people import Market
from tests.web.client import Client

NEW = "three turnips in a row"
LIVE = Statement("test.live", "select count(*) from sign_ins where ended_at is null", lambda count: count)


async def registered(market: Market) -> Client:
    made = (await market.stranger.post("/api/auth/register", BO)).json()
    await market.stranger.post("/api/auth/email/verify", {"token": await token(market, BO["email"], "verify")})
    return market.stranger.signed_in(made["access_token"])


async def resetting(market: Market) -> Callable[[], Awaitable[None]]:
    """Sets a new password by mail, once it is called."""
    await market.stranger.post("/api/auth/password/forgot", {"email": BO["email"]})
    secret = await token(market, BO["email"], "reset")

    async def reset() -> None:
        body = {"token": secret, "password": NEW}
        assert (await market.stranger.post("/api/auth/password/reset", body)).status == 204

    return reset


def first(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, happens: Callable[[], Awaitable[None]], after: bool
) -> None:
    """The first call of a function meets something that happens at that moment: before it, or after it."""
    real, met = getattr(module, name), []

    async def meets(*arguments: Any, **more: Any) -> Any:
        if met:
            return await real(*arguments, **more)
        met.append(True)
        if not after:
            await happens()
        found = await real(*arguments, **more)
        if after:
            await happens()
        return found

    monkeypatch.setattr(module, name, meets)


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/session"])
async def test_a_sign_in_whose_password_was_checked_before_it_changed_is_refused(
    market: Market, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await registered(market)
    first(monkeypatch, passwords, "verified", await resetting(market), after=True)
    answer = await market.stranger.post(path, {"email": BO["email"], "password": BO["password"]})
    assert answer.status == 401 and "sign in again" in answer.json()["detail"], answer.text
    assert await market.parts.database.row(LIVE) == 0


async def test_a_second_step_whose_password_has_changed_meanwhile_is_refused(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await registered(market)
    assert (
        await who.request("PUT", "/api/users/me/password", json={"password": "a longer walk to market"})
    ).status == 204
    first(monkeypatch, passwords, "verified", await resetting(market), after=True)
    answer = await market.stranger.post(
        "/api/auth/login", {"email": BO["email"], "password": "a longer walk to market"}
    )
    assert answer.status == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/users/me/api-keys", {"name": "till", "scopes": ["orders:read"]}),
        ("POST", "/api/users/me/second-factors", {"name": "telephone"}),
        ("PUT", "/api/users/me/password", {"password": "a longer walk to market"}),
        ("PUT", "/api/users/me/email", {"email": "thief@example.org"}),
    ],
)
async def test_what_needs_a_confirmation_is_not_done_by_a_sign_in_that_a_new_password_has_ended(
    market: Market, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: dict[str, Any]
) -> None:
    """Though the sign-in was good when the request arrived."""
    thief = await registered(market)
    first(monkeypatch, confirming, "check", await resetting(market), after=False)
    answer = await thief.request(method, path, json=body)
    assert answer.status in (401, 403), answer.text
    await market.work()
    assert await mails(market, "thief@example.org") == []


async def test_a_new_address_that_was_asked_for_before_a_new_password_gets_no_mail(market: Market) -> None:
    thief = await registered(market)
    reset = await resetting(market)
    assert (await thief.request("PUT", "/api/users/me/email", json={"email": "thief@example.org"})).status == 202
    await reset()
    await market.work()
    assert await mails(market, "thief@example.org") == []


async def test_a_new_address_gets_its_mail_while_the_sign_in_that_asked_goes_on(market: Market) -> None:
    bo = await registered(market)
    assert (await bo.request("PUT", "/api/users/me/email", json={"email": "bo.bauer@example.org"})).status == 202
    await market.work()
    assert len(await mails(market, "bo.bauer@example.org")) == 1
