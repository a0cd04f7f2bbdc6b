"""Second factors: set up, asked for wherever somebody signs in, and stood in for by recovery codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pyotp
import pytest
from twisted.logger import formatEvent, globalLogPublisher

from harvestd.market.accounts import passwords
from harvestd.market.accounts.factor_rules import step_of, uri
from harvestd.parts import Parts
from harvestd.store.encryption import Encryption, NotDecrypted
from harvestd.store.postgres.statements import Statement, nothing
from tests.market.accounts.mailbox import token
from tests.people import Market
from tests.web.client import Client, Response
from tests.web.conftest import make_market, settled

PASSWORD = "a long walk to market"
BO = {"email": "bo@example.org", "username": "bob", "password": PASSWORD, "name": "Bo", "role": "buyer"}
STORED = Statement("test.secret", "select secret from second_factors", lambda secret: bytes(secret))
#: Of RFC 6238, appendix B: the secret, and codes by time (their last six digits).
RFC_SECRET, RFC_CODES = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", {59: "287082", 1111111109: "081804", 2000000000: "279037"}


@attrs.define
class Protected:
    """Somebody with a second factor: a client that is signed in, the secret, and the recovery codes."""

    market: Market
    client: Client
    id: str
    secret: str
    codes: list[str]

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(datetime.now(UTC) + timedelta(seconds=30 * steps))

    async def login(self, path: str = "login", **more: Any) -> Response:
        body = {"email": BO["email"], "password": PASSWORD, **more}
        return await self.market.stranger.post(f"/api/auth/{path}", body)


async def protected(market: Market) -> Protected:
    made = await market.stranger.post("/api/auth/register", BO)
    client = market.stranger.signed_in(made.json()["access_token"])
    begun = await client.post("/api/users/me/second-factors", {"name": "telephone"})
    assert begun.status == 201, begun.text
    secret, id = begun.json()["secret"], begun.json()["id"]
    # the code of the step before: that of now is for the tests
    path = f"/api/users/me/second-factors/{id}/confirm"
    answer = await client.post(path, {"code": pyotp.TOTP(secret).at(datetime.now(UTC) - timedelta(seconds=30))})
    assert answer.status == 200, answer.text
    return Protected(market, client, id, secret, answer.json()["recovery_codes"])


@pytest.mark.parametrize("at", RFC_CODES)
def test_codes_are_those_of_the_standard(at: int) -> None:
    now = datetime.fromtimestamp(at, UTC)
    assert step_of(RFC_SECRET, RFC_CODES[at], now, 0) == at // 30
    assert step_of(RFC_SECRET, f"{RFC_CODES[at][:3]} {RFC_CODES[at][3:]}", now, 0) == at // 30, "as people type them"


@pytest.mark.parametrize(("seconds", "good"), [(-31, True), (31, True), (-61, False), (61, False), (0, True)])
def test_a_code_is_good_for_a_step_before_and_after(seconds: int, good: bool) -> None:
    now = datetime.fromtimestamp(2_000_000_000 - 2_000_000_000 % 30 + 15, UTC)
    code = pyotp.TOTP(RFC_SECRET).at(now)
    assert (step_of(RFC_SECRET, code, now + timedelta(seconds=seconds), 0) is not None) == good


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "\u0661\u0662\u0663\u0664\u0665\u0666", "287082\n", "-87082", "28708２"]
)
def test_what_is_no_code_is_none(code: str) -> None:
    assert step_of(RFC_SECRET, code, datetime.fromtimestamp(59, UTC), 0) is None


def test_an_authenticator_reads_whose_it_is() -> None:
    found = pyotp.parse_uri(uri(RFC_SECRET, "bo@example.org", "Acres & Co: market"))
    assert (found.name, found.issuer, found.secret) == ("bo@example.org", "Acres & Co: market", RFC_SECRET)


async def test_whoever_has_a_second_factor_signs_in_with_both(market: Market) -> None:
    bo = await protected(market)
    for path in ("login", "session"):
        alone = await bo.login(path)
        assert (alone.status, alone.json()["type"]) == (401, "/problems/second-factor")
        assert "set-cookie" not in alone.headers and "access_token" not in alone.text
    logged: list[Any] = []
    globalLogPublisher.addObserver(logged.append)
    try:
        for path in ("login", "session"):
            wrong = await bo.login(path, code="000000")
            assert (wrong.status, wrong.json()["type"]) == (401, "/problems/second-factor"), (
                "it is the code that is wrong"
            )
            assert "no code of your second factor" in wrong.json()["detail"]
            assert "set-cookie" not in wrong.headers and "access_token" not in wrong.text
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert any(re.fullmatch("second factor of [0-9a-f-]{36} refused", formatEvent(event) or "") for event in logged)
    assert (await bo.login(code=bo.code())).status == 200
    assert (await bo.login("session", code=bo.code(1))).status == 200
    nobody = BO["email"].replace("bo@", "nobody@")
    for code in ({}, {"code": "000000"}, {"code": bo.code(1)}):
        refused = [
            (
                await bo.market.stranger.post("/api/auth/login", {"email": email, "password": "not that one"} | code)
            ).json()
            for email in (BO["email"], nobody)
        ]
        for answer in refused:
            del answer["request_id"]
        assert refused[0] == refused[1] and refused[0]["type"] == "/problems/wrong-credentials", (
            "who has no password learns nothing of a second factor"
        )


async def test_a_wrong_code_at_the_setting_up_was_never_good(market: Market) -> None:
    person = await market.person()
    made = (await person.post("/api/users/me/second-factors", {"name": "telephone"})).json()
    wrong = await person.post(f"/api/users/me/second-factors/{made['id']}/confirm", {"code": "000000"})
    (error,) = wrong.json()["errors"]
    assert (wrong.status, error["code"], error["params"]) == (422, "not-accepted", {"reason": "code"})


async def test_whoever_lacks_the_code_is_told_so_in_their_language(market: Market) -> None:
    await protected(market)
    german = make_market(
        attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, market_languages=("en", "de")))
    )
    body = {"email": BO["email"], "password": BO["password"]}
    refused = await german.stranger.post("/api/auth/login", body, headers={"Accept-Language": "de"})
    assert (refused.status, refused.headers["content-language"]) == (401, "de")
    assert refused.json()["detail"] == "Bis hierher stimmt alles, und das Konto hat einen zweiten Faktor."


async def test_the_code_may_come_in_a_second_step(market: Market) -> None:
    bo = await protected(market)
    challenge = (await bo.login()).json()["challenge"]

    async def given(code: str, challenge: str = challenge, where: Market = market) -> Response:
        return await where.stranger.post("/api/auth/second-factor", {"challenge": challenge, "code": code})

    wrong = await given("000000")
    assert (wrong.status, wrong.json()["type"]) == (401, "/problems/second-factor")
    for forged in (
        challenge[:-1] + ("0" if challenge[-1] != "0" else "1"),
        "x",
        "",
        challenge.replace(challenge[:8], "00000000"),
    ):
        assert (await given(bo.code(), forged)).json()["type"] == "/problems/unauthenticated", forged
    now = market.parts.now
    late = make_market(attrs.evolve(market.parts, now=lambda: now() + timedelta(minutes=5, seconds=1)))
    assert (await given(bo.code(), where=late)).status == 401
    assert (await given(bo.code())).status == 200


async def test_a_challenge_ends_with_the_password_that_it_proves(market: Market) -> None:
    bo = await protected(market)
    challenge = (await bo.login()).json()["challenge"]
    assert (
        await bo.client.request("PUT", "/api/users/me/password", json={"password": "three turnips in a row"})
    ).status == 204
    answer = await market.stranger.post("/api/auth/second-factor", {"challenge": challenge, "code": bo.code()})
    assert answer.json()["type"] == "/problems/unauthenticated"


async def test_a_code_is_good_once_also_for_two_at_once(market: Market) -> None:
    bo = await protected(market)
    answers = await settled(*(bo.login(code=bo.code()) for _ in range(4)))
    assert sorted(a.status for a in answers) == [200, 401, 401, 401]
    assert (await bo.login(code=bo.code(-1))).status == 401, "nor is an older one"


async def test_a_recovery_code_stands_in_once(market: Market) -> None:
    bo = await protected(market)
    assert len(set(bo.codes)) == 10
    code = bo.codes[0]
    answers = await settled(*(bo.login(code=c) for c in (code, code.upper().replace("-", " "))))
    assert sorted(a.status for a in answers) == [200, 401]
    assert (await bo.client.get("/api/users/me/second-factors")).json()["recovery_codes_left"] == 9
    fresh = (await bo.client.post("/api/users/me/recovery-codes", {})).json()["recovery_codes"]
    assert (await bo.login(code=bo.codes[1])).status == 401 and (await bo.login(code=fresh[0])).status == 200


async def test_a_mailed_link_and_a_confirmation_need_it_too(parts: Parts) -> None:
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, link_sign_in=True)))
    bo = await protected(market)
    await market.stranger.post("/api/auth/email/verify", {"token": await token(market, BO["email"], "verify")})
    await market.stranger.post("/api/auth/link", {"email": BO["email"]})
    secret = await token(market, BO["email"], "link")
    alone = await market.stranger.post("/api/auth/link/use", {"token": secret})
    assert alone.json()["type"] == "/problems/second-factor"
    assert (await market.stranger.post("/api/auth/link/use", {"token": secret, "code": bo.code()})).status == 200
    bare, wrong = [
        await bo.client.post("/api/auth/confirm", {"password": PASSWORD} | more) for more in ({}, {"code": "abc-def"})
    ]
    assert [(a.status, a.json()["errors"][0]["field"]) for a in (bare, wrong)] == [(422, "code")] * 2
    assert (await bo.client.post("/api/auth/confirm", {"password": PASSWORD, "code": bo.code(1)})).status == 204


async def test_a_confirmation_counts_for_the_factors_that_the_account_has_when_it_is_noted(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A factor that is set up while the password is hashed is asked for, as at a sign-in."""
    made = await market.stranger.post("/api/auth/register", BO)
    client = market.stranger.signed_in(made.json()["access_token"])
    verified = passwords.verified

    async def set_up_meanwhile(*given: Any) -> bool:
        for n, sql in enumerate((
            "insert into second_factors (id, user_id, kind, name, secret, created_at, confirmed_at) values (gen_random_uuid(), :id, 'totp', 'x', '', now(), now())",
            "update users set second_factor = true where id = :id",
        )):  # fmt: skip
            statement = Statement(f"test.meanwhile{n}", sql, nothing)
            await market.parts.database.transaction(lambda tx, one=statement: tx.run(one, id=made.json()["user"]["id"]))
        return await verified(*given)

    monkeypatch.setattr(passwords, "verified", set_up_meanwhile)
    refused = await client.post("/api/auth/confirm", {"password": PASSWORD})
    assert (refused.status, "another password or second factor" in refused.text) == (401, True), refused.text


@pytest.mark.parametrize("path", ["use", "session"])
async def test_codes_beside_a_mailed_link_are_guessed_no_longer_than_beside_a_password(parts: Parts, path: str) -> None:
    """The link works on after a wrong code, from as many addresses as somebody has who reads the mail."""
    more = {"link_sign_in": True, "rate_limits": True, "rate_login": "3/60", "rate_login_account": "5/60"}
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, link_sign_in=True)))
    await protected(market)
    await market.stranger.post("/api/auth/email/verify", {"token": await token(market, BO["email"], "verify")})
    asked = await market.stranger.post("/api/auth/link", {"email": BO["email"]})
    headers = {"Cookie": asked.headers["set-cookie"].partition(";")[0]}
    guess = {"token": await token(market, BO["email"], "link"), "code": "000000"}
    limited = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, **more)))
    hosts = ["10.1.1.1"] * 4 + ["10.1.1.2", "10.1.1.3", "10.1.1.4"]
    found = [
        (
            await limited.stranger.request("POST", f"/api/auth/link/{path}", json=guess, headers=headers, host=host)
        ).status
        for host in hosts
    ]
    assert found == [401, 401, 401, 429, 401, 401, 429]


async def test_a_new_password_by_mail_takes_no_second_factor_away(market: Market) -> None:
    bo = await protected(market)
    await market.stranger.post("/api/auth/email/verify", {"token": await token(market, BO["email"], "verify")})
    await market.stranger.post("/api/auth/password/forgot", {"email": BO["email"]})
    body = {"token": await token(market, BO["email"], "reset"), "password": "three turnips in a row"}
    assert (await market.stranger.post("/api/auth/password/reset", body)).status == 204
    assert (await bo.login(password=body["password"])).json()["type"] == "/problems/second-factor"


async def test_a_factor_counts_once_a_code_of_it_was_given(market: Market) -> None:
    made = await market.stranger.post("/api/auth/register", BO)
    client = market.stranger.signed_in(made.json()["access_token"])
    begun = (await client.post("/api/users/me/second-factors", {"name": "telephone"})).json()
    assert begun["uri"].startswith("otpauth://totp/") and begun["secret"] in begun["uri"]
    assert (await client.get("/api/users/me/second-factors")).json()["items"] == []
    assert (await market.stranger.post("/api/auth/login", {"email": BO["email"], "password": PASSWORD})).status == 200
    wrong = await client.post(f"/api/users/me/second-factors/{begun['id']}/confirm", {"code": "000000"})
    assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "code")
    assert begun["secret"].encode() not in (await market.parts.database.rows(STORED))[0], "it is encrypted"


async def test_a_factor_is_its_owner_s_alone_and_goes_with_its_codes(market: Market) -> None:
    bo, other = await protected(market), await market.person()
    path = f"/api/users/me/second-factors/{bo.id}"
    assert (await other.request("DELETE", path)).status == 404
    assert (await other.post(f"{path}/confirm", {"code": bo.code()})).status == 404
    assert (await bo.client.request("DELETE", path)).status == 204
    assert (await bo.client.get("/api/users/me/second-factors")).json() == {"items": [], "recovery_codes_left": 0}
    assert (await bo.login()).status == 200
    assert market.broken() == []


async def test_it_goes_with_the_account(market: Market) -> None:
    bo = await protected(market)
    export = (await bo.client.get("/api/users/me/export")).json()
    assert [one["name"] for one in export["second_factors"]] == ["telephone"] and bo.secret not in str(export)
    assert (await bo.client.request("DELETE", "/api/users/me")).status == 204
    assert await market.parts.database.rows(STORED) == [] and market.broken() == []


def test_what_is_encrypted_is_bound_to_its_owner_and_outlives_a_new_key() -> None:
    old, new = "x" * 40, "y" * 40
    stored = Encryption([old]).encrypt(b"secret", "second_factor:1")
    assert Encryption([new, old]).decrypt(stored, "second_factor:1") == b"secret"
    assert Encryption([old]).encrypt(b"secret", "second_factor:1") != stored, "never twice the same"
    for keys, value, owner in (
        ([new], stored, "second_factor:1"), ([old], stored, "second_factor:2"), ([old], stored[:-1], "second_factor:1"),
        ([old], b"", "second_factor:1"), ([old], b"\x02" + stored[1:], "second_factor:1"),
    ):  # fmt: skip
        with pytest.raises(NotDecrypted):
            Encryption(keys).decrypt(value, owner)
