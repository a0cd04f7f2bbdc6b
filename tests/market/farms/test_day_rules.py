"""What a farm shows on a day, and when that changes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harvestd.market.farms.day_rules import Dated, shown_on, turn, turned


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
