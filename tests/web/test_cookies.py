"""Every cookie of the market is of its host alone, whichever route sets it; the client of the tests (``client.py``) looks at each that comes."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

import harvestd
from harvestd.settings.table import Settings
from harvestd.web import cookies
from harvestd.web.cookies import Cookie
from tests.web.client import COOKIE

PACKAGE = Path(harvestd.__file__).parent


def settings(url: str) -> Settings:
    return attrs.evolve(Settings(), public_url=url)


@pytest.mark.parametrize("cookie", Cookie)
@pytest.mark.parametrize(("url", "tls"), [("https://market.example.org", True), ("http://127.0.0.1:8080", False)])
@pytest.mark.parametrize(("value", "seconds"), [("x", 600), ("", 0)])
def test_with_tls_no_neighbouring_host_can_set_any(
    cookie: Cookie, url: str, tls: bool, value: str, seconds: int
) -> None:
    name, line = cookies.header(settings(url), cookie, value, seconds)
    parts = line.split("; ")
    assert name == "Set-Cookie" and COOKIE.fullmatch(line)
    assert parts[0] == f"{'__Host-' if tls else ''}{cookie.value}={value}" and ("Secure" in parts) == tls
    assert parts[1:5] == ["Path=/", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"] and "domain" not in line.lower()


def test_no_cookie_is_made_elsewhere() -> None:
    """But for its name in the contract."""
    makes = {str(one.relative_to(PACKAGE)) for one in PACKAGE.rglob("*.py") if '"Set-Cookie"' in one.read_text()}
    assert makes == {"web/cookies.py", "web/pages/responses.py"}
