"""A name is one line that can be seen; a longer text keeps its lines."""

from __future__ import annotations

import unicodedata
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.names import Rule, clean, clean_name, clean_text, has_invisible, named, one_line

#: Rows of Unicode's DerivedCoreProperties.txt that nobody sees.
UNSEEN = ["\u200b", "\u3164", "\u2800", "\u00ad", "\ufeff", "\u2060", "\u200e", "\u200f", "\u061c", "\u115f", "\u1160",
          "\uffa0", "\u034f", "\u17b4", "\u180e", "\u202e", "\u2066", "\U000e0001", "\U000e0041", "\U0001d173"]  # fmt: skip


def code(found: object) -> str:
    assert isinstance(found, FieldError)
    return found.code


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u3000", "\u0301", "\u200d\u200c", "\ue000", *UNSEEN])
def test_what_cannot_be_seen_is_no_name(blank: str) -> None:
    assert code(clean_name("name", blank, 200)) == "not-visible"
    assert code(clean_name("name", f" {blank}\n{blank} ", 200)) == "not-visible"
    assert clean_text("note", blank * 3, 200) == ""


@pytest.mark.parametrize("unseen", UNSEEN)
def test_two_names_that_look_alike_are_one(unseen: str) -> None:
    plain = "Green Acres"
    assert clean_name("name", f"{unseen}Green{' ' if unseen != chr(0x2800) else ''}{unseen}Acres{unseen}", 200) == plain


@pytest.mark.parametrize(
    ("written", "kept"),
    [("  Green \u00a0\u3000 Acres\r\n", "Green Acres"), ("Cafe\u0301", "Café"), ("A\tB\vC\u2028D\x85E", "A B C D E"),
     ("o'Neil & Söhne", "o'Neil & Söhne"), ("7", "7"), ("🥕", "🥕"), ("=?utf-8?q?x?=", "=?utf-8?q?x?=")],
)  # fmt: skip
def test_a_name_is_composed_trimmed_and_in_one_line(written: str, kept: str) -> None:
    assert clean_name("name", written, 200) == kept


@pytest.mark.parametrize(
    "name",
    ["نامه\u200cای", "श्री\u200dमान्", "ക്\u200d", "👩\u200d🌾", "❤\ufe0f", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
     "👨🏽\u200d🌾", "葛\U000e0100城", "ᠠ\u180b"],
)  # fmt: skip
def test_an_invisible_character_stays_where_its_script_needs_it(name: str) -> None:
    expected = name.removesuffix("\u200d") if name.startswith("ക") else name  # at the end it joins nothing
    assert clean_name("name", name, 200) == unicodedata.normalize("NFC", expected)


@pytest.mark.parametrize(
    "name", ["ad\u200dmin", "ad\u200cmin", "a\ufe0fb", "青\u200d菜", "a\u0301\u200db", "x\U000e0067", "a\u180bb"]
)
def test_elsewhere_it_does_not(name: str) -> None:
    found = clean_name("name", name, 200)
    assert isinstance(found, str) and not has_invisible(found)


@pytest.mark.parametrize(
    "control", ["\0", "\x1b", "\x07", "\x1c", "\x7f", "\x9b", "\ud800", "\uffff", "\ufdd0", "\U0001fffe", "\U0010ffff"]
)
def test_control_characters_are_refused_in_names_and_longer_texts(control: str) -> None:
    assert code(clean_name("name", f"Green{control}Acres", 200)) == "control-character"
    assert code(clean_text("note", f"Green{control}Acres", 200)) == "control-character"
    assert one_line(f"Green{control}Acres").replace("?", " ") == "Green Acres"


def test_a_longer_text_keeps_its_lines_and_spaces_and_may_be_empty() -> None:
    assert clean_text("note", " One\r\n  two\rthree\u2029four\x85\n", 200) == "One\n  two\nthree\nfour"
    assert clean_text("note", "", 200) == "" == clean_text("note", " \n\u200b ", 200)


def test_lengths_are_counted_in_the_form_that_is_kept() -> None:
    assert clean_name("name", "e\u0301" * 200, 200) == "é" * 200
    assert code(clean_name("name", "x" * 201, 200)) == "too-long"
    assert code(clean_name("name", "", 200)) == "required"


def test_each_field_that_is_wrong_is_named_and_what_is_no_text_stays() -> None:
    rules = {"name": Rule(5), "note": Rule(5, lines=True)}
    assert clean({"name": " a ", "note": None, "more": 1}, rules) == {"name": "a", "note": None, "more": 1}
    with pytest.raises(Invalid) as refused:
        clean({"name": " ", "note": "x" * 6}, rules)
    assert [(e.field, e.code, dict(e.params)) for e in refused.value.errors] == [
        ("name", "not-visible", {}),
        ("note", "too-long", {"maximum": "5"}),
    ]


texts = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(UNSEEN + list("\u200c\u200d ae\u0301\r\n\t\u2028\u05d0")),
    )
)


@given(texts)
def test_a_clean_text_is_clean(text: str) -> None:
    for clean_one in (clean_name, clean_text):
        found = clean_one("f", text, 200)
        if isinstance(found, str):
            assert clean_one("f", found, 200) == found or found == ""
            assert unicodedata.is_normalized("NFC", found) and found == found.strip()
            assert all(unicodedata.category(c) != "Cc" or c in "\n\t" for c in found)
            assert clean_one is clean_text or ("\n" not in found and "  " not in found)


@given(texts)
def test_one_line_refuses_nothing_and_can_be_encoded(text: str) -> None:
    found = one_line(text)
    assert found.encode().decode() == found == one_line(found)
    assert all(unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") for c in found)


@pytest.mark.parametrize(
    "part", ["a", " ", "\u0301", "\u0301\u0323\u0591", "\u200b", "\u200d", "é", "\r", "\ud800", "👩\u200d"]
)
def test_texts_of_any_length_take_little_time(part: str) -> None:
    text = (part * 200_000)[:200_000]
    started = process_time()
    clean_name("name", text, 200)
    clean_text("note", text, 10_000)
    clean_text("note", text[:10_000], 10_000)
    assert process_time() - started < 0.3


def test_one_field_alone_raises() -> None:
    assert named("name", " Ada  Lovelace ", 20) == "Ada Lovelace"
    with pytest.raises(Invalid, match="name: must have at least one visible character"):
        named("name", " ", 200)
