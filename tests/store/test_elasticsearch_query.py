"""What is asked of the engine and made of its answer, without one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.interfaces import Search
from harvestd.store import elasticsearch_query, elasticsearch_suggest
from harvestd.store.elasticsearch_documents import refused
from harvestd.store.elasticsearch_http import EngineError, lines
from harvestd.store.search_query import Place
from harvestd.store.search_text import QUERY_WORDS, WORD_LETTERS, asked
from tests.contracts.search import NOON

#: Queries in which text would be a language.
SYNTAX = {"query_string", "simple_query_string", "regexp", "wildcard", "script", "script_score", "script_fields"}


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys(part) for part in value.values()))
    return set().union(*(keys(part) for part in value)) if isinstance(value, list) else set()


@given(st.text(max_size=3000), st.text(max_size=50))
def test_no_text_is_syntax_or_long(text: str, value: str) -> None:
    question = Search(
        text=text, category=value, farm=value, tag=value, unit=value, near=(1.0, 2.0), radius=5.0, in_season=True
    )
    for joint in ("", "and", "or"):
        body = elasticsearch_query.asking(question, asked(text), Place(NOON), 1.0, joint)
        assert not keys(body) & SYNTAX
        assert len(lines([body])) < 60_000 + 200 * QUERY_WORDS * WORD_LETTERS
    suggesting = elasticsearch_suggest.asking(text, 10, 1.0)
    assert not keys(suggesting) & SYNTAX


@pytest.mark.parametrize(
    "answer",
    [{}, [], None, 5, "text", {"hits": {}}, {"timed_out": False, "_shards": {"failed": 0}, "hits": {"total": {}}},
     {"timed_out": True, "_shards": {"failed": 0}}, {"timed_out": False, "_shards": {"failed": 1}},
     {"error": {"type": "x", "reason": "y"}, "status": 500}, {"error": "x"}],
)  # fmt: skip
def test_an_answer_that_is_none_or_not_whole_is_unavailable(answer: Any) -> None:
    """An answer of some of the shards, or cut off by its time, is not taken for the whole."""
    with pytest.raises(EngineError):
        elasticsearch_query.answer(answer)
    with pytest.raises(EngineError):
        elasticsearch_suggest.suggestions({"responses": [answer] * 5}, 10)
    with pytest.raises(EngineError):
        elasticsearch_suggest.suggestions(answer, 10)


def item(status: int, index: str = "t-products", kind: str = "x_exception", reason: str = "why") -> dict[str, Any]:
    about = {"_index": index, "_id": "product:1", "status": status}
    return {"index": about if status < 300 else about | {"error": {"type": kind, "reason": reason}}}


def test_an_older_version_is_no_failure_and_a_bad_document_is_refused_for_what_it_is() -> None:
    answer = {
        "errors": True,
        "items": [item(201), item(409), item(400, kind="mapper_parsing_exception"), item(404, "t-building")],
    }
    assert [(one.kind, one.id, one.why) for one in refused(answer, "t-building")] == [
        ("product", "1", "mapper_parsing_exception: why")
    ]


@pytest.mark.parametrize(
    "bad", [item(429), item(503), item(403), item(404), item(400, reason="no write index for alias [x]")]
)
def test_what_is_the_fault_of_the_moment_is_unavailable_and_names_its_cause(bad: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match="x_exception"):
        refused({"errors": True, "items": [item(200), bad]}, "t-building")


@pytest.mark.parametrize(
    "answer", [{}, [], None, {"errors": True}, {"errors": True, "items": [{}]}, {"errors": True, "items": 5}]
)
def test_an_answer_to_bulk_that_makes_no_sense_is_unavailable(answer: Any) -> None:
    with pytest.raises(EngineError):
        refused(answer, "t-building")
