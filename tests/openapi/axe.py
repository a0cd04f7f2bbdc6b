"""What axe says of a page."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.openapi.tools import need

OPEN = "for (const one of document.querySelectorAll('details')) one.open = true"


#: Of the elements with text of their own, one for each look: its colour, size and weight, and all that may lie behind it. What looks
#: alike has the same contrast, and a page of the reference has thousands of elements of a few dozen looks.
LOOKS = """() => {
  const looks = new Map(), grounds = new Map([[null, ""]]);
  const ground = (one) => {
    if (!grounds.has(one)) {
      const style = getComputedStyle(one), parts = [style.backgroundColor, style.backgroundImage, style.opacity];
      grounds.set(one, ground(one.parentElement) + (parts.join() === "rgba(0, 0, 0, 0),none,1" ? "" : parts.join("|") + ">"));
    }
    return grounds.get(one);
  };
  for (const one of document.body.querySelectorAll("*")) {
    const own = one.matches("input, select, textarea") || [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    const look = [style.color, style.fontSize, style.fontWeight, style.textShadow, one.disabled, ground(one)].join("|");
    if (!looks.has(look) || (looks.get(look).firstElementChild && !one.firstElementChild)) looks.set(look, one);  // axe takes what is in it, too
  }
  return [...looks.values()];
}"""


def check(page: Page, where: str) -> None:
    """Fail for anything that axe finds on a page, which its own policy must let it onto (``bypass_csp``): by all rules in the light, and
    by those of colours in the dark, since all else is the same page. The contrast of each look is measured once."""
    page.emulate_media(color_scheme="light")
    page.evaluate(need("axe-core/axe.min.js").read_text("utf-8"))
    assert _violations(page, "document", {"rules": {"color-contrast": {"enabled": False}}}) == [], where
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = _violations(page, f"{{ include: ({LOOKS})() }}", {"runOnly": ["color-contrast"]})
        assert found == [], f"{where} in the {scheme}"
    page.emulate_media(color_scheme="light")


def _violations(page: Page, of: str, options: dict[str, Any]) -> list[tuple[str, str]]:
    found = page.evaluate(f'(options) => axe.run({of}, {{ ...options, resultTypes: ["violations"] }})', options)
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]
