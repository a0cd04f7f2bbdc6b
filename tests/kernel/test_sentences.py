"""Sentences: whatever a refusal says to whoever asked, each language says, too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from harvestd.interfaces import IssuerAway
from harvestd.kernel import errors
from harvestd.kernel.errors import MarketError, Overloaded
from harvestd.kernel.languages import WORDS, Status, sentence
from harvestd.kernel.sentences import worded
from harvestd.kernel.told_values import Amount, Count, Duration, Size
from harvestd.web.problems import PROBLEMS

PACKAGE = Path(__file__).parents[2] / "harvestd"
#: What is raised with its sentence first; a refusal by HTTP's rules has the slug before it.
KINDS = {
    name: 0
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, (MarketError, Overloaded)) and name not in ("Invalid", "MarketError")
}
PLACES = {**KINDS, "Refusal": 1, "self.refuse": 1, "self.channel.refuse": 1, "_challenge": 0, "worded": 0}


def _said(path: Path) -> Iterator[tuple[str, Any]]:
    """Each sentence of a file, with its place: a text, or the node of one that cannot be read here."""
    module = import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in PLACES:
            continue
        given = node.args[PLACES[ast.unparse(node.func)] :]
        if given:
            for one in _branches(given[0]):
                yield f"{path.relative_to(PACKAGE.parent)}:{node.lineno}", _value(one, module)


def _branches(node: ast.expr) -> list[ast.expr]:
    return [*_branches(node.body), *_branches(node.orelse)] if isinstance(node, ast.IfExp) else [node]


def _value(node: ast.expr, module: Any) -> Any:
    """A text that stands there or that a constant of the module has; else the node."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and isinstance(getattr(module, node.id, None), str):
        return getattr(module, node.id)
    return node


@cache
def found() -> list[tuple[str, Any]]:
    return [
        one
        for folder in ("kernel", "market", "partners", "store", "web")
        for path in sorted((PACKAGE / folder).rglob("*.py"))
        if path.name != "sentences.py"
        for one in _said(path)
    ]


@cache
def sentences() -> frozenset[str]:
    """All that people can meet, in English."""
    return frozenset(
        {text for _, text in found() if isinstance(text, str)}
        | {text for problem in PROBLEMS for text in (problem.cause, problem.cure)}
    )


pytestmark = pytest.mark.xdist_group("sentences")


def test_the_source_was_read() -> None:
    assert len(sentences()) > 80


def test_a_sentence_is_put_together_by_worded_alone() -> None:
    """What is put together in another way could be said in English alone."""
    assert [where for where, text in found() if isinstance(text, ast.JoinedStr)] == []


@pytest.mark.parametrize("tag", WORDS)
def test_a_language_has_every_sentence_and_no_other(tag: str) -> None:
    own = WORDS[tag].sentence
    assert sentences() - own.keys() == set()
    assert own.keys() - sentences() - ELSEWHERE_SAID == set()


#: What is no call of these: what an error says by itself, and what a variable holds.
ELSEWHERE_SAID = {
    "Whether the change was kept is not known. Send the request again with the same Idempotency-Key, or read what it would have changed.",
    "there is nothing at this address",
    IssuerAway.shown,
}


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("tag", WORDS)
def test_a_sentence_has_no_value_that_the_english_one_lacks(tag: str) -> None:
    for english, own in WORDS[tag].sentence.items():
        assert _named(own) <= _named(english)
        assert own.strip() == own and own != english


def test_a_sentence_is_told_in_the_language_that_is_asked_for() -> None:
    late = worded("the file is larger than {most}; choose a smaller one", most=Size(10_000_000))
    assert late == sentence(late, "en") == "the file is larger than 10 MB; choose a smaller one"
    assert sentence(late, "de") == "die Datei ist größer als 10 MB; wählen Sie eine kleinere"
    assert "10 Mo" in (sentence(late, "fr") or "")
    assert sentence("there is no such order", "de") == "diese Bestellung gibt es nicht"
    assert sentence("something else", "de") is None and sentence("something else", "en") == "something else"
    assert type(sentence(late, "en")) is str


def test_a_length_of_time_in_a_sentence_is_of_its_language() -> None:
    busy = worded(
        "more than {limit} requests in {period}; try again in {wait}", limit=3, period=Duration(3600), wait=Duration(61)
    )
    assert busy == "more than 3 requests in 1 hour; try again in 61 seconds"
    assert "1 Stunde" in (sentence(busy, "de") or "") and "61 Sekunden" in (sentence(busy, "de") or "")


def test_no_sentence_counts_time_in_seconds_or_sizes_in_bytes_by_itself() -> None:
    """A ``Duration`` or a ``Size`` says what it is."""
    counted = re.compile(r"\} ?(s|seconds|minutes|hours|days|bytes|octets)\b")
    assert [text for text in sentences() if counted.search(text)] == []


def test_a_value_in_a_sentence_is_not_made_english_before_the_language_is_known() -> None:
    """Money and statuses are told by each language: a text made of them is not."""
    made = [
        f"{path.relative_to(PACKAGE.parent)}:{node.lineno}: {given.arg}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for tree in [ast.parse(path.read_text())]
        for texts in [
            {
                ast.unparse(one.targets[0])
                for one in ast.walk(tree)
                if isinstance(one, ast.Assign) and _english(one.value)
            }
        ]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "worded"
        for given in node.keywords
        if _english(given.value) or any(ast.unparse(given.value) in names for names in texts)
    ]
    assert made == []


def _english(node: ast.expr) -> bool:
    """Whether it formats something, or is a bare status."""
    calls = {ast.unparse(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}
    return bool(
        calls & {"money", "quantity", "formatting.money", "formatting.quantity", "number", "status"}
    ) or ast.unparse(node).endswith(".status")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "out for delivery, €1,204.50, 10,000"),
        ("de", "unterwegs, 1.204,50 €, 10.000"),
        ("fr", "en route, 1 204,50 €, 10 000"),
    ],
)
def test_statuses_amounts_and_counts_are_told_as_each_language_tells_them(language: str, told: str) -> None:
    values = (Status("out_for_delivery"), Amount(120450, "EUR"), Count(10000))
    assert " ".join(", ".join(value.said(language) for value in values).split()) == told


def test_a_sentence_has_no_markup() -> None:
    """Whoever shows it shows it as it is."""
    assert [text for text in sentences() if "`" in text] == []
