"""What axe says of a page."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.openapi.tools import need

OPEN = "for (const one of document.querySelectorAll('details')) one.open = true"


def check(page: Page, where: str) -> None:
    """Fail for anything that axe finds on a page, which its own policy must let it onto (``bypass_csp``): by all rules in the light, and
    by those of colours in the dark, since all else is the same page."""
    page.emulate_media(color_scheme="light")
    page.evaluate(need("axe-core/axe.min.js").read_text("utf-8"))
    assert _violations(page) == [], where
    page.emulate_media(color_scheme="dark")
    assert _violations(page, "color-contrast") == [], f"{where} in the dark"
    page.emulate_media(color_scheme="light")


def _violations(page: Page, *rules: str) -> list[tuple[str, str]]:
    only = f"runOnly: {list(rules)!r}, " if rules else ""
    found = page.evaluate(f'axe.run(document, {{ {only}resultTypes: ["violations"] }})')
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]
