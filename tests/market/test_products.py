"""What a farm may offer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.market.errors import Invalid
from harvestd.market.products import Known, Offer, checked, happened, new_level, opening_stock

OFFER = Offer(
    title=" Carrots ", description="", category_id=None, unit="kg", price=390, quantity_step=Decimal("0.05"),
    min_quantity=Decimal("0.5"), season=None, harvested_on=None, tags=("Roots", "roots", " spring "), status="published",
)  # fmt: skip


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
        ({"tags": ("x" * 41,)}, "tags"),
        ({"tags": tuple(f"tag-{i}" for i in range(21))}, "tags"),
        ({"tags": ("",)}, "tags"),
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


@pytest.mark.parametrize("stock", ["-1", "NaN", "1e9", "0.0001"])
def test_a_stock_that_is_no_amount_is_refused(stock: str) -> None:
    with pytest.raises(Invalid, match="product cannot be accepted"):
        opening_stock(Decimal(stock))


def level(stock: str, reserved: str, **asked: str) -> Decimal:
    values = {name: Decimal(value) for name, value in asked.items()}
    return new_level(Decimal(stock), Decimal(reserved), set_to=values.get("set_to"), change=values.get("change"))


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
