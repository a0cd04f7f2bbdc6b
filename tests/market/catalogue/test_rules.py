"""What a farm may offer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import Invalid
from harvestd.kernel.units import UNITS, Amount
from harvestd.market.catalogue.rules import Offer, amended, begun, checked, faults
from harvestd.market.catalogue.tag_rules import MAX_TAGS

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


def test_a_tag_too_many_is_looked_at_too() -> None:
    """So that all that is wrong is told, but for what is far too much."""
    tags = [f"tag {n}" for n in range(MAX_TAGS)]
    found = {fault.field for fault in faults({"tags": [*tags, "\u200b", "\u200b"]})}
    assert found == {"tags", f"tags[{MAX_TAGS}]"}
