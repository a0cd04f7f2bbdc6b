"""What a mail address is, and which are the same."""

from __future__ import annotations

from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.email_addresses import NotAnAddress, checked, is_email, key, read
from harvestd.kernel.errors import FieldError


@pytest.mark.parametrize(
    ("written", "mailed"),
    [("ada@faß.example", "ada@xn--fa-hia.example"), ("ada@fass.example", "ada@fass.example"), ("ada@σς.example", "ada@xn--3xab.example"),
     ("li@bücher.example", "li@xn--bcher-kva.example"), ("Ada@EXAMPLE.org", "Ada@example.org"), (" ada@example.org\n", "ada@example.org"),
     ("o'neil+x@example.org", "o'neil+x@example.org"), ("a@localhost", "a@localhost"), ("a@market.local", "a@market.local")],
)  # fmt: skip
def test_mail_goes_to_the_domain_that_was_written(written: str, mailed: str) -> None:
    assert read(written).mailed == mailed


@pytest.mark.parametrize(
    "spellings",
    [("li@bücher.example", "li@xn--bcher-kva.example", "li@bücher。example", "LI@Bücher.Example", "li@bu\u0308cher.example", "li@XN--BCHER-KVA.example"),
     ("ada@example.org", "ADA@example.org", "ada@ｅxample.org", "\tada@example.org ")],
)  # fmt: skip
def test_all_spellings_of_a_mailbox_are_one(spellings: tuple[str, ...]) -> None:
    assert len({read(text).key for text in spellings}) == 1
    assert len({key(text) for text in spellings}) == 1


@pytest.mark.parametrize(
    "text",
    ["", "ada", "ada@", "@b", "a b@c.org", "a@b@c", "a@b..c", "a@-b.org", "a\n@b.org", "x" * 65 + "@b.org", "jürgen@example.org",
     "a@example.org,", "a@example.org>", "<a@example.org>", "Ada <a@example.org>", "a@exa_mple.org", "a@[127.0.0.1]", "a@127.0.0.1",
     '"a b"@example.org', ".a@example.org", "a.@example.org", "a..b@example.org", "a@" + "ü" * 60 + ".org", "a@" + "x" * 64 + ".org",
     "a@example.org, eve@example.org", "a@example.org\r\nBcc: eve@example.org", "a@x.org\0", "a\x1b@x.org", "a@xn--a.example",
     "a@" + "x." * 130 + "org", "\u212aate@example.org", "a@x\ud800.org", "=?utf-8?q?a=0d=0a?=@example.org"],
)  # fmt: skip
def test_what_cannot_be_mailed_is_no_address(text: str) -> None:
    assert not is_email(text)
    fault = checked("email", text)
    assert isinstance(fault, FieldError) and (fault.field, fault.code) == ("email", "not-an-email")


@pytest.mark.parametrize(
    "unseen", ["\u200b", "\ufeff", "\u2060", "\u00ad", "\u200f", "\u2800", "\u200d", "\u3164", "\u180e"]
)
def test_no_second_account_looks_the_same(unseen: str) -> None:
    for text in (
        f"ad{unseen}a@example.org",
        f"ada@exam{unseen}ple.org",
        f"{unseen}ada@example.org",
        f"ada@example.org{unseen}",
    ):
        assert not is_email(text)


def test_a_script_that_a_server_may_not_take_is_refused_with_its_reason() -> None:
    fault = checked("email", "jürgen@example.org")
    assert isinstance(fault, FieldError) and "before the @-sign are not supported" in fault.message


def test_who_registered_under_older_rules_is_still_found() -> None:
    assert key(" Jürgen@example.org") == "jürgen@example.org"


@given(st.one_of(st.emails(), st.text(max_size=80), st.text("a@.-_ü。ßK\u200b", max_size=20)))
def test_what_is_an_address_is_one_for_the_mail_library_too(text: str) -> None:
    try:
        found = read(text)
    except NotAnAddress:
        return
    assert found.mailed.isascii() and found.key == found.mailed.lower()
    assert Address(addr_spec=found.mailed).addr_spec == found.mailed
    assert read(found.shown).key == read(found.mailed).key == found.key
