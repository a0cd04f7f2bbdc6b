"""Why a coupon is not accepted."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import pytest

from harvestd.market.pricing.coupon_rules import Known, unfit, unusable, used_up
from harvestd.market.pricing.terms import Discount, Good

MAY = date(2026, 5, 1)
TEN = Discount(coupon_id="c", code="SPRING", kind="percent", value=10_000)
GOOD = Known(True, None, None, True, True, TEN)
GOODS = [Good(key="a", farm_id="acres", total=2000), Good(key="b", farm_id="coop", total=1000, discountable=False)]


@pytest.mark.parametrize(
    ("more", "code", "reason"),
    [
        ({"active": False}, "not-found", "coupon"), ({"first": date(2026, 5, 2)}, "not-accepted", "coupon-early"),
        ({"last": date(2026, 4, 30)}, "expired", "coupon"), ({"left": False}, "not-accepted", "coupon-used-up"),
        ({"left_of_person": False}, "not-accepted", "coupon-used-by-you"), ({"left": False, "left_of_person": False}, "not-accepted", "coupon-used-by-you"),
        ({"active": False, "left": False}, "not-found", "coupon"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_it_is_told(more: Any, code: str, reason: str) -> None:
    found = unusable(attrs.evolve(GOOD, **more), MAY)
    assert found is not None and (found.field, found.code, found.params["reason"]) == ("coupon", code, reason)


def test_one_that_is_not_there_is_not_told_from_one_that_was_switched_off() -> None:
    assert unusable(None, MAY) == unusable(attrs.evolve(GOOD, active=False), MAY)
    assert used_up() == unusable(attrs.evolve(GOOD, left=False), MAY)


@pytest.mark.parametrize("days", [{}, {"first": MAY}, {"last": MAY}, {"first": MAY, "last": MAY}])
def test_one_that_is_good_is_good_on_both_its_days(days: Any) -> None:
    assert unusable(attrs.evolve(GOOD, **days), MAY) is None


@pytest.mark.parametrize(
    ("discount", "params"),
    [
        (None, None), (TEN, None), (attrs.evolve(TEN, minimum=2000), None), (attrs.evolve(TEN, farm_id="acres"), None),
        (attrs.evolve(TEN, minimum=2001), {"reason": "coupon", "minimum": "2001", "missing": "1", "currency": "EUR"}),
        (attrs.evolve(TEN, farm_id="coop"), {"reason": "coupon-other-goods"}), (attrs.evolve(TEN, farm_id="dale", minimum=1), {"reason": "coupon-other-goods"}),
    ],
)  # fmt: skip
def test_one_that_takes_nothing_off_these_goods_is_refused(discount: Discount | None, params: Any) -> None:
    found = unfit(discount, GOODS, "EUR")
    assert (found and found.params) == params
