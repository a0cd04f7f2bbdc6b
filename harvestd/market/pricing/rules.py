"""Fees, tax rates and coupons: what is accepted of those who set them. Pure.

Each is checked whole, as it will be kept: amounts in minor units, rates and percentages in thousandths of a per cent, first and last days of the market.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import Rule, accept, clean_name
from harvestd.kernel.quantities import MAX_PRICE
from harvestd.market.farms.delivery_rules import postcode_faults

#: Fees of one farm, or of the market itself, and tax rates of a market: every process remembers them all. Coupons that a farm or the market has.
MAX_FEES, MAX_RATES, MAX_COUPONS = 50, 500, 10_000
NAME = Rule(100)
#: Letters and digits of a coupon's code.
MIN_CODE, MAX_CODE = 4, 40
#: Who has a delivery charged: an area has postcodes.
AREA = "delivery_area"


def code_key(code: str) -> str:
    """A coupon's code as codes are compared: its letters and digits alone, in any case and width."""
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", code).casefold())
    return "".join(character for character in whole if character.isalnum())


def code(field: str, text: str) -> str | FieldError:
    """A coupon's code as it is shown, or its error."""
    found = clean_name(field, text, 2 * MAX_CODE)
    if isinstance(found, FieldError):
        return found
    if not MIN_CODE <= len(code_key(found)) <= MAX_CODE:
        message = f"must have {MIN_CODE} to {MAX_CODE} letters and digits"
        params = {"reason": "coupon-code", "example": "SPRING-2026"}
        return FieldError(field, message, code="wrong-form", params=params)
    return found


def fee(given: Mapping[str, Any]) -> dict[str, Any]:
    """A fee as it is kept; raises :class:`Invalid` with all faults."""
    name = NAME.apply("name", given["name"])
    accept(name, *_fee_faults(given), *_days(given), message="the fee cannot be accepted")
    area = given["basis"] == AREA
    return {
        **given, "name": name, "method": "delivery" if area else given["method"],
        "postcodes": list(dict.fromkeys(one.upper() for one in given["postcodes"])) if area else None,
    }  # fmt: skip


def _fee_faults(given: Mapping[str, Any]) -> Iterator[FieldError]:
    codes = given["postcodes"]
    if given["amount"] > MAX_PRICE:
        params = {"maximum": str(MAX_PRICE)}
        yield FieldError("amount", f"must be {MAX_PRICE} or less", code="above-maximum", params=params)
    yield from postcode_faults("postcodes", codes or ())
    if given["basis"] == AREA:
        if not codes:
            message = "says where the delivery area is; name at least one"
            yield FieldError("postcodes", message, code="required", params={"reason": "delivery-area"})
        if given["method"] == "pickup":
            message = "is delivery for a delivery area; leave it out"
            yield FieldError("method", message, code="not-accepted", params={"reason": "delivery-area"})
    elif codes:
        message = "is only for the basis delivery_area; leave it out"
        yield FieldError("postcodes", message, code="not-accepted", params={"reason": "kind", "possible": AREA})


def tax_rate(given: Mapping[str, Any]) -> dict[str, Any]:
    """A tax rate as it is kept; raises :class:`Invalid` with all faults."""
    name = NAME.apply("name", given["name"])
    accept(name, *_days(given), message="the tax rate cannot be accepted")
    return {**given, "name": name}


def coupon(given: Mapping[str, Any]) -> dict[str, Any]:
    """A coupon as it is kept; raises :class:`Invalid` with all faults."""
    shown = code("code", given["code"])
    accept(shown, *_coupon_faults(given), *_days(given), message="the coupon cannot be accepted")
    assert isinstance(shown, str)
    return {**given, "code": shown, "code_key": code_key(shown)}


def _coupon_faults(given: Mapping[str, Any]) -> Iterator[FieldError]:
    if (given["percent"] is None) == (given["amount"] is None):
        message = "give percent, or amount: one of the two says what is taken off"
        yield FieldError("percent", message, code="required", params={"reason": "percent-or-amount"})
    for name, least in (("percent", "0.001"), ("amount", "1")):
        if given[name] == 0:
            yield FieldError(name, "must be more than 0", code="below-minimum", params={"minimum": least})


def _days(given: Mapping[str, Any]) -> Iterator[FieldError]:
    first, last = given["first"], given["last"]
    if first is not None and last is not None and last < first:
        yield FieldError("until", "must not be before the first day", code="before-start")
