"""Texts in the market's other languages are judged as its own are, and changes of them are merged."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.kernel.names import Rule
from harvestd.kernel.translations import anew, checked, lacking, merged, shown

RULES = {"title": Rule(5), "description": Rule(9, lines=True)}
LANGUAGES = ("de", "fr", "en")


def test_texts_are_normalised_by_the_rules_of_the_thing_s_own() -> None:
    kept, wrong = checked({"fr": {"title": "  Ail ", "description": "a\r\nb"}, "en": None}, RULES, LANGUAGES)
    assert (kept, wrong) == ({"fr": {"title": "Ail", "description": "a\nb"}, "en": None}, [])


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"de": {"title": "Kohl"}}, [("translations", "not-one-of")]), ({"es": {"title": "Col"}}, [("translations", "not-one-of")]),
        ({"fr": {"title": "x" * 6}}, [("translations.fr.title", "too-long")]),
        ({"fr": {"title": "\u200b"}, "en": {"description": "\x07"}}, [("translations.fr.title", "not-visible"), ("translations.en.description", "control-character")]),
        ({"es": {"title": "a"}, "it": {"title": "b"}}, [("translations", "not-one-of")]), ({"es": None}, []),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_language(given: Any, faults: list[tuple[str, str]]) -> None:
    assert [(fault.field, fault.code) for fault in checked(given, RULES, LANGUAGES)[1]] == faults


PRESENT = {"fr": {"title": "Ail", "description": "Rose."}, "en": {"title": "Leek"}}


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({}, PRESENT), (None, {}), ({"fr": None}, {"en": {"title": "Leek"}}), ({"es": None}, PRESENT),
        ({"fr": {"title": "Aulx"}}, {"fr": {"title": "Aulx", "description": "Rose."}, "en": {"title": "Leek"}}),
        ({"es": {"title": "Ajo"}}, {**PRESENT, "es": {"title": "Ajo"}}), (anew(PRESENT, {"en": {"title": "Chive"}}), {"en": {"title": "Chive"}}),
    ],
)  # fmt: skip
def test_a_change_is_merged(changes: Any, after: Any) -> None:
    assert merged(PRESENT, changes, ("title",)) == after
    assert PRESENT["fr"] == {"title": "Ail", "description": "Rose."}, "and does not touch what was there"


def test_what_nobody_has_given_is_empty() -> None:
    assert merged({}, {"es": {"title": "Ajo"}}, ("title", "description")) == {"es": {"title": "Ajo", "description": ""}}
    assert merged({}, {"es": {"description": "Rosa."}}, ("title", "description"))["es"]["title"] == ""


def test_a_translation_has_the_name_of_its_thing() -> None:
    found = list(lacking({"fr": {"description": "Rose."}, "en": {"title": ""}, "es": {"title": "Ajo"}}, "title"))
    assert [(fault.field, fault.code) for fault in found] == [
        ("translations.fr.title", "required"),
        ("translations.en.title", "required"),
    ]


def test_what_is_not_translated_is_shown_as_it_is() -> None:
    own = {"title": "Lauch", "description": "Aus Wien."}
    assert shown({"en": {"title": "Leek", "description": ""}}, "en", own) == {
        "title": "Leek",
        "description": "Aus Wien.",
    }
    assert shown(PRESENT, "", own) == shown({}, "fr", own) == own
