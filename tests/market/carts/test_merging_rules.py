"""What a buyer's cart has after a sign-in with a guest's: the larger wish of each product, as far as there is stock."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.carts.merging_rules import merged
from harvestd.market.carts.rules import Item
from harvestd.market.catalogue.on_sale import OnSale
from tests.market.catalogue.shelves import product

SHELF = {"carrots": product(), "leeks": product("leeks"), "eggs": product("eggs")}


def item(quantity: str, of: str = "carrots", note: str = "", **seen: object) -> Item:
    terms = attrs.evolve(SHELF[of].agreed, **seen)  # type: ignore[arg-type]
    return Item(of, Decimal(quantity), terms, wish=LineWish(note=note))


def put(
    own: list[Item], theirs: list[Item], shelf: dict[str, OnSale] | None = None, most: int = 9
) -> list[tuple[str, str, str]]:
    """What goes into the buyer's cart: of what, how much, and how much there was."""
    found = merged(own, theirs, SHELF if shelf is None else shelf, most)
    return [(one.product_id, str(one.quantity), str(one.before or "")) for one in found.put]


@pytest.mark.parametrize(
    ("own", "theirs", "found"),
    [
        ("1", "2", [("carrots", "2", "1")]),
        ("2", "2", []),
        ("2", "1", []),
        ("1", "2.5", [("carrots", "2.5", "1")]),
        ("1", "9", [("carrots", "2.50", "1")]),
        ("2.5", "9", []),
        ("8", "9", []),
    ],
)
def test_of_a_product_in_both_the_larger_wish_counts_within_stock(own: str, theirs: str, found: list[object]) -> None:
    assert put([item(own)], [item(theirs)]) == found


def test_what_there_is_of_it_is_counted_in_its_steps() -> None:
    shelf = {"carrots": product(stock="2.49", reserved="0.2", quantity_step="0.5")}
    assert put([item("1")], [item("9")], shelf) == [("carrots", "2.0", "1")]
    assert put([item("1")], [item("9")], {"carrots": product(reserved="2.5")}) == []
    assert put([item("1")], [item("9")], {"carrots": product(stock="0", reserved="1")}) == []


@pytest.mark.parametrize("shelf", [{}, {"carrots": product(status="archived", stock="0")}])
def test_what_is_not_on_sale_has_no_stock_to_go_by(shelf: dict[str, OnSale]) -> None:
    assert put([item("1")], [item("9")], shelf) == [("carrots", "9", "1")]


def test_what_is_in_the_guests_cart_alone_goes_over_as_it_is() -> None:
    assert put([item("1", "leeks")], [item("9"), item("1", "eggs")]) == [("carrots", "9", ""), ("eggs", "1", "")]


def test_what_an_order_has_no_room_for_stays_and_what_is_in_both_needs_none() -> None:
    found = merged([item("1", "leeks")], [item("1"), item("2", "leeks"), item("1", "eggs")], SHELF, 2)
    assert ([one.key for one in found.put], found.left) == (["carrots", "leeks"], {"eggs"})
    assert merged([item("1", "leeks")], [item("1")], SHELF, 1) == merged([item("1", "leeks")], [item("1")], SHELF, 0)
    assert merged([item("1", "leeks")], [item("1")], SHELF, 1).left == {"carrots"}


@pytest.mark.parametrize("seen", [{"unit": "g"}, {"unit": "each", "each": Amount(Decimal(1), "kg")}])
def test_kilograms_and_grams_are_not_compared(seen: dict[str, object]) -> None:
    assert put([item("1")], [item("900", **seen)]) == []


def test_the_note_and_the_consent_of_the_larger_wish_count_unless_it_has_none() -> None:
    for own, theirs, kept in (("old", "new", "new"), ("old", "", "old"), ("", "new", "new")):
        (one,) = merged([item("1", note=own)], [item("2", note=theirs)], SHELF, 9).put
        assert one.wish.note == kept


QUANTITIES = st.sampled_from(["0.05", "1", "2", "2.5", "7"])


@settings(max_examples=60, deadline=None)
@given(
    own=st.dictionaries(st.sampled_from(sorted(SHELF)), QUANTITIES),
    theirs=st.dictionaries(st.sampled_from(sorted(SHELF)), QUANTITIES),
    most=st.integers(0, 4),
)
def test_nothing_is_lost_and_nothing_becomes_less(own: dict[str, str], theirs: dict[str, str], most: int) -> None:
    mine = [item(quantity, of) for of, quantity in own.items()]
    found = merged(mine, [item(quantity, of) for of, quantity in theirs.items()], SHELF, most)
    after = {of: Decimal(quantity) for of, quantity in own.items()} | {one.key: one.quantity for one in found.put}
    assert after.keys() | found.left == own.keys() | theirs.keys() and not after.keys() & found.left
    assert all(after[of] >= Decimal(quantity) for of, quantity in own.items())
    assert len(after) <= max(most, len(own))
    again = merged([attrs.evolve(item("1", of), quantity=q) for of, q in after.items()], list(found.put), SHELF, most)
    assert again.put == (), "a second sign-in with it changes nothing"
