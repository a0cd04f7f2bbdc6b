"""Words, trigrams, typing errors, highlights and price brackets: text alone, no database."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvestd.market.search.text import (
    FRAGMENT,
    PRICE_EDGES,
    QUERY_WORDS,
    WORD_LETTERS,
    asked,
    bracket_name,
    errors,
    errors_allowed,
    highlight,
    name_key,
    nearest,
    trigrams,
    words,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [("Crème Fraîche", ["creme", "fraiche"]), ("Grandmother's jam", ["grandmothers", "jam"]), ("l’été", ["ete"]),
     ("a_b-c", ["a", "b", "c"]), ("Straße Łódź Ærø", ["strasse", "lodz", "aero"]), ("2kg, 1.5 l", ["2kg", "1", "5", "l"]),
     ("胡萝卜", ["胡萝卜"]), ("🥕%_'\\&|", []), ("", []), ("x" * 100, ["x" * WORD_LETTERS])],
)  # fmt: skip
def test_words_are_letters_and_digits_in_lower_case_without_accents(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_composed_and_decomposed_accents_are_the_same_word() -> None:
    assert words("cre\u0300me") == words("cr\u00e8me") == ["creme"]


@given(st.text())
@settings(deadline=None)
def test_words_of_words_are_the_same_words(text: str) -> None:
    once = words(text)
    assert words(" ".join(once)) == once
    assert name_key(name_key(text)) == name_key(text)


def test_a_question_is_cut_to_a_few_words_each_once() -> None:
    assert asked("carrots Carrots CARROTS peas") == ["carrots", "peas"]
    assert len(asked(" ".join(f"w{n}" for n in range(1000)))) == QUERY_WORDS
    assert asked(" " * 2000 + "late") == []


def test_trigrams_are_those_of_pg_trgm() -> None:
    assert trigrams("word") == ["  w", " wo", "ord", "rd ", "wor"]
    assert trigrams("a") == ["  a", " a "]


@pytest.mark.parametrize(
    ("a", "b", "number"),
    [("carots", "carrots", 1), ("tomatos", "tomatoes", 1), ("zuchini", "zucchini", 1), ("carrost", "carrots", 1), ("", "abc", 3),
     ("abc", "", 3), ("same", "same", 0), ("kitten", "sitting", 3), ("ab", "ba", 1), ("abcd", "badc", 2)],
)  # fmt: skip
def test_typing_errors_are_counted(a: str, b: str, number: int) -> None:
    assert errors(a, b) == number


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
@settings(deadline=None)
def test_typing_errors_are_the_same_both_ways_and_nothing_only_for_the_same(a: str, b: str) -> None:
    assert errors(a, b) == errors(b, a)
    assert (errors(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= errors(a, b) <= max(len(a), len(b))


def test_longer_words_may_have_more_errors() -> None:
    assert [errors_allowed("x" * n) for n in (1, 2, 3, 5, 6, 20)] == [0, 0, 1, 1, 2, 2]


def test_the_nearest_candidates_come_first_and_those_too_far_not_at_all() -> None:
    candidates = [("parrots", "parrot"), ("carrots", "carrot"), ("carrot", "carrot"), ("cattle", "cattl")]
    assert nearest("carots", candidates) == ["carrot", "parrot"]
    assert nearest("ca", candidates) == []


def test_matched_words_are_marked_and_everything_else_is_escaped() -> None:
    assert highlight("Tom & Jerry's <b>Crème</b>", {"creme"}, None) == (
        "Tom &amp; Jerry&#x27;s &lt;b&gt;<em>Crème</em>&lt;/b&gt;"
    )
    assert highlight("Grandmother's jam", {"grandmothers"}, None) == "<em>Grandmother&#x27;s</em> jam"
    assert highlight("amp &amp; amp", {"amp"}, None) == "<em>amp</em> &amp;<em>amp</em>; <em>amp</em>"
    assert highlight("nothing here", {"jam"}) is None


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400), st.integers(0, 20))
@settings(max_examples=200, deadline=None)
def test_a_highlight_without_its_marks_is_the_text(text: str, pick: int) -> None:
    there = words(text)
    marked = highlight(text, {there[pick % len(there)]} if there else {"x"}, None)
    if marked is not None:
        assert html.unescape(marked.replace("<em>", "").replace("</em>", "")) == text
        assert not re.search(r"<(?!/?em>)", marked)


def test_a_long_text_is_shown_round_its_first_match() -> None:
    text = "before " * 100 + "carrots " + "after " * 100
    shown = highlight(text, {"carrots"})
    assert shown is not None and shown.startswith("…") and shown.endswith("…")
    assert "<em>carrots</em>" in shown
    assert FRAGMENT * 0.7 < len(shown) < FRAGMENT + 20
    assert not re.search(r"\w…", shown.strip("…")), "words stay whole"


def test_a_match_in_a_text_without_blanks_is_shown_too() -> None:
    assert "<em>" in (highlight("-" * 1000 + "jam" + "-" * 1000, {"jam"}) or "")


def test_brackets_leave_no_gap_and_say_both_their_ends() -> None:
    assert [bracket_name(n) for n in range(len(PRICE_EDGES))] == [
        "0-199", "200-499", "500-999", "1000-1999", "2000-4999", "5000-9999", "10000-"
    ]  # fmt: skip


@pytest.mark.parametrize("apostrophe", "'\u2018\u2019\u201b\u02bc\u02bb\u00b4\u0060\u2032\uff07")
@pytest.mark.parametrize(
    ("article", "word", "found"),
    [("l", "amande", "amande"), ("D", "Amande", "amande"), ("qu", "elle", "elle"), ("dell", "orto", "orto"),
     ("un", "arancia", "arancia"), ("L", "Érable", "erable"), ("d", "oli", "oli"), ("sull", "aia", "aia"), ("O", "Brien", "obrien"),
     ("s", "mores", "smores")],
)  # fmt: skip
def test_an_elided_article_is_no_part_of_the_word_however_its_apostrophe_is_written(
    article: str, word: str, found: str, apostrophe: str
) -> None:
    assert words(f"pain {article}{apostrophe}{word}") == ["pain", found]
    marked = highlight(f"Pain {article}{apostrophe}{word}", {found}, None)
    whole = html.escape(article + apostrophe) + f"<em>{word}</em>"
    assert marked == "Pain " + (
        whole if found not in ("obrien", "smores") else f"<em>{html.escape(article + apostrophe)}{word}</em>"
    )
