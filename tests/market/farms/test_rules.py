"""What a farm's people may say of it, at its limits."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.kernel.errors import Invalid
from harvestd.market.farms.rules import (
    MAX_ADDRESS,
    MAX_CERTIFICATION,
    MAX_CERTIFICATIONS,
    MAX_POINT_NAME,
    TEXTS,
    checked,
    not_its_own,
    not_on_earth,
)


def points(*given: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [{"id": id, "name": name, "address": address} for id, name, address in given]


def wrong(**given: Any) -> list[tuple[str, str | None]]:
    """The fields that are refused, each with its code."""
    try:
        checked(given)
    except Invalid as error:
        return [(fault.field, fault.code) for fault in error.errors]
    return []


def test_the_limits_are_those_of_the_contract() -> None:
    assert (MAX_ADDRESS, MAX_POINT_NAME, MAX_CERTIFICATION, MAX_CERTIFICATIONS) == (500, 200, 100, 30)
    assert (TEXTS["name"].longest, TEXTS["description"].longest) == (200, 10_000)


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"name": "n" * 200}, []),
        ({"name": "n" * 201}, [("name", "too-long")]),
        ({"description": "a\nb"}, []),
        ({"description": "d" * 10_001}, [("description", "too-long")]),
        ({"slug": "green-acres"}, []),
        ({"slug": "a" * 80}, []),
        ({"slug": "a" * 81}, [("slug", "too-long")]),
        ({"slug": "Green"}, [("slug", "not-a-slug")]),
        ({"slug": "01a22506-6494-776a-840c-6a553aab1f6b"}, [("slug", "not-a-slug")]),
        ({"address": "a" * 500}, []),
        ({"address": "a" * 501}, [("location.address", "too-long")]),
        ({"certifications": ["c" * 100] * 30}, []),
        ({"certifications": ["c" * 101]}, [("certifications[0]", "too-long")]),
        ({"certifications": ["organic", "\u200b"]}, [("certifications[1]", "not-visible")]),
        ({"certifications": ["organic"] * 31}, [("certifications", "too-long")]),
        ({"pickup_points": points(("a", "p" * 200, "x" * 500), ("b", "Gate", ""))}, []),
        (
            {"pickup_points": points(("a", "p" * 201, "x" * 501))},
            [("pickup_points[0].name", "too-long"), ("pickup_points[0].address", "too-long")],
        ),
        ({"pickup_points": points(("a", "Gate", ""), ("a", "Barn", ""))}, [("pickup_points[1].id", "given-twice")]),
    ],
)
def test_what_is_too_much_is_refused_by_its_name(given: dict[str, Any], refused: list[tuple[str, str]]) -> None:
    assert wrong(**given) == refused


def test_what_is_kept_is_clean_and_there_once() -> None:
    kept = checked(
        {"name": "  Green \u200bAcres ", "slug": "green-acres", "certifications": ["Organic", " Organic "], "phone": 1}
    )
    assert kept == {"name": "Green Acres", "slug": "green-acres", "certifications": ["Organic"], "phone": 1}


@pytest.mark.parametrize(
    ("place", "refused"),
    [
        ({}, []),
        ({"latitude": 90, "longitude": 180}, []),
        ({"latitude": -90, "longitude": -180}, []),
        ({"latitude": 0, "longitude": 0}, []),
        ({"latitude": None, "longitude": None}, []),
        ({"latitude": 90.1, "longitude": 0}, [("at.latitude", "not-a-position")]),
        ({"latitude": -90.1, "longitude": 180.1}, [("at.latitude", "not-a-position"), ("at.longitude", "not-a-position")]),
        ({"latitude": None, "longitude": 1}, [("at.latitude", "required")]),
        ({"latitude": 0, "longitude": None}, [("at.longitude", "required")]),
        ({"longitude": None}, []),
    ],
)  # fmt: skip
def test_a_place_is_on_earth_and_whole(place: dict[str, Any], refused: list[tuple[str, str]]) -> None:
    assert [(fault.field, fault.code) for fault in not_on_earth("at", place)] == refused


def test_the_bounds_of_a_position_are_said() -> None:
    latitude, longitude = not_on_earth("at", {"latitude": -91, "longitude": 181})
    assert dict(latitude.params) == {"minimum": "-90", "maximum": "90"}
    assert dict(longitude.params) == {"minimum": "-180", "maximum": "180"}


def test_a_point_s_id_is_one_of_the_farm_s_own_or_left_out() -> None:
    found = list(not_its_own([None, "known", "another", None], {"known"}))
    assert [(fault.field, fault.code) for fault in found] == [("pickup_points[2].id", "not-found")]
