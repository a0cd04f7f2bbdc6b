"""What is asked of the engine and made of its answer, without one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.interfaces import Search
from harvestd.market.search.elasticsearch import answers as elasticsearch_answers
from harvestd.market.search.elasticsearch import query as elasticsearch_query
from harvestd.market.search.elasticsearch import suggest as elasticsearch_suggest
from harvestd.market.search.elasticsearch.documents import taken
from harvestd.market.search.places import Place
from harvestd.market.search.postgres.conditions import FACETS
from harvestd.market.search.text import QUERY_WORDS, WORD_LETTERS, asked
from harvestd.store.elasticsearch.client import EngineError, lines
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
        elasticsearch_answers.answer(answer)
    with pytest.raises(EngineError):
        elasticsearch_suggest.named({"responses": [answer] * 5})
    with pytest.raises(EngineError):
        elasticsearch_suggest.named(answer)


SOURCE = {"id": "01890000-0000-7000-8000-000000000001", "kind": "product", "title": "Carrots", "shown": "", "body": {"slug": "carrots"},
          "location": {"lat": 1.0, "lon": 2.0}, "farm": "acres", "farm_name": "Acres", "category": "roots", "category_name": "Roots"}  # fmt: skip
HIT = {"_source": SOURCE, "_score": 1.5, "sort": [1.5, SOURCE["id"]], "highlight": {"title": ["Carrots"]}}
BUCKETS: dict[str, Any] = {name: {"values": {"buckets": []}} for name in FACETS} | {"alike": {"buckets": []}}
#: What no field of a hit is.
WRONG = (5, True, "other", -1.5, [], {}, [{"a": 1}], {"lat": "x"}, "1e999", 2**80)


def whole(hit: Any, buckets: Any = BUCKETS, total: Any = 1) -> dict[str, Any]:
    hits = {"total": {"value": total}, "hits": [hit]}
    return {"timed_out": False, "_shards": {"failed": 0}, "hits": hits, "aggregations": buckets}


def changed(value: Any) -> Iterator[Any]:
    """A JSON value with each part in it left out, and in the place of each wrong one."""
    if isinstance(value, dict):
        for name, part in value.items():
            rest = {key: other for key, other in value.items() if key != name}
            yield rest
            yield from (rest | {name: one} for one in (*WRONG, None, *changed(part)))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield value[:place] + value[place + 1 :]
            yield from ([*value[:place], one, *value[place + 1 :]] for one in (*WRONG, None, *changed(part)))


def test_whatever_stands_in_a_hit_is_a_hit_or_the_engines_error() -> None:
    """Never another exception, and what comes out has the form that everybody relies on."""
    question, place = Search(text="carrots", near=(1.0, 2.0)), Place(NOON)
    good = elasticsearch_answers.found(question, elasticsearch_answers.answer(whole(HIT)), place)
    assert (good.hits[0].id, good.hits[0].score) == (SOURCE["id"], 1.5)
    tried = 0
    for hit in [*changed(HIT), *WRONG, None]:
        try:
            found = elasticsearch_answers.found(question, elasticsearch_answers.answer(whole(hit)), place)
        except EngineError:
            tried += 1
        else:
            assert all(
                UUID(one.id) and math.isfinite(one.score) and one.kind in ("product", "farm") for one in found.hits
            )
        with suppress(EngineError):
            named = elasticsearch_suggest.named({"responses": [whole(hit)] * 5})
            for one in elasticsearch_suggest.suggestions("carrots", named, None, 10):
                assert type(one.text) is type(one.slug) is str
    assert tried > 50
    for wrong in (*WRONG, None):
        for answer in (
            whole(HIT, total=wrong),
            whole(HIT, buckets=BUCKETS | {"farm": {"values": {"buckets": [wrong]}}}),
        ):
            with suppress(EngineError):
                elasticsearch_answers.answer(answer)


def item(status: int, index: str = "t-products", kind: str = "x_exception", reason: str = "why") -> dict[str, Any]:
    about = {"_index": index, "_id": "product:1", "status": status}
    return {"index": about if status < 300 else about | {"error": {"type": kind, "reason": reason}}}


def test_an_older_version_is_no_failure_and_a_bad_document_is_refused_for_what_it_is() -> None:
    answer = {
        "errors": True,
        "items": [item(201), item(409), item(400, kind="mapper_parsing_exception"), item(404, "t-building")],
    }
    assert taken(answer, "t-building").held == ["product:1"]
    assert [(one.kind, one.id, one.why) for one in taken(answer, "t-building").refused] == [
        ("product", "1", "mapper_parsing_exception: why")
    ]


@pytest.mark.parametrize(
    "bad", [item(429), item(503), item(403), item(404), item(400, reason="no write index for alias [x]")]
)
def test_what_is_the_fault_of_the_moment_is_unavailable_and_names_its_cause(bad: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match="x_exception"):
        taken({"errors": True, "items": [item(200), bad]}, "t-building")


@pytest.mark.parametrize(
    "answer", [{}, [], None, {"errors": True}, {"errors": True, "items": [{}]}, {"errors": True, "items": 5}]
)
def test_an_answer_to_bulk_that_makes_no_sense_is_unavailable(answer: Any) -> None:
    with pytest.raises(EngineError):
        taken(answer, "t-building")
