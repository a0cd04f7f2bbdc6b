"""What a farm shows on a day, and when that changes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harvestd.market.farms.day_rules import Dated, away_until, shown_on, turn, turned


def day(number: int) -> date:
    return date(2026, 6, number)


def claim(until: str | None) -> dict[str, Any]:
    return {"scheme": f"until {until}", "body_code": "", "number": "", "valid_until": until}


CLAIMS = Dated(certificates=[claim("2026-06-10"), claim(None), claim("9999-12-31"), claim("2026-06-12")])


@pytest.mark.parametrize(("number", "shown"), [(10, [0, 1, 2, 3]), (11, [1, 2, 3]), (12, [1, 2, 3]), (13, [1, 2])])
def test_a_certificate_is_shown_until_its_day(number: int, shown: list[int]) -> None:
    assert shown_on(CLAIMS, day(number))["certificates"] == [CLAIMS.certificates[i] for i in shown]


@pytest.mark.parametrize(("number", "turns"), [(1, 11), (10, 11), (11, 13), (12, 13), (13, None)])
def test_the_day_after_the_last_is_the_one_that_turns(number: int, turns: int | None) -> None:
    assert turn(CLAIMS, day(number)) == (turns and day(turns))


def test_nothing_turns_where_nothing_has_a_day() -> None:
    assert turn(Dated(), day(1)) is None
    assert turn(Dated(certificates=[claim(None), claim("9999-12-31")]), day(1)) is None


def test_what_has_turned_is_named() -> None:
    assert turned(CLAIMS, day(10), day(11)) == ["certificates"]
    assert turned(CLAIMS, day(11), day(12)) == []
    assert turned(CLAIMS, day(10), day(20)) == ["certificates"]


def away(*periods: tuple[int, int]) -> list[dict[str, str]]:
    return [{"from": day(a).isoformat(), "to": day(b).isoformat(), "note": ""} for a, b in periods]


@pytest.mark.parametrize(("number", "until"), [(4, None), (5, 9), (7, 9), (9, 9), (10, None), (12, 12), (13, None)])
def test_a_farm_is_away_from_the_first_day_to_the_last(number: int, until: int | None) -> None:
    assert away_until(away((5, 7), (8, 9), (12, 12)), day(number)) == (until and day(until))


def test_an_absence_may_last_until_the_last_day_there_is() -> None:
    last = [{"from": "9999-12-01", "to": "9999-12-31", "note": ""}]
    assert away_until(last, date.max) == date.max
    assert turn(Dated(away=last), date.max) is None


@pytest.mark.parametrize(
    ("number", "turns", "changed"),
    [(1, 5, ["away_until"]), (5, 8, ["away"]), (8, 10, ["away", "away_until"]), (10, None, [])],
)
def test_an_absence_turns_with_its_first_day_and_the_one_after_the_last(
    number: int, turns: int | None, changed: list[str]
) -> None:
    dated = Dated(away=away((5, 7), (8, 9)))
    assert turn(dated, day(number)) == (turns and day(turns))
    if turns is not None:
        assert turned(dated, day(turns - 1), day(turns)) == changed
