"""What goods are sold by and priced by, and what a line comes to once its pieces are weighed."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.quantities import MAX, MAX_PRICE, line_total
from harvestd.kernel.units import UNITS, Amount
from harvestd.market.catalogue.measure_rules import final_total
from harvestd.market.catalogue.rules import Offer, amended, begun, faults
from tests.market.catalogue.test_rules import OFFER

BARE: dict[str, Any] = {
    "title": "Chicken", "unit": "each", "price": 1290, "price_per": None, "quantity_step": None, "min_quantity": None,
}  # fmt: skip


def amount(quantity: str, unit: str) -> Amount:
    return Amount(Decimal(quantity), unit)


WEIGHED = {"priced_by": "weight", "estimated_weight": amount("1.8", "kg")}


def new(**given: Any) -> Offer:
    return begun(BARE | given)


def wrong(call: Any, *args: Any, **given: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        call(*args, **given)
    return [(error.field, error.code) for error in refused.value.errors]


@pytest.mark.parametrize("unit", UNITS)
def test_a_product_is_sold_by_what_its_unit_counts_or_measures(unit: str) -> None:
    kind = UNITS[unit].kind
    offer = new(unit=unit, sold_by=kind, priced_by=kind)
    assert offer == new(unit=unit) and offer.priced_by is None
    for other in {"piece", "weight", "volume"} - {kind}:
        assert wrong(new, unit=unit, sold_by=other) == [("sold_by", "not-one-of")]
        assert [e.field for e in faults({"unit": unit, "sold_by": other})] == ["sold_by"]


@pytest.mark.parametrize(
    ("given", "per", "weight"),
    [
        (WEIGHED, "1", amount("1.8", "kg")),
        (WEIGHED | {"estimated_weight": amount("1800", "g")}, "1", amount("1.8", "kg")),
        (WEIGHED | {"estimated_weight": amount("24", "oz")}, "1", amount("1.5", "lb")),
        (WEIGHED | {"price_per": amount("100", "g")}, "100", amount("1800", "g")),
        (WEIGHED | {"price_per": amount("1", "kg"), "estimated_weight": amount("4", "lb")}, "1", amount("1.814", "kg")),
        (WEIGHED | {"price_per": amount("1", "lb")}, "1", amount("3.968", "lb")),
        (WEIGHED | {"price_per": amount("100", "g"), "estimated_weight": amount("1", "oz")}, "100", amount("28.350", "g")),
        ({"price_per": amount("1", "kg"), "estimated_weight": amount("45", "g")}, "1", amount("0.045", "kg")),
        (WEIGHED | {"unit": "bunch", "sold_by": "piece"}, "1", amount("1.8", "kg")),
    ],
)  # fmt: skip
def test_pieces_are_priced_by_a_weight_in_the_unit_of_their_price(
    given: dict[str, Any], per: str, weight: Amount
) -> None:
    offer = new(**given)
    assert (offer.price_per, offer.priced_by, offer.estimated_weight) == (Decimal(per), "weight", weight)
    assert offer.measures.each == weight


def test_a_piece_with_a_price_of_its_own_may_say_what_it_weighs() -> None:
    offer = new(estimated_weight=amount("400", "g"))
    assert (offer.price_per, offer.priced_by, offer.estimated_weight) == (1, None, amount("400", "g"))
    assert offer.measures.each is None


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"priced_by": "weight"}, ("estimated_weight", "required")),
        ({"priced_by": "volume"}, ("priced_by", "not-one-of")),
        ({"unit": "kg", "priced_by": "piece"}, ("priced_by", "not-one-of")),
        ({"unit": "litre", "priced_by": "weight", "estimated_weight": amount("1", "kg")}, ("priced_by", "not-one-of")),
        ({"unit": "kg", "estimated_weight": amount("1", "kg")}, ("estimated_weight", "not-accepted")),
        ({"price_per": amount("1", "kg")}, ("price_per.unit", "not-one-of")),
        (WEIGHED | {"price_per": amount("1", "each")}, ("price_per.unit", "not-one-of")),
        (WEIGHED | {"price_per": amount("1", "lb"), "estimated_weight": amount("9999999.999", "kg")}, ("estimated_weight.quantity", "above-maximum")),
        (WEIGHED | {"price_per": amount("1", "kg"), "estimated_weight": amount("0.001", "oz")}, ("estimated_weight.quantity", "below-minimum")),
        (WEIGHED | {"price_per": amount("0", "kg")}, ("price_per.quantity", "below-minimum")),
        (WEIGHED | {"estimated_weight": amount("0", "kg")}, ("estimated_weight.quantity", "below-minimum")),
        (WEIGHED | {"estimated_weight": amount("0.5", "g")}, ("estimated_weight.quantity", "off-step")),
        ({"estimated_weight": amount("-1", "kg")}, ("estimated_weight.quantity", "below-minimum")),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_named(given: dict[str, Any], fault: tuple[str, str]) -> None:
    found = wrong(new, **given)
    assert fault in found and len(found) <= 2, found


def test_whatever_changes_it_stays_consistent() -> None:
    chicken = new(**WEIGHED)
    assert amended(chicken, {"price": 990}).measures == chicken.measures
    assert amended(chicken, {"estimated_weight": amount("2", "kg")}).measures.each == amount("2", "kg")
    other = amended(chicken, {"price_per": amount("100", "g")})
    assert (other.price_per, other.measures.each) == (100, amount("1800", "g"))
    assert amended(other, {"price": 99}).measures == other.measures, "it stays by the 100 g"
    assert amended(other, {"price_per": None}).measures == chicken.measures, "one kilogram again"
    alone = amended(chicken, {"priced_by": "piece", "price": 2000})
    assert (alone.price_per, alone.priced_by, alone.estimated_weight) == (1, None, amount("1.8", "kg"))
    assert amended(alone, {"priced_by": "weight", "price": 1290}) == chicken
    kilograms = amended(chicken, {"unit": "kg"})
    assert (kilograms.priced_by, kilograms.estimated_weight, kilograms.price_per) == (None, None, 1)
    assert wrong(amended, chicken, {"estimated_weight": None}) == [("estimated_weight", "required")]
    assert wrong(amended, chicken, {"price_per": amount("1", "each")}) == [("price_per.unit", "not-one-of")]


def test_no_unit_changes_while_there_are_pack_sizes() -> None:
    assert amended(OFFER, {"unit": "g"}).unit == "g"
    assert wrong(amended, OFFER, {"unit": "g"}, variants=1) == [("unit", "not-accepted")]
    assert amended(OFFER, {"price": 1}, variants=1).price == 1


@pytest.mark.parametrize(
    ("price", "per", "weight", "most"),
    [(MAX_PRICE, "1", "1", None), (MAX_PRICE, "1", "2", 50_000_000), (50_000_000, "1", "2", None), (MAX_PRICE, "1", "0.1", None),
     (MAX_PRICE, "0.001", "1", 100_000)],
)  # fmt: skip
def test_a_piece_costs_no_more_than_the_most(price: int, per: str, weight: str, most: int | None) -> None:
    given = {
        "priced_by": "weight",
        "price": price,
        "price_per": amount(per, "kg"),
        "estimated_weight": amount(weight, "kg"),
    }
    if most is None:
        assert line_total(new(**given).price, MAX * Decimal(weight), Decimal(per)) <= 10**15
        return
    with pytest.raises(Invalid) as refused:
        new(**given)
    (error,) = refused.value.errors
    assert (error.field, error.code, error.params) == ("price", "above-maximum", {"maximum": str(most)})


# --- once it is weighed ---


@pytest.mark.parametrize(
    ("price", "per", "weighed", "total"),
    [
        (1290, amount("1", "kg"), amount("3.74", "kg"), 4825), (1290, amount("1", "kg"), amount("3740", "g"), 4825),
        (129, amount("100", "g"), amount("3.74", "kg"), 4825), (1, amount("1", "kg"), amount("0.5", "kg"), 1),
        (1, amount("1", "kg"), amount("0.499", "kg"), 0), (560, amount("1", "lb"), amount("24", "oz"), 840),
        (1290, amount("1", "kg"), amount("4", "lb"), 2341), (1000, amount("1", "lb"), amount("1", "kg"), 2205), (1000, amount("453.592", "g"), amount("1", "lb"), 1000),
    ],
)  # fmt: skip
def test_a_line_comes_to_what_its_pieces_weigh(price: int, per: Amount, weighed: Amount, total: int) -> None:
    assert final_total(price, per, weighed) == total


@pytest.mark.parametrize(
    ("weighed", "fault"),
    [
        (amount("1", "each"), ("unit", "not-one-of")), (amount("0", "kg"), ("quantity", "below-minimum")),
        (amount("-1", "g"), ("quantity", "below-minimum")), (amount("0.0005", "g"), ("quantity", "off-step")), (amount("NaN", "kg"), ("quantity", "not-a-number")),
    ],
)  # fmt: skip
def test_a_weight_that_cannot_be_is_named(weighed: Amount, fault: tuple[str, str]) -> None:
    found = final_total(1290, amount("1", "kg"), weighed)
    assert isinstance(found, FieldError) and (found.field, found.code) == fault


thousandths = st.integers(1, 10**7).map(lambda n: Decimal(n) / 1000)


@given(st.integers(0, MAX_PRICE), thousandths, thousandths)
def test_it_is_rounded_once_half_up(price: int, per: Decimal, weight: Decimal) -> None:
    total = final_total(price, Amount(per, "kg"), Amount(weight, "kg"))
    assert isinstance(total, int)
    exact = price * Fraction(weight) / Fraction(per)
    assert Fraction(-1, 2) < total - exact <= Fraction(1, 2)


@given(st.integers(1, 100), st.integers(1, 100_000), thousandths)
def test_pieces_of_the_estimated_weight_come_to_the_estimate(pieces: int, price: int, weight: Decimal) -> None:
    from tests.market.catalogue.shelves import product

    shelf = product("hen", unit="each", price=price, stock="100", quantity_step="1", min_quantity="1")
    shelf = attrs.evolve(shelf, each=Amount(weight, "kg"))
    assert shelf.total(Decimal(pieces)) == final_total(price, amount("1", "kg"), Amount(weight * pieces, "kg"))
