"""What an order was charged, as far as somebody may see it."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.market.pricing.charged_rules import code_of, fees_of, together
from harvestd.market.pricing.terms import PLAIN, Discount, FeeBill, Pricing

PACKING = FeeBill("f", "acres", 200, 32, "Packing"), FeeBill("f", "coop", 100, 16, "Packing")
CRATE = FeeBill("g", "coop", 150, 0, "Crate")
CHARGED = Pricing(charged=(*PACKING, CRATE))


def test_each_part_has_its_own_rows_and_whoever_sees_all_has_one_of_each_fee() -> None:
    assert fees_of(CHARGED) == (*PACKING, CRATE) and fees_of(PLAIN) == ()
    assert fees_of(CHARGED, ["coop"]) == (PACKING[1], CRATE) and fees_of(CHARGED, []) == ()
    assert together(fees_of(CHARGED)) == (FeeBill("f", "acres", 300, 48, "Packing"), CRATE)


@pytest.mark.parametrize(
    ("of", "farms", "code"),
    [(None, None, "SPRING"), ("acres", None, "SPRING"), ("acres", ["acres"], "SPRING"), ("acres", ["coop"], None), (None, ["acres"], None)],
)  # fmt: skip
def test_a_code_is_told_to_whoever_sees_all_and_to_the_farm_whose_it_is(of: Any, farms: Any, code: Any) -> None:
    discount = Discount(coupon_id="c", code="SPRING", kind="amount", value=1, farm_id=of)
    assert code_of(Pricing(discount=discount), farms) == code
    assert code_of(PLAIN, farms) is None
