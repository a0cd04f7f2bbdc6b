"""Texts in XML 1.0: whatever a text has, a document with it can be read, and says what the text said."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harvestd.market.feeds.xml import element, text


@given(some.text())
def test_any_text_can_be_read_back_but_for_what_xml_has_not(given_text: str) -> None:
    read = ElementTree.fromstring(element("a", given_text, {"k": given_text}))
    for found in (read.text or "", read.attrib["k"].replace(" ", "")):
        assert len(found) <= len(given_text)
    kept = "".join(one for one in given_text if text(one))
    assert (read.text or "") == kept


@pytest.mark.parametrize(
    "code", [*range(9), 0xB, 0xC, *range(0xE, 0x20), 0x7F, 0x80, 0x9F, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF]
)
def test_controls_and_what_is_no_character_never_get_in(code: int) -> None:
    assert text(f"a{chr(code)}b") == "ab"


@pytest.mark.parametrize(
    ("given_text", "written"),
    [
        ("<b>", "&lt;b&gt;"),
        ("&amp;", "&amp;amp;"),
        ("]]>", "]]&gt;"),
        ("\"'", "&quot;&apos;"),
        ("a\tb\n", "a\tb\n"),
        ("é\U0001f955", "é\U0001f955"),
    ],
)
def test_what_means_something_is_escaped_and_the_rest_is_not(given_text: str, written: str) -> None:
    assert text(given_text) == written
    assert element("a", given_text) == f"<a>{written}</a>"
    assert element("a", None, {"k": given_text}) == f'<a k="{written}"/>'
