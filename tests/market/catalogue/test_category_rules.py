"""Categories at their limits."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.kernel.errors import AlreadyTaken, Invalid
from harvestd.market.catalogue.category_rules import MAX_DEPTH, admit, checked, nest


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"name": "n" * 100}, []),
        ({"name": "n" * 101}, [("name", "too-long")]),
        ({"name": "\u200b"}, [("name", "not-visible")]),
        ({"description": "d" * 2000}, []),
        ({"description": "d" * 2001}, [("description", "too-long")]),
        ({"icon": "i" * 100}, []),
        ({"icon": "i" * 101}, [("icon", "too-long")]),
        ({"slug": "a" * 80}, []),
        ({"slug": "a" * 81, "name": ""}, [("name", "required"), ("slug", "too-long")]),
    ],
)
def test_what_is_too_much_is_refused_by_its_name(given: dict[str, Any], refused: list[tuple[str, str]]) -> None:
    found = []
    try:
        checked(given)
    except Invalid as error:
        found = [(fault.field, fault.code) for fault in error.errors]
    assert sorted(found) == sorted(refused)


def test_what_is_kept_is_clean_and_all_else_stays() -> None:
    given = {"name": " Root \u200bvegetables ", "description": "a\nb", "icon": "", "slug": "roots", "color": 1}
    assert checked(given) == {"name": "Root vegetables", "description": "a\nb", "icon": "", "slug": "roots", "color": 1}


def test_no_two_beside_each_other_have_one_name_whatever_its_case() -> None:
    admit("Apfel", ["Äpfel", "Birnen"])
    admit("Apfel", [])
    with pytest.raises(AlreadyTaken) as refused:
        admit("ÄPFEL", ["Äpfel"])
    assert [(fault.field, fault.code) for fault in refused.value.errors] == [("name", "taken")]


@pytest.mark.parametrize(
    ("above", "levels", "fits"),
    [(0, MAX_DEPTH, True), (0, MAX_DEPTH + 1, False), (MAX_DEPTH - 1, 1, True), (MAX_DEPTH, 1, False), (3, 5, True), (4, 5, False)],
)  # fmt: skip
def test_so_many_stand_one_below_the_other_at_most(above: int, levels: int, fits: bool) -> None:
    if fits:
        nest(above, levels)
        return
    with pytest.raises(Invalid) as refused:
        nest(above, levels)
    (error,) = refused.value.errors
    assert (error.field, error.code, error.params) == ("parent_id", "too-deep", {"maximum": "8"})
