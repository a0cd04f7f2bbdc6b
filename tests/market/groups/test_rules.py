"""What a group may be called."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.kernel.errors import Invalid
from harvestd.market.groups.rules import MAX_GROUPS, MAX_OF_ONE, checked, name_key, taken


@pytest.mark.parametrize(
    ("name", "slug", "fields"),
    [
        ("Shops", "shops", []), ("wholesale", "shops", ["name"]), ("WHOLESALE", "wholesale", ["name", "slug"]),
        ("Wholesale 2", "wholesale", ["slug"]), ("Straße", "s", ["name"]), ("Großhandel", "s", []),
    ],
)  # fmt: skip
def test_a_name_is_taken_regardless_of_case_and_a_slug_as_it_is(name: str, slug: str, fields: list[str]) -> None:
    faults = list(taken(name, slug, {"wholesale", "strasse"}, {"wholesale"}))
    assert [(fault.field, fault.code, fault.params) for fault in faults] == [
        (field, "taken", {"reason": "group"}) for field in fields
    ]


def test_two_names_that_differ_in_case_alone_are_one() -> None:
    assert name_key("GROSSHANDEL") == name_key("Großhandel") != name_key("Grosshändel")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"name": " Social  price "}, {"name": "Social price"}), ({"name": "x" * 100, "slug": None}, {"name": "x" * 100, "slug": None}),
        ({"description": "a\r\nb "}, {"description": "a\nb"}), ({"description": ""}, {"description": ""}),
        ({"description": "x" * 2000, "slug": "social-price"}, {"description": "x" * 2000, "slug": "social-price"}), ({}, {}),
    ],
)  # fmt: skip
def test_a_text_is_kept_by_the_rules_of_all_texts(given: Any, kept: Any) -> None:
    assert checked(given) == kept


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"name": ""}, {"name": "required"}), ({"name": "\u200b"}, {"name": "not-visible"}), ({"name": "x" * 101}, {"name": "too-long"}),
        ({"description": "x" * 2001, "slug": "A b"}, {"description": "too-long", "slug": "not-a-slug"}),
    ],
)  # fmt: skip
def test_every_fault_is_told_at_once(given: Any, codes: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        checked(given)
    assert {fault.field: fault.code for fault in refused.value.errors} == codes


def test_the_numbers_are_those_of_the_contract() -> None:
    assert (MAX_GROUPS, MAX_OF_ONE) == (200, 50)
