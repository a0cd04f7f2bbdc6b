"""Which fees and taxes apply: by day, category, farm, and where something is delivered."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harvestd.interfaces.pricing import Charge, Charges, TaxRate
from harvestd.market.pricing.charging_rules import Delivered, counts, fees_of, least_orders, rate_of

MAY = date(2026, 5, 1)
TREE = {"apples": "fruit", "fruit": "food", "circle": "round", "round": "circle"}


def rate(category: str | None, per_mille: int, first: date | None = None, last: date | None = None) -> TaxRate:
    return TaxRate(category_id=category, rate=per_mille, first=first, last=last)


def fee(id: str, **more: Any) -> Charge:
    known: dict[str, Any] = {
        "farm_id": None, "name": id, "basis": "order", "amount": 100, "rate": 0, "free_from": None, "method": None, "postcodes": None,
        "first": None, "last": None,
    }  # fmt: skip
    return Charge(id=id, **(known | more))


@pytest.mark.parametrize(
    ("rates", "category", "of"),
    [
        ([], "apples", 0), ([rate(None, 20)], "apples", 20), ([rate(None, 20)], None, 20), ([rate("food", 10)], None, 0),
        ([rate(None, 20), rate("food", 10)], "apples", 10), ([rate("food", 10), rate("fruit", 5)], "apples", 5),
        ([rate("apples", 0), rate("fruit", 5)], "apples", 0), ([rate("fruit", 5)], "food", 0), ([rate("fruit", 5)], "circle", 0),
        # of two for the same, the one that began last; of these, the newest
        ([rate("food", 10, date(2026, 4, 1)), rate("food", 12)], "food", 10), ([rate("food", 10), rate("food", 12, MAY)], "food", 12),
        ([rate("food", 10), rate("food", 12)], "food", 12), ([rate("food", 10, MAY), rate("food", 12, MAY)], "food", 12),
        # one that does not count that day is not there
        ([rate("food", 10), rate("food", 12, date(2026, 5, 2))], "food", 10), ([rate("food", 10, last=date(2026, 4, 30)), rate(None, 20)], "food", 20),
        ([rate("fruit", 5, date(2026, 5, 2)), rate("food", 10)], "fruit", 10),
    ],
)  # fmt: skip
def test_a_product_has_the_rate_of_the_nearest_category_with_one(
    rates: list[TaxRate], category: str | None, of: int
) -> None:
    assert rate_of(Charges(rates=tuple(rates), above=TREE), category, MAY) == of


@pytest.mark.parametrize(
    ("first", "last", "good"),
    [
        (None, None, True), (MAY, MAY, True), (None, MAY, True), (MAY, None, True), (date(2026, 5, 2), None, False),
        (None, date(2026, 4, 30), False), (date(2026, 4, 1), date(2026, 4, 30), False),
    ],
)  # fmt: skip
def test_both_days_count(first: date | None, last: date | None, good: bool) -> None:
    assert counts(rate(None, 1, first, last), MAY) is good


TOWN = {
    "name": "Town",
    "postcodes": ["1010", "SW1A 1AA"],
    "radius_km": None,
    "fee": 490,
    "minimum": 2000,
    "free_from": 5000,
    "rate": 19_000,
}
NEAR = {"name": "Near", "postcodes": None, "radius_km": 10.0, "fee": 900, "minimum": 0, "free_from": None}
FREE = {"name": "Next door", "postcodes": ["1020"], "radius_km": None, "fee": 0, "minimum": 0, "free_from": None}


def to(address: str, *areas: Any) -> Delivered:
    return Delivered(method="delivery", address=address, areas={"areas": list(areas), "note": ""} if areas else None)


@pytest.mark.parametrize(
    ("way", "name", "outside"),
    [
        (to("Lane 1, 1010 Town", TOWN), "Town", False), (to("1 Mall\nLondon sw1a1aa", TOWN), "Town", False), (to("London SW1A-1AA", TOWN), "Town", False),
        (to("Lane 1, 9999 Elsewhere", TOWN), None, True), (to("Lane 10, 10 Town", TOWN), None, True), (to("101 0 Lane", TOWN), "Town", False),
        (to("", TOWN), None, True), (to("Lane 1, 9999 Elsewhere", TOWN, NEAR), "Near", False), (to("Lane 1, 1010 Town", NEAR, TOWN), "Town", False),
        (to("Lane 1, 1010 Town"), None, False), (Delivered(method="pickup", address="1010", areas={"areas": [TOWN]}), None, False),
    ],
)  # fmt: skip
def test_an_address_is_in_the_area_with_its_postcode_else_in_the_first_circle(
    way: Delivered, name: str | None, outside: bool
) -> None:
    assert (way.area and way.area["name"], way.outside) == (name, outside)


def test_what_a_farm_says_of_its_areas_is_charged_like_any_other_fee() -> None:
    farms = {
        "acres": to("1010 Town", TOWN),
        "coop": to("1020 Town", FREE),
        "dale": Delivered(method="pickup", areas={"areas": [TOWN]}),
    }
    (rule,) = fees_of(Charges(), MAY, farms)
    assert (rule.farm_id, rule.basis, rule.amount, rule.rate, rule.free_from, rule.method, rule.name) == (
        "acres", "delivery_area", 490, 19_000, 5000, "delivery", "Town"
    )  # fmt: skip
    assert least_orders(farms) == {"acres": 2000}


@pytest.mark.parametrize(
    ("charge", "concerned"),
    [
        (fee("a"), [None]), (fee("a", farm_id="acres"), ["acres"]), (fee("a", farm_id="elm"), []), (fee("a", first=date(2026, 5, 2)), []),
        (fee("a", basis="delivery_area", postcodes=("10 10",)), ["acres"]), (fee("a", basis="delivery_area", postcodes=("1030",)), []),
        (fee("a", basis="delivery_area", postcodes=("1010", "1020")), ["acres", "coop"]), (fee("a", basis="delivery_area", postcodes=("1020",), farm_id="acres"), []),
    ],
)  # fmt: skip
def test_a_fee_concerns_an_order_with_parts_that_it_is_for(charge: Charge, concerned: list[str | None]) -> None:
    farms = {"acres": to("1010 Town"), "coop": to("1020 Town"), "dale": Delivered(method="pickup", address="1010")}
    assert [one.farm_id for one in fees_of(Charges(fees=(charge,)), MAY, farms)] == concerned
