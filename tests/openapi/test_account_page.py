"""The page that mailed links lead to, in a browser: each link does what its mail says, with a second factor too."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.daemons import request
from tests.openapi import axe
from tests.openapi.conftest import DemoMarket
from tests.openapi.steps import FARMER, SUNNY_ACRES
from tests.openapi.walk import Mails

pytestmark = [pytest.mark.xdist_group("demo_market"), pytest.mark.limit(60)]
PASSWORD, NEW = "a long walk to market", "three turnips in a row"
FRAGMENTS = (
    "",
    *(f"#{what}={'x' * 43}" for what in ("verify", "reset", "link", "factor", "invitation")),
    "#problem=deactivated",
    "#problem=account-closed",
)
#: As a signed-in browser's page.
SEND = """async ([path, body]) => {
  const { csrf_token: csrf } = await (await fetch("/api/auth/session")).json();
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  return (await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}"""


def ask(market: DemoMarket, method: str, path: str, body: Any = None, token: str = "") -> Any:
    status, answer, _ = request(market.port, method, path, body, {"Authorization": f"Bearer {token}"} if token else {})
    assert status < 300, f"{method} {path}: {status} {answer}"
    return answer


class Person:
    """Somebody with an account of their own, with a second factor or none."""

    def __init__(self, market: DemoMarket, factor: bool = False) -> None:
        self.name, self.market = f"p{secrets.token_hex(4)}", market
        self.email, self.secret = f"{self.name}@example.org", ""
        self.mails = Mails(market.mails)[self.name]
        body = {"email": self.email, "username": self.name, "password": PASSWORD, "name": "Bo", "role": "buyer"}
        self.token = ask(market, "POST", "/api/auth/register", body)["access_token"]
        if factor:
            ask(market, "POST", "/api/auth/email/verify", {"token": self.mails["verify"]})
            begun = ask(market, "POST", "/api/users/me/second-factors", {"name": "telephone"}, self.token)
            self.secret, path = begun["secret"], f"/api/users/me/second-factors/{begun['id']}/confirm"
            ask(market, "POST", path, {"code": self.code(-1)}, self.token)

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(datetime.now(UTC) + timedelta(seconds=30 * steps))


def opened(browser: Any, market: DemoMarket, what: str, token: str) -> Page:
    page: Page = browser.new_context().new_page()
    page.goto(f"{market.address}/account#{what}={token}")
    return page


def linked(browser: Any, market: DemoMarket, person: Person) -> Page:
    """A link to sign in, opened in the browser that asked for it."""
    page: Page = browser.new_context().new_page()
    page.goto(f"{market.address}/account")
    page.fill("#ask-link [name=email]", person.email)
    with page.expect_response("**/api/auth/link"):
        page.click("#ask-link button")
    page = page.context.new_page()
    page.goto(f"{market.address}/account#link={person.mails['link']}")
    return page


def says(page: Page, words: str) -> None:
    expect(page.locator("#said")).to_contain_text(re.compile(words), timeout=15_000)


def test_axe_finds_nothing_in_light_and_dark(browser: Any, demo_market: DemoMarket) -> None:
    for fragment in FRAGMENTS:
        page: Page = browser.new_context(bypass_csp=True).new_page()
        page.goto(f"{demo_market.address}/account{fragment}")
        page.evaluate("for (const one of document.querySelectorAll('.code, .whose')) one.hidden = false")
        axe.check(page, fragment)


def test_an_address_is_verified_once_and_the_link_is_out_of_the_history(
    browser: Any,
    demo_market: DemoMarket,
) -> None:
    token = Person(demo_market).mails["verify"]
    page = opened(browser, demo_market, "verify", token)
    assert token not in page.url
    page.click("text=Confirm this address")
    says(page, "The address is confirmed")
    again = opened(browser, demo_market, "verify", token)
    again.click("text=Confirm this address")
    says(again, "used already, or is too old")
    expect(again.locator("#again")).to_be_visible()


@pytest.mark.parametrize("behind", ["&utm_source=x", ".", "%2E", "=", "%20"])
def test_what_others_put_behind_a_mailed_link_is_none_of_it_and_it_is_out_of_the_history(
    browser: Any, demo_market: DemoMarket, behind: str
) -> None:
    page = opened(browser, demo_market, "reset", f"s3cret{behind}")
    expect(page.locator("#reset")).to_be_visible()
    assert page.url == f"{demo_market.address}/account"
    with page.expect_request("**/api/auth/password/reset") as asked:
        page.fill("#reset [name=password]", NEW)
        page.click("text=Set the password")
    assert asked.value.post_data_json["token"] == "s3cret"


def test_a_forgotten_password_is_set_anew(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    page = opened(browser, demo_market, "forgot", "")
    page.fill("#forgot [name=email]", person.email)
    page.click("text=Send a mail")
    says(page, "a mail is on its way")
    reset = opened(browser, demo_market, "reset", person.mails["reset"])
    reset.fill("[name=password]", person.name + " 1234")
    reset.click("text=Set the password")
    says(reset, "Password: ")
    reset.fill("#reset [name=password]", NEW)
    reset.click("text=Set the password")
    says(reset, "new password is set")
    ask(demo_market, "POST", "/api/auth/login", {"email": person.email, "password": NEW})


def test_a_mailed_link_asks_for_the_code_of_the_second_factor(
    browser: Any,
    demo_market: DemoMarket,
) -> None:
    person = Person(demo_market, factor=True)
    ask(demo_market, "POST", "/api/auth/link", {"email": person.email})
    page = opened(browser, demo_market, "link", person.mails["link"])
    page.click("#link button")
    page.fill("#link [name=email]", person.email)
    expect(page.locator("#link [name=code]")).to_be_hidden()
    page.click("#link button")
    says(page, "code of your second factor")
    expect(page.locator("#link [name=code]")).to_be_focused()
    page.fill("#link [name=code]", "abc-def")
    page.click("#link button")
    says(page, "^This is no code of your second factor")
    page.fill("#link [name=code]", person.code())
    page.click("#link button")
    says(page, "You are signed in")
    assert page.evaluate("fetch('/api/users/me').then(answer => answer.status)") == 200


def test_a_browser_that_did_not_ask_for_a_link_signs_in_to_no_account_but_the_one_that_the_person_names(
    browser: Any, demo_market: DemoMarket
) -> None:
    person = Person(demo_market)
    ask(demo_market, "POST", "/api/auth/link", {"email": person.email})
    page = opened(browser, demo_market, "link", person.mails["link"])
    expect(page.locator("#link [name=email]")).to_be_hidden()
    page.click("#link button")
    says(page, "asked for in another browser")
    expect(page.locator("#link [name=email]")).to_be_focused()
    page.click("#link button")
    page.fill("#link [name=email]", "victim@example.org")
    page.click("#link button")
    says(page, "^E-mail address: is not where a link that is still good was sent")
    expect(page.locator("#again")).to_be_visible()
    assert page.evaluate("fetch('/api/users/me').then(answer => answer.status)") == 401
    page.fill("#link [name=email]", person.email)
    page.click("#link button")
    says(page, f"^You are signed in as {person.email}")
    expect(page.locator("#again")).to_be_hidden()


def test_the_browser_that_asked_for_a_link_signs_in_by_one_press_and_says_as_whom(
    browser: Any, demo_market: DemoMarket
) -> None:
    person = Person(demo_market)
    page = linked(browser, demo_market, person)
    page.click("#link button")
    says(page, f"^You are signed in as {person.email}")


def test_an_account_at_rest_is_opened_by_a_mailed_link_and_a_second_press(
    browser: Any,
    demo_market: DemoMarket,
) -> None:
    person = Person(demo_market)
    ask(demo_market, "POST", "/api/users/me/deactivation", None, person.token)
    page = linked(browser, demo_market, person)
    page.click("#link button")
    says(page, "account is deactivated")
    assert page.evaluate("fetch('/api/users/me').then(answer => answer.status)") == 401
    page.click("#link button")
    says(page, "You are signed in")


def test_an_invitation_is_accepted_with_the_code_and_leaves_no_sign_in_behind(
    browser: Any,
    demo_market: DemoMarket,
) -> None:
    person = Person(demo_market, factor=True)
    farmer = ask(demo_market, "POST", "/api/auth/login", {"email": FARMER, "password": demo_market.password})
    body = {"email": person.email, "role": "packer"}
    ask(demo_market, "POST", f"/api/farms/{SUNNY_ACRES}/members", body, farmer["access_token"])
    page = opened(browser, demo_market, "invitation", person.mails["invitation"])
    page.fill("#invitation [name=email]", person.email)
    page.fill("#invitation [name=password]", PASSWORD)
    page.click("#invitation button")
    says(page, "code of your second factor")
    page.fill("#invitation [name=code]", person.code())
    page.click("#invitation button")
    says(page, "you belong to the farm now")
    assert len(ask(demo_market, "GET", "/api/users/me/sessions", None, person.token)["items"]) == 1


def test_an_invitation_is_accepted_without_a_password_by_whoever_is_signed_in(
    browser: Any, demo_market: DemoMarket
) -> None:
    person = Person(demo_market)
    farmer = ask(demo_market, "POST", "/api/auth/login", {"email": FARMER, "password": demo_market.password})
    body = {"email": person.email, "role": "packer"}
    ask(demo_market, "POST", f"/api/farms/{SUNNY_ACRES}/members", body, farmer["access_token"])
    page = linked(browser, demo_market, person)
    page.click("#link button:not([type])")
    says(page, "You are signed in")
    page = page.context.new_page()
    page.goto(f"{demo_market.address}/account#invitation={person.mails['invitation']}")
    expect(page.locator("#invitation .as")).to_have_text(f"You are signed in as {person.email}.", timeout=15_000)
    expect(page.locator("#invitation [name=password]")).to_have_count(0)
    page.click("#invitation button:has-text('Accept')")
    says(page, "you belong to the farm now")


def test_who_is_signed_in_is_sent_another_mail_in_place_of_a_dead_link(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    page: Page = browser.new_context().new_page()
    page.goto(f"{demo_market.address}/account")
    page.fill("#enter [name=email]", person.email)
    page.fill("#enter [name=password]", PASSWORD)
    page.click("#enter button:not([type])")
    expect(page.locator("#who")).to_be_visible(timeout=15_000)
    stranger = opened(browser, demo_market, "verify", "x" * 43)
    page = page.context.new_page()
    page.goto(f"{demo_market.address}/account#verify={'x' * 43}")
    for one in (stranger, page):
        one.click("#verify button")
        says(one, "used already, or is too old")
    with page.expect_response("**/api/auth/email/verification") as answer:
        page.click("#anew")
    assert answer.value.status == 202
    says(page, "A new mail is on its way to you")
    expect(page.locator("#anew")).to_be_hidden()
    expect(stranger.locator("#anew")).to_be_hidden()


def test_a_way_leads_back_from_a_forgotten_password(browser: Any, demo_market: DemoMarket) -> None:
    page = opened(browser, demo_market, "forgot", "")
    page.click("text=Back to signing in")
    expect(page.locator("#enter")).to_be_visible(timeout=15_000)
    expect(page.locator("#forgot")).to_be_hidden()


def test_the_docs_ask_for_the_code_too(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market, factor=True)
    page: Page = browser.new_context().new_page()
    page.goto(demo_market.address + "/docs/orders")
    page.fill("#sign-in [name=email]", person.email)
    page.fill("#sign-in [name=password]", PASSWORD)
    page.click("#sign-in .fields button")
    expect(page.locator("#sign-in [name=code]")).to_be_focused(timeout=15_000)
    page.fill("#sign-in [name=code]", person.code())
    page.click("#sign-in .fields button")
    expect(page.locator(".who")).to_have_text("Signed in as Bo", timeout=15_000)


def test_who_signs_in_elsewhere_gives_the_code_of_their_second_factor_and_goes_on(
    browser: Any, demo_market: DemoMarket
) -> None:
    name = f"p{secrets.token_hex(4)}"
    demo_market.issuer.person = {"sub": name, "email": f"{name}@example.org", "email_verified": True, "name": name}
    entrance = f"{demo_market.address}/api/auth/google?return_to=/docs/accounts%3Fx"
    page: Page = browser.new_context().new_page()
    page.goto(entrance)
    assert page.url == f"{demo_market.address}/docs/accounts?x"
    factor = page.evaluate(SEND, ["/api/users/me/second-factors", {"name": "telephone"}])
    totp = pyotp.TOTP(factor["secret"])
    before, now = totp.at(datetime.now(UTC) - timedelta(seconds=30)), totp.now()
    page.evaluate(SEND, [f"/api/users/me/second-factors/{factor['id']}/confirm", {"code": before}])
    other: Page = browser.new_context().new_page()
    other.goto(entrance)
    assert other.url == f"{demo_market.address}/account", "with nothing of the challenge left in it"
    other.fill("#factor [name=code]", "000000")
    other.click("#factor button")
    says(other, "^This is no code of your second factor")
    other.fill("#factor [name=code]", now)
    other.click("#factor button")
    other.wait_for_url(f"{demo_market.address}/docs/accounts?x")
    assert other.evaluate('async () => (await fetch("/api/users/me")).status') == 200


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("link-needed", "account with your address"),
        ("account-closed", "staff have closed your account"),
        ("no-such", "begin again"),
    ],
)
def test_the_page_says_why_nobody_was_signed_in(browser: Any, demo_market: DemoMarket, slug: str, words: str) -> None:
    page: Page = browser.new_context().new_page()
    page.goto(f"{demo_market.address}/account#problem={slug}")
    (told,) = [one for one in page.locator(".wrong").all() if one.is_visible()]
    expect(told).to_contain_text(words)
    expect(told).to_be_focused()
    assert page.url == f"{demo_market.address}/account" and not page.locator("form:visible").count()


@pytest.mark.parametrize("to", ["https%3A%2F%2Fevil.example%2F", "%2F%2Fevil.example", "javascript%3Aalert(1)", "%ZZ"])
def test_the_page_sends_nobody_to_another_site(browser: Any, demo_market: DemoMarket, to: str) -> None:
    person = Person(demo_market, factor=True)
    status, asked, _ = request(
        demo_market.port, "POST", "/api/auth/login", {"email": person.email, "password": PASSWORD}
    )
    assert status == 401
    page: Page = browser.new_context().new_page()
    page.goto(f"{demo_market.address}/account#factor={asked['challenge']}&return_to={to}")
    page.fill("#factor [name=code]", person.code())
    page.click("#factor button")
    says(page, "You are signed in in this browser")
    assert page.url == f"{demo_market.address}/account"
