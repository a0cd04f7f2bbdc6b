"""The page of one's own account in a browser, with an authenticator of its own: whole journeys, as somebody makes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from harvestd.kernel.catalogues import WORDS
from harvestd.kernel.languages import NAMED
from harvestd.web.pages.documents import static
from tests.daemons import request
from tests.openapi import axe
from tests.openapi.conftest import DemoMarket
from tests.openapi.test_account_page import PASSWORD, Person, ask, says
from tests.openapi.test_passkeys import page_with_authenticator
from tests.uploading import picture

pytestmark = [pytest.mark.xdist_group("demo_market"), pytest.mark.limit(60)]
#: The browser's session is ended, and its page does not know.
OUT = """async () => {
  const { csrf_token: csrf } = await (await fetch("/api/auth/session")).json();
  await fetch("/api/auth/session", { method: "DELETE", headers: { "X-CSRF-Token": csrf } });
}"""
#: Milliseconds for which an answer is waited for.
SOON = 15_000


def entered(page: Page, person: Person, password: str = PASSWORD) -> None:
    page.fill("#enter [name=email]", person.email)
    page.fill("#enter [name=password]", password)
    page.click("#enter button:not([type])")


def at_home(page: Page) -> None:
    expect(page.locator("#who")).to_be_visible(timeout=SOON)


def told(page: Page, part: str, words: str) -> None:
    expect(page.locator(f"#{part} .told")).to_contain_text(re.compile(words), timeout=SOON)


def signed_in(browser: Any, market: DemoMarket, person: Person, **about: Any) -> Page:
    page = page_with_authenticator(browser, market, **about)
    entered(page, person)
    at_home(page)
    return page


def add_passkey(page: Page, name: str) -> None:
    page.fill("#passkey-form [name=name]", name)
    page.click("#passkey-form button")
    expect(page.locator("#passkeys li", has_text=name)).to_be_visible(timeout=SOON)


@contextmanager
def held(page: Page, path: str, method: str) -> Iterator[None]:
    """Requests of the page are under way for as long as the context lasts."""
    routes: list[Any] = []
    page.route(path, lambda route: routes.append(route) if route.request.method == method else route.fallback())
    yield
    for route in routes:
        route.continue_()
    page.unroute(path)


def another_authenticator(page: Page) -> None:
    """The device has another place for passkeys, as a security key would be."""
    client = page.context.new_cdp_session(page)
    client.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}  # fmt: skip
    client.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_added_signs_in_and_gets_a_second_beside_it_and_one_s_data_are_downloaded(
    browser: Any, demo_market: DemoMarket
) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    expect(page.locator("#who")).to_be_focused()
    add_passkey(page, "laptop")
    expect(page.locator("#fresh")).to_be_focused()
    expect(page.locator("#fresh li")).to_have_count(10)
    page.click("#out")
    says(page, "You are signed out")
    assert page.evaluate("fetch('/api/users/me').then(answer => answer.status)") == 401
    page.click("#by-passkey")
    at_home(page)
    expect(page.locator("#who")).to_contain_text(person.email)
    page.fill("#passkey-form [name=name]", "again")
    page.click("#passkey-form button")
    told(page, "passkeys", "has a passkey of your account already")
    another_authenticator(page)
    add_passkey(page, "key ring")
    expect(page.locator("#passkeys li")).to_have_count(2)
    page.click("#export")
    link = page.locator("#data a")
    expect(link).to_be_focused(timeout=30_000)
    with page.expect_download() as download:
        link.click()
    file = json.loads(download.value.path().read_bytes())
    names = {one["name"] for one in file["second_factors"]}
    assert file["account"]["email"] == person.email and names >= {"laptop", "key ring"}
    page.click("#passkeys li:has-text('key ring') button")
    told(page, "passkeys", "Saved")
    expect(page.locator("#passkeys li")).to_have_count(1)


def test_what_needs_a_confirmation_asks_for_it_by_password_or_by_a_passkey_alone(
    browser: Any, demo_market: DemoMarket
) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    add_passkey(page, "laptop")
    # the market is asked again once the page has confirmed: its first answer is what a sign-in of long ago gets
    refusal = {"type": "/problems/confirm", "title": "Please confirm", "status": 403, "detail": "confirm first"}
    waiting = [1]

    def refuse_once(route: Any) -> None:
        if route.request.method == "POST" and waiting:
            waiting.pop()
            route.fulfill(status=403, body=json.dumps(refusal), content_type="application/problem+json")
        else:
            route.continue_()

    page.route("**/api/users/me/recovery-codes", refuse_once)
    page.click("#renew")
    expect(page.locator("#confirm")).to_be_visible(timeout=SOON)
    page.keyboard.press("Escape")
    told(page, "codes", "Nothing was done")
    waiting.append(1)
    page.click("#renew")
    with page.expect_response("**/api/auth/confirm") as answer:
        page.click("#confirm-passkey")
    assert answer.value.status == 204
    assert list(json.loads(answer.value.request.post_data)) == ["passkey"]
    expect(page.locator("#fresh")).to_be_focused(timeout=SOON)
    codes = page.locator("#fresh li").all_inner_texts()
    waiting.append(1)
    page.click("#renew")
    page.fill("#confirm [name=password]", "not the password")
    page.press("#confirm [name=password]", "Enter")
    expect(page.locator("#confirm .told")).to_contain_text("is not the password of your account", timeout=SOON)
    expect(page.locator("#confirm .told")).to_have_attribute("role", "alert")
    page.fill("#confirm [name=password]", PASSWORD)
    page.press("#confirm [name=password]", "Enter")
    expect(page.locator("#confirm [name=code]")).to_be_focused(timeout=SOON)
    page.fill("#confirm [name=code]", codes[0])
    page.press("#confirm [name=code]", "Enter")
    expect(page.locator("#confirm")).to_be_hidden(timeout=SOON)
    expect(page.locator("#fresh li").first).not_to_have_text(codes[0], timeout=SOON)


#: Two buttons whose work needs a confirmation, in one go.
BOTH = "for (const one of ['profile', 'password']) document.querySelector(`#${one}-form button`).click()"


def refuse(route: Any) -> None:
    """What a sign-in of long ago gets."""
    refusal = {"type": "/problems/confirm", "title": "Please confirm", "status": 403, "detail": "confirm first"}
    route.fulfill(status=403, json=refusal, content_type="application/problem+json")


def refused_once(page: Page, late: list[Any] | None = None) -> list[str]:
    """The market's first answer to a change of the profile, and to one of the password, is what a sign-in of long ago gets. What is sent there
    after that, and how often it was confirmed. With `late`, the password's waits there to be refused."""
    waiting, sent = {"me", "password"}, []

    def answer(route: Any) -> None:
        name = route.request.url.rpartition("/")[2]
        if route.request.method != "GET" and name in waiting:
            waiting.remove(name)
            late.append(route) if late is not None and name == "password" else refuse(route)
        else:
            sent.append(name)
            route.fallback()

    for path in ("users/me", "users/me/password", "auth/confirm"):
        page.route(f"**/api/{path}", answer)
    page.fill("#password-form [name=password]", "three turnips in a row")
    return sent


def confirm(page: Page) -> None:
    page.fill("#confirm [name=password]", PASSWORD)
    page.press("#confirm [name=password]", "Enter")


def test_two_things_that_need_a_confirmation_at_once_are_confirmed_once(browser: Any, demo_market: DemoMarket) -> None:
    page = signed_in(browser, demo_market, Person(demo_market))
    sent = refused_once(page)
    page.evaluate(BOTH)
    confirm(page)
    for part in ("profile", "password"):
        told(page, part, "Saved")
    expect(page.locator("#confirm")).to_be_hidden()
    assert sent[0] == "confirm" and sorted(sent) == ["confirm", "me", "password"]


def test_who_does_not_confirm_has_done_neither_and_can_do_both_later(browser: Any, demo_market: DemoMarket) -> None:
    page = signed_in(browser, demo_market, Person(demo_market))
    sent = refused_once(page)
    page.evaluate(BOTH)
    expect(page.locator("#confirm")).to_be_visible(timeout=SOON)
    page.keyboard.press("Escape")
    for part in ("profile", "password"):
        told(page, part, "Nothing was done")
    assert sent == []
    page.evaluate(BOTH)
    for part in ("profile", "password"):
        told(page, part, "Saved")


@pytest.mark.parametrize("given", [True, False])
def test_a_confirmation_counts_for_what_was_sent_before_its_end_and_refused_after_it(
    browser: Any, demo_market: DemoMarket, given: bool
) -> None:
    page = signed_in(browser, demo_market, Person(demo_market))
    late: list[Any] = []
    sent = refused_once(page, late)
    page.evaluate(BOTH)
    expect(page.locator("#confirm")).to_be_visible(timeout=SOON)
    confirm(page) if given else page.keyboard.press("Escape")
    outcome = "Saved" if given else "Nothing was done"
    told(page, "profile", outcome)
    while not late:
        page.wait_for_timeout(10)
    refuse(late.pop())
    told(page, "password", outcome)
    expect(page.locator("#confirm")).to_be_hidden()
    assert sent == (["confirm", "me", "password"] if given else [])


def test_a_confirmation_whose_dialog_was_closed_confirms_nothing_else(browser: Any, demo_market: DemoMarket) -> None:
    page = signed_in(browser, demo_market, Person(demo_market))
    sent = refused_once(page)
    with held(page, "**/api/auth/confirm", "POST"):
        page.click("#profile-form button")
        with page.expect_request("**/api/auth/confirm"):
            confirm(page)
        page.keyboard.press("Escape")
        told(page, "profile", "Nothing was done")
        page.click("#password-form button")
        expect(page.locator("#confirm")).to_be_visible(timeout=SOON)
        expect(page.locator("#confirm .told")).to_be_empty()
    assert sent == []
    with page.expect_request("**/api/auth/confirm"):
        confirm(page)
    told(page, "password", "Saved")
    assert sent == ["password"]


def test_a_wrong_password_and_a_wrong_code_are_said_and_an_app_s_code_signs_in(
    browser: Any, demo_market: DemoMarket
) -> None:
    person = Person(demo_market)
    page = page_with_authenticator(browser, demo_market)
    entered(page, person, "not the password")
    says(page, "password is wrong")
    entered(page, person)
    at_home(page)
    page.fill("#totp-form [name=name]", "telephone")
    page.click("#totp-form button")
    code = page.locator("#totp-code [name=code]")
    expect(code).to_be_focused(timeout=SOON)
    person.secret = page.locator("#totp-code code").inner_text()
    code.fill("000000")
    page.click("#totp-code button")
    told(page, "totp", "is wrong, or was used already")
    code.fill(person.code(-1))
    page.click("#totp-code button")
    expect(page.locator("#totp li", has_text="telephone")).to_be_visible(timeout=SOON)
    page.click("#out")
    says(page, "You are signed out")
    entered(page, person)
    expect(page.locator("#enter [name=code]")).to_be_focused(timeout=SOON)
    page.fill("#enter [name=code]", "abc-def")
    page.press("#enter [name=code]", "Enter")
    says(page, "^This is no code of your second factor")
    page.fill("#enter [name=code]", pyotp.TOTP(person.secret).at(datetime.now(UTC) + timedelta(seconds=0)))
    page.press("#enter [name=code]", "Enter")
    at_home(page)


@pytest.mark.parametrize("ending", ["the button", "the market"])
def test_nothing_of_a_person_stays_in_the_page_after_they_sign_out(
    browser: Any, demo_market: DemoMarket, ending: str
) -> None:
    page = signed_in(browser, demo_market, Person(demo_market))
    add_passkey(page, "laptop")
    expect(page.locator("#fresh li")).to_have_count(10)
    secrets = page.locator("#fresh li").all_inner_texts()
    page.fill("#totp-form [name=name]", "telephone")
    page.click("#totp-form button")
    expect(page.locator("#totp-code [name=code]")).to_be_focused(timeout=SOON)
    secrets.append(page.locator("#totp-code code").inner_text())
    page.click("#export")
    expect(page.locator("#data a")).to_be_focused(timeout=30_000)
    secrets += [page.locator("#data a").get_attribute("href") or "", "otpauth:", "laptop"]
    shown = page.content()
    assert all(one in shown for one in secrets)
    if ending == "the market":
        page.evaluate(OUT)
    page.click("#out" if ending == "the button" else "#profile-form button")
    says(page, "You are signed out")
    expect(page.locator("#enter [name=email]")).to_have_value("")
    left = page.content()
    assert [one for one in secrets if one in left] == []
    entered(page, Person(demo_market))
    at_home(page)
    expect(page.locator("#sessions li").first).to_be_visible(timeout=SOON)
    left = page.content()
    assert [one for one in secrets if one in left] == [], "to the next person"


def test_a_sign_in_by_which_the_staff_act_is_told_apart(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    admin = {"email": "admin@example.org", "password": demo_market.password}
    token = ask(demo_market, "POST", "/api/auth/login", admin)["access_token"]
    me = ask(demo_market, "GET", "/api/users/me", token=person.token)["id"]
    ask(demo_market, "POST", f"/api/admin/users/{me}/impersonate", {"reason": "they called"}, token)
    page = signed_in(browser, demo_market, person)
    expect(page.locator("#sessions li").nth(1)).to_contain_text("The market's staff, for you", timeout=SOON)


def test_a_message_goes_with_the_next_action_of_its_section(browser: Any, demo_market: DemoMarket) -> None:
    page = signed_in(browser, demo_market, Person(demo_market))
    add_passkey(page, "laptop")
    told(page, "passkeys", "Saved")
    page.fill("#passkey-form [name=name]", "another")
    another_authenticator(page)
    with held(page, "**/api/users/me/second-factors", "POST"):
        page.click("#passkey-form button")
        expect(page.locator("#passkeys .told")).to_have_text("")
    told(page, "passkeys", "Saved")


def test_it_is_said_that_a_sign_in_takes_a_moment(browser: Any, demo_market: DemoMarket) -> None:
    page = page_with_authenticator(browser, demo_market)
    with held(page, "**/api/auth/session", "POST"):
        entered(page, Person(demo_market))
        expect(page.locator("#said")).to_have_text("One moment…")
        expect(page.locator("#said")).to_have_attribute("role", "status")
    at_home(page)
    expect(page.locator("#said")).to_have_text("")


def test_a_file_that_is_ready_is_offered_as_the_page_opens_and_no_other_is_written(
    browser: Any, demo_market: DemoMarket
) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    expect(page.locator("#data a")).to_be_hidden()
    page.click("#export")
    expect(page.locator("#data a")).to_be_focused(timeout=30_000)
    page.click("#out")
    says(page, "You are signed out")
    entered(page, person)
    expect(page.locator("#data a")).to_be_visible(timeout=SOON)
    page.click("#export")
    expect(page.locator("#data a")).to_be_focused(timeout=SOON)
    with page.expect_download() as download:
        page.click("#data a")
    assert json.loads(download.value.path().read_bytes())["account"]["email"] == person.email
    path = "/api/operations?kind=account.export"
    (operation,) = ask(demo_market, "GET", path, None, person.token)["items"]
    old = operation | {"finished_at": "2026-01-01T00:00:00Z"}
    page.route(f"**{path}&status=*", lambda route: route.fulfill(json={"items": [old], "next_cursor": None}))
    with page.expect_request("**/api/users/me/export"):
        page.click("#export")


def test_passkeys_are_offered_at_their_own_address_alone(browser: Any, demo_market: DemoMarket) -> None:
    page: Page = browser.new_context().new_page()
    page.goto(f"{demo_market.address}/account")
    expect(page.locator("#entrance .not-here")).to_contain_text("Passkeys work at localhost alone")
    expect(page.locator("#by-passkey")).to_be_hidden()
    entered(page, Person(demo_market))
    at_home(page)
    expect(page.locator("#passkeys .not-here")).to_be_visible()
    expect(page.locator("#passkey-form")).to_be_hidden()
    page.goto(f"{demo_market.address}/docs/orders")
    expect(page.locator("#sign-in .not-here")).to_be_visible()
    expect(page.locator("#sign-in [name=passkey]")).to_be_hidden()
    page.click("#sign-in .not-here a")
    page.wait_for_url(f"http://localhost:{demo_market.port}/docs")
    page.goto(f"http://localhost:{demo_market.port}/account")
    expect(page.locator("#by-passkey")).to_be_visible()
    expect(page.locator("#entrance .not-here")).to_be_hidden()


@pytest.mark.parametrize("error", ["new DOMException('', 'SecurityError')", "new TypeError('no such option')"])
def test_what_a_browser_cannot_do_with_a_passkey_is_not_said_of_the_market(
    browser: Any, demo_market: DemoMarket, error: str
) -> None:
    page = page_with_authenticator(browser, demo_market)
    page.evaluate(f"void (navigator.credentials.get = async () => {{ throw {error}; }})")
    page.click("#by-passkey")
    says(page, "This browser could not use a passkey here")
    page.goto(f"http://localhost:{demo_market.port}/docs/orders")
    page.evaluate(f"void (navigator.credentials.get = async () => {{ throw {error}; }})")
    page.click("#sign-in [name=passkey]")
    expect(page.locator(".who")).to_contain_text("This browser could not use a passkey here", timeout=SOON)


def test_a_fault_is_told_under_the_words_of_its_field_as_the_language_writes_that(
    browser: Any, demo_market: DemoMarket
) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    page.evaluate("name => void (said.dataset.named = name)", WORDS["fr"].page[NAMED])
    field = [{"field": "code", "code": "not-accepted", "message": "n'est pas le bon $&", "params": {}}]
    fault = {"type": "/problems/invalid", "title": "t", "status": 422, "detail": "d", "errors": field}
    refusal = {"type": "/problems/confirm", "title": "t", "status": 403, "detail": "d"}
    kind = "application/problem+json"
    page.route("**/api/users/me", lambda route: route.fulfill(status=403, json=refusal, content_type=kind))
    page.route("**/api/auth/confirm", lambda route: route.fulfill(status=422, json=fault, content_type=kind))
    page.click("#profile-form button")
    page.fill("#confirm [name=password]", PASSWORD)
    page.press("#confirm [name=password]", "Enter")
    expect(page.locator("#confirm .told")).to_have_text("Code\u00a0: n'est pas le bon $&.", timeout=SOON)


def test_a_passkey_is_the_second_factor_after_the_password_too(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    add_passkey(page, "laptop")
    page.click("#out")
    says(page, "You are signed out")
    entered(page, person)
    page.click("#enter .use-passkey", timeout=SOON)
    at_home(page)


def test_name_and_language_are_kept_and_every_sign_in_is_ended(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    page.fill("#profile-form [name=name]", "Bo Bean")
    page.select_option("#profile-form [name=language]", index=1)
    page.click("#profile-form button")
    told(page, "profile", "Saved")
    page.reload()
    at_home(page)
    expect(page.locator("#profile-form [name=name]")).to_have_value("Bo Bean")
    expect(page.locator("#sessions li")).to_have_count(2, timeout=SOON)
    page.click("#everywhere")
    says(page, "You are signed out")
    bearer = {"Authorization": f"Bearer {person.token}"}
    assert request(demo_market.port, "GET", "/api/users/me", None, bearer)[0] == 401


def test_a_forgotten_password_and_a_mailed_link_are_asked_for_from_here(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    page = page_with_authenticator(browser, demo_market)
    page.fill("#ask-link [name=email]", person.email)
    page.click("#ask-link button")
    says(page, "a mail is on its way")
    link = page.context.new_page()
    link.goto(f"http://localhost:{demo_market.port}/account#link={person.mails['link']}")
    link.click("#link button:not([type])")
    says(link, "You are signed in")
    link.click("#onward a")
    at_home(link)
    link.click("#out")
    link.click("#entrance a[href='#forgot']")
    link.fill("#forgot [name=email]", person.email)
    link.click("#forgot button")
    says(link, "a mail is on its way")
    assert person.mails["reset"]


def test_axe_finds_nothing_and_nothing_sticks_out_of_a_narrow_telephone(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    page: Page = browser.new_context(bypass_csp=True, viewport={"width": 320, "height": 640}).new_page()
    page.goto(f"{demo_market.address}/account")
    for state in ("entrance", "own", "dialog"):
        if state == "own":
            entered(page, person)
            at_home(page)
            expect(page.locator("#sessions li").first).to_be_visible(timeout=SOON)
            page.evaluate("for (const one of document.querySelectorAll('#own [hidden]')) one.hidden = false")
        if state == "dialog":
            page.evaluate("document.getElementById('confirm').showModal()")
        axe.check(page, state)
        assert page.evaluate("document.scrollingElement.scrollWidth") == 320, state


def test_what_somebody_keeps_with_their_account_is_shown_added_and_taken_away(
    browser: Any, demo_market: DemoMarket
) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    picture_shown = page.locator("#picture img")
    expect(picture_shown).to_be_hidden()
    page.set_input_files("#picture-form [name=file]", {"name": "me.png", "mimeType": "image/png", "buffer": picture()})
    page.click("#picture-form button")
    told(page, "picture", "Saved")
    expect(picture_shown).to_be_visible(timeout=SOON)
    assert page.evaluate("document.querySelector('#picture img').decode().then(() => true)")
    page.click("#picture-remove")
    expect(picture_shown).to_be_hidden(timeout=SOON)
    page.set_input_files(
        "#picture-form [name=file]", {"name": "me.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    page.click("#picture-form button")
    expect(page.locator("#picture .told")).to_have_attribute("role", "alert", timeout=SOON)
    expect(page.locator("#addresses li")).to_have_text("There is none yet.")
    for name, text in (("label", "Home"), ("recipient", "Bo Baker"), ("address", "Main Road 1\n1010 Vienna"), ("note", "Ring twice")):  # fmt: skip
        page.fill(f"#address-form [name={name}]", text)
    page.fill("#address-form [name=phone]", "none at all")
    page.click("#address-form button")
    told(page, "addresses", "Telephone number: ")
    page.fill("#address-form [name=phone]", "")
    page.click("#address-form button")
    expect(page.locator("#addresses li")).to_contain_text(
        "Home, Bo Baker, Main Road 1, 1010 Vienna, Ring twice", timeout=SOON
    )
    page.click("#addresses li button")
    expect(page.locator("#addresses li")).to_have_text("There is none yet.", timeout=SOON)


def test_an_api_key_is_made_shown_once_and_ended(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    scope = page.locator("#key-form [value='orders:read']")
    expect(scope).to_be_visible(timeout=SOON)
    expect(page.locator("#key-form [value='market:audit:read']")).to_be_hidden()
    page.fill("#key-form [name=name]", "my shop")
    page.click("#key-form button")
    told(page, "keys", "one scope at least|1 element")
    scope.check()
    page.fill("#key-form [name=expires]", "2999-12-31")
    page.click("#key-form button")
    expect(page.locator("#key-shown")).to_be_focused(timeout=SOON)
    key = page.locator("#key-shown code").inner_text()
    assert ask(demo_market, "GET", "/api/orders", None, key)["items"] == []
    expect(page.locator("#keys li")).to_contain_text("my shop")
    page.click("#keys li button")
    expect(page.locator("#keys li")).to_have_text("There is none yet.", timeout=SOON)
    expect(page.locator("#key-shown")).to_be_hidden()
    assert key not in page.content()


def test_an_account_is_put_to_rest_and_opened_again(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    page.click("#rest-button")
    says(page, "You are signed out")
    entered(page, person)
    says(page, "deactivated")
    entered(page, person)
    at_home(page)


def test_the_docs_sign_in_by_a_passkey_too(browser: Any, demo_market: DemoMarket) -> None:
    person = Person(demo_market)
    page = signed_in(browser, demo_market, person)
    add_passkey(page, "laptop")
    page.goto(f"http://localhost:{demo_market.port}/docs/orders")
    page.click("#sign-in [name=passkey]")
    expect(page.locator(".who")).to_have_text("Signed in as Bo", timeout=SOON)


def test_the_page_is_small_and_asks_no_faster_than_every_two_seconds() -> None:
    scripts = [static(f"{name}.js") for name in ("passkeys", "account", "own", "things")]
    assert sum(map(len, scripts)) < 36_000
    (pause,) = re.findall(rb"const PAUSE = (\d+);", scripts[2])
    assert int(pause) >= 2000 and b"pause * 1.5" in scripts[2]
