"""Why a coupon is not accepted. Pure.

A code that is of no coupon and one that is not accepted any more by anybody's doing are answered alike; what its time, its uses and the goods are is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import money
from harvestd.market.pricing.amounts import reducible
from harvestd.market.pricing.terms import Discount, Good

FIELD = "coupon"


@attrs.frozen
class Known:
    """A coupon as it is now; whether it has uses left, and the person has."""

    active: bool
    first: date | None
    last: date | None
    left: bool
    left_of_person: bool
    discount: Discount


def unusable(coupon: Known | None, day: date) -> FieldError | None:
    """Why it cannot be used at all, by this person and on this day."""
    if coupon is None or not coupon.active:
        message = "is not a code of this market; check its letters and digits"
        return FieldError(FIELD, message, code="not-found", params={"reason": "coupon"})
    if coupon.first is not None and day < coupon.first:
        return FieldError(FIELD, "is not good yet", code="not-accepted", params={"reason": "coupon-early"})
    if coupon.last is not None and coupon.last < day:
        return FieldError(FIELD, "was good until a day that has passed", code="expired", params={"reason": "coupon"})
    if not coupon.left_of_person:
        message = "is used already as often as one person can"
        return FieldError(FIELD, message, code="not-accepted", params={"reason": "coupon-used-by-you"})
    return None if coupon.left else used_up()


def used_up() -> FieldError:
    """Somebody else was faster."""
    return FieldError(FIELD, "has no uses left", code="not-accepted", params={"reason": "coupon-used-up"})


def without_account() -> FieldError:
    """Its uses are counted by account, and a guest has none."""
    message = "goes with an account, by which its uses are counted; sign in, or leave it out"
    return FieldError(FIELD, message, code="not-accepted", params={"reason": "coupon-account"})


def unfit(discount: Discount | None, goods: Sequence[Good], currency: str) -> FieldError | None:
    """Why it takes nothing off these goods: none of them is what it is for, or they come to less than its minimum."""
    if discount is None:
        return None
    worth = sum(reducible(goods, discount))
    if not worth:
        message = "is for other goods than these"
        return FieldError(FIELD, message, code="not-accepted", params={"reason": "coupon-other-goods"})
    if worth < discount.minimum:
        missing = discount.minimum - worth
        message = f"is for goods of {money(discount.minimum, currency)}; add goods for {money(missing, currency)} more"
        params = {"reason": "coupon", "minimum": str(discount.minimum), "missing": str(missing), "currency": currency}
        return FieldError(FIELD, message, code="below-minimum", params=params)
    return None
