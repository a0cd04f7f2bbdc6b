"""What the rules of searches may be, and which of them apply to a query."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.interfaces import Boost, Rules
from harvestd.kernel.errors import Invalid
from harvestd.market.search.matching_rules import MAX_PINS, MAX_WAYS, Book, Told, key
from harvestd.market.search.rules import checked

EMPTY: dict[str, Any] = {
    "queries": ["carrot"], "means": [], "product_ids": [], "category_id": None, "farm_id": None, "tag": None, "factor": None, "note": "",
    "active": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given", "wrong"),
    [("synonym", {}, {"queries": "not-accepted"}), ("synonym", {"queries": ["a", "b"]}, {}), ("synonym", {"means": ["b"]}, {}),
     ("synonym", {"queries": ["Carrot", "cárrots"]}, {"queries": "not-accepted"}), ("synonym", {"queries": ["a", "---"]}, {"queries[1]": "not-accepted"}),
     ("synonym", {"means": ["b", "\x07"]}, {"means[1]": "control-character"}), ("synonym", {"means": ["b"], "factor": 2.0}, {"factor": "not-accepted"}),
     ("pin", {}, {"product_ids": "required"}), ("pin", {"product_ids": ["p"]}, {}), ("pin", {"product_ids": ["p"], "means": ["b"]}, {"means": "not-accepted"}),
     ("pin", {"product_ids": ["p"], "tag": "x", "factor": 0.5}, {"tag": "not-accepted", "factor": "not-accepted"}),
     ("boost", {"factor": 2.0}, {"category_id": "not-accepted"}), ("boost", {"tag": "x"}, {"factor": "required"}), ("boost", {"tag": "x", "factor": 2.0}, {}),
     ("boost", {"tag": "x", "farm_id": "f", "factor": 2.0}, {"category_id": "not-accepted"}),
     ("boost", {"tag": "x", "factor": 2.0, "product_ids": ["p"]}, {"product_ids": "not-accepted"}),
     ("boost", {"tag": "\x07", "factor": 2.0, "note": "\x07"}, {"tag": "control-character", "note": "control-character"})],
)  # fmt: skip
def test_a_rule_has_what_its_kind_needs_and_nothing_else(
    kind: str, given: dict[str, Any], wrong: dict[str, str]
) -> None:
    if not wrong:
        assert checked(kind, {**EMPTY, **given})["queries"]
        return
    with pytest.raises(Invalid) as caught:
        checked(kind, {**EMPTY, **given})
    assert {error.field: error.code for error in caught.value.errors} == wrong


def test_what_is_kept_is_normal_and_each_meaning_once() -> None:
    found = checked("synonym", {**EMPTY, "queries": [" Crème  fraîche", "creme fraiche", "cream"], "note": " why "})
    assert (found["queries"], found["note"]) == (("Crème fraîche", "cream"), "why")
    found = checked("boost", {**EMPTY, "tag": " Organic ", "factor": 1.23456})
    assert (found["tag"], found["factor"]) == ("organic", 1.23)
    assert checked("pin", {**EMPTY, "product_ids": ["b", "a", "b"]})["product_ids"] == ("b", "a")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("carrots", "carrot", True), ("tomatoes", "tomato", True), ("berries", "berry", True), ("peaches", "peach", True), ("choux", "chou", True),
     ("poireaux", "poireau", True), ("asparagus", "asparagu", False), ("cress", "cres", False), ("gas", "ga", False), ("carrot", "parrot", False),
     ("radishes", "radish", True), ("box", "bo", False)],
)  # fmt: skip
def test_the_commonest_plurals_are_their_singulars(one: str, other: str, same: bool) -> None:
    assert (key([one]) == key([other])) is same


BOOK = Book([
    Told("synonym", ["courgette", "zucchini"]), Told("synonym", ["zucchini", "summer squash"]), Told("synonym", ["greens"], ["kale", "Swiss chard"]),
    Told("pin", ["soup", "Soupe à l'oignon"], pins=["1", "2"]), Told("pin", ["soups"], pins=["2", "3"]),
    Told("boost", ["soup"], field="category", values=["roots", "bulbs"], factor=2.0), Told("boost", ["soup"], field="farm", values=[], factor=2.0),
])  # fmt: skip


@pytest.mark.parametrize(
    ("words", "groups"),
    [(["courgette"], ((("courgette",), ("zucchini",)),)),
     (["zucchinis"], ((("zucchinis",), ("courgette",), ("summer", "squash")),)),
     (["organic", "summer", "squash"], ((("organic",),), (("summer", "squash"), ("zucchini",)))),
     (["greens"], ((("greens",), ("kale",), ("swiss", "chard")),)), (["kale"], ()), (["summer"], ()), (["carrots"], ()), ([], ())],
)  # fmt: skip
def test_each_part_of_a_query_is_said_in_all_ways_that_a_rule_knows(words: list[str], groups: Any) -> None:
    assert BOOK.of(words) == Rules(groups=groups)


def test_pins_and_boosts_are_for_the_whole_query_and_the_earlier_rule_comes_first() -> None:
    assert BOOK.of(["soups"]) == Rules(pins=("1", "2", "3"), boosts=(Boost("category", ("roots", "bulbs"), 2.0),))
    assert BOOK.of(["soupe", "a", "oignon"]) == Rules(pins=("1", "2"))
    assert BOOK.of(["soup", "bowl"]) == BOOK.of(["bowl"]) == Rules()


def test_no_query_grows_without_end() -> None:
    many = Book([Told("synonym", [f"w{n}" for n in range(20)]), Told("synonym", ["w1", *(f"v{n}" for n in range(19))]),
                 Told("pin", ["w1"], pins=[str(n) for n in range(50)])])  # fmt: skip
    found = many.of(["w1"])
    assert (len(found.groups[0]), len(found.pins)) == (MAX_WAYS, MAX_PINS)
