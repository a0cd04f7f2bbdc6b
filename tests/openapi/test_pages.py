"""The pages in a browser: for the keyboard, the screen reader and the dark; and each example as it stands."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from servers import wait_until
from tests.openapi import axe
from tests.openapi.conftest import DemoMarket

pytestmark = pytest.mark.xdist_group("demo_market")
PAGES = (
    "/",
    "/docs",
    "/docs/orders",
    "/docs/accounts",
    "/docs/schemas",
    "/docs/ranking",
    "/problems",
    "/problems/stale",
)


def test_axe_finds_nothing_in_light_and_dark(browser: Any, demo_market: DemoMarket) -> None:
    page: Page = browser.new_context(bypass_csp=True).new_page()
    for path in PAGES:
        page.goto(demo_market.address + path)
        page.evaluate(axe.OPEN)
        axe.check(page, path)
        assert page.locator("h1").count() == 1, path


@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_is_loaded_again_is_as_it_was(browser: Any, demo_market: DemoMarket, path: str) -> None:
    page: Page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(demo_market.address + path)
    for _ in range(2):
        assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") != "none"
        assert page.locator("form").count() == 0 or page.evaluate("typeof show") == "function"
        page.reload()
    assert said == []


def test_without_scripts_a_password_gets_into_no_address(browser: Any, demo_market: DemoMarket) -> None:
    page: Page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(demo_market.address + "/docs/orders")
    page.fill("#sign-in [name=email]", "buyer@example.org")
    page.fill("#sign-in [name=password]", "a secret of mine")
    page.press("#sign-in [name=password]", "Enter")
    expect(page.locator("body")).to_contain_text("405")
    assert "secret" not in page.url


def test_an_order_can_be_placed_and_read_from_the_page_as_it_stands(browser: Any, demo_market: DemoMarket) -> None:
    """Under the page's own policy, without an error in the browser's console."""
    page: Page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(demo_market.address + "/docs/orders")
    sign_in(page, demo_market.password)
    expect(page.locator(".who")).to_have_text("Signed in as Bea Buyer", timeout=15_000)
    answer = sent(page, "placeOrder")
    expect(answer).to_contain_text(re.compile("^201\n{"), timeout=15_000)
    placed = json.loads(answer.inner_text().partition("\n")[2])["id"]
    page.locator("section[aria-labelledby=getOrder] .try > summary").click()
    expect(page.locator("section[aria-labelledby=getOrder] [name=id]")).to_have_value(placed, timeout=15_000)
    page.locator("section[aria-labelledby=getOrder] button").click()
    expect(page.locator("section[aria-labelledby=getOrder] [role=status]")).to_contain_text(re.compile("^200\n{"))
    assert said == []


def test_what_came_back_begins_with_the_status_and_folds_the_headers(browser: Any, demo_market: DemoMarket) -> None:
    page: Page = browser.new_page()
    page.goto(demo_market.address + "/docs/orders")
    expect(sent(page, "listOrders")).to_contain_text(re.compile("^401\n{"), timeout=15_000)
    headers = page.locator("section[aria-labelledby=listOrders] .headers")
    expect(headers.locator("pre")).not_to_be_visible()
    headers.locator("summary").click()
    expect(headers.locator("pre")).to_contain_text("content-type: application/problem+json")


#: Types something into a field and sends its form; answers what the browser says of the field then.
TYPED = """(field, typed) => {
    field.closest('details').open = true; field.value = typed; field.form.requestSubmit(); return field.validationMessage
}"""


@pytest.mark.parametrize("path", ["/docs/orders", "/docs/categories", "/docs/products"])
def test_what_is_no_id_is_said_at_its_field_and_nothing_is_sent(
    browser: Any, demo_market: DemoMarket, path: str
) -> None:
    page: Page = browser.new_page()
    page.goto(demo_market.address + path)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method) if request.method != "GET" else None)
    for form in page.locator(".try form:not([data-method=GET])").all():
        for field in form.locator("[data-in=path]").all():
            for typed in ("", "  ", ".", " .. ", "a/b"):
                assert field.evaluate(TYPED, typed), typed
    assert asked == []


def test_what_is_wrong_with_a_sign_in_is_said_once(browser: Any, demo_market: DemoMarket) -> None:
    page: Page = browser.new_page()
    page.goto(demo_market.address + "/docs/orders")
    sign_in(page, "not the password")
    expect(page.locator(".who")).to_have_text(
        re.compile("^The e-mail address or the password is wrong: no account .* look at both .*new one$"),
        timeout=15_000,
    )


# --- who is signed in ---


def requests_of(page: Page, *paths: str) -> list[str]:
    """The paths among these that the page asks for from now on."""
    asked: list[str] = []

    def note(request: Any) -> None:
        path = request.url.partition("//")[2].partition("/")[2]
        asked.extend(one for one in paths if f"/{path}".partition("?")[0] == one)

    page.on("request", note)
    return asked


def signed_in(browser: Any, market: DemoMarket) -> Page:
    page: Page = browser.new_page()
    page.goto(market.address + "/docs/orders")
    sign_in(page, market.password)
    expect(page.locator(".who")).to_have_text("Signed in as Bea Buyer", timeout=15_000)
    return page


STORED = "Object.keys(sessionStorage).filter(name => name.startsWith('harvest-'))"
#: What becomes of a pair of tokens: the access token with a request, the refresh token by a refresh.
ALIVE = """async ([access, refresh]) => [
    (await fetch('/api/users/me', { headers: { Authorization: `Bearer ${access}` } })).status,
    (await fetch('/api/auth/refresh', { method: 'POST', headers: { 'Content-Type': 'application/json' },
                                        body: JSON.stringify({ refresh_token: refresh }) })).status]"""
TOKENS = "['harvest-token', 'harvest-refresh'].map(name => sessionStorage.getItem(name))"
#: An access token that has run out, as far as the market is concerned.
OUTWORN = "sessionStorage.setItem('harvest-token', 'outworn')"


def test_who_is_signed_in_sees_that_and_the_way_out_alone(browser: Any, demo_market: DemoMarket) -> None:
    page = signed_in(browser, demo_market)
    expect(page.locator("#sign-in [name=email]")).to_be_hidden()
    expect(page.locator("#sign-in [name=out]")).to_be_focused()
    page.reload()
    expect(page.locator(".who")).to_have_text("Signed in as Bea Buyer")
    expect(page.locator("#sign-in [name=password]")).to_be_hidden()


def test_signing_out_ends_both_tokens(browser: Any, demo_market: DemoMarket) -> None:
    page = signed_in(browser, demo_market)
    tokens = page.evaluate(TOKENS)
    page.click("#sign-in [name=out]")
    expect(page.locator(".who")).to_have_text("Not signed in", timeout=15_000)
    expect(page.locator("#sign-in [name=email]")).to_be_visible()
    assert page.evaluate(STORED) == []
    assert page.evaluate(ALIVE, tokens) == [401, 401]


def test_signing_out_clears_the_tab_when_nobody_answers_too(browser: Any, demo_market: DemoMarket) -> None:
    page = signed_in(browser, demo_market)
    page.route("**/api/auth/logout", lambda route: route.abort())
    page.click("#sign-in [name=out]")
    expect(page.locator(".who")).to_have_text("Not signed in", timeout=15_000)
    assert page.evaluate(STORED) == []


def test_signing_out_with_an_access_token_that_has_run_out_ends_the_sign_in_too(
    browser: Any, demo_market: DemoMarket
) -> None:
    page = signed_in(browser, demo_market)
    page.evaluate(OUTWORN)
    seen = requests_of(page, "/api/auth/logout", "/api/auth/refresh")
    page.click("#sign-in [name=out]")
    expect(page.locator(".who")).to_have_text("Not signed in", timeout=15_000)
    assert seen == ["/api/auth/logout", "/api/auth/refresh", "/api/auth/logout"]


def test_an_access_token_that_has_run_out_is_renewed_once_for_all_that_wait(
    browser: Any, demo_market: DemoMarket
) -> None:
    page = signed_in(browser, demo_market)
    asked = requests_of(page, "/api/auth/refresh")
    page.evaluate(OUTWORN)
    statuses = page.evaluate(
        "Promise.all(['orders', 'users/me', 'notifications'].map(async p => (await call('/api/' + p)).status))"
    )
    assert (statuses, asked) == ([200, 200, 200], ["/api/auth/refresh"])
    expect(page.locator(".who")).to_have_text("Signed in as Bea Buyer")


def test_a_sign_in_that_has_ended_is_said_to_have(browser: Any, demo_market: DemoMarket) -> None:
    page = signed_in(browser, demo_market)
    assert page.evaluate("call('/api/auth/logout', { method: 'POST' }).then(answer => answer.status)") == 204
    expect(sent(page, "listOrders")).to_contain_text(re.compile("^401\n{"), timeout=15_000)
    expect(page.locator(".who")).to_have_text("The sign-in has ended; please sign in again")
    expect(page.locator("#sign-in [name=email]")).to_be_visible()
    assert page.evaluate(STORED) == []


def test_a_market_that_does_not_answer_ends_no_sign_in(browser: Any, demo_market: DemoMarket) -> None:
    page = signed_in(browser, demo_market)
    page.route("**/api/auth/refresh", lambda route: route.fulfill(status=503, body="{}"))
    page.evaluate(OUTWORN)
    expect(sent(page, "listOrders")).to_contain_text(re.compile("^401\n{"), timeout=15_000)
    expect(page.locator(".who")).to_have_text("Signed in as Bea Buyer")


# --- lists ---


def test_what_needs_a_sign_in_is_not_asked_for_without_one_and_once_with_it(
    browser: Any, demo_market: DemoMarket
) -> None:
    page: Page = browser.new_page()
    page.goto(demo_market.address + "/docs/orders")
    asked = requests_of(page, "/api/orders")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    for summary in page.locator(".try > summary").all():
        summary.click()
    page.wait_for_timeout(500)
    assert (asked, said) == ([], [])
    sign_in(page, demo_market.password)
    expect(page.locator(".who")).to_have_text("Signed in as Bea Buyer", timeout=15_000)
    for _ in range(4):
        page.locator("section[aria-labelledby=getOrder] .try > summary").click()
    wait_until("it is asked for", lambda: page.wait_for_timeout(10) or bool(asked))
    page.wait_for_timeout(500)
    assert asked == ["/api/orders"], "and no second time"


def test_a_parameter_of_several_values_is_repeated(browser: Any, demo_market: DemoMarket) -> None:
    page: Page = browser.new_page()
    page.goto(demo_market.address + "/docs/products")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    section = page.locator("section[aria-labelledby=listProducts]")
    section.locator(".try > summary").click()
    section.locator("[name=unit]").fill("kg\n\n box \n")
    section.locator(".try button").click()
    expect(section.locator("[role=status]")).to_contain_text(re.compile("^200\n{"), timeout=15_000)
    assert any("unit=kg&unit=box" in address for address in addresses)


# --- small and dark ---

NARROW = """() => [document.scrollingElement.scrollWidth,
    [...document.querySelectorAll('th code')].filter(one => one.getClientRects().length > 1).map(one => one.textContent)]"""
COLOURS = """() => [...document.querySelectorAll('[placeholder]')].flatMap(one => {
    const of = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).map(Number);
    return [[of(getComputedStyle(one, '::placeholder').color), of(getComputedStyle(one).backgroundColor)]] })"""


@pytest.mark.parametrize("path", PAGES)
def test_on_a_telephone_nothing_sticks_out_and_no_name_is_broken(
    browser: Any, demo_market: DemoMarket, path: str
) -> None:
    page: Page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto(demo_market.address + path)
    page.evaluate(axe.OPEN)
    assert page.evaluate(NARROW) == [360, []]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_field_hints_at_can_be_read(browser: Any, demo_market: DemoMarket, scheme: str) -> None:
    page: Page = browser.new_context(color_scheme=scheme).new_page()
    page.goto(demo_market.address + "/docs/orders")
    found = page.evaluate(COLOURS)
    assert found and min(contrast(*pair) for pair in found) >= 4.5


def contrast(one: list[float], other: list[float]) -> float:
    """Of two colours, as WCAG 2 has it."""

    def light(colour: list[float]) -> float:
        parts = (c / 255 for c in colour)
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def sign_in(page: Page, password: str) -> None:
    page.fill("#sign-in [name=email]", "buyer@example.org")
    page.fill("#sign-in [name=password]", password)
    page.click("#sign-in button:has-text('Sign in')")


def sent(page: Page, operation: str) -> Locator:
    """The box of the answer, after the form of an operation was sent as it stands."""
    section = page.locator(f"section[aria-labelledby={operation}]")
    section.locator(".try > summary").click()
    section.locator(".try button").click()
    return section.locator("[role=status]")
