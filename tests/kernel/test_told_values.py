"""Values: what an English message of a field's error tells of a case, the other languages tell, too."""

from __future__ import annotations

import ast

import pytest

from harvestd.kernel.catalogues import WORDS, named
from harvestd.kernel.languages import _NUMBERS
from tests.kernel.test_codes import Said, all_said

pytestmark = pytest.mark.xdist_group("codes")
#: By the code and the reason (or none), why another language tells less than English does: what a parser says, what a limit of ours is, what the field says
#: itself, and what the rest of the sentence says already.
LESS = {
    ("bad-cursor", None), ("not-an-email", None),  # in the words of whoever found it
    ("given-twice", "key"), ("not-accepted", "two-columns"), ("given-twice", None),  # what is twice is in what was sent
    ("above-maximum", None), ("not-one-of", None), ("not-one-of", "by-unit"),  # for which quantity or unit, which stands beside it
    ("below-reserved", "unit-stays"), ("below-reserved", None), ("not-accepted", "unit-stays"), ("not-accepted", "has-variants"),  # the same quantity twice
    ("too-long", "elements"),  # how many there would be
    ("not-found", None), ("not-for-sale", None),  # by parameters, which each have a message
    ("not-accepted", None), ("required", "whole-position"), ("not-found", "subdivision"),  # where else it goes, by a reason that is put in
    ("not-accepted", "day-status"), ("not-accepted", "rule-ordinals"), ("not-accepted", "rule-together"), ("wrong-form", None),
}  # fmt: skip


def values(said: Said) -> set[str]:
    """What is put into an English message, but for constants."""
    parts = said.message.values if isinstance(said.message, ast.JoinedStr) else []
    found = {ast.unparse(part.value) for part in parts if isinstance(part, ast.FormattedValue)}
    return {one for one in found if not one.rpartition(".")[2].split("_")[0].isupper() and ".most" not in one}


def told(tag: str, said: Said, reason: str | None) -> int:
    """How many values a language tells of a case at most."""
    by = WORDS[tag].reason.get(said.code, {})
    if reason is not None and reason in by:
        return len(named(by[reason]))
    possible = [text for key, text in by.items() if said.params is None or key in said.params]
    return max(len(named(text)) for text in (WORDS[tag].message[said.code], *possible))


@pytest.mark.parametrize("tag", WORDS)
def test_no_language_loses_a_value(tag: str) -> None:
    lost = {
        (said.code, reason): said.where
        for said in all_said()
        for reason in said.reasons or {None}
        if len(values(said)) > told(tag, said, reason)
    }
    assert {case: where for case, where in lost.items() if case not in LESS} == {}


def test_what_may_be_lost_is_lost() -> None:
    assert {
        (said.code, reason)
        for said in all_said()
        for reason in said.reasons or {None}
        if len(values(said)) > told("de", said, reason)
    } >= LESS


@pytest.mark.parametrize("tag", WORDS)
def test_a_number_that_has_its_unit_is_not_given_it_twice(tag: str) -> None:
    """A number is told with the unit that comes with it, so "{maximum} {unit}" is "9 kg kg"."""
    words = WORDS[tag]
    texts = [*words.message.values(), *(text for by in words.reason.values() for text in by.values())]
    assert [text for text in texts if "unit" in named(text) and named(text) & _NUMBERS] == []
