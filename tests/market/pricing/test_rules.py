"""What is accepted of those who set fees, tax rates and coupons."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.pricing import rules

FEE: dict[str, Any] = {
    "name": "Packing", "basis": "order", "amount": 100, "rate": 0, "free_from": None, "method": None, "postcodes": None, "first": None, "last": None,
}  # fmt: skip
COUPON: dict[str, Any] = {"code": "SPRING", "percent": 10_000, "amount": None, "first": None, "last": None}


def refused(work: Any, given: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        work(given)
    return {fault.field: fault.code for fault in error.value.errors}


@pytest.mark.parametrize(
    ("one", "other"),
    [("SPRING-2026", "spring 2026"), ("STRASSE", "straße"), ("ＡＢＣＤ", "abcd"), ("Łoś 12", "łoś-12"), ("A_B.C/D", "ab cd"), ("ǅab1", "ǆab1")],
)  # fmt: skip
def test_codes_that_differ_in_nothing_that_people_say_are_one(one: str, other: str) -> None:
    assert rules.code_key(one) == rules.code_key(other) == rules.code_key(rules.code_key(one))


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "required"), ("abc", "wrong-form"), ("a-b-c", "wrong-form"), ("x" * 41, "wrong-form"), ("x" * 81, "too-long"), ("\u200b", "not-visible"), ("ab\x07cd", "control-character")],
)  # fmt: skip
def test_what_nobody_could_type_or_everybody_would_guess_is_no_code(text: str, code: str) -> None:
    found = rules.code("code", text)
    assert isinstance(found, FieldError) and found.code == code


def test_a_code_is_shown_as_it_was_given() -> None:
    assert rules.coupon(COUPON | {"code": " Spring\u200b  2026 "})["code"] == "Spring 2026"
    assert rules.code("code", "abcd") == "abcd" and rules.code("code", "x" * 40) == "x" * 40


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"name": ""}, {"name": "required"}), ({"basis": "delivery_area"}, {"postcodes": "required"}), ({"postcodes": ["1010"]}, {"postcodes": "not-accepted"}),
        ({"basis": "delivery_area", "postcodes": ["1010"], "method": "pickup"}, {"method": "not-accepted"}),
        ({"basis": "delivery_area", "postcodes": ["1010", "!"]}, {"postcodes[1]": "wrong-form"}),
        ({"first": date(2026, 5, 2), "last": date(2026, 5, 1)}, {"until": "before-start"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_fee_is_told(given: Any, wrong: dict[str, str]) -> None:
    assert refused(rules.fee, FEE | given) == wrong


def test_a_fee_is_kept_as_it_is_charged() -> None:
    assert rules.fee(FEE) == FEE
    area = rules.fee(FEE | {"basis": "delivery_area", "postcodes": ["sw1a 1aa", "SW1A 1AA"], "name": " By  bike "})
    assert (area["name"], area["postcodes"], area["method"]) == ("By bike", ["SW1A 1AA"], "delivery")
    assert rules.fee(FEE | {"first": date(2026, 5, 1), "last": date(2026, 5, 1)})["last"] == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"percent": None}, {"percent": "required"}), ({"amount": 100}, {"percent": "required"}), ({"percent": 0}, {"percent": "below-minimum"}),
        ({"percent": None, "amount": 0}, {"amount": "below-minimum"}), ({"code": "a"}, {"code": "wrong-form"}),
        ({"code": "", "percent": None, "first": date(2026, 5, 2), "last": date(2026, 5, 1)}, {"code": "required", "percent": "required", "until": "before-start"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_coupon_is_told_at_once(given: Any, wrong: dict[str, str]) -> None:
    assert refused(rules.coupon, COUPON | given) == wrong


def test_a_tax_rate_has_a_name_and_days_in_their_order() -> None:
    rate = {"name": " Reduced ", "rate": 7000, "first": None, "last": date(2026, 5, 1)}
    assert rules.tax_rate(rate) == rate | {"name": "Reduced"}
    assert refused(rules.tax_rate, rate | {"name": "\u200b", "first": date(2026, 5, 2)}) == {
        "name": "not-visible", "until": "before-start"
    }  # fmt: skip


def test_the_numbers_are_those_of_the_contract() -> None:
    assert (rules.MAX_FEES, rules.MAX_RATES, rules.MAX_COUPONS) == (50, 500, 10_000)
