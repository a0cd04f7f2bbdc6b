"""A passkey whose authenticator has verified its user confirms alone; and nothing else that looks like one does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from tests.market.accounts.authenticator import Authenticator
from tests.market.accounts.mailbox import token
from tests.market.accounts.test_passkeys import AUDITED, FACTORS, ORIGIN, Holder, holder, shop
from tests.market.accounts.test_second_factors import BO, PASSWORD
from tests.people import Market
from tests.web.client import Client, Response
from tests.web.conftest import make_market, settled

__all__ = ["shop"]
CONFIRM, OPTIONS = "/api/auth/confirm", "/api/auth/confirm/options?alone=true"
NEW = "three turnips in a row"
NO_PASSWORD = Statement("test.no_password", "update users set password_hash = ''", lambda: None)


async def asked(bo: Holder, path: str = OPTIONS) -> dict[str, Any]:
    answer = await bo.client.post(path)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def confirmed(bo: Holder, passkey: str) -> Response:
    return await bo.client.post(CONFIRM, {"passkey": passkey})


def refused_at(answer: Response) -> tuple[int, list[tuple[str, str]]]:
    return answer.status, [(one["field"], one["params"]["reason"]) for one in answer.json()["errors"]]


NOT_ACCEPTED = (422, [("passkey", "passkey")])
PASSWORD_TOO = (422, [("password", "beside-passkey")])


async def later(bo: Holder) -> Holder:
    """The same ten minutes later, signed in, and with nothing confirmed lately."""
    now = bo.market.parts.now
    market = make_market(attrs.evolve(bo.market.parts, now=lambda: now() + timedelta(minutes=10)))
    return attrs.evolve(bo, market=market, client=Client(market.stranger.site, bo.client.headers))


async def test_it_confirms_in_place_of_the_password_and_the_second_factor(shop: Market) -> None:
    bo = await later(await holder(shop))
    new = {"kind": "passkey", "name": "laptop"}
    assert (await bo.client.post(FACTORS, new)).json()["type"] == "/problems/confirm"
    options = await asked(bo)
    assert options["userVerification"] == "required" and len(options["allowCredentials"]) == 1
    assert (await confirmed(bo, bo.key.answer(options))).status == 204
    assert (await bo.client.post(FACTORS, new)).status == 201


async def test_an_account_without_a_password_confirms_by_it(shop: Market) -> None:
    bo = await holder(shop)
    await shop.parts.database.transaction(lambda tx: tx.run(NO_PASSWORD))
    assert (await confirmed(bo, bo.key.answer(await asked(bo)))).status == 204
    both = await bo.client.post(CONFIRM, {"password": PASSWORD, "passkey": bo.key.answer(await asked(bo))})
    assert refused_at(both) == (422, [("password", "no-password")])


async def test_neither_a_code_alone_nor_nothing_confirms(shop: Market) -> None:
    bo = await holder(shop)
    for body in ({}, {"code": bo.codes[0]}):
        assert refused_at(await bo.client.post(CONFIRM, body)) == (422, [("password", "password-or-passkey")])


async def test_somebody_else_s_passkey_does_not_confirm(shop: Market) -> None:
    bo, eve = await holder(shop), await holder(shop, email="eve@example.org", username="eve")
    own = await asked(bo)
    for changed in ({}, {"handle": bo.key.handle}, {"handle": None}):
        assert refused_at(await confirmed(bo, eve.key.answer(own, **changed))) == NOT_ACCEPTED
        assert refused_at(await confirmed(bo, eve.key.answer(await asked(eve), **changed))) == NOT_ACCEPTED
    assert refused_at(await confirmed(bo, bo.key.answer(own, handle=eve.key.handle))) == NOT_ACCEPTED
    assert (await confirmed(bo, bo.key.answer(own, handle=None))).status == 204, "the sign-in says whose it is"


async def test_it_is_signed_by_the_key_that_the_market_knows(shop: Market) -> None:
    bo = await holder(shop)
    thief = Authenticator(ORIGIN, id=bo.key.id, handle=bo.key.handle)
    thief.count = 50
    assert refused_at(await confirmed(bo, thief.answer(await asked(bo)))) == NOT_ACCEPTED


async def test_a_challenge_to_sign_in_does_not_confirm_nor_one_to_confirm_sign_in(shop: Market) -> None:
    bo = await holder(shop)
    sign_in = (await shop.stranger.post("/api/auth/passkey/options")).json()
    second = await bo.second_options()
    made = (await bo.client.post(FACTORS, {"name": "x", "kind": "passkey"})).json()["options"]
    set_up = {"challenge": made["challenge"], "rpId": made["rp"]["id"]}
    for options in (sign_in, second, set_up):
        assert refused_at(await confirmed(bo, bo.key.answer(options))) == NOT_ACCEPTED
    for path in ("passkey", "passkey/session"):
        answer = await shop.stranger.post(f"/api/auth/{path}", {"passkey": bo.key.answer(await asked(bo))})
        assert (answer.status, answer.json()["type"]) == (401, "/problems/passkey")
    assert (await bo.login(passkey=bo.key.answer(await asked(bo)))).status == 401


async def test_another_sign_in_s_challenge_does_not_confirm(shop: Market) -> None:
    bo = await holder(shop)
    other = attrs.evolve(bo, client=shop.stranger.signed_in((await bo.alone()).json()["access_token"]))
    options = await asked(other)
    assert refused_at(await confirmed(bo, bo.key.answer(options))) == NOT_ACCEPTED
    assert (await confirmed(other, bo.key.answer(options))).status == 204


async def test_an_answer_confirms_once_also_for_two_at_once(shop: Market) -> None:
    bo = await holder(shop)
    bo.key.count = 0  # one that does not count: nothing but the challenge tells
    zero = Statement("test.zero", "update passkeys set sign_count = 0", lambda: None)
    await shop.parts.database.transaction(lambda tx: tx.run(zero))
    answer = bo.key.answer(await asked(bo))
    answers = await settled(*(confirmed(bo, answer) for _ in range(4)))
    assert sorted(one.status for one in answers) == [204, 422, 422, 422]


async def test_a_challenge_confirms_for_five_minutes(shop: Market) -> None:
    bo = await holder(shop)
    options = await asked(bo)
    late = await later(bo)
    assert refused_at(await confirmed(late, bo.key.answer(options))) == NOT_ACCEPTED


async def test_one_that_has_not_verified_its_user_needs_the_password_beside_it(shop: Market) -> None:
    bo = await holder(shop)
    bo.key.verifies = False
    assert refused_at(await confirmed(bo, bo.key.answer(await asked(bo)))) == PASSWORD_TOO
    options = await asked(bo, "/api/auth/confirm/options")
    assert options["userVerification"] == "preferred"
    answer = await bo.client.post(CONFIRM, {"password": PASSWORD, "passkey": bo.key.answer(options)})
    assert answer.status == 204


async def test_after_a_new_password_by_a_mail_it_confirms_beside_that_first(shop: Market) -> None:
    """Whoever had the old password may have set the passkey up."""
    bo = await holder(shop)
    await shop.stranger.post("/api/auth/email/verify", {"token": await token(shop, BO["email"], "verify")})
    await shop.stranger.post("/api/auth/password/forgot", {"email": BO["email"]})
    secret = await token(shop, BO["email"], "reset")
    assert (await shop.stranger.post("/api/auth/password/reset", {"token": secret, "password": NEW})).status == 204
    new = {"email": BO["email"], "password": NEW, "code": bo.codes[0]}
    bo.client = shop.stranger.signed_in((await shop.stranger.post("/api/auth/login", new)).json()["access_token"])
    assert refused_at(await confirmed(bo, bo.key.answer(await asked(bo)))) == PASSWORD_TOO
    beside = {"password": NEW, "passkey": bo.key.answer(await asked(bo))}
    assert (await bo.client.post(CONFIRM, beside)).status == 204
    assert (await confirmed(bo, bo.key.answer(await asked(bo)))).status == 204


async def test_a_copy_is_told_of_here_too(shop: Market) -> None:
    bo = await holder(shop)
    assert (await confirmed(bo, bo.key.answer(await asked(bo)))).status == 204
    bo.key.count -= 1
    assert refused_at(await confirmed(bo, bo.key.answer(await asked(bo)))) == NOT_ACCEPTED
    assert "passkey.copied" in [action for action, *_ in await shop.parts.database.rows(AUDITED)]


async def test_tries_are_limited_as_those_of_passwords_are(parts: Parts) -> None:
    settings = attrs.evolve(parts.settings, public_url=ORIGIN, rate_limits=True, rate_login="3/60")
    bo = await holder(make_market(attrs.evolve(parts, settings=settings)))
    wrong = {"email": BO["email"], "password": "not the password"}
    tried = [(await bo.market.stranger.post("/api/auth/login", wrong)).status for _ in range(4)]
    assert 429 in tried, "by whoever is at the same address"
    statuses = [(await confirmed(bo, "{}")).status for _ in range(4)]
    assert statuses == [422, 422, 422, 429], "of nobody but those who are signed in"


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", "null"])
async def test_what_is_no_credential_confirms_nothing(shop: Market, text: str) -> None:
    bo = await holder(shop)
    assert refused_at(await confirmed(bo, text)) == NOT_ACCEPTED
