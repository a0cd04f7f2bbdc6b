"""A price is for so much of the unit: 6.40 for 1,000 g of what is sold by gram."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel import languages
from harvestd.kernel.errors import FieldError, Invalid, PriceChanged
from harvestd.kernel.formatting import price as price_said
from harvestd.kernel.quantities import MAX, MAX_PRICE, least_worth, line_total
from harvestd.kernel.units import UNITS, Amount, measured
from harvestd.market.carts import rules as carts
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.rules import amended, checked, faults
from harvestd.market.catalogue.term_changes import changes
from tests.market.catalogue.shelves import TERMS, TODAY, placed, product
from tests.market.catalogue.test_rules import OFFER

#: How errors name the product of a line.
OF = {"product_id": "porcini", "title": "Porcini"}
#: Minor units, whatever they are of.
prices = st.integers(1, MAX_PRICE)
amounts = st.integers(1, 9_999_999_999).map(lambda thousandths: Decimal(thousandths) / 1000)


def porcini(price: int = 640, per: str = "1000", **fields: Any) -> OnSale:
    """Sold by gram, at 6.40 for 1,000 of them unless told otherwise."""
    known = {"unit": "g", "stock": "9000", "quantity_step": "1", "min_quantity": "1"} | fields
    return product("porcini", price=price, price_per=per, **known)


# --- what a line comes to ---


@pytest.mark.parametrize(
    ("price", "per", "quantity", "total"),
    [
        (640, "1000", "1", 1), (640, "1000", "0.781", 0), (640, "1000", "0.782", 1), (640, "1000", "2", 1), (640, "1000", "3", 2),
        (640, "1000", "250", 160), (640, "1000", "1000", 640), (640, "1000", "1001", 641), (640, "1000", "8999", 5759),
        (1, "1000", "499.999", 0), (1, "1000", "500", 1), (1, "1000", "1499.999", 1), (1, "1000", "1500", 2), (0, "1000", "9000", 0),
        (1, "3", "1", 0), (1, "3", "1.5", 1), (1, "3", "1.499", 0), (2, "3", "1", 1), (100, "3", "1", 33), (100, "3", "2", 67),
        (64, "0.1", "1", 640), (1, "0.001", "1", 1000), (390, "1", "1.25", 488), (200, "6", "3", 100), (200, "6", "2", 67),
        (100_000_000, "1", "9999999.999", 999_999_999_900_000), (1, "9999999.999", "5000000", 1), (1, "9999999.999", "4999999.999", 0),
    ],
)  # fmt: skip
def test_a_line_costs_its_share_of_the_price_rounded_half_up_once(
    price: int, per: str, quantity: str, total: int
) -> None:
    assert line_total(price, Decimal(quantity), Decimal(per)) == total


@given(prices, amounts, amounts)
def test_the_rounding_is_exact_whatever_the_price_is_for(price: int, quantity: Decimal, per: Decimal) -> None:
    exact = price * Fraction(quantity) / Fraction(per)
    total = line_total(price, quantity, per)
    assert Fraction(-1, 2) <= total - exact <= Fraction(1, 2)
    assert total - exact != Fraction(-1, 2), "a half is rounded up"


@given(prices, amounts, amounts)
def test_the_least_that_costs_something_is_the_first_step_that_does(price: int, step: Decimal, per: Decimal) -> None:
    least = least_worth(price, step, per)
    assert line_total(price, least, per) >= 1 and least % step == 0
    assert least == step or line_total(price, least - step, per) == 0


@pytest.mark.parametrize(
    ("price", "per", "step", "asked", "least"),
    [(640, "1000", "0.001", "0.781", "0.782"), (1, "1000", "1", "499", "500.000"), (10, "1000", "20", "40", "60.000"), (1, "1", "1", None, None)],
)  # fmt: skip
def test_what_comes_to_nothing_is_refused_with_the_least_that_does_not(
    price: int, per: str, step: str, asked: str | None, least: str | None
) -> None:
    shelf = porcini(price, per, quantity_step=step, min_quantity=step)
    if asked is None or least is None:
        assert placed([("porcini", step)], shelf).totals.goods == 1
        return
    with pytest.raises(Invalid) as refused:
        placed([("porcini", asked)], shelf)
    (error,) = refused.value.errors
    assert (error.code, error.params) == ("below-minimum", {"minimum": least, "unit": "g", **OF})
    assert placed([("porcini", least)], shelf).totals.goods == 1


def test_an_order_keeps_what_the_price_was_for() -> None:
    order = placed([("porcini", "250"), ("leeks", "2")], porcini(), product("leeks", price=120))
    assert [(line.unit_price, line.price_per, line.total) for line in order.lines] == [(640, 1000, 160), (120, 1, 240)]
    assert order.totals.goods == 400
    assert [line["price_per"] for part in order.events[0].data["parts"] for line in part["lines"]] == [
        "1000.000",
        "1.000",
    ]


# --- what is agreed to ---


@pytest.mark.parametrize(
    ("before", "now", "messages"),
    [
        (porcini(), porcini(), {}),
        (porcini(), porcini(per="100"), {"price-changed": "The price of Porcini was €6.40 per 1,000 g and is €6.40 per 100 g now"}),
        (porcini(), porcini(700), {"price-changed": "The price of Porcini was €6.40 per 1,000 g and is €7.00 per 1,000 g now"}),
        (porcini(64, "100"), porcini(), {}),
        (porcini(), porcini(1280, "2000"), {}),
        (porcini(1, "1"), porcini(), {"price-changed": "The price of Porcini was €0.01 per 1 g and is €6.40 per 1,000 g now"}),
    ],
)  # fmt: skip
def test_a_buyer_is_told_what_a_price_was_and_is_for(before: OnSale, now: OnSale, messages: dict[str, str]) -> None:
    assert {change.code: change.message for change in changes(before.agreed, now, "EUR")} == messages
    item = carts.Item("porcini", Decimal(100), before.agreed)
    _, warnings = carts.price([item], {"porcini": now}, TODAY, TERMS)
    assert {warning.code: warning.message for warning in warnings} == messages
    total = now.total(Decimal(100))
    if messages:
        with pytest.raises(PriceChanged):
            placed([("porcini", "100")], now, seen={"porcini": before.agreed}, expected_total=total)
    else:
        placed([("porcini", "100")], now, seen={"porcini": before.agreed}, expected_total=total)


def test_it_is_said_in_the_buyers_language() -> None:
    (change,) = changes(porcini().agreed, porcini(per="100"), "EUR")
    assert change.params == {
        "before": "640", "after": "640", "currency": "EUR", "per_before": "1000.000", "per_after": "100.000", "unit_before": "g",
        "unit": "g", "title": "Porcini",
    }  # fmt: skip
    said = languages.message(change.code, change.params, change.message, "de")
    assert said == "der Preis von Porcini hat sich geändert: vorher 6,40 € für 1.000 g, jetzt 6,40 € für 100 g"


#: Grams and kilograms: what is the same in the other unit is no change.
@pytest.mark.parametrize(
    ("before", "now", "messages"),
    [
        (porcini(), porcini(640, "1", unit="kg", quantity_step="0.001", min_quantity="0.001"), ["unit-changed"]),
        (porcini(), porcini(700, "1", unit="kg", quantity_step="0.001", min_quantity="0.001"),
         ["unit-changed", "The price of Porcini was €6.40 per 1,000 g and is €7.00 per 1 kg now"]),
        (porcini(), porcini(640, "1", unit="kg", quantity_step="0.5", min_quantity="0.5"),
         ["unit-changed", "The step of Porcini was 1 g and is 0.5 kg now", "The least quantity of Porcini was 1 g and is 0.5 kg now"]),
        (porcini(200, "1"), porcini(300, "1", unit="each"), ["unit-changed", "The price of Porcini was €2.00 per 1 g and is €3.00 each now"]),
    ],
)  # fmt: skip
def test_a_unit_that_changes_is_told_with_what_else_means_something_else(
    before: OnSale, now: OnSale, messages: list[str]
) -> None:
    told = [
        change.message if change.code != "unit-changed" else change.code
        for change in changes(before.agreed, now, "EUR")
    ]
    assert told == messages


def test_german_says_each_amount_in_the_unit_that_it_was_of() -> None:
    now = porcini(640, "1", unit="kg", quantity_step="0.5", min_quantity="0.5")
    _, step, _ = changes(porcini().agreed, now, "EUR")
    said = languages.message(step.code, step.params, step.message, "de")
    assert said == "die Schrittweite von Porcini hat sich geändert: vorher 1 g, jetzt 0,5 kg"


@pytest.mark.parametrize(
    ("per", "unit", "said"),
    [("1", "kg", "€6.40"), ("1.000", "each", "€6.40"), ("1000", "g", "€6.40 per 1,000 g"), ("0.1", "kg", "€6.40 per 0.1 kg"),
     ("6", "each", "€6.40 per 6"), ("2", "bunch", "€6.40 per 2 bunches")],
)  # fmt: skip
def test_people_read_what_a_price_is_for_unless_it_is_one(per: str, unit: str, said: str) -> None:
    assert price_said(640, "EUR", Decimal(per), unit) == said


# --- what a farm may say ---


def told(amount: Amount, unit: str) -> Any:
    """The amount in the unit, or what is wrong with it."""
    found = measured("price_per", amount, unit)
    return (found.field, found.code, found.params) if isinstance(found, FieldError) else found


@pytest.mark.parametrize(
    ("quantity", "unit", "of", "kept"),
    [
        ("1000", "g", "g", "1000"), ("1", "kg", "g", "1000"), ("0.1", "kg", "g", "100"), ("0.001", "kg", "g", "1"), ("0.5", "g", "g", "0.5"),
        ("9999.999", "kg", "g", "9999999"), ("100", "g", "kg", "0.1"), ("1", "g", "kg", "0.001"), ("9999999", "g", "kg", "9999.999"),
        ("0.001", "kg", "kg", "0.001"), ("9999999.999", "g", "g", "9999999.999"), ("6", "each", "each", "6"), ("0.5", "litre", "litre", "0.5"),
        ("0.5", "lb", "lb", "0.5"),
    ],
)  # fmt: skip
def test_it_is_kept_in_the_products_own_unit(quantity: str, unit: str, of: str, kept: str) -> None:
    assert told(Amount(Decimal(quantity), unit), of) == Decimal(kept)


@pytest.mark.parametrize(
    ("quantity", "unit", "of", "wrong"),
    [
        ("1", "lb", "kg", ("price_per.unit", "not-one-of", {"allowed": "kg, g"})),
        ("1", "each", "g", ("price_per.unit", "not-one-of", {"allowed": "g, kg"})),
        ("1", "kg", "lb", ("price_per.unit", "not-one-of", {"allowed": "lb, oz"})),
        ("1", "box", "each", ("price_per.unit", "not-one-of", {"allowed": "each, dozen"})),
        ("0", "kg", "kg", ("price_per.quantity", "below-minimum", {"minimum": "0.001"})),
        ("-1", "kg", "g", ("price_per.quantity", "below-minimum", {"minimum": "0.001"})),
        ("NaN", "kg", "g", ("price_per.quantity", "not-a-number", {"minimum": "-9999999.999", "maximum": "9999999.999"})),
        ("0.0001", "kg", "kg", ("price_per.quantity", "off-step", {"step": "0.001"})),
        ("10000000", "kg", "g", ("price_per.quantity", "above-maximum", {"maximum": "9999999.999"})),
        ("10000", "kg", "g", ("price_per.quantity", "above-maximum", {"maximum": "9999.999"})),
        ("0.5", "g", "kg", ("price_per.quantity", "off-step", {"step": "1.000", "unit": "g"})),
        ("100.5", "g", "kg", ("price_per.quantity", "off-step", {"step": "1.000", "unit": "g"})),
        ("0.5", "each", "each", ("price_per.quantity", "off-step", {"step": "1.000", "unit": "each"})),
    ],
)  # fmt: skip
def test_what_it_cannot_be_is_named(quantity: str, unit: str, of: str, wrong: Any) -> None:
    assert told(Amount(Decimal(quantity), unit), of) == wrong
    with pytest.raises(Invalid) as refused:
        amended(OFFER, {"unit": of, "price_per": Amount(Decimal(quantity), unit)})
    assert [(e.field, e.code, e.params) for e in refused.value.errors] == [wrong]
    assert [e.field for e in faults({"unit": of, "price_per": Amount(Decimal(quantity), unit)})] == [wrong[0]]


def test_what_is_wrong_with_it_is_told_where_the_unit_cannot_be_read_too() -> None:
    assert [e.code for e in faults({"price_per": Amount(Decimal(0), "kg")})] == ["below-minimum"]
    assert faults({"price_per": Amount(Decimal(1000), "g")}) == [] == faults({"price_per": None})


@pytest.mark.parametrize("unit", UNITS)
def test_it_is_one_of_the_unit_unless_said_and_again_under_another_unit(unit: str) -> None:
    assert checked(OFFER).price_per == 1
    hundred = amended(OFFER, {"unit": unit, "price_per": Amount(Decimal(100), unit)})
    assert (hundred.unit, hundred.price_per) == (unit, 100)
    assert amended(hundred, {"price": 1}).price_per == 100 == amended(hundred, {"unit": unit}).price_per, "it stays"
    assert amended(hundred, {"price_per": None}).price_per == 1
    other = next(name for name in UNITS if name != unit)
    assert amended(hundred, {"unit": other}).price_per == 1
    assert amended(hundred, {"unit": other, "price_per": Amount(Decimal(7), other)}).price_per == 7
    with pytest.raises(Invalid):
        amended(hundred, {"unit": "box" if unit != "box" else "each", "price_per": Amount(Decimal(7), unit)})


@pytest.mark.parametrize(
    ("price", "per", "most"),
    [
        (MAX_PRICE, "1", None), (MAX_PRICE, "0.999", 99_900_000), (99_900_000, "0.999", None), (100_000, "0.001", None),
        (100_001, "0.001", 100_000), (MAX_PRICE, "1000", None), (MAX_PRICE + 1, "1000", MAX_PRICE), (MAX_PRICE + 1, "0.001", MAX_PRICE),
    ],
)  # fmt: skip
def test_one_of_a_unit_costs_no_more_than_the_most_whatever_the_price_is_for(
    price: int, per: str, most: int | None
) -> None:
    """So no line can come to more than the sums that are kept have room for."""
    offer = attrs.evolve(OFFER, price=price, price_per=Decimal(per))
    if most is None:
        assert line_total(checked(offer).price, MAX, offer.price_per) <= 10**15
        return
    with pytest.raises(Invalid) as refused:
        checked(offer)
    assert [(e.field, e.code, e.params) for e in refused.value.errors] == [
        ("price", "above-maximum", {"maximum": str(most)})
    ]
