"""Where a farm delivers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from harvestd.market.farms.delivery_rules import (
    area_faults,
    covers,
    delivers_to,
    faults,
    kept,
    never_charged,
    without_middle,
)

AT, NEAR, FAR = (48.2, 16.37), (48.25, 16.37), (49.0, 16.37)


def area(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "postcodes": None,
        "radius_km": None,
        "polygon": None,
        "fee": 0,
        "minimum": 0,
        "free_from": None,
        "rate": Decimal(0),
        **more,
    }


TOWN, ROUND, WIDE = (
    area("Town", postcodes=["1010", "SW1A 1AA"]),
    area("Round", radius_km=10.0),
    area("Wide", radius_km=200.0),
)
TRIANGLE = [(48.0, 16.0), (49.0, 16.0), (48.0, 17.0)]
DELIVERY = {"areas": [TOWN, ROUND, WIDE], "note": ""}


@pytest.mark.parametrize(
    ("code", "position", "found"),
    [
        ("1010", None, "Town"), ("10 10", FAR, "Town"), ("sw1a1aa", None, "Town"), ("SW1A-1AA", None, "Town"), ("101", None, None), ("", None, None),
        *((code, None, "Town") for code in ("１０１０", "10\u201110", "10－10", "10ー10", "10\u221210", "10\u00a010", "10\u300010", "10\u200b10", "sw1a\u20131aa", "ｓｗ1ａ\u30001ａａ")),
        ("٠١٠١", None, None), ("10.10", None, None), ("9999", NEAR, "Round"), ("", NEAR, "Round"), ("9999", FAR, "Wide"), ("9999", (0.0, 0.0), None), ("9999", AT, "Round"),
    ],
)  # fmt: skip
def test_the_first_area_that_a_place_is_in_counts(code: str, position: Any, found: str | None) -> None:
    answer = delivers_to(DELIVERY, AT, code, position)
    assert (answer and answer["name"]) == found


def test_without_a_middle_no_circle_is_known_and_without_delivery_nothing_is_delivered() -> None:
    assert delivers_to(DELIVERY, None, "9999", NEAR) is None
    assert delivers_to(DELIVERY, None, "1010", None) == TOWN
    assert delivers_to(None, AT, "1010", NEAR) is None
    assert [fault.field for fault in without_middle(DELIVERY, None)] == [
        "delivery.areas[1].radius_km",
        "delivery.areas[2].radius_km",
    ]
    assert [*without_middle(DELIVERY, AT)] == [*without_middle(None, None)] == []


@pytest.mark.parametrize(
    ("fee", "minimum", "of_farm", "free_from", "refused"),
    [
        (390, 0, 2000, 1999, True), (390, 0, 2000, 2000, False), (390, 2000, 0, 1999, True), (390, 2500, 2000, 2499, True), (390, 2500, 2000, 2500, False),
        (390, 0, 0, 0, False), (390, 0, 2000, None, False), (0, 0, 2000, 1, False),
    ],
)  # fmt: skip
def test_a_fee_that_nobody_could_pay_is_refused(
    fee: int, minimum: int, of_farm: int, free_from: int | None, refused: bool
) -> None:
    where = {
        "areas": [TOWN, area("Hills", postcodes=["10"], fee=fee, minimum=minimum, free_from=free_from)],
        "note": "",
    }
    found = [(fault.field, fault.code) for fault in never_charged(where, of_farm, "EUR")]
    assert found == ([("delivery.areas[1].free_from", "below-minimum")] if refused else [])


@pytest.mark.parametrize(
    ("position", "inside"),
    [
        ((48.2, 16.2), True),
        ((48.6, 16.6), False),
        ((47.9, 16.2), False),
        ((48.2, 15.9), False),
        ((48.2, 16.9), False),
        (None, False),
    ],
)
def test_a_polygon_has_what_is_between_its_corners(position: Any, inside: bool) -> None:
    stored = kept(area("Triangle", polygon=TRIANGLE))
    assert stored["polygon"][0] == {"latitude": 48.0, "longitude": 16.0}
    assert covers(stored, None, "", position) is inside


def test_a_circle_has_its_edge_in_it() -> None:
    from harvestd.kernel.geography import distance_km

    edge = {"areas": [area("Edge", radius_km=distance_km(*AT, *NEAR))], "note": ""}
    assert delivers_to(edge, AT, "", NEAR) is not None
    edge["areas"][0]["radius_km"] *= 0.999  # type: ignore[index]
    assert delivers_to(edge, AT, "", NEAR) is None


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (area("A", postcodes=["1010"]), []),
        (area("A", radius_km=500), []),
        (area("A", radius_km=501), [("delivery.areas[0].radius_km", "above-maximum")]),
        (area("A", radius_km=0), [("delivery.areas[0].radius_km", "above-maximum")]),
        (area("A"), [("delivery.areas[0].postcodes", "required")]),
        (area("A", postcodes=[], radius_km=None), [("delivery.areas[0].postcodes", "required")]),
        (area("A", postcodes=["1010"], radius_km=5), [("delivery.areas[0].postcodes", "required")]),
        (area("A", polygon=TRIANGLE), []),
        (area("A", polygon=TRIANGLE, radius_km=5), [("delivery.areas[0].postcodes", "required")]),
        (area("A", polygon=TRIANGLE[:2] * 2), [("delivery.areas[0].polygon", "too-short")]),
        (area("A", polygon=[(0, 0), (0, 11), (1, 0)]), [("delivery.areas[0].polygon", "above-maximum")]),
        (area("A", polygon=[(91, 0), (0, 181), (1, 0)]),
         [("delivery.areas[0].polygon[0].latitude", "not-a-position"), ("delivery.areas[0].polygon[1].longitude", "not-a-position")]),
        (area("A", postcodes=["10", "1" * 10, "１１０－０００１", "sw1a\u20131aa"]), []),
        (area("A", postcodes=["1", "1" * 11, "10-", "1  0", "é10", "1010\n"]), [(f"delivery.areas[0].postcodes[{n}]", "wrong-form") for n in range(6)]),
        (area("\u200b", postcodes=["1010"]), [("delivery.areas[0].name", "not-visible")]),
        (area("x" * 101, postcodes=["1010"]), [("delivery.areas[0].name", "too-long")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_area_is_named(given: dict[str, Any], wrong: list[tuple[str, str]]) -> None:
    assert [(fault.field, fault.code) for fault in faults([given], "")] == wrong


def test_names_tell_areas_apart_and_the_note_is_text() -> None:
    found = faults([area("Town", postcodes=["1010"]), area(" town", radius_km=1)], "\x07")
    assert [(fault.field, fault.code) for fault in found] == [
        ("delivery.areas[1].name", "given-twice"),
        ("delivery.note", "control-character"),
    ]


def test_an_area_that_is_readable_in_part_is_judged_by_that() -> None:
    assert [*area_faults(0, {"postcodes": None})] == []
    assert [fault.field for fault in area_faults(2, {"postcodes": ["!"], "name": ""})] == [
        "delivery.areas[2].name",
        "delivery.areas[2].postcodes[0]",
    ]


def test_postcodes_are_kept_once_each_in_capitals() -> None:
    """As this market spells them, the first of several ways to write one."""
    several = kept(area("Japan", postcodes=["１１０ー０００１", "110-0001", "1100001", "ab\u00a01", "AB-1", "10"]))
    assert several["postcodes"] == ["110-0001", "AB 1", "10"]
    assert kept(area(" Town ", postcodes=["sw1a 1aa", "SW1A 1AA", "1010"]))["postcodes"] == ["SW1A 1AA", "1010"]
    assert kept(area("Town", postcodes=[], radius_km=5))["postcodes"] is None
