"""The pages in a browser: for the keyboard, the screen reader and the dark; and each example as it stands."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.openapi.conftest import DemoMarket
from tests.openapi.tools import need

pytestmark = pytest.mark.xdist_group("demo_market")
PAGES = ("/", "/docs", "/docs/orders", "/docs/accounts", "/docs/schemas", "/problems", "/problems/stale")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Any, demo_market: DemoMarket, scheme: str) -> None:
    axe = need("axe-core/axe.min.js").read_text("utf-8")
    page: Page = browser.new_context(color_scheme=scheme, bypass_csp=True).new_page()
    for path in PAGES:
        page.goto(demo_market.address + path)
        for details in page.query_selector_all("details"):
            details.evaluate("one => { one.open = true }")
        page.evaluate(axe)
        found = page.evaluate('axe.run(document, { resultTypes: ["violations"] })')
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == [], path
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
        re.compile("^The e-mail address or the password is wrong: no account .* look at both .*staff$"), timeout=15_000
    )


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
