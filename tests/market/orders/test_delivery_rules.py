"""How the goods of each farm reach the buyer."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.kernel.errors import Invalid
from harvestd.market.orders.delivery_rules import Farm, Way, chosen

GATE = {"id": "gate", "name": "Gate", "address": "1 Lane"}
FARMS = {"one": Farm("One", [GATE]), "two": Farm("Two", [])}


def way(path: str = "fulfilment", **asked: Any) -> Way:
    return Way(path=path, **asked)


def test_one_way_is_for_all_and_none_is_to_be_fetched() -> None:
    assert chosen(FARMS, []) == {"one": {"method": "pickup"}, "two": {"method": "pickup"}}
    delivery = {"method": "delivery", "address": "2 Lane"}
    assert chosen(FARMS, [way(**delivery)]) == {"one": delivery, "two": delivery}


def test_a_farms_point_counts_for_its_own_part_alone() -> None:
    with pytest.raises(Invalid) as refused:
        chosen(FARMS, [way(pickup_point_id="gate")])
    (error,) = refused.value.errors
    assert (error.field, error.code) == ("fulfilment.pickup_point_id", "not-found") and "Two" in error.message
    assert chosen({"one": FARMS["one"]}, [way(pickup_point_id="gate")])["one"]["pickup_point"] == GATE
    both = [way("fulfilments[0]", farm_id="one", pickup_point_id="gate"), way("fulfilments[1]", farm_id="two")]
    assert chosen(FARMS, both) == {"one": {"method": "pickup", "pickup_point": GATE}, "two": {"method": "pickup"}}


@pytest.mark.parametrize(
    ("asked", "field", "code"),
    [
        ([way(method="delivery")], "fulfilment.address", "required"),
        ([way(method="delivery", address="x", pickup_point_id="gate")], "fulfilment.pickup_point_id", "not-accepted"),
        ([way(market_day_id="x")], "fulfilment.market_day_id", "not-accepted"),
        ([way("fulfilments[0]", farm_id="one")], "fulfilments", "required"),
        ([way("fulfilments[0]", farm_id="one"), way("fulfilments[1]", farm_id="one")], "fulfilments[1].farm_id", "given-twice"),
        ([way("fulfilments[0]", farm_id="three")], "fulfilments[0].farm_id", "not-found"),
        ([way("fulfilments[0]", farm_id="two", pickup_point_id="gate")], "fulfilments[0].pickup_point_id", "not-found"),
    ],
)  # fmt: skip
def test_what_is_missing_or_not_there_is_named(asked: list[Way], field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        chosen(FARMS, asked)
    assert (field, code) in [(e.field, e.code) for e in refused.value.errors]


@pytest.mark.parametrize(
    ("farms", "asked", "reason"),
    [
        (["two"], way(pickup_point_id="gate"), "point-of-one-farm"),
        (["one", "two"], way(pickup_point_id="gate"), "point-of-farm"),
        (["one", "two"], way("fulfilments[0]", farm_id="two", pickup_point_id="gate"), "point-of-one-farm"),
    ],
)
def test_a_point_of_one_farm_is_to_be_looked_up_and_one_for_several_to_be_named_for_each(
    farms: list[str], asked: Way, reason: str
) -> None:
    with pytest.raises(Invalid) as refused:
        chosen({farm: FARMS[farm] for farm in farms}, [asked])
    assert refused.value.errors[0].params["reason"] == reason


def test_a_fault_of_a_way_begins_with_its_field_where_it_stands_alone() -> None:
    with pytest.raises(Invalid, match=r"^fulfilment\.address: is needed for delivery$"):
        chosen({"acres": Farm("Acres")}, [Way(path="fulfilment", method="delivery")])
