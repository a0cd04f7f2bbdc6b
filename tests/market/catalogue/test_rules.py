"""What a farm may offer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import Invalid
from harvestd.kernel.units import UNITS, Amount
from harvestd.market.catalogue.rules import (
    MAX_TAGS,
    Known,
    Offer,
    amended,
    begun,
    checked,
    faults,
    happened,
    new_level,
    opening_stock,
    restocked,
    tag_asked,
)

OFFER = Offer(
    title=" Carrots ", description="", category_id=None, unit="kg", price=390, quantity_step=Decimal("0.05"),
    min_quantity=Decimal("0.5"), season=None, harvested_on=None, tags=("Roots", "roots", " spring "), status="published",
)  # fmt: skip


BODY: dict[str, Any] = {
    "title": " Carrots ", "description": "", "category_id": None, "unit": "kg", "price": 390, "price_per": None, "quantity_step": None,
    "min_quantity": None, "season": None, "harvested_on": None, "tags": ("Roots",), "status": "published", "stock": Decimal(5), "farm_id": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "step", "least", "per"),
    [
        ({}, "0.001", "0.001", "1"), ({"unit": "each"}, "1", "1", "1"), ({"quantity_step": Decimal("0.05")}, "0.05", "0.05", "1"),
        ({"quantity_step": Decimal("0.05"), "min_quantity": Decimal("0.5")}, "0.05", "0.5", "1"),
        ({"min_quantity": Decimal("0.5")}, "0.001", "0.5", "1"), ({"price_per": Amount(Decimal(250), "g")}, "0.001", "0.001", "0.25"),
    ],
)  # fmt: skip
def test_what_a_new_product_does_not_say_follows_from_the_rest(
    given: dict[str, Any], step: str, least: str, per: str
) -> None:
    offer = begun(BODY | given)
    assert (offer.quantity_step, offer.min_quantity, offer.price_per) == (Decimal(step), Decimal(least), Decimal(per))
    assert (offer.title, offer.price, offer.tags, offer.unit) == ("Carrots", 390, ("roots",), given.get("unit", "kg"))


@pytest.mark.parametrize(
    ("given", "field"),
    [({"title": ""}, "title"), ({"price": -1}, "price"), ({"price_per": Amount(Decimal(1), "each")}, "price_per.unit")],
)
def test_a_new_product_that_is_wrong_is_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        begun(BODY | given)
    assert [e.field for e in refused.value.errors] == [field]


def test_an_offer_is_brought_to_its_normal_form() -> None:
    offer = checked(OFFER)
    assert (offer.title, offer.tags) == ("Carrots", ("roots", "spring"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"description": "x" * 10_001}, "description"),
        ({"price": -1}, "price"),
        ({"price": 100_000_001}, "price"),
        ({"quantity_step": Decimal(0)}, "quantity_step"),
        ({"quantity_step": Decimal("NaN")}, "quantity_step"),
        ({"min_quantity": Decimal("0.0005")}, "min_quantity"),
        ({"min_quantity": Decimal("0.07")}, "min_quantity"),
        ({"tags": ("x" * 41,)}, "tags[0]"),
        ({"tags": tuple(f"tag-{i}" for i in range(21))}, "tags"),
        ({"tags": ("",)}, "tags[0]"),
    ],
)
def test_a_wrong_offer_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(attrs.evolve(OFFER, **change))
    assert [e.field for e in refused.value.errors] == [field]


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        checked(attrs.evolve(OFFER, title="", price=-1, quantity_step=Decimal(-1)))
    assert [e.field for e in refused.value.errors] == ["title", "price", "quantity_step"]


@pytest.mark.parametrize("unit", [name for name, kind in UNITS.items() if kind.pieces])
def test_what_is_counted_is_sold_whole(unit: str) -> None:
    whole = attrs.evolve(OFFER, unit=unit, quantity_step=Decimal(2), min_quantity=Decimal(4))
    assert checked(whole).quantity_step == 2
    for field in ("quantity_step", "min_quantity"):
        with pytest.raises(Invalid) as refused:
            checked(attrs.evolve(whole, **{field: Decimal("0.5")}))
        assert [(e.field, e.code) for e in refused.value.errors] == [(field, "off-step")]


def test_another_unit_brings_its_own_step_unless_the_farm_names_one() -> None:
    for unit, kind in UNITS.items():
        if unit != OFFER.unit:
            offer = amended(OFFER, {"unit": unit})
            assert (offer.quantity_step, offer.min_quantity) == (kind.step, kind.step)
    offer = amended(OFFER, {"unit": "g", "quantity_step": Decimal(50)})
    assert (offer.quantity_step, offer.min_quantity) == (50, 50)
    offer = amended(OFFER, {"unit": "g", "quantity_step": Decimal(50), "min_quantity": Decimal(100)})
    assert (offer.quantity_step, offer.min_quantity) == (50, 100)
    assert amended(OFFER, {"unit": "kg", "price": 400}).quantity_step == OFFER.quantity_step, "the unit stays"
    with pytest.raises(Invalid):
        amended(OFFER, {"unit": "each", "quantity_step": Decimal("0.5")})


@pytest.mark.parametrize(
    ("stock", "held", "code", "said"),
    [
        ("1.5", "0", "not-accepted", "set the stock to 0 first"),
        ("0", "1.25", "below-reserved", "archive it"),
        ("2", "1.25", "below-reserved", "archive it"),
    ],
)
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit != "kg"])
def test_a_unit_stays_as_long_as_anything_is_counted_in_it(
    unit: str, stock: str, held: str, code: str, said: str
) -> None:
    """1.5 kg are not 1.5 pieces, nor are 8.75 kg 8.75 g."""
    amounts = {"stock": Decimal(stock), "held": Decimal(held)}
    with pytest.raises(Invalid) as refused:
        amended(OFFER, {"unit": unit, "title": " "}, **amounts)
    error = {e.field: e for e in refused.value.errors}["unit"]
    assert error.code == code and said in error.message and error.params["reason"] == "unit-stays"
    assert {e.field for e in refused.value.errors} == {"unit", "title"}, "all that is wrong is told at once"
    assert amended(OFFER, {"unit": "kg", "price": 400}, **amounts).price == 400
    assert amended(OFFER, {"unit": unit}).unit == unit


@pytest.mark.parametrize("stock", ["-1", "NaN", "1e9", "0.0001"])
def test_a_stock_that_is_no_amount_is_refused(stock: str) -> None:
    with pytest.raises(Invalid, match="product cannot be accepted"):
        opening_stock(Decimal(stock), "kg")


def level(stock: str, reserved: str, **asked: str) -> Decimal:
    values = {name: Decimal(value) for name, value in asked.items()}
    return new_level("kg", Decimal(stock), Decimal(reserved), set_to=values.get("set_to"), change=values.get("change"))


def test_stock_is_set_or_changed() -> None:
    assert level("2", "1", set_to="5") == 5
    assert level("2", "1", change="-0.5") == Decimal("1.5")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "set"),
        ({"set_to": "1", "change": "1"}, "set"),
        ({"set_to": "0.5"}, "set"),
        ({"change": "-1.5"}, "change"),
        ({"change": "-3"}, "change"),
        ({"set_to": "0.0001"}, "set"),
        ({"change": "99999999"}, "change"),
    ],
)
def test_a_stock_below_what_buyers_hold_or_none_at_all_is_refused(asked: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        level("2", "1", **asked)
    assert refused.value.errors[0].field == field


def test_an_event_names_the_product_what_changed_and_what_is_stale() -> None:
    event = happened("updated", Known("p", "p-slug", "f", "f-slug"), 3, ["price"])
    assert (event.type, event.aggregate, event.version) == ("product.updated", "product:p", 3)
    assert event.data["changed"] == ["price"] and "product:p-slug" in event.data["families"]


def test_a_stock_with_neither_a_level_nor_a_change_is_not_told_of_both() -> None:
    nothing, one = Decimal(0), Decimal(1)
    with pytest.raises(Invalid) as neither:
        new_level("kg", nothing, nothing, set_to=None, change=None)
    with pytest.raises(Invalid, match="not both"):
        new_level("kg", nothing, nothing, set_to=one, change=one)
    assert "both" not in neither.value.detail


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("stock", "given"), [("4", {"set_to": "12.5"}), ("4", {"change": "0.5"}), ("4.5", {"change": "1"})]
)
def test_the_stock_of_what_is_counted_is_whole_and_of_the_rest_has_three_decimals(
    unit: str, stock: str, given: dict[str, str]
) -> None:
    amounts = {"set_to": None, "change": None} | {name: Decimal(value) for name, value in given.items()}
    if not UNITS[unit].pieces:
        assert new_level(unit, Decimal(stock), Decimal(0), **amounts) % 1 == Decimal("0.5")
        assert opening_stock(Decimal("12.125"), unit) == Decimal("12.125")
        return
    for work in (
        lambda: new_level(unit, Decimal(stock), Decimal(0), **amounts), lambda: opening_stock(Decimal("12.5"), unit)
    ):  # fmt: skip
        with pytest.raises(Invalid, match=r"the (stock|product) cannot be") as refused:
            work()
        (error,) = refused.value.errors
        assert error.code == "off-step" and "must be a whole number" in error.message
        assert error.params == {"step": "1.000", "unit": unit}


def test_a_stock_that_was_no_whole_number_can_be_made_one() -> None:
    assert new_level("bunch", Decimal("12.5"), Decimal(0), set_to=None, change=Decimal("-0.5")) == 12
    assert new_level("bunch", Decimal("12.5"), Decimal(0), set_to=Decimal(12), change=None) == 12


def test_a_restock_keeps_its_reason_clean_and_answers_the_new_level() -> None:
    stock, reserved = Decimal(2), Decimal(1)
    assert restocked("kg", stock, reserved, set_to=None, change=Decimal(1), reason=" found ") == ("found", Decimal(3))
    assert restocked("kg", stock, reserved, set_to=Decimal(5), change=None, reason="") == ("", Decimal(5))


@pytest.mark.parametrize(
    ("asked", "kept"), [("Organic", "organic"), (" BIO ", "bio"), ("", ""), ("x" * 200, "x" * 200)]
)
def test_a_tag_is_asked_for_as_it_is_kept_and_what_cannot_be_one_as_it_is(asked: str, kept: str) -> None:
    assert tag_asked(asked) == kept


def test_a_tag_too_many_is_looked_at_too() -> None:
    """So that all that is wrong is told, but for what is far too much."""
    tags = [f"tag {n}" for n in range(MAX_TAGS)]
    found = {fault.field for fault in faults({"tags": [*tags, "\u200b", "\u200b"]})}
    assert found == {"tags", f"tags[{MAX_TAGS}]"}
