"""Catalogues: each language has every text, with the same placeholders, and no English in it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from harvestd.kernel.catalogues import WORDS, named
from harvestd.kernel.languages import NAMED, quantity
from harvestd.market.notifications.messages import PIECES
from tests.english import english_in
from tests.kernel.words import FOLDER, renewed, wanted

#: Values that a translation need not have: what a parser says, and amounts, are in English.
ENGLISH_VALUES = {
    "the body is not JSON: {why} (line {line}, column {column})": {"why"},
    "the form is not whole multipart/form-data: {why}": {"why"},
    "the total is now {is_}, not {was}; look at it again": {"is_", "was"},
}
#: A language has its own text for a code by what it has to be told; by the English text its placeholders are those of that.
BY_CODE = {"message", "reason"}


def entries(tag: str) -> list[Message]:
    return [entry for entry in read_po((FOLDER / f"{tag}.po").read_text("utf-8").split("\n"), locale=tag) if entry.id]


def forms(entry: Message) -> tuple[str, ...]:
    return (entry.string,) if isinstance(entry.string, str) else tuple(entry.string)


@pytest.mark.parametrize("tag", WORDS)
def test_nothing_is_without_words_or_uncertain(tag: str) -> None:
    lacking = [(entry.context, entry.id) for entry in entries(tag) if entry.fuzzy or not all(forms(entry))]
    assert lacking == [], "translate them, in harvestd/kernel/words"


@pytest.mark.parametrize("tag", WORDS)
def test_a_catalogue_has_every_text_and_no_other(tag: str) -> None:
    known = {(entry.kind, (entry.id, entry.plural) if entry.plural else entry.id) for entry in wanted()}
    assert {(entry.context, entry.id) for entry in entries(tag)} == known, "make words, then translate what is new"


@pytest.mark.parametrize("tag", WORDS)
def test_a_catalogue_is_as_make_words_writes_it(tag: str) -> None:
    """Its order and its comments are those of the code, so that the difference between two of them is what was translated."""
    text = (FOLDER / f"{tag}.po").read_bytes()
    assert renewed(tag, read_po(text.decode().split("\n"), locale=tag)) == text, "make words"


#: Words that are the same in English.
SAME = {
    ("de", "Name"),
    ("de", "Code"),
    ("fr", "Code"),
    ("fr", "Cause"),
    ("de", NAMED),
    ("es", NAMED),
    ("de", PIECES["fee"]),
    ("es", PIECES["fee"]),
}


@pytest.mark.parametrize("tag", WORDS)
def test_a_translation_has_the_placeholders_of_the_english_text_and_its_line_ends(tag: str) -> None:
    for entry in entries(tag):
        if entry.context in BY_CODE or entry.pluralizable:
            continue
        left = ENGLISH_VALUES.get(entry.id, set())
        assert named(entry.string) == named(entry.id) - left, entry.id
        assert entry.string.endswith("\n") == entry.id.endswith("\n") and entry.string.count("\n") == entry.id.count(
            "\n"
        ), entry.id
        assert entry.string.startswith(" ") == entry.id.startswith(" ")
        assert entry.string != entry.id or (tag, entry.id) in SAME


@pytest.mark.parametrize("tag", WORDS)
def test_languages_tell_the_same_of_a_code(tag: str) -> None:
    """Whoever compares two of them learns the same from each."""
    other = WORDS["de"]
    assert {code: named(text) for code, text in WORDS[tag].message.items()} == {
        code: named(text) for code, text in other.message.items()
    }
    for code, by in other.reason.items():
        assert {key: named(text) for key, text in WORDS[tag].reason[code].items()} == {
            key: named(text) for key, text in by.items()
        }


@pytest.mark.parametrize("tag", WORDS)
def test_no_translation_is_english(tag: str) -> None:
    left = {text: found for entry in entries(tag) for text in forms(entry) if (found := english_in(text))}
    assert left == {}


def test_english_is_noticed() -> None:
    assert english_in("Die Bestellung, please, {of} Content-Type: the/address IS <and>") == {"please"}


def test_french_has_no_break_space_before_what_needs_one() -> None:
    """A line never begins with a colon, a semicolon, a question mark or an exclamation mark."""
    for entry in entries("fr"):
        for text in forms(entry):
            said = re.sub(r"\]\([^)]*\)|/api/[\w/]+\?\w+=\w*", "]", text)  # without the addresses of links and routes
            assert not re.search(r" [:;?!]|[^\u00a0][;?!](?=\s|$)", said), text


@pytest.mark.parametrize(
    ("tag", "number", "unit", "said"),
    [
        ("de", "1", "box", "1 Kiste"), ("de", "1.5", "box", "1,5 Kisten"), ("de", "0", "box", "0 Kisten"),
        ("fr", "1", "box", "1 caisse"), ("fr", "1.5", "box", "1,5 caisse"), ("fr", "0", "box", "0 caisse"), ("fr", "2", "box", "2 caisses"),
        ("fr", "1000000", "box", "1 000 000 caisses"), ("es", "1", "bunch", "1 manojo"), ("es", "1.5", "bunch", "1,5 manojos"),
        ("es", "0", "bunch", "0 manojos"), ("es", "1", "each", "1 pieza"), ("en", "2", "box", "2 boxes"), ("fr", "1.5", "kg", "1,5 kg"),
        ("es", "1250.5", "g", "1.250,5 g"), ("fr", "1250.5", "g", "1 250,5 g"),
    ],
)  # fmt: skip
def test_a_quantity_is_counted_as_the_language_counts(tag: str, number: str, unit: str, said: str) -> None:
    assert quantity(Decimal(number), unit, tag) == said
