"""Where people come back to, and the accounts that are made for them."""

from __future__ import annotations

import pytest

from harvestd.kernel.errors import FieldError
from harvestd.market.accounts.identity_rules import MAX_RETURN, accounts_of, address_of, by_a_stranger, return_to

SITES = ("https://shop.example.org", "http://127.0.0.1:8080", "*")


@pytest.mark.parametrize(
    "to",
    ["/", "/a/b?c=d&e#f", "/%2F%2Fevil.example", "/@evil.example", "/:80", "https://shop.example.org", "https://shop.example.org/a//b",
     "https://shop.example.org?x", "https://shop.example.org#x", "http://127.0.0.1:8080/x", "/" + "x" * (MAX_RETURN - 1)],
)  # fmt: skip
def test_a_path_or_a_site_that_is_let_in_may_be_gone_to(to: str) -> None:
    assert return_to(to, SITES) == to


@pytest.mark.parametrize(
    "to",
    ["", "*", "*/x", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/a\\b", "https://evil.example",
     "https://shop.example.org@evil.example", "https://shop.example.org.evil.example", "https://shop.example.org:8443/",
     "https://shop.example.org\\@evil.example", "https:shop.example.org", "https:/shop.example.org", "HTTPS://SHOP.EXAMPLE.ORG/", "http://shop.example.org/",
     "http://127.0.0.1:80800/", "javascript:alert(1)", "data:text/html,x", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example",
     "/ /x", "/a\r\nSet-Cookie: x", "/ü", "/\u2028", "orders", "?x", "#x", "./x", "/x\x7f", "/x\x00", "/" + "x" * MAX_RETURN],
)  # fmt: skip
def test_nothing_else_may(to: str) -> None:
    found = return_to(to, SITES)
    assert isinstance(found, FieldError) and (found.field, found.code) == ("return_to", "not-accepted")


@pytest.mark.parametrize(
    ("site", "referer", "stranger"),
    [("", "", False), ("none", "", False), ("same-origin", "https://market.example.org/", False), ("cross-site", "", True),
     ("same-site", "", True), ("tomorrow's", "", True), ("", "https://evil.example/", True), ("", "https://shop.example.org/x", False),
     ("cross-site", "https://SHOP.example.org/", False), ("cross-site", "http://shop.example.org/", True), ("cross-site", "https://[", True),
     ("cross-site", "about:blank", True), ("cross-site", "https:///", True), ("cross-site", "https://shop.example.org:8443/", True)],
)  # fmt: skip
def test_who_sent_the_browser_is_told_by_what_browsers_say(site: str, referer: str, stranger: bool) -> None:
    assert by_a_stranger(site, referer, ("", *SITES)) is stranger


ID = "0197f0a0-7c1e-7abc-8def-0123456789ab"


@pytest.mark.parametrize(
    ("name", "shown", "usernames"),
    [
        ("Ivy Irwin", "Ivy Irwin", ["ivy-irwin", "ivy-irwin-6789ab", "ivy-irwin-8def0123456789ab"]),
        ("  Ivy\u200b ", "Ivy", ["ivy", "ivy-6789ab", "ivy-8def0123456789ab"]),
        ("青菜", "青菜", ["qing-cai", "qing-cai-6789ab", "qing-cai-8def0123456789ab"]),
        ("Q", "Q", ["q-6789ab", "q-8def0123456789ab"]),
        ("", None, ["member-6789ab", "member-8def0123456789ab"]),
        ("\x07", None, ["member-6789ab", "member-8def0123456789ab"]),
        ("!!", "!!", ["member", "member-6789ab", "member-8def0123456789ab"]),
        ("A" * 200, "A" * 200, ["a" * 22, "a" * 22 + "-6789ab", "a" * 22 + "-8def0123456789ab"]),
        ("A" * 201, None, ["member-6789ab", "member-8def0123456789ab"]),
    ],
)
def test_the_account_of_somebody_new(name: str, shown: str | None, usernames: list[str]) -> None:
    address = address_of("Ivy@Example.org")
    assert address is not None
    found = list(accounts_of(name, address, ID))
    assert [one.username for one in found] == usernames
    assert {(one.email_key, one.role, one.farm_name) for one in found} == {("ivy@example.org", "buyer", None)}
    assert all(one.name == (shown or one.username) and one.username_key == one.username for one in found)


def test_what_is_no_address_is_none() -> None:
    assert [address_of(text) for text in ("", "x", "a@b@c", "a b@example.org")] == [None] * 4
