"""Accounts of people elsewhere: who gets an account by one, who signs in by one, and who links one."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import attrs
import pyotp
import pytest
import pytest_twisted

from harvestd.market.accounts.identity_cookie import LIFE
from harvestd.market.operations import housekeeping
from harvestd.store.encryption import Encryption, NotDecrypted
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.web.pages.people import TEXTS
from harvestd.web.problems import BY_SLUG
from tests.issuer import SmallIssuer
from tests.locks import holding, meeting
from tests.market.accounts.elsewhere import Browser, market_of
from tests.market.accounts.mailbox import mails, token
from tests.people import Market
from tests.web.conftest import make_market, settled

IVY = {"email": "ivy@example.org", "password": "a long walk to market"}
_ACCOUNTS = Statement("test.accounts", "select count(*) from users where email_key = :email", scalar)
_AUDIT = Statement(
    "test.audit", "select action from audit where subject_id = :id and action like 'identity.%' order by seq", scalar
)
_LEFT = Statement(
    "test.left",
    """select (select count(*) from identities i join users u on u.id = i.user_id where not u.active)
            + (select count(*) from sign_ins s join users u on u.id = s.user_id where not u.active and s.ended_at is null)""",
    scalar,
)
_STATES = Statement("test.states", "select count(*) from spent_states", scalar)
_CLOSE = Statement("test.close", "update users set active = false where id = :id", nothing)


@pytest.fixture
def issuer() -> Iterator[SmallIssuer]:
    with SmallIssuer() as found:
        yield found


@pytest_twisted.async_yield_fixture
async def offering(market: Market, issuer: SmallIssuer) -> AsyncIterator[Market]:
    yield market_of(market, issuer, cors_origins=("https://shop.example.org",))


def kind(answer: Any) -> tuple[int, str]:
    return answer.status, answer.json()["type"].removeprefix("/problems/")


async def registered(market: Market, verified: bool = True) -> Browser:
    """Ivy has an account with a password, and is signed in by it in a browser."""
    made = await market.stranger.post("/api/auth/register", IVY | {"username": "ivy", "name": "Ivy", "role": "buyer"})
    assert made.status == 201, made.text
    if verified:
        secret = await token(market, IVY["email"], "verify")
        assert (await market.stranger.post("/api/auth/email/verify", {"token": secret})).status == 204
    return await signed_in(market)


async def signed_in(market: Market) -> Browser:
    browser = Browser(market)
    assert (await browser.ask("POST", "/api/auth/session", IVY)).status == 200
    return browser


async def csrf(browser: Browser) -> dict[str, str]:
    return {"X_CSRF_Token": (await browser.go("/api/auth/session")).json()["csrf_token"]}


async def identities(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await browser.go("/api/users/me/identities")).json()["items"]
    return found


# --- somebody new, and somebody known ---


async def test_somebody_new_gets_an_account_with_a_verified_address_and_no_password(
    offering: Market, issuer: SmallIssuer
) -> None:
    browser = Browser(offering)
    answer = await browser.sign_in(issuer, return_to="/orders?page=2")
    assert (answer.status, answer.headers["location"]) == (303, "/orders?page=2")
    assert answer.headers["cache-control"].endswith("no-store")
    me = (await browser.me()).json()
    assert (me["email"], me["email_verified"], me["name"], me["role"]) == (
        "ivy@example.org",
        True,
        "Ivy Irwin",
        "buyer",
    )
    assert me["username"] == "ivy-irwin" and "ivy@" not in me["username"]
    (one,) = await identities(browser)
    assert (one["issuer"], one["email"]) == (issuer.url, "ivy@example.org")
    ((subject, body),) = await mails(offering, "ivy@example.org")
    assert subject.startswith("Welcome") and "#verify" not in body, "there is nothing to verify"
    for password in ("", "x", "a long walk to market"):
        refused = await offering.stranger.post("/api/auth/login", {"email": "ivy@example.org", "password": password})
        assert kind(refused) == (401, "wrong-credentials")


@pytest.mark.parametrize(("accepted", "language"), [("fr-CA, en", "fr"), ("es", "en"), ("", None)])
async def test_somebody_new_has_the_language_of_their_browser(
    market: Market, issuer: SmallIssuer, accepted: str, language: str | None
) -> None:
    offering = market_of(market, issuer, market_languages=("en", "fr"))
    browser = Browser(offering)
    back = issuer.visit(await browser.begin())
    await browser.go(back, **({"Accept_Language": accepted} if accepted else {}))
    assert (await browser.me()).json()["language"] == language
    ((subject, _),) = await mails(offering, IVY["email"])
    assert subject.startswith("Bienvenue" if language == "fr" else "Welcome")


async def test_somebody_known_signs_in_to_their_account_whatever_their_address_is_now(
    offering: Market, issuer: SmallIssuer
) -> None:
    first, second = Browser(offering), Browser(offering)
    await first.sign_in(issuer)
    changed = {"email": "other@example.org", "email_verified": False, "name": "Somebody"}
    assert (await second.sign_in(issuer, changed)).status == 303
    assert (await second.me()).json() == (await first.me()).json()
    actions = await offering.parts.database.rows(_AUDIT, id=(await first.me()).json()["id"])
    assert actions == ["identity.account_opened", "identity.signed_in"]


async def test_another_subject_with_the_same_address_is_somebody_else(offering: Market, issuer: SmallIssuer) -> None:
    """The address may have become theirs; the account has not."""
    await Browser(offering).sign_in(issuer)
    other = Browser(offering)
    assert kind(await other.sign_in(issuer, {"sub": "2"})) == (409, "link-needed")
    assert (await other.me()).status == 401


async def test_the_same_subject_of_another_issuer_is_somebody_else(offering: Market, issuer: SmallIssuer) -> None:
    """A market may change its issuer; what the former one called its people is nothing to the next."""
    first = Browser(offering)
    await first.sign_in(issuer)
    with SmallIssuer() as another:
        moved = market_of(offering, another)
        other = Browser(moved)
        assert (await other.sign_in(another, {"email": "eve@example.org"})).status == 303
        assert (await other.me()).json()["id"] != (await first.me()).json()["id"]
        assert kind(await Browser(moved).sign_in(another, {"sub": "2"})) == (409, "link-needed")


@pytest.mark.parametrize(
    "person",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": 1},
        {"email": "not an address"},
        {"email": ""},
        {"email": 7},
    ],
)
async def test_an_address_that_the_issuer_has_not_verified_opens_no_account(
    offering: Market, issuer: SmallIssuer, person: dict[str, Any]
) -> None:
    browser = Browser(offering)
    assert kind(await browser.sign_in(issuer, person)) == (403, "identity")
    assert (await browser.me()).status == 401 and not await offering.parts.database.row(_ACCOUNTS, email=IVY["email"])


@pytest.mark.parametrize("verified", [False, True])
async def test_an_account_that_has_the_address_is_never_linked_without_its_owner(
    offering: Market, issuer: SmallIssuer, verified: bool
) -> None:
    owner = await registered(offering, verified)
    stranger = Browser(offering)
    answer = await stranger.sign_in(issuer)
    assert kind(answer) == (409, "link-needed") and "link the two" in answer.json()["detail"]
    assert (await stranger.me()).status == 401 and await identities(owner) == []
    unverified = await Browser(offering).sign_in(issuer, {"email_verified": False})
    assert kind(unverified) == (403, "identity"), "and nobody learns whose address it is without having it"


async def test_two_tabs_at_once_get_one_account(offering: Market, issuer: SmallIssuer) -> None:
    tabs = [Browser(offering) for _ in range(3)]
    backs = [issuer.visit(await tab.begin()) for tab in tabs]
    answers = await settled(*[tab.go(back) for tab, back in zip(tabs, backs, strict=True)])
    assert [answer.status for answer in answers] == [303, 303, 303]
    assert len({(await tab.me()).json()["id"] for tab in tabs}) == 1


@pytest.mark.parametrize(
    ("name", "username"),
    [
        ("Ivy Irwin", "ivy-irwin-"),
        ("青菜", "qing-cai-"),
        ("", "member-"),
        ("\u0007", "member-"),
        ("x" * 300, "member-"),
    ],
)
async def test_any_name_makes_a_username_that_nobody_has(
    offering: Market, issuer: SmallIssuer, name: str, username: str
) -> None:
    for n in range(3):
        browser = Browser(offering)
        await browser.sign_in(issuer, {"sub": str(n), "email": f"p{n}@example.org", "name": name})
        me = (await browser.me()).json()
        assert me["name"].strip() and f"{me['username']}-".startswith(username)


async def test_a_closed_account_signs_in_no_more(offering: Market, issuer: SmallIssuer) -> None:
    first = Browser(offering)
    await first.sign_in(issuer)
    user = (await first.me()).json()["id"]
    await offering.parts.database.transaction(lambda tx: tx.run(_CLOSE, id=user))
    again = Browser(offering)
    assert kind(await again.sign_in(issuer)) == (403, "account-closed")
    assert "harvest_session" not in again.cookies


async def test_closing_an_account_erases_its_identities_and_the_export_has_them(
    offering: Market, issuer: SmallIssuer
) -> None:
    browser = Browser(offering)
    await browser.sign_in(issuer)
    before = (await browser.me()).json()["id"]
    (exported,) = (await browser.go("/api/users/me/export")).json()["identities"]
    assert (exported["issuer"], exported["subject"], exported["email"]) == (issuer.url, "1", "ivy@example.org")
    assert (await browser.ask("DELETE", "/api/users/me", **await csrf(browser))).status == 204
    again = Browser(offering)
    assert (await again.sign_in(issuer)).status == 303
    assert (await again.me()).json()["id"] != before, "they are somebody new"


async def test_each_sign_in_is_a_new_session_and_ends_the_one_that_the_browser_had(
    offering: Market, issuer: SmallIssuer
) -> None:
    browser = await registered(offering)
    before = browser.cookies["harvest_session"]
    await browser.sign_in(issuer, {"sub": "2", "email": "other@example.org"})
    assert (await browser.me()).json()["email"] == "other@example.org"
    assert (await Browser(offering, {"harvest_session": before}).me()).status == 401


# --- what people see of it ---

PAGES = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def sent_back(browser: Browser, back: str) -> str:
    """Where a browser that shows pages ends whose sign-in was refused."""
    answer = await browser.go(back, **PAGES)
    assert answer.status == 303 and (await browser.me()).status == 401, answer.text
    return str(answer.headers["location"])


async def test_a_browser_is_told_that_an_account_has_its_address(offering: Market, issuer: SmallIssuer) -> None:
    await registered(offering)
    browser = Browser(offering)
    assert await sent_back(browser, issuer.visit(await browser.begin())) == "/account#problem=link-needed"


async def test_a_browser_is_told_that_its_address_is_not_verified(offering: Market, issuer: SmallIssuer) -> None:
    browser = Browser(offering)
    back = issuer.visit(await browser.begin(), email_verified=False)
    assert await sent_back(browser, back) == "/account#problem=identity"


async def test_a_browser_is_told_that_its_sign_in_was_not_begun(market: Market, issuer: SmallIssuer) -> None:
    """On the page that the shop has for it, whatever the request says."""
    offering = market_of(market, issuer, account_url="https://shop.example.org/me")
    back = issuer.visit(await Browser(offering).begin(return_to="/x")) + "&return_to=https://evil.example"
    assert await sent_back(Browser(offering), back) == "https://shop.example.org/me#problem=sign-in-state"


async def test_a_browser_is_told_that_its_account_rests_and_that_it_is_closed(
    offering: Market, issuer: SmallIssuer
) -> None:
    owner = Browser(offering)
    await owner.sign_in(issuer)
    user = (await owner.me()).json()["id"]
    assert (await owner.ask("POST", "/api/users/me/deactivation", **await csrf(owner))).status == 204
    browser = Browser(offering)
    assert await sent_back(browser, issuer.visit(await browser.begin())) == "/account#problem=deactivated"
    reopened = Browser(offering)
    assert (await reopened.sign_in(issuer, reactivate="true")).status == 303 and (await reopened.me()).status == 200
    await offering.parts.database.transaction(lambda tx: tx.run(_CLOSE, id=user))
    assert await sent_back(browser, issuer.visit(await browser.begin())) == "/account#problem=account-closed"


@pytest.mark.parametrize(
    ("person", "slug"),
    [({"email": "other@example.org"}, "conflict"), ({"sub": "taken", "email": "ivy@example.org"}, "already-taken")],
)
async def test_a_browser_is_told_why_its_accounts_are_not_linked(
    offering: Market, issuer: SmallIssuer, person: dict[str, Any], slug: str
) -> None:
    other = Browser(offering)
    await other.sign_in(issuer, {"sub": "taken", "email": "first@example.org"})
    owner = await registered(offering)
    back = issuer.visit(await owner.begin(link="true"), **person)
    answer = await owner.go(back, **PAGES)
    assert (answer.status, answer.headers["location"]) == (303, f"/account#problem={slug}")
    assert await identities(owner) == []


async def test_a_browser_is_told_that_the_issuer_is_away_before_and_after(market: Market, issuer: SmallIssuer) -> None:
    with SmallIssuer() as away:
        offering = market_of(market, away)
        browser, early = Browser(offering), Browser(market_of(market, away))
        back = away.visit(await browser.begin())
    assert await sent_back(browser, back) == "/account#problem=unavailable"
    assert await sent_back(early, "/api/auth/google") == "/account#problem=unavailable"


async def test_a_browser_is_told_that_too_many_accounts_are_opened_and_that_it_has_to_confirm(
    market: Market, issuer: SmallIssuer
) -> None:
    offering = market_of(market, issuer, rate_limits=True, rate_register="1/3600")
    await Browser(offering).sign_in(issuer)
    browser = Browser(offering)
    back = issuer.visit(await browser.begin(), sub="2", email="p2@example.org")
    assert await sent_back(browser, back) == "/account#problem=too-many-requests"
    owner, now = await signed_in_elsewhere(market, issuer), market.parts.now
    late = make_market(attrs.evolve(market_of(market, issuer).parts, now=lambda: now() + timedelta(minutes=6)))
    answer = await Browser(late, owner.cookies).go("/api/auth/google?link=true", **PAGES)
    assert (answer.status, answer.headers["location"]) == (303, "/account#problem=confirm")


async def signed_in_elsewhere(market: Market, issuer: SmallIssuer) -> Browser:
    browser = Browser(market_of(market, issuer))
    await browser.sign_in(issuer)
    return browser


async def test_what_a_developer_mends_is_a_problem_in_a_browser_too(offering: Market) -> None:
    answer = await Browser(offering).go("/api/auth/google?return_to=//evil.example", **PAGES)
    assert kind(answer) == (422, "invalid")


@pytest.mark.parametrize("slug", [name.removeprefix("problem ") for name in TEXTS if name.startswith("problem ")])
def test_the_page_has_words_for_problems_there_are(slug: str) -> None:
    assert slug in {*BY_SLUG, "other"}


# --- the state ---


async def test_a_state_is_good_once(offering: Market, issuer: SmallIssuer) -> None:
    browser = Browser(offering)
    back = issuer.visit(await browser.begin())
    held = dict(browser.cookies)
    assert (await browser.go(back)).status == 303
    browser.cookies = held | browser.cookies
    assert kind(await browser.go(back)) == (400, "sign-in-state")
    assert issuer.asked["/token"] == 1, "the issuer is not asked"


async def test_of_two_at_once_with_one_state_one_goes_on(offering: Market, issuer: SmallIssuer) -> None:
    browser = Browser(offering)
    back = issuer.visit(await browser.begin())
    twins = [Browser(offering, dict(browser.cookies)) for _ in range(4)]
    answers = await settled(*[twin.go(back) for twin in twins])
    assert sorted(answer.status for answer in answers) == [303, 400, 400, 400]


async def test_a_state_is_of_the_browser_that_began(offering: Market, issuer: SmallIssuer) -> None:
    """Or somebody could sign others in to an account of their own."""
    attacker, victim = Browser(offering), Browser(offering)
    back = issuer.visit(await attacker.begin())
    assert kind(await victim.go(back)) == (400, "sign-in-state")
    await victim.begin()
    assert kind(await victim.go(back)) == (400, "sign-in-state")
    assert (await attacker.go(back)).status == 303, "and it was not used up by that"


@pytest.mark.parametrize("change", [("state=", "state=x"), ("&state=", "&stat="), ("state=", "state=%C3%BC")])
async def test_another_state_is_refused(offering: Market, issuer: SmallIssuer, change: tuple[str, str]) -> None:
    browser = Browser(offering)
    back = issuer.visit(await browser.begin())
    assert kind(await browser.go(back.replace(*change))) == (400, "sign-in-state")


async def test_the_cookie_is_of_this_market_and_of_now(offering: Market, issuer: SmallIssuer) -> None:
    browser = Browser(offering)
    back = issuer.visit(await browser.begin())
    good = browser.cookies["harvest_sign_in"]
    for forged in (good[:-2] + ("AA" if good[-2:] != "AA" else "BB"), "x", "é", "A" * 5000, good[10:]):
        answer = await Browser(offering, {"harvest_sign_in": forged}).go(back)
        assert kind(answer) == (400, "sign-in-state"), forged
    now = offering.parts.now
    later = make_market(attrs.evolve(offering.parts, now=lambda: now() + LIFE))
    assert kind(await Browser(later, dict(browser.cookies)).go(back)) == (400, "sign-in-state")
    sooner = make_market(attrs.evolve(offering.parts, now=lambda: now() + LIFE - timedelta(seconds=30)))
    assert (await Browser(sooner, dict(browser.cookies)).go(back)).status == 303


async def test_the_cookie_shares_no_key_with_what_is_at_rest(offering: Market, issuer: SmallIssuer) -> None:
    browser = Browser(offering)
    await browser.begin()
    text = browser.cookies["harvest_sign_in"]
    sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    with pytest.raises(NotDecrypted):
        Encryption((offering.parts.secret,)).decrypt(sealed, "sign_in_elsewhere")


@pytest.mark.parametrize(("url", "secure"), [("http://127.0.0.1:8080", False), ("https://market.example.org", True)])
async def test_the_cookie_is_of_this_host_alone(market: Market, issuer: SmallIssuer, url: str, secure: bool) -> None:
    offering = market_of(market, issuer, public_url=url)
    answer = await Browser(offering).go("/api/auth/google")
    line = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"} <= set(line.split("; "))
    assert ("Secure" in line.split("; "), line.startswith("__Host-harvest_sign_in=")) == (secure, secure)


async def test_what_the_person_declined_is_told_and_ends_there(offering: Market, issuer: SmallIssuer) -> None:
    browser = Browser(offering)
    back = issuer.visit(await browser.begin())
    state = back.partition("state=")[2].partition("&")[0]
    denied = f"/api/auth/google/callback?error=access_denied&error_description=no&state={state}"
    assert kind(await browser.go(denied)) == (403, "identity")
    assert kind(await browser.go(back)) == (400, "sign-in-state")


async def test_a_market_without_an_issuer_says_which_setting_is_missing(market: Market, issuer: SmallIssuer) -> None:
    for path in ("/api/auth/google", "/api/auth/google/callback?state=x&code=y"):
        answer = await market.stranger.get(path)
        assert answer.status == 404 and "oidc_client_id" in answer.json()["detail"]
    assert (await market.stranger.get("/api/market")).json()["sign_in_issuer"] is None
    offering = market_of(market, issuer)
    await offering.parts.cache.drop(())
    assert (await offering.stranger.get("/api/market")).json()["sign_in_issuer"] == issuer.url


# --- where it goes in the end ---


async def test_the_browser_goes_to_where_it_may_and_nowhere_else(offering: Market, issuer: SmallIssuer) -> None:
    """The rule has a table of its own (``test_identity_rules.py``)."""
    for to in ("/a/b?c=d%26e", "https://shop.example.org/a", "http://127.0.0.1:8080/x"):
        answer = await Browser(offering).sign_in(issuer, return_to=to)
        assert answer.status == 303 and answer.headers["location"] == to.replace("%26", "&")
    for to in (
        "//evil.example",
        "/%5Cevil.example",
        "https://evil.example",
        "/%09/evil.example",
        "/a%0D%0ASet-Cookie:x",
        "/a%00",
        "",
    ):
        answer = await Browser(offering).go(f"/api/auth/google?return_to={to}")
        assert kind(answer) == (422, "invalid"), to
        assert answer.json()["errors"][0]["field"] == "return_to" and "set-cookie" not in answer.headers


async def test_every_site_is_no_site_to_go_to(market: Market, issuer: SmallIssuer) -> None:
    offering = market_of(market, issuer, cors_origins=("*",))
    answer = await Browser(offering).go("/api/auth/google?return_to=https://evil.example/")
    assert answer.status == 422


# --- second factors ---


async def _with_factor(browser: Browser) -> str:
    made = await browser.ask("POST", "/api/users/me/second-factors", {"name": "telephone"}, **await csrf(browser))
    assert made.status == 201, made.text
    code = {"code": pyotp.TOTP(made.json()["secret"]).now()}
    path = f"/api/users/me/second-factors/{made.json()['id']}/confirm"
    codes = (await browser.ask("POST", path, code, **await csrf(browser))).json()["recovery_codes"]
    return str(codes[0])


async def test_a_second_factor_is_asked_for_all_the_same(offering: Market, issuer: SmallIssuer) -> None:
    first, again = Browser(offering), Browser(offering)
    await first.sign_in(issuer)
    code = await _with_factor(first)
    asked = await again.sign_in(issuer)
    assert kind(asked) == (401, "second-factor") and (await again.me()).status == 401
    step = {"challenge": asked.json()["challenge"], "code": "000000"}
    assert (await again.ask("POST", "/api/auth/second-factor/session", step)).status == 401
    done = await again.ask("POST", "/api/auth/second-factor/session", step | {"code": code})
    assert done.status == 200 and (await again.me()).json() == done.json()["user"]
    reused = await Browser(offering).ask("POST", "/api/auth/second-factor/session", step | {"code": code})
    assert reused.status == 401


async def test_a_browser_that_shows_pages_is_sent_to_one_that_asks_for_the_code(
    offering: Market, issuer: SmallIssuer
) -> None:
    first, again = Browser(offering), Browser(offering)
    await first.sign_in(issuer)
    code = await _with_factor(first)
    back = issuer.visit(await again.begin(return_to="/orders?a=b"))
    sent = await again.go(back, Accept="text/html,*/*")
    assert sent.status == 303 and (await again.me()).status == 401
    page, _, rest = sent.headers["location"].partition("#factor=")
    challenge, _, to = rest.partition("&return_to=")
    assert (page, to) == ("/account", "%2Forders%3Fa%3Db")
    done = await again.ask("POST", "/api/auth/second-factor/session", {"challenge": challenge, "code": code})
    assert done.status == 200


# --- linking ---


async def test_an_owner_who_is_signed_in_links_the_account_that_has_their_address(
    offering: Market, issuer: SmallIssuer
) -> None:
    owner = await registered(offering)
    answer = await owner.sign_in(issuer, link="true", return_to="/account")
    assert (answer.status, answer.headers["location"]) == (303, "/account")
    assert [one["email"] for one in await identities(owner)] == ["ivy@example.org"]
    other = Browser(offering)
    assert (await other.sign_in(issuer)).status == 303
    me = (await owner.me()).json()
    assert (await other.me()).json() == me and me["username"] == "ivy"
    assert await offering.parts.database.rows(_AUDIT, id=me["id"]) == ["identity.linked", "identity.signed_in"]
    assert any("was linked" in body for _, body in await mails(offering, IVY["email"]))
    assert (await owner.sign_in(issuer, link="true")).status == 303, "once more changes nothing"
    assert len(await identities(owner)) == 1


@pytest.mark.parametrize("person", [{"email": "other@example.org"}, {"email_verified": False}, {"email": ""}])
async def test_an_account_elsewhere_with_another_address_is_not_linked(
    offering: Market, issuer: SmallIssuer, person: dict[str, Any]
) -> None:
    """Or somebody signed in there as another, in the owner's browser, would give the other the owner's account."""
    owner = await registered(offering)
    assert kind(await owner.sign_in(issuer, person, link="true")) == (409, "conflict")
    assert await identities(owner) == []


async def test_linking_needs_a_browser_s_session_a_confirmation_and_a_verified_address(
    offering: Market, issuer: SmallIssuer
) -> None:
    assert kind(await Browser(offering).go("/api/auth/google?link=true")) == (401, "unauthenticated")
    owner = await registered(offering, verified=False)
    assert kind(await owner.go("/api/auth/google?link=true")) == (409, "conflict")
    bearer = (await offering.stranger.post("/api/auth/login", IVY)).json()["access_token"]
    assert kind(await offering.stranger.signed_in(bearer).get("/api/auth/google?link=true")) == (403, "forbidden")
    now = offering.parts.now
    later = make_market(attrs.evolve(offering.parts, now=lambda: now() + timedelta(minutes=6)))
    assert kind(await Browser(later, owner.cookies).go("/api/auth/google?link=true")) == (403, "confirm")


CROSS, SAME_SITE = {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}


@pytest.mark.parametrize("query", ["", "?link=true", "?reactivate=true"])
@pytest.mark.parametrize(
    "sent",
    [CROSS, SAME_SITE, CROSS | {"Referer": "https://evil.example/"}, SAME_SITE | {"Referer": "https://evil.example.org/"},
     {"Referer": "https://evil.example/"}, CROSS | {"Referer": "https://shop.example.org.evil.example/"}],
)  # fmt: skip
async def test_a_page_of_a_stranger_begins_no_sign_in(offering: Market, sent: dict[str, str], query: str) -> None:
    """Nor a link, nor opens an account at rest: where the issuer asks nothing, the person would never have said so."""
    owner = await registered(offering)
    refused = await owner.go(f"/api/auth/google{query}", **sent)
    assert kind(refused) == (403, "forbidden")
    assert "harvest_sign_in" not in owner.cookies
    shown = await owner.go(f"/api/auth/google{query}", **sent, Accept="text/html")
    assert (shown.status, shown.headers["location"]) == (303, "/account#problem=forbidden")


@pytest.mark.parametrize(
    "sent",
    [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}, {"Referer": "http://127.0.0.1:8080/account"},
     CROSS | {"Referer": "https://shop.example.org/"}, CROSS | {"Referer": "https://shop.example.org/cart?x=y"},
     SAME_SITE | {"Referer": "https://login.example.org/"}],
)  # fmt: skip
async def test_pages_of_the_market_and_of_sites_that_it_lets_in_begin_one(
    market: Market, issuer: SmallIssuer, sent: dict[str, str]
) -> None:
    letting = market_of(
        market, issuer, cors_origins=("https://shop.example.org",), account_url="https://login.example.org/account"
    )
    browser = Browser(letting)
    answer = await browser.go("/api/auth/google", **sent)
    assert answer.headers["location"].startswith(issuer.url)
    assert (await browser.go(issuer.visit(answer.headers["location"]), **CROSS)).status == 303


async def test_the_session_that_began_to_link_is_the_one_that_ends_it(offering: Market, issuer: SmallIssuer) -> None:
    owner = await registered(offering)
    back = issuer.visit(await owner.begin(link="true"))
    assert (await owner.ask("DELETE", "/api/auth/session", **await csrf(owner))).status == 204
    assert kind(await owner.go(back)) == (401, "unauthenticated")
    again = await signed_in(offering)
    back = issuer.visit(await again.begin(link="true"))
    other = await signed_in(offering)
    other.cookies["harvest_sign_in"] = again.cookies["harvest_sign_in"]
    assert kind(await other.go(back)) == (401, "unauthenticated")
    assert await identities(other) == []


async def test_an_account_elsewhere_signs_in_to_one_account(offering: Market, issuer: SmallIssuer) -> None:
    first = Browser(offering)
    await first.sign_in(issuer)
    move = await first.ask("PUT", "/api/users/me/email", {"email": "moved@example.org"}, **await csrf(first))
    assert move.status == 202
    secret = await token(offering, "moved@example.org", "verify")
    assert (await offering.stranger.post("/api/auth/email/verify", {"token": secret})).status == 204
    owner = await registered(offering)
    assert kind(await owner.sign_in(issuer, link="true")) == (409, "already-taken")


# --- parting ---


async def test_the_last_way_to_sign_in_stays(offering: Market, issuer: SmallIssuer) -> None:
    browser = Browser(offering)
    await browser.sign_in(issuer)
    path = f"/api/users/me/identities/{(await identities(browser))[0]['id']}"
    refused = await browser.ask("DELETE", path, **await csrf(browser))
    assert kind(refused) == (409, "conflict") and len(await identities(browser)) == 1
    password = {"password": "a long walk to market"}
    assert (await browser.ask("PUT", "/api/users/me/password", password, **await csrf(browser))).status == 204
    assert (await browser.ask("DELETE", path, **await csrf(browser))).status == 204
    assert await identities(browser) == []
    assert kind(await Browser(offering).sign_in(issuer)) == (409, "link-needed")
    assert any("no longer sign in" in body for _, body in await mails(offering, IVY["email"]))
    assert (await browser.ask("DELETE", path, **await csrf(browser))).status == 404


async def test_parting_needs_a_confirmation_and_one_s_own(offering: Market, issuer: SmallIssuer) -> None:
    browser, other = Browser(offering), await registered(offering)
    await browser.sign_in(issuer, {"email": "p@example.org"})
    path = f"/api/users/me/identities/{(await identities(browser))[0]['id']}"
    assert (await other.ask("DELETE", path, **await csrf(other))).status == 404
    now = offering.parts.now
    later = Browser(
        make_market(attrs.evolve(offering.parts, now=lambda: now() + timedelta(minutes=6))), browser.cookies
    )
    assert kind(await later.ask("DELETE", path, **await csrf(later))) == (403, "confirm")


async def test_a_password_set_by_a_mail_parts_from_what_has_another_address(
    offering: Market, issuer: SmallIssuer
) -> None:
    """It may be a former owner's of the mailbox, or an impostor's; what has the account's own address is the owner's."""
    for email, left in (("new@example.org", 0), ("same@example.org", 1)):
        browser = Browser(offering)
        await browser.sign_in(issuer, {"sub": email, "email": "old@example.org" if not left else email})
        if not left:
            await browser.ask("PUT", "/api/users/me/email", {"email": email}, **await csrf(browser))
            moved = await token(offering, email, "verify")
            assert (await offering.stranger.post("/api/auth/email/verify", {"token": moved})).status == 204
        await offering.stranger.post("/api/auth/password/forgot", {"email": email})
        body = {"token": await token(offering, email, "reset"), "password": "a long walk to market"}
        assert (await offering.stranger.post("/api/auth/password/reset", body)).status == 204
        again = Browser(offering)
        await again.ask("POST", "/api/auth/session", {"email": email, "password": body["password"]})
        assert len(await identities(again)) == left, email


# --- two at once ---


async def test_of_two_partings_at_once_one_leaves_a_way_to_sign_in(
    offering: Market, issuer: SmallIssuer, database_url: str
) -> None:
    browser = Browser(offering)
    await browser.sign_in(issuer)
    assert (await browser.sign_in(issuer, {"sub": "2"}, link="true")).status == 303
    token_of = await csrf(browser)
    paths = [f"/api/users/me/identities/{one['id']}" for one in await identities(browser)]
    with holding(database_url, "select from identities for update") as held:
        partings = [browser.ask("DELETE", path, **token_of) for path in paths]
        answers = await meeting(database_url, held, *partings)
    assert [answer.status for answer in answers] == [204, 409] and len(await identities(browser)) == 1


async def test_an_account_that_is_closed_beside_a_link_or_a_sign_in_keeps_neither(
    offering: Market, issuer: SmallIssuer
) -> None:
    for n in range(4):
        browser, other = Browser(offering), Browser(offering)
        person = {"sub": f"{n}", "email": f"p{n}@example.org"}
        await browser.sign_in(issuer, person)
        token_of, held = await csrf(browser), Browser(offering, dict(browser.cookies))
        linking = issuer.visit(await browser.begin(link="true"), **person | {"sub": f"{n}b"})
        signing = issuer.visit(await other.begin(), **person)
        closed, *_ = await settled(
            held.ask("DELETE", "/api/users/me", **token_of), browser.go(linking), other.go(signing)
        )
        assert closed.status == 204, closed.text
    assert await offering.parts.database.row(_LEFT) == 0


async def test_an_account_without_a_password_is_confirmed_by_none(offering: Market, issuer: SmallIssuer) -> None:
    browser = Browser(offering)
    await browser.sign_in(issuer)
    for password in ("", "a long walk to market"):
        refused = await browser.ask("POST", "/api/auth/confirm", {"password": password}, **await csrf(browser))
        (error,) = refused.json()["errors"]
        assert (refused.status, error["params"]) == (422, {"reason": "no-password"})
        assert "sign in again" in error["message"]


async def test_new_accounts_are_counted_as_registrations_are(market: Market, issuer: SmallIssuer) -> None:
    offering = market_of(market, issuer, rate_limits=True, rate_register="2/3600")
    answers = [await Browser(offering).sign_in(issuer, {"sub": str(n), "email": f"p{n}@example.org"}) for n in range(3)]
    assert [answer.status for answer in answers] == [303, 303, 429]
    assert (await Browser(offering).sign_in(issuer, {"sub": "1"})).status == 303, "who is known is none"


async def test_a_used_state_is_forgotten_once_it_is_too_old(offering: Market, issuer: SmallIssuer) -> None:
    await Browser(offering).sign_in(issuer)
    now = offering.parts.now
    for moment, left in ((LIFE - timedelta(seconds=30), 1), (LIFE + timedelta(seconds=30), 0)):
        await housekeeping.tidy(attrs.evolve(offering.parts, now=lambda moment=moment: now() + moment))
        assert await offering.parts.database.row(_STATES) == left
