"""Orders of products and their pack sizes, which all come out of one stock; and of pieces that are priced by weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel import languages
from harvestd.kernel.errors import Invalid, OutOfStock, PriceChanged
from harvestd.kernel.units import Amount
from harvestd.market.carts import rules as carts
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.catalogue.stock_rules import Held, give_back, settle
from harvestd.market.catalogue.term_changes import changes
from harvestd.market.catalogue.variant_rows import Kept, packed
from harvestd.market.catalogue.variant_rules import Pack, key
from harvestd.market.orders.buyers import Buyer
from harvestd.market.orders.order import Placed
from harvestd.market.orders.placing import place
from harvestd.market.orders.placing_rules import Wanted
from tests.market.catalogue.shelves import NOW, TERMS, TODAY, product

SIZES = {"sack": "5", "bag": "0.25", "tin": "0.3"}


def pack(of: OnSale, name: str, takes: str = "", price: int = 1500, **more: Any) -> OnSale:
    kept = {
        "id": name,
        "product_id": of.id,
        "title": name,
        "unit": "box",
        "price": price,
        "takes": Decimal(takes or SIZES[name]),
    }
    return packed(of, Kept(**kept, sku="", external_id=None, active=more.get("active", True)))


def shelf_of(*products: OnSale) -> dict[str, OnSale]:
    return {key(one.id, one.variant_id): one for one in products}


def ordered(wanted: Sequence[tuple[str, str | None, str]], shelf: Mapping[str, OnSale], **more: Any) -> Placed:
    """The decision for lines of (product, pack size, quantity)."""
    return place(
        [Wanted(p, Decimal(q), v) for p, v, q in wanted], shelf, TERMS, order_id="order", number="H000001", buyer=Buyer(user_id="buyer"),
        line_ids=[f"line-{i}" for i in range(len(wanted))], now=NOW, today=TODAY, **{"expected_total": None, **more},
    )  # fmt: skip


def carrots(stock: str = "20", **more: Any) -> tuple[OnSale, dict[str, OnSale]]:
    own = product(stock=stock, **more)
    return own, shelf_of(own, *(pack(own, name) for name in SIZES))


def test_packs_are_counted_at_their_own_price_and_take_of_the_one_stock() -> None:
    _, shelf = carrots()
    order = ordered([("carrots", "sack", "2"), ("carrots", None, "1.5"), ("carrots", "bag", "3")], shelf)
    assert [(line.title, line.unit, line.quantity, line.total, line.taken) for line in order.lines] == [
        ("Carrots, sack", "box", 2, 3000, 10), ("Carrots", "kg", Decimal("1.5"), 585, Decimal("1.5")), ("Carrots, bag", "box", 3, 4500, Decimal("0.75")),
    ]  # fmt: skip
    assert order.taken == {"carrots": Decimal("12.25")} and not order.ran_out
    assert order.totals.goods == 8085 == sum(part.subtotal for part in order.parts)
    first, second, _ = order.events[0].data["parts"][0]["lines"]
    assert (first["variant_id"], first["takes"], first["quantity"]) == ("sack", "5.000", "2.000")
    assert "variant_id" not in second


@pytest.mark.parametrize(("stock", "left"), [("4.999", "0"), ("5", "1"), ("14.9", "2"), ("0", "0")])
def test_as_many_packs_are_left_as_the_stock_has_whole_ones(stock: str, left: str) -> None:
    _, shelf = carrots(stock)
    assert shelf["carrots/sack"].available == Decimal(left)


def test_packs_are_sold_whole() -> None:
    _, shelf = carrots()
    with pytest.raises(Invalid) as refused:
        ordered([("carrots", "sack", "1.5")], shelf)
    (error,) = refused.value.errors
    assert (error.field, error.code, error.params["variant_id"]) == ("lines[0].quantity", "off-step", "sack")


def test_lines_of_one_pack_are_one_line_and_those_of_another_are_not() -> None:
    _, shelf = carrots()
    order = ordered([("carrots", "sack", "1"), ("carrots", "bag", "1"), ("carrots", "sack", "2")], shelf)
    assert [(line.variant_id, line.quantity) for line in order.lines] == [("sack", 3), ("bag", 1)]


def test_each_line_of_what_is_short_is_told_what_is_left_in_its_own_unit() -> None:
    _, shelf = carrots("7")
    leeks = product("leeks")
    lines = [("carrots", "sack", "1"), ("carrots", None, "2.5"), ("leeks", None, "1"), ("carrots", "bag", "30")]
    with pytest.raises(OutOfStock) as refused:
        ordered(lines, shelf | {"leeks": leeks})
    assert [(e.field, e.available, e.params["unit"], e.params.get("variant_id"), e.params.get("reason")) for e in refused.value.errors] == [
        ("lines[0].quantity", 1, "box", "sack", "together"), ("lines[1].quantity", 7, "kg", None, "together"),
        ("lines[3].quantity", 28, "box", "bag", None),
    ]  # fmt: skip
    assert "only 28 boxes of Carrots, bag left" in refused.value.errors[2].message


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (("carrots", "crate", "1"), "variant_id"),
        (("leeks", "sack", "1"), "variant_id"),
        (("kale", "sack", "1"), "product_id"),
    ],
)
def test_a_pack_that_the_product_does_not_have_is_not_for_sale(line: tuple[str, str, str], field: str) -> None:
    _, shelf = carrots()
    with pytest.raises(Invalid) as refused:
        ordered([line], shelf | {"leeks": product("leeks")})
    assert [(e.field, e.code) for e in refused.value.errors] == [(f"lines[0].{field}", "not-for-sale")]


def test_a_pack_that_is_not_offered_any_more_is_not_for_sale() -> None:
    own, shelf = carrots()
    with pytest.raises(Invalid) as refused:
        ordered([("carrots", "sack", "1")], shelf | shelf_of(pack(own, "sack", active=False)))
    assert [(e.field, e.code) for e in refused.value.errors] == [("lines[0].variant_id", "not-for-sale")]


def test_the_last_of_the_stock_may_go_in_packs() -> None:
    _, shelf = carrots("10.25")
    order = ordered([("carrots", "sack", "2"), ("carrots", "bag", "1")], shelf)
    assert order.ran_out == {"carrots"} and [event.type for event in order.events] == [
        "order.created",
        "product.updated",
    ]


# --- what is agreed to ---


def test_a_cart_is_warned_of_another_content_and_no_order_goes_by_the_old_one() -> None:
    own, shelf = carrots()
    seen = pack(own, "sack", "4").agreed
    (change,) = changes(seen, shelf["carrots/sack"], "EUR")
    assert (change.code, change.message) == (
        "content-changed",
        "The content of Carrots, sack was 4 kg and is 5 kg now",
    )
    german = languages.message(change.code, change.params, change.message, "de")
    assert german == "der Inhalt von Carrots, sack hat sich geändert: vorher 4 kg, jetzt 5 kg"
    item = carts.Item("carrots", Decimal(1), seen, "sack")
    _, (warning,) = carts.price([item], shelf, TODAY, TERMS)
    assert (warning.code, warning.product_id, warning.variant_id) == ("content-changed", "carrots", "sack")
    with pytest.raises(PriceChanged) as refused:
        ordered([("carrots", "sack", "1")], shelf, seen={"carrots/sack": seen})
    assert refused.value.errors[0].params["what"] == "content-changed"


def hen(weight: str = "1.8", unit: str = "kg", **more: Any) -> OnSale:
    known = {
        "unit": "each",
        "price": 1290,
        "stock": "9",
        "quantity_step": "1",
        "min_quantity": "1",
        "each": Amount(Decimal(weight), unit),
    }
    return product("hen", **known | more)


@pytest.mark.parametrize(
    ("before", "now", "codes"),
    [
        (hen(), hen(), []), (hen("1800", "g", price=129, price_per="100"), hen(), []), (hen(), hen("2"), ["weight-changed"]),
        (hen(), hen(price=1390), ["price-changed"]), (hen(each=None, price=2322), hen(), ["price-changed"]), (hen(), hen(each=None), ["price-changed"]),
        (hen(), hen("1.8", "lb"), ["price-changed", "weight-changed"]),
    ],
)  # fmt: skip
def test_what_a_piece_weighs_and_is_priced_by_is_agreed_to(before: OnSale, now: OnSale, codes: list[str]) -> None:
    assert [change.code for change in changes(before.agreed, now, "EUR")] == codes
    assert all(" was " in change.message for change in changes(before.agreed, now, "EUR"))


def test_pieces_that_are_priced_by_weight_come_to_an_estimate_rounded_once() -> None:
    order = ordered([("hen", None, "3")], {"hen": hen("1.755")})
    (line,) = order.lines
    assert (line.total, line.each, line.unit_price) == (
        6792,
        Amount(Decimal("1.755"), "kg"),
        1290,
    )  # 6791.85, not 3 × 2264
    assert order.events[0].data["parts"][0]["lines"][0]["estimated_weight"] == "1.755"
    with pytest.raises(Invalid) as refused:
        ordered([("hen", None, "1")], {"hen": hen("0.001", price=100)})
    assert refused.value.errors[0].params["minimum"] == "5.000"


# --- whatever is ordered and cancelled ---

prices = st.integers(1, 10_000)
steps = st.tuples(st.sampled_from([None, *SIZES]), st.integers(1, 12))
baskets = st.lists(st.lists(steps, min_size=1, max_size=5), min_size=1, max_size=8)


def wanted(lines: Sequence[tuple[str | None, int]]) -> list[tuple[str, str | None, str]]:
    return [("carrots", v, str(Decimal("0.05") * n if v is None else n)) for v, n in lines]


@given(baskets, st.integers(1, 3000), st.data())
def test_the_stock_is_conserved_whatever_is_ordered_sold_and_given_back(baskets: Any, stock: int, data: Any) -> None:
    """Nothing is sold twice, nothing is lost, and each reservation comes back once."""
    begun = own = product(stock=str(Decimal("0.01") * stock))
    live: dict[str, Held] = {}
    for n, lines in enumerate(baskets):
        shelf = shelf_of(own, *(pack(own, name) for name in SIZES))
        try:
            order = ordered(wanted(lines), shelf)
        except OutOfStock as refused:
            asked = sum(shelf[key(p, v)].taken(Decimal(q)) for p, v, q in wanted(lines))
            assert asked > own.pool and len(refused.errors) == len(lines)
            continue
        taken = order.taken["carrots"]
        assert taken == sum(line.quantity * line.takes for line in order.lines) <= own.pool
        assert order.totals.goods == sum(line.total for line in order.lines) == sum(p.subtotal for p in order.parts)
        own = attrs.evolve(own, reserved=own.reserved + taken)
        live |= {f"{n}-{x.id}": Held(line_id=f"{n}-{x.id}", order_id=str(n), farm_id="acres", product_id="carrots", quantity=x.taken, state="live") for x in order.lines}  # fmt: skip
        own = _steps(data, own, live)
        on_hand = sum((h.quantity for h in live.values() if h.state == "sold"), Decimal(0))
        assert begun.stock == own.stock + on_hand
        assert own.reserved == sum(h.quantity for h in live.values() if h.state == "live")
        assert 0 <= own.reserved <= own.stock


def _steps(data: Any, own: OnSale, live: dict[str, Held]) -> OnSale:
    """Sell or give back some of what is reserved or sold, perhaps what has come back already."""
    for do in data.draw(st.lists(st.sampled_from([settle, give_back]), max_size=3)):
        some = data.draw(st.lists(st.sampled_from(sorted(live)), unique=True))
        effect = do([live[one] for one in some], {"carrots": own})
        for line, state in effect.states.items():
            live[line] = attrs.evolve(live[line], state=state)
        stock, reserved, _ = effect.products.get("carrots", (Decimal(0), Decimal(0), 0))
        own = attrs.evolve(own, stock=own.stock + stock, reserved=own.reserved + reserved)
    return own


@given(st.lists(steps, min_size=1, max_size=6), prices, prices)
def test_every_line_is_rounded_once_and_the_whole_is_the_sum_of_its_parts(lines: Any, price: int, of_pack: int) -> None:
    own = product(price=price, stock="9999")
    shelf = shelf_of(own, *(pack(own, name, price=of_pack) for name in SIZES))
    try:
        order = ordered(wanted(lines), shelf)
    except Invalid:
        return  # a line that comes to nothing
    for line in order.lines:
        exact = Fraction(line.unit_price) * Fraction(line.quantity) / Fraction(line.price_per)
        assert Fraction(-1, 2) < line.total - exact <= Fraction(1, 2)
    assert order.totals.total == sum(part.subtotal for part in order.parts) == sum(line.total for line in order.lines)
    parts, _ = carts.price([_item(line, shelf) for line in order.lines], shelf, TODAY, TERMS)
    assert sum(part.subtotal for part in parts) == order.totals.goods, "a cart comes to what its order does"


def _item(line: Any, shelf: Mapping[str, OnSale]) -> carts.Item:
    of = key(line.product_id, line.variant_id)
    return carts.Item(line.product_id, line.quantity, shelf[of].agreed, line.variant_id)


def test_a_cart_whose_lines_are_too_much_together_says_so_of_each() -> None:
    own, shelf = carrots("6")
    items = [
        carts.Item("carrots", Decimal(1), shelf["carrots/sack"].agreed, "sack"),
        carts.Item("carrots", Decimal(2), own.agreed),
    ]
    _, found = carts.price(items, shelf, TODAY, TERMS)
    assert [(w.code, w.variant_id, w.params["available"], w.params["unit"], w.params["reason"]) for w in found] == [
        ("short", "sack", "1.000", "box", "together"), ("short", None, "6.000", "kg", "together"),
    ]  # fmt: skip


def test_what_was_agreed_of_a_pack_is_what_it_takes() -> None:
    assert carrots()[1]["carrots/bag"].agreed == Agreed(
        unit="box", price=1500, price_per=Decimal(1), quantity_step=Decimal(1), min_quantity=Decimal(1),
        pack=Pack("bag", Decimal("0.25"), "kg"),
    )  # fmt: skip
