"""Passkeys: set up as second factors, asked for beside a password, and signing in alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.market.accounts import passkey_challenges as challenges
from harvestd.market.accounts.passkey_rules import MAX_TEXT
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from tests.market.accounts.authenticator import KEYS, Authenticator
from tests.market.accounts.mailbox import token
from tests.market.accounts.test_passkey_rules import UNFIT_TO_ANSWER, UNFIT_TO_MAKE, WEAK
from tests.market.accounts.test_second_factors import BO, PASSWORD, protected
from tests.people import Market
from tests.web.client import Client, Response
from tests.web.conftest import make_market, settled

ORIGIN = "https://market.example.org"
FACTORS = "/api/users/me/second-factors"
PASSKEYS = Statement(
    "test.passkeys", "select credential_id, public_key, sign_count, transports from passkeys", lambda *row: row
)
HANDLES = Statement(
    "test.handles", "select passkey_handle from users order by id", lambda handle: handle and bytes(handle)
)
USED = Statement("test.used", "select count(*) from used_challenges", lambda count: count)
AUDITED = Statement("test.audited", "select action, subject_id::text, object from audit order by seq", lambda *row: row)


@pytest.fixture
def shop(parts: Parts) -> Market:
    """A market at an address of its own."""
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, public_url=ORIGIN, link_sign_in=True)))


@attrs.define
class Holder:
    """Somebody with a passkey: a client that is signed in, the authenticator, the id of the factor, and the recovery codes."""

    market: Market
    client: Client
    key: Authenticator
    id: str = ""
    codes: list[str] = attrs.field(factory=list)

    async def set_up(self, **changed: Any) -> Response:
        begun = await self.client.post(FACTORS, {"name": "telephone", "kind": "passkey"})
        assert begun.status == 201, begun.text
        self.id = begun.json()["id"]
        made = self.key.make(begun.json()["options"], **changed)
        answer = await self.client.post(f"{FACTORS}/{self.id}/confirm", {"passkey": made})
        self.codes = answer.json().get("recovery_codes", [])
        return answer

    async def alone(self, path: str = "passkey", **changed: Any) -> Response:
        options = (await self.market.stranger.post("/api/auth/passkey/options", {})).json()
        return await self.market.stranger.post(f"/api/auth/{path}", {"passkey": self.key.answer(options, **changed)})

    async def login(self, path: str = "login", **more: Any) -> Response:
        return await self.market.stranger.post(
            f"/api/auth/{path}", {"email": BO["email"], "password": PASSWORD, **more}
        )

    async def second_options(self) -> dict[str, Any]:
        challenge = (await self.login()).json()["challenge"]
        answer = await self.market.stranger.post("/api/auth/second-factor/options", {"challenge": challenge})
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def newcomer(market: Market, algorithm: str = "ES256", **about: Any) -> Holder:
    made = await market.stranger.post("/api/auth/register", BO | about)
    assert made.status == 201, made.text
    client = market.stranger.signed_in(made.json()["access_token"])
    return Holder(market, client, Authenticator(ORIGIN, algorithm))


async def holder(market: Market, algorithm: str = "ES256", **about: Any) -> Holder:
    found = await newcomer(market, algorithm, **about)
    answer = await found.set_up()
    assert answer.status == 200, answer.text
    return found


def kind_of(answer: Response) -> tuple[int, str]:
    return answer.status, answer.json()["type"]


REFUSED = (401, "/problems/passkey")
#: Beside a password that is right, it is the same.
REFUSED_SECOND = REFUSED


@pytest.mark.parametrize("path", ["passkey", "passkey/session"])
async def test_a_passkey_opens_an_account_at_rest_and_tells_its_owner_alone_that_it_rests(
    shop: Market, path: str
) -> None:
    bo = await holder(shop)
    assert (await bo.client.post("/api/users/me/deactivation")).status == 204
    answer = bo.key.answer((await shop.stranger.post("/api/auth/passkey/options")).json())
    forged = bo.key.answer(
        (await shop.stranger.post("/api/auth/passkey/options")).json(), response={"signature": "AAAA"}
    )
    refused = await shop.stranger.post(f"/api/auth/{path}", {"passkey": forged, "reactivate": True})
    assert kind_of(refused) == REFUSED
    assert kind_of(await shop.stranger.post(f"/api/auth/{path}", {"passkey": answer})) == (403, "/problems/deactivated")
    opened = await shop.stranger.post(f"/api/auth/{path}", {"passkey": answer, "reactivate": True})
    assert opened.status == 200 and opened.json()["user"]["email"] == BO["email"], opened.text


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_passkey_signs_in_alone_and_as_the_second_factor(shop: Market, algorithm: str) -> None:
    bo = await holder(shop, algorithm)
    alone = await bo.alone()
    assert alone.status == 200 and alone.json()["user"]["email"] == BO["email"], alone.text
    cookie = await bo.alone("passkey/session")
    assert cookie.status == 200 and "csrf_token" in cookie.json() and "HttpOnly" in cookie.headers["set-cookie"]
    for path in ("login", "session"):
        assert kind_of(await bo.login(path)) == (401, "/problems/second-factor")
        answer = await bo.login(path, passkey=bo.key.answer(await bo.second_options()))
        assert answer.status == 200, answer.text
    assert shop.broken() == []


async def test_it_may_come_in_a_second_step(shop: Market) -> None:
    bo = await holder(shop)
    challenge = (await bo.login()).json()["challenge"]
    options = (await shop.stranger.post("/api/auth/second-factor/options", {"challenge": challenge})).json()
    assert [one["id"] for one in options["allowCredentials"]] == [json.loads(bo.key.answer(options))["id"]]
    assert options["allowCredentials"][0]["transports"] == ["internal"], "what is no transport is left out"
    body = {"challenge": challenge, "passkey": bo.key.answer(options)}
    assert (await shop.stranger.post("/api/auth/second-factor", body)).status == 200
    neither = await shop.stranger.post("/api/auth/second-factor", {"challenge": challenge})
    assert (neither.status, neither.json()["errors"][0]["field"]) == (422, "code")
    for forged in ("x", challenge[:-1] + ("0" if challenge[-1] != "0" else "1")):
        refused = await shop.stranger.post("/api/auth/second-factor/options", {"challenge": forged})
        assert kind_of(refused) == (401, "/problems/unauthenticated")


async def test_a_mailed_link_and_a_confirmation_take_it(shop: Market) -> None:
    bo = await holder(shop)
    await shop.stranger.post("/api/auth/email/verify", {"token": await token(shop, BO["email"], "verify")})
    await shop.stranger.post("/api/auth/link", {"email": BO["email"]})
    secret = await token(shop, BO["email"], "link")
    needed = await shop.stranger.post("/api/auth/link/use", {"token": secret})
    options = await shop.stranger.post("/api/auth/second-factor/options", {"challenge": needed.json()["challenge"]})
    body = {"token": secret, "passkey": bo.key.answer(options.json())}
    assert (await shop.stranger.post("/api/auth/link/use", body)).status == 200
    options = await bo.client.post("/api/auth/confirm/options", {})
    confirmed = {"password": PASSWORD, "passkey": bo.key.answer(options.json())}
    assert (await bo.client.post("/api/auth/confirm", confirmed)).status == 204
    again = await bo.client.post("/api/auth/confirm", confirmed)
    assert (again.status, again.json()["errors"][0]["field"]) == (422, "passkey"), "a 401 would sign the person out"


async def test_a_confirmation_is_bound_to_the_sign_in_that_asked(shop: Market) -> None:
    bo = await holder(shop)
    other = shop.stranger.signed_in((await bo.alone()).json()["access_token"])
    options = (await other.post("/api/auth/confirm/options", {})).json()
    answer = await bo.client.post("/api/auth/confirm", {"password": PASSWORD, "passkey": bo.key.answer(options)})
    assert answer.status == 422
    second = bo.key.answer(await bo.second_options())
    assert (await bo.client.post("/api/auth/confirm", {"password": PASSWORD, "passkey": second})).status == 422


async def test_what_is_asked_for_is_what_the_standard_recommends(shop: Market) -> None:
    bo = await holder(shop)
    begun = (await bo.client.post(FACTORS, {"name": "laptop", "kind": "passkey"})).json()
    assert (begun["secret"], begun["uri"]) == (None, None)
    options = begun["options"]
    assert options["rp"] == {"id": "market.example.org", "name": "harvestd market"}
    assert [one["alg"] for one in options["pubKeyCredParams"]] == [-7, -8, -257]
    assert (options["attestation"], options["timeout"]) == ("none", 300_000)
    assert options["authenticatorSelection"] == {
        "residentKey": "required", "requireResidentKey": True, "userVerification": "preferred"
    }  # fmt: skip
    assert [one["id"] for one in options["excludeCredentials"]] == [
        json.loads(bo.key.answer({"challenge": "AA", "rpId": "x"}))["id"]
    ]
    alone = (await shop.stranger.post("/api/auth/passkey/options", {})).json()
    assert (alone["allowCredentials"], alone["userVerification"]) == ([], "required")
    assert alone["challenge"] != (await shop.stranger.post("/api/auth/passkey/options", {})).json()["challenge"]


async def test_authenticators_know_an_account_by_something_random_of_its_own(shop: Market) -> None:
    bo = await holder(shop)
    first = bo.key.handle
    assert (await bo.set_up(credential={})).status == 422, "the same passkey a second time"
    bo.key = Authenticator(ORIGIN)
    assert (await bo.set_up()).status == 200
    assert bo.key.handle == first and first is not None and len(first) == 32, (
        "one of the account, for all of its passkeys"
    )
    me = (await bo.client.get("/api/users/me")).json()
    assert me["id"].replace("-", "") not in first.hex()


async def test_one_that_was_only_begun_does_not_count(shop: Market) -> None:
    bo = await newcomer(shop)
    assert (await bo.client.post(FACTORS, {"name": "telephone", "kind": "passkey"})).status == 201
    assert (await bo.client.get(FACTORS)).json()["items"] == []
    assert (await bo.login()).status == 200
    assert kind_of(await bo.alone()) == REFUSED
    assert shop.broken() == []


async def test_its_confirmation_needs_an_answer_and_an_authenticator_s_a_code(shop: Market) -> None:
    bo = await newcomer(shop)
    for kind, field, wrong in (("passkey", "passkey", {"code": "123456"}), ("totp", "code", {"passkey": "{}"})):
        id = (await bo.client.post(FACTORS, {"name": "telephone", "kind": kind})).json()["id"]
        for body in ({}, wrong):
            refused = await bo.client.post(f"{FACTORS}/{id}/confirm", body)
            assert (refused.status, [one["field"] for one in refused.json()["errors"]]) == (422, [field])


async def test_what_no_authenticator_would_make_is_refused(shop: Market) -> None:
    bo, wrong = await newcomer(shop), []
    for what, changed in UNFIT_TO_MAKE.items():
        refused = await bo.set_up(**changed)
        if (refused.status, [one["field"] for one in refused.json().get("errors", ())]) != (422, ["passkey"]):
            wrong.append(f"{what}: {refused.status} {refused.text}")
    assert not wrong, "\n".join(wrong)
    assert await shop.parts.database.rows(PASSKEYS) == []
    assert (await bo.login()).status == 200, "and none counts"


async def test_a_key_that_protects_nothing_is_refused_by_its_name(shop: Market) -> None:
    bo, refused = await newcomer(shop), {}
    for what, key in WEAK.items():
        answer = await bo.set_up(key=key)
        (error,) = answer.json()["errors"]
        refused[what] = (answer.status, error["field"], error["params"])
    assert refused == dict.fromkeys(WEAK, (422, "passkey", {"reason": "weak-key"}))


async def test_a_key_for_another_domain_is_refused(shop: Market) -> None:
    bo = await newcomer(shop)
    bo.key.rp_id = "example.org"
    assert (await bo.set_up()).status == 422


async def test_what_is_no_credential_is_refused(shop: Market) -> None:
    bo = await holder(shop)
    begun = (await bo.client.post(FACTORS, {"name": "laptop", "kind": "passkey"})).json()["id"]
    headers = {"Content-Type": "application/json"}
    for text in ("", "x", "{}", "[]", "null", '{"id": 1}', "[" * 10_000, "\ud83c", '"' * 100):
        body = json.dumps({"passkey": text}).encode()
        refused = await bo.client.request("POST", f"{FACTORS}/{begun}/confirm", body=body, headers=headers)
        assert refused.status in (400, 422), refused.text
        refused = await shop.stranger.request("POST", "/api/auth/passkey", body=body, headers=headers)
        assert refused.status in (400, 401), refused.text


async def test_what_is_malformed_is_told_as_that_and_not_as_expired(shop: Market) -> None:
    bo = await holder(shop)
    begun = (await bo.client.post(FACTORS, {"name": "laptop", "kind": "passkey"})).json()["id"]
    (wrong,) = (await bo.client.post(f"{FACTORS}/{begun}/confirm", {"passkey": "{}"})).json()["errors"]
    assert (wrong["field"], wrong["code"], wrong["params"]) == ("passkey", "wrong-form", {"reason": "passkey"})
    assert "JSON.stringify(credential)" in wrong["message"] and "long ago" not in wrong["message"]
    for refused in (await shop.stranger.post("/api/auth/passkey", {"passkey": "{}"}), await bo.login(passkey="{}")):
        assert kind_of(refused) == REFUSED
        assert "JSON.stringify(credential)" in refused.json()["detail"]


async def test_a_page_of_another_origin_is_told_which_one_is_expected(shop: Market) -> None:
    """And by which settings an operator lets it in."""
    bo = await holder(shop)
    bo.key.origin, expected = "https://evil.example", bo.key.origin
    begun = (await bo.client.post(FACTORS, {"name": "laptop", "kind": "passkey"})).json()
    made = bo.key.make(begun["options"])
    (wrong,) = (await bo.client.post(f"{FACTORS}/{begun['id']}/confirm", {"passkey": made})).json()["errors"]
    assert (wrong["code"], wrong["params"]) == ("not-accepted", {"reason": "origin", "possible": expected})
    for refused in (await bo.alone(), await bo.login(passkey=bo.key.answer(await bo.second_options()))):
        detail = refused.json()["detail"]
        assert kind_of(refused) == REFUSED and "evil" not in detail
        assert all(one in detail for one in (expected, "public_url", "cors_origins")), detail


async def test_a_sign_in_is_told_what_the_account_can_answer_with(shop: Market) -> None:
    """A front end shows what fits, and nothing that the account lacks."""
    bo = await holder(shop)
    asked = (await bo.login()).json()
    assert (asked["type"], asked["factors"]) == ("/problems/second-factor", ["passkey", "recovery_code"])
    wrong = (await bo.login(code="000000")).json()
    assert (wrong["type"], wrong["factors"]) == ("/problems/second-factor", ["passkey", "recovery_code"])
    none_left = Statement("test.no_codes", "delete from recovery_codes", lambda: None)
    await shop.parts.database.transaction(lambda tx: tx.run(none_left))
    assert (await bo.login()).json()["factors"] == ["passkey"]


async def test_what_is_too_long_is_refused_before_it_is_read(shop: Market) -> None:
    answer = await shop.stranger.post("/api/auth/passkey", {"passkey": "A" * (MAX_TEXT + 1)})
    assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "too-long")


async def test_what_the_passkey_would_not_answer_is_refused(shop: Market) -> None:
    bo, wrong = await holder(shop), []
    for what, changed in UNFIT_TO_ANSWER.items():
        second = bo.key.answer(await bo.second_options(), **changed)
        for answer in (await bo.alone(**changed), await bo.login(passkey=second)):
            if kind_of(answer) not in (REFUSED, REFUSED_SECOND):
                wrong.append(f"{what}: {answer.status} {answer.text}")
    assert not wrong, "\n".join(wrong)
    assert (await bo.alone()).status == 200, "it is good as before"


async def test_alone_its_user_must_be_verified_and_named(shop: Market) -> None:
    bo = await holder(shop)
    assert kind_of(await bo.alone(handle=None)) == REFUSED
    bo.key.verifies = False
    assert kind_of(await bo.alone()) == REFUSED
    second = bo.key.answer(await bo.second_options(), handle=None)
    assert (await bo.login(passkey=second)).status == 200, "the password names and verifies, too"


async def test_another_domain_s_answer_is_refused(shop: Market) -> None:
    bo = await holder(shop)
    bo.key.rp_id = "example.org"
    assert kind_of(await bo.alone()) == REFUSED


async def test_a_challenge_is_good_once_also_for_two_at_once(shop: Market) -> None:
    bo = await holder(shop)
    bo.key.count = 0  # one that does not count: nothing but the challenge tells
    await shop.parts.database.transaction(
        lambda tx: tx.run(Statement("test.zero", "update passkeys set sign_count = 0", lambda: None))
    )
    options = (await shop.stranger.post("/api/auth/passkey/options", {})).json()
    answer = bo.key.answer(options)
    answers = await settled(*(shop.stranger.post("/api/auth/passkey", {"passkey": answer}) for _ in range(4)))
    assert sorted(one.status for one in answers) == [200, 401, 401, 401]
    assert kind_of(await shop.stranger.post("/api/auth/passkey", {"passkey": answer})) == REFUSED


async def test_a_challenge_is_good_for_five_minutes_one_purpose_and_one_account(shop: Market) -> None:
    bo = await holder(shop)
    now = shop.parts.now
    options = (await shop.stranger.post("/api/auth/passkey/options", {})).json()
    late = make_market(attrs.evolve(shop.parts, now=lambda: now() + timedelta(minutes=5, seconds=1)))
    assert kind_of(await late.stranger.post("/api/auth/passkey", {"passkey": bo.key.answer(options)})) == REFUSED
    assert kind_of(await bo.login(passkey=bo.key.answer(options))) == REFUSED_SECOND, "it was for signing in alone"
    second = await bo.second_options()
    assert kind_of(await shop.stranger.post("/api/auth/passkey", {"passkey": bo.key.answer(second)})) == REFUSED
    made = (await bo.client.post(FACTORS, {"name": "x", "kind": "passkey"})).json()["options"]
    registered = {"challenge": made["challenge"], "rpId": made["rp"]["id"]}
    assert kind_of(await shop.stranger.post("/api/auth/passkey", {"passkey": bo.key.answer(registered)})) == REFUSED
    secret, purpose = shop.parts.secret, challenges.Purpose.SECOND_STEP
    other = challenges.made(secret, purpose, shop.parts.new_id(), now())
    assert not await shop.parts.database.transaction(
        lambda tx: challenges.use(tx, secret, other, purpose, shop.parts.new_id(), now())
    )


async def test_another_account_s_passkey_is_no_second_factor(shop: Market) -> None:
    bo = await holder(shop)
    eve = await holder(shop, email="eve@example.org", username="eve")
    second = eve.key.answer(await bo.second_options())
    assert kind_of(await bo.login(passkey=second)) == REFUSED_SECOND
    assert (await eve.alone()).json()["user"]["username"] == "eve"


async def test_a_credential_belongs_to_one_account(shop: Market) -> None:
    bo = await holder(shop)
    eve = await newcomer(shop, email="eve@example.org", username="eve")
    eve.key = bo.key
    refused = await eve.set_up()
    assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "given-twice")


async def test_a_copy_is_refused_and_told(shop: Market) -> None:
    bo = await holder(shop)
    assert (await bo.alone()).status == 200
    await shop.work()
    bo.key.count -= 1
    user_id = (await bo.client.get("/api/users/me")).json()["id"]
    tries: list[Callable[[], Any]] = [bo.alone, lambda: bo.alone("passkey/session")]
    for ask in tries:
        assert kind_of(await ask()) == REFUSED
        bo.key.count -= 1
    second = bo.key.answer(await bo.second_options())
    assert kind_of(await bo.login(passkey=second)) == REFUSED
    audited = await shop.parts.database.rows(AUDITED)
    assert audited.count(("passkey.copied", user_id, f"second_factor:{bo.id}")) == 3
    await shop.work()
    mails = Statement("test.mails", "select body from mails", lambda body: body)
    assert sum("there may be a copy of it" in body for body in await shop.parts.database.rows(mails)) == 3


async def test_who_has_no_key_cannot_make_it_look_copied(shop: Market) -> None:
    """The counter counts only in what the passkey has signed."""
    bo = await holder(shop)
    assert (await bo.alone()).status == 200
    bo.key.count = 0
    sign, bo.key.sign = bo.key.sign, lambda data: b"forged"
    assert kind_of(await bo.alone()) == REFUSED
    assert "passkey.copied" not in [action for action, *_ in await shop.parts.database.rows(AUDITED)]
    bo.key.sign, bo.key.count = sign, 10
    assert (await bo.alone()).status == 200


async def test_both_kinds_stand_beside_each_other_and_codes_come_with_the_first(shop: Market) -> None:
    bo = await holder(shop)
    assert len(bo.codes) == 10
    assert (await bo.login(code=bo.codes[0])).status == 200, "recovery codes stand in for a passkey, too"
    ids = [bo.id]
    for name in ("laptop", "key ring"):
        bo.key = Authenticator(ORIGIN)
        assert (await bo.set_up(name=name)).status == 200 and bo.codes == []
        ids.append(bo.id)
    listed = (await bo.client.get(FACTORS)).json()
    assert [(one["id"], one["kind"]) for one in listed["items"]] == [(id, "passkey") for id in ids]
    for id in ids:
        assert (await bo.client.request("DELETE", f"{FACTORS}/{id}")).status == 204
    assert (await bo.client.get(FACTORS)).json() == {"items": [], "recovery_codes_left": 0}
    assert (await bo.login()).status == 200 and kind_of(await bo.alone()) == REFUSED
    assert shop.broken() == []


async def test_who_has_no_passkey_is_told_to_give_a_code(shop: Market) -> None:
    bo = await protected(shop)
    challenge = (await bo.login()).json()["challenge"]
    answer = await shop.stranger.post("/api/auth/second-factor/options", {"challenge": challenge})
    assert kind_of(answer) == (409, "/problems/conflict")
    assert kind_of(await bo.client.post("/api/auth/confirm/options", {})) == (409, "/problems/conflict")


async def test_ten_are_the_most_and_unfinished_ones_make_room(shop: Market) -> None:
    bo = await newcomer(shop)
    for _ in range(12):
        assert (await bo.client.post(FACTORS, {"name": "telephone", "kind": "passkey"})).status == 201
    for _ in range(10):
        bo.key = Authenticator(ORIGIN)
        assert (await bo.set_up()).status == 200
    refused = await bo.client.post(FACTORS, {"name": "telephone", "kind": "passkey"})
    assert (refused.status, refused.json()["errors"][0]["params"]["reason"]) == (422, "too-many-factors")


async def test_it_goes_with_an_admin_s_help_and_with_the_account(shop: Market) -> None:
    bo, admin = await holder(shop), await shop.person("admin")
    me = (await bo.client.get("/api/users/me")).json()["id"]
    assert (await admin.request("PATCH", f"/api/admin/users/{me}", {"second_factor": False})).status == 200
    assert await shop.parts.database.rows(PASSKEYS) == [] and (await bo.login()).status == 200
    assert (await bo.set_up()).status == 200
    export = (await bo.client.get("/api/users/me/export")).json()
    assert [(one["kind"], one["name"]) for one in export["second_factors"]] == [("passkey", "telephone")]
    assert (await bo.client.request("DELETE", "/api/users/me")).status == 204
    assert await shop.parts.database.rows(PASSKEYS) == []
    assert (await shop.parts.database.rows(HANDLES))[0] is None
    assert kind_of(await bo.alone()) == REFUSED and shop.broken() == []


async def test_an_address_that_was_never_verified_does_not_sign_in_where_registering_is_private(shop: Market) -> None:
    bo = await holder(shop)
    private = make_market(
        attrs.evolve(shop.parts, settings=attrs.evolve(shop.parts.settings, private_registration=True))
    )
    bo.market = private
    assert kind_of(await bo.alone()) == REFUSED


async def test_asking_stores_nothing_and_what_was_answered_is_forgotten_when_it_has_expired(shop: Market) -> None:
    bo = await holder(shop)
    before = await shop.parts.database.rows(USED)
    for _ in range(3):
        await shop.stranger.post("/api/auth/passkey/options", {})
    assert await shop.parts.database.rows(USED) == before == [1]
    assert (await bo.alone()).status == 200
    later = shop.parts.now() + timedelta(minutes=6)
    gone = await shop.parts.database.transaction(lambda tx: challenges.delete_expired(tx, later, 100))
    assert (gone, await shop.parts.database.rows(USED)) == (2, [0])


async def test_guesses_are_limited_as_those_of_codes_are(shop: Market) -> None:
    settings = attrs.evolve(shop.parts.settings, rate_limits=True, rate_login="3/60")
    bo = await holder(shop)
    bo.market = make_market(attrs.evolve(shop.parts, settings=settings))
    statuses = [(await bo.alone(response={"signature": "AAAA"})).status for _ in range(4)]
    assert statuses == [401, 401, 401, 429]


async def test_after_a_new_password_by_mail_a_passkey_is_used_beside_it_before_it_signs_in_alone_again(
    shop: Market,
) -> None:
    """Whoever knew the old password may have set it up."""
    bo = await holder(shop)
    await shop.stranger.post("/api/auth/email/verify", {"token": await token(shop, BO["email"], "verify")})
    await shop.stranger.post("/api/auth/password/forgot", {"email": BO["email"]})
    body = {"token": await token(shop, BO["email"], "reset"), "password": "three turnips in a row"}
    assert (await shop.stranger.post("/api/auth/password/reset", body)).status == 204
    refused = await bo.alone()
    assert refused.status == 401 and "sign in with it and this passkey once" in refused.json()["detail"]
    challenge = (await bo.login(password=body["password"])).json()["challenge"]
    options = (await shop.stranger.post("/api/auth/second-factor/options", {"challenge": challenge})).json()
    answer = {"challenge": challenge, "passkey": bo.key.answer(options)}
    assert (await shop.stranger.post("/api/auth/second-factor", answer)).status == 200
    assert (await bo.alone()).status == 200
