"""What can be put into a cart: each wish that cannot be is named, and none is put in then."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.carts.rules import Item
from harvestd.market.carts.wishes_rules import Wish, items, with_cure
from tests.market.catalogue.shelves import product

SHELF = {
    "carrots": product(), "leeks": product("leeks", price=120), "draft": product("draft", status="draft"), "lone": product("lone", staffed=False)
}  # fmt: skip


def wish(product_id: str = "carrots", quantity: str = "1", path: str = "items[0].") -> Wish:
    return Wish(product_id, Decimal(quantity), path)


def faults(*wishes: Wish) -> list[tuple[str, str]]:
    with pytest.raises(Invalid, match="the quantity cannot be ordered") as refused:
        items(wishes, SHELF)
    return [(error.field, error.code) for error in refused.value.errors]


def test_wishes_become_items_with_the_terms_of_now() -> None:
    assert items([wish(), wish("leeks", "1.5", "items[1].")], SHELF) == [
        Item("carrots", Decimal("1.000"), SHELF["carrots"].agreed), Item("leeks", Decimal("1.500"), SHELF["leeks"].agreed),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (wish("gone"), [("items[0].product_id", "not-for-sale")]),
        (wish("draft"), [("items[0].product_id", "not-for-sale")]),
        (wish("lone"), [("items[0].product_id", "not-for-sale")]),
        (wish("gone", "0"), [("items[0].product_id", "not-for-sale"), ("items[0].quantity", "below-minimum")]),
        (wish(quantity="0"), [("items[0].quantity", "below-minimum")]),
        (wish(quantity="-1", path=""), [("quantity", "below-minimum")]),
        (wish(quantity="1.03"), [("items[0].quantity", "off-step")]),
    ],
)
def test_what_cannot_be_had_is_named(one: Wish, found: list[tuple[str, str]]) -> None:
    assert faults(one) == found


def test_all_that_is_wrong_is_named_at_once_and_a_product_that_comes_twice() -> None:
    assert faults(wish(), wish("gone", path="items[1]."), wish(path="items[2].")) == [
        ("items[1].product_id", "not-for-sale"), ("items[2].product_id", "given-twice"),
    ]  # fmt: skip


def test_who_asks_for_nothing_is_told_how_to_take_it_out() -> None:
    nothing = FieldError("quantity", "must be more than 0", code="below-minimum", params={"minimum": "0"})
    cured = with_cure(nothing)
    assert (
        cured.params == {"minimum": "0", "reason": "to-remove"}
        and "DELETE /api/cart/items/{product_id}" in cured.message
    )
    for other in (
        attrs.evolve(nothing, code="off-step"),
        attrs.evolve(nothing, params={"minimum": "0.5", "unit": "kg"}),
    ):
        assert with_cure(other) is other
