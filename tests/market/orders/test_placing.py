"""Placing an order: what is taken, at what price, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.errors import Invalid, MarketError, OutOfStock, PriceChanged
from harvestd.kernel.quantities import MAX_TOTAL
from harvestd.market.catalogue.on_sale import Agreed
from tests.market.catalogue.shelves import NOW, TERMS, placed, product


def fields(error: MarketError) -> list[str]:
    return [e.field for e in error.errors]


def test_an_order_is_split_by_farm_in_the_order_of_its_lines() -> None:
    order = placed(
        [("eggs", "2"), ("carrots", "1.25"), ("leeks", "1")],
        product("carrots", "acres"),
        product("eggs", "coop", unit="box", price=250, stock="10", quantity_step="1", min_quantity="1"),
        product("leeks", "acres", price=120),
    )
    assert [(p.farm_id, p.subtotal, p.status) for p in order.parts] == [
        ("coop", 500, "placed"),
        ("acres", 608, "placed"),
    ]
    assert order.totals.goods == order.totals.total == 1108
    assert [line.total for line in order.lines] == [500, 488, 120]


def test_half_a_cent_is_rounded_up_once_on_the_line_of_a_product() -> None:
    order = placed([("carrots", "1.25"), ("leeks", "0.05")], product(price=390), product("leeks", price=390))
    assert [line.total for line in order.lines] == [488, 20]  # 487.5 and 19.5
    (line,) = placed([("carrots", "1.25"), ("carrots", "0.05")], product(price=390)).lines
    assert (line.quantity, line.total) == (Decimal("1.300"), 507)


def test_lines_of_one_product_are_one_line_however_many_they_are() -> None:
    shelf = product(price=199, quantity_step="0.001", min_quantity="0.001")
    order = placed([("carrots", "0.002")] * 100, shelf, terms=attrs.evolve(TERMS, lines_most=1))
    assert [(line.quantity, line.total) for line in order.lines] == [(Decimal("0.200"), 40)]
    assert order.taken == {"carrots": Decimal("0.2")} and order.totals.goods == 40


def test_lines_of_one_product_keep_its_step_and_least_quantity_together() -> None:
    assert placed([("carrots", "0.3"), ("carrots", "0.3")], product(min_quantity="0.5")).lines[0].total == 234
    with pytest.raises(Invalid) as refused:
        placed([("carrots", "0.2"), ("leeks", "1"), ("carrots", "0.2")], product(min_quantity="0.5"), product("leeks"))
    assert fields(refused.value) == ["lines[0].quantity", "lines[2].quantity"]


@pytest.mark.parametrize(
    ("price", "step", "asked", "least"),
    [(199, "0.001", "0.002", "0.003"), (1, "0.05", "0.45", "0.500"), (3, "0.05", "0.1", "0.200")],
)
def test_what_comes_to_nothing_is_refused_with_the_least_that_does_not(
    price: int, step: str, asked: str, least: str
) -> None:
    shelf = product(price=price, quantity_step=step, min_quantity=step)
    with pytest.raises(Invalid) as refused:
        placed([("carrots", asked)], shelf)
    (error,) = refused.value.errors
    assert (error.field, error.code, error.params) == (
        "lines[0].quantity",
        "below-minimum",
        {"minimum": least, "unit": "kg", "product_id": "carrots", "title": "Carrots"},
    )
    assert placed([("carrots", least)], shelf).totals.goods == 1
    assert placed([("carrots", asked)], attrs.evolve(shelf, price=0)).totals.goods == 0, "what is free costs nothing"


def test_two_lines_of_one_product_above_its_stock_together_are_out_of_stock() -> None:
    with pytest.raises(OutOfStock) as refused:
        placed([("carrots", "1.25"), ("carrots", "1.3")], product())
    assert fields(refused.value) == ["lines[0].quantity", "lines[1].quantity"]
    assert {e.available for e in refused.value.errors} == {Decimal("2.5")}


def test_out_of_stock_tells_what_is_left_of_each_short_line_alone() -> None:
    with pytest.raises(OutOfStock) as refused:
        placed(
            [("carrots", "2"), ("leeks", "1"), ("kale", "1")],
            product("carrots", reserved="1.25"),
            product("leeks"),
            product("kale", stock="3", reserved="3"),
        )
    assert [(e.field, e.available) for e in refused.value.errors] == [
        ("lines[0].quantity", Decimal("1.25")),
        ("lines[2].quantity", Decimal(0)),
    ]
    assert "only 1.25 kg of Carrots left" in refused.value.errors[0].message
    assert "sold out" in refused.value.errors[1].message


@pytest.mark.parametrize("quantity", ["-1", "0", "NaN", "Infinity", "1e9", "2147483648", "0.0001", "0.07"])
def test_a_quantity_that_is_no_amount_of_the_product_names_its_line(quantity: str) -> None:
    with pytest.raises(Invalid) as refused:
        placed([("leeks", "1"), ("carrots", quantity)], product("carrots"), product("leeks"))
    assert fields(refused.value) == ["lines[1].quantity"]


def test_less_than_the_least_quantity_is_refused() -> None:
    with pytest.raises(Invalid, match="must be at least") as refused:
        placed([("carrots", "0.2")], product(min_quantity="0.5"))
    assert "at least 0.5 kg" in refused.value.errors[0].message


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_what_is_not_published_is_not_for_sale(status: str) -> None:
    with pytest.raises(Invalid) as refused:
        placed([("carrots", "1"), ("nothing", "1")], product(status=status))
    assert fields(refused.value) == ["lines[0].product_id", "lines[1].product_id"]


def test_what_is_out_of_season_is_not_for_sale() -> None:
    with pytest.raises(Invalid) as refused:
        placed([("carrots", "1")], product(season_from="10-01", season_to="03-31"))
    assert "out of season (October 1 to March 31)" in refused.value.errors[0].message


def test_an_order_below_a_farms_minimum_is_refused_by_the_farms_name() -> None:
    with pytest.raises(Invalid) as refused:
        placed([("carrots", "1")], product(order_minimum=2000))
    assert refused.value.errors[0].message == "Acres takes orders from €20.00; add goods for €16.10 more"


def test_an_order_without_lines_or_with_too_many_is_refused() -> None:
    with pytest.raises(Invalid, match="leave lines out to order the cart"):
        placed([])
    with pytest.raises(Invalid, match="the cart is empty"):
        placed([], of_cart=True)
    with pytest.raises(Invalid, match="at most 1 products"):
        placed([("carrots", "1"), ("leeks", "1")], product(), product("leeks"), terms=attrs.evolve(TERMS, lines_most=1))


def test_a_total_other_than_expected_is_refused_with_the_new_one() -> None:
    assert placed([("carrots", "1")], product(), expected_total=390).totals.total == 390
    with pytest.raises(PriceChanged, match=r"now €3\.90"):
        placed([("carrots", "1")], product(), expected_total=380)


AGREED = product().agreed
MOVES: dict[str, Any] = {"unit": "lb", "price": 400, "price_per": "0.5", "quantity_step": "0.5", "min_quantity": "0.5"}


def test_each_thing_that_a_price_means_has_a_move_here() -> None:
    """But what a pack takes and a piece weighs, which is in ``test_packs.py``."""
    assert {*MOVES, "each", "pack"} == {field.name for field in attrs.fields(Agreed)}


@pytest.mark.parametrize("moved", MOVES)
def test_an_expected_total_refuses_whatever_was_agreed_to_and_moved_not_the_sum_alone(moved: str) -> None:
    now = product(**{moved: MOVES[moved]})
    total = placed([("carrots", "1")], now).totals.total
    with pytest.raises(PriceChanged) as refused:
        placed([("carrots", "1")], now, seen={"carrots": AGREED}, expected_total=total)
    (error,) = refused.value.errors
    assert (error.field, error.code, error.params["product_id"]) == ("lines[0]", "changed", "carrots")
    assert placed([("carrots", "1")], now, seen={"carrots": now.agreed}, expected_total=total).totals.total == total


@pytest.mark.parametrize(
    ("before", "now", "refused"),
    [
        ({"unit": "g", "price": 64, "price_per": "100"}, {"unit": "kg", "price": 640, "price_per": "1"}, True),
        ({"unit": "kg"}, {"unit": "lb"}, True),
        ({"price": 390}, {"price": 3900}, False),
        ({"quantity_step": "0.05"}, {"quantity_step": "0.5"}, False),
    ],
)  # fmt: skip
def test_nobody_gets_so_many_kilograms_where_they_wanted_grams_whether_they_say_what_they_expect_or_not(
    before: dict[str, Any], now: dict[str, Any], refused: bool
) -> None:
    seen = {"carrots": product(**before).agreed}
    if not refused:
        placed([("carrots", "1")], product(**now), seen=seen)
        return
    with pytest.raises(PriceChanged) as raised:
        placed([("carrots", "1")], product(**now), seen=seen)
    assert [error.params["what"] for error in raised.value.errors] == ["unit-changed"]


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_of_what_is_not_published_nothing_is_told(status: str) -> None:
    """Anybody may name the id of another farm's draft."""
    with pytest.raises(Invalid) as refused:
        placed([("carrots", "0.0301")], product(status=status))
    fields = {error.field: dict(error.params) for error in refused.value.errors}
    assert fields["lines[0].product_id"] == {"product_id": "carrots"}
    assert "Carrots" not in str(refused.value.errors) and set(fields) <= {"lines[0].product_id", "lines[0].quantity"}


def test_stock_is_held_for_as_long_as_the_terms_say() -> None:
    assert placed([("carrots", "1")], product()).hold_until is None
    held = placed([("carrots", "1")], product(), terms=attrs.evolve(TERMS, hold=timedelta(hours=2)))
    assert held.hold_until == NOW + timedelta(hours=2)


def test_the_event_tells_who_ordered_what_of_whom_and_which_pages_are_stale() -> None:
    event, *others = placed([("carrots", "1.25")], product()).events
    assert (event.type, event.aggregate, event.version, others) == ("order.created", "order:order", 1, [])
    assert event.data["parts"] == [
        {"farm_id": "acres", "subtotal": 488,
         "lines": [{"product_id": "carrots", "quantity": "1.250", "unit_price": 390, "price_per": "1.000"}]}
    ]  # fmt: skip
    assert event.data["totals"]["total"] == 488
    assert {"product:carrots", "product:carrots-slug", "products:amounts", "products:changed"} == set(
        event.data["families"]
    )


def test_taking_the_last_of_a_product_tells_that_it_changed() -> None:
    created, updated = placed([("carrots", "2.5")], product()).events
    assert created.type == "order.created"
    assert (updated.type, updated.version, updated.data["changed"]) == ("product.updated", 8, ["available"])


quantities = st.integers(1, 100).map(lambda steps: str(Decimal("0.05") * steps))
shelves = st.lists(st.tuples(st.sampled_from("abc"), quantities, st.integers(10, 5000)), min_size=1, max_size=6)


@given(shelves, st.integers(0, 100), st.integers(0, 100))
def test_an_order_takes_exactly_its_lines_or_nothing(
    lines: list[tuple[str, str, int]], stock: int, reserved: int
) -> None:
    on_hand, held = Decimal("0.05") * max(stock, reserved), Decimal("0.05") * min(stock, reserved)
    shelf = [product(id, f"farm-{id}", price=price, stock=str(on_hand), reserved=str(held)) for id, _, price in lines]
    try:
        order = placed([(id, q) for id, q, _ in lines], *shelf)
    except OutOfStock:
        asked = {id: sum(Decimal(q) for i, q, _ in lines if i == id) for id, _, _ in lines}
        assert any(quantity > on_hand - held for quantity in asked.values())
        return
    assert sum(order.taken.values()) == sum(Decimal(q) for _, q, _ in lines)
    assert all(quantity <= on_hand - held for quantity in order.taken.values())
    assert order.totals.goods == sum(line.total for line in order.lines) == sum(part.subtotal for part in order.parts)


def test_no_order_comes_to_more_than_a_number_of_json_holds() -> None:
    """Its buyer could not say that they expect it."""
    dear = [product(f"truffles-{n}", price=100_000_000, stock="9999999.999", quantity_step="0.001") for n in range(10)]
    wanted = [(one.id, "9999999.999") for one in dear]
    assert placed(wanted[:9], *dear).totals.total == 9 * 999_999_999_900_000 <= MAX_TOTAL
    with pytest.raises(Invalid) as refused:
        placed(wanted, *dear)
    (error,) = refused.value.errors
    assert (error.field, error.code, error.params["maximum"]) == ("lines", "above-maximum", "9007199254740991")
    assert "several orders" in error.message
