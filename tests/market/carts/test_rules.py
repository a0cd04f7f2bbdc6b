"""What a cart comes to, and what its holder is warned of."""

from __future__ import annotations

from decimal import Decimal

import attrs

from harvestd.kernel import codes
from harvestd.market.carts.rules import Item, Warning, price
from harvestd.market.catalogue.term_changes import changes
from tests.market.catalogue.shelves import TERMS, TODAY, product
from tests.market.orders.test_placing import MOVES

CODES = {
    "unit": "unit-changed",
    "price": "price-changed",
    "price_per": "price-changed",
    "quantity_step": "step-changed",
    "min_quantity": "minimum-changed",
}


def warned(item: Item, *shelf: object) -> list[Warning]:
    _, found = price([item], {p.id: p for p in shelf}, TODAY, TERMS)  # type: ignore[attr-defined]
    return found


def warnings(item: Item, *shelf: object) -> list[str]:
    return [w.code for w in warned(item, *shelf)]


def item(quantity: str = "1", seen: int = 390, of: str = "carrots") -> Item:
    return Item(of, Decimal(quantity), product(of, price=seen).agreed)


def test_a_cart_is_priced_now_and_grouped_by_farm() -> None:
    parts, found = price(
        [item("1.25"), item("1", 120, "leeks"), item("2", 100, "eggs")],
        {"carrots": product(), "leeks": product("leeks", price=120), "eggs": product("eggs", "coop", price=100)},
        TODAY,
        TERMS,
    )
    assert {part.farm.farm_id: [line.total for line in part.lines] for part in parts} == {
        "acres": [488, 120],
        "coop": [200],
    }
    assert found == []


def test_whatever_moved_since_is_warned_of() -> None:
    assert warnings(item("3"), product()) == ["short"]
    assert warnings(item(), product(reserved="2.5")) == ["sold-out"]
    assert warnings(item(), product(season_from="10-01", season_to="11-01")) == ["out-of-season"]
    assert warnings(item("1.03"), product()) == ["quantity"]
    assert warnings(item(), product(status="archived")) == ["unavailable"]
    assert warnings(item()) == ["unavailable"]


def test_a_wish_that_a_sign_in_made_larger_says_so_until_it_is_set_anew() -> None:
    (warning,) = warned(attrs.evolve(item("2"), before=Decimal("1.5")), product())
    assert warning.code == "merged" and warning.message.startswith("Your cart had 1.5 kg of Carrots; it has 2 kg now")
    assert warning.params == {"before": "1.500", "after": "2.000", "unit": "kg", "title": "Carrots"}
    assert warnings(attrs.evolve(item("2"), before=Decimal(1)), product(status="archived")) == ["unavailable"]


def test_each_thing_that_a_price_means_is_warned_of_with_what_it_was_and_is() -> None:
    for name, value in MOVES.items():
        (warning,) = warned(item(), product(**{name: value}))
        assert warning.code == CODES[name] and set(warning.params) == {*codes.CODES[warning.code].params, "title"}
        before, after = warning.params["before"], warning.params["after"]
        if name == "price_per":
            before, after = warning.params["per_before"], warning.params["per_after"]
        assert before != after and (name == "unit" or Decimal(before) != Decimal(after)), "values, which a shop words"


def test_a_cart_says_itself_what_keeps_it_from_being_ordered() -> None:
    few = attrs.evolve(TERMS, lines_most=1)
    shelf = {p.id: p for p in (product(order_minimum=1000), product("leeks", order_minimum=1000))}
    parts, found = price([item(), item("0.5", of="leeks")], shelf, TODAY, few)
    assert [(w.product_id, w.code) for w in found] == [(None, "too-many-lines"), (None, "order-minimum")]
    assert found[1].params == {
        "farm_id": "acres",
        "farm": "Acres",
        "minimum": "1000",
        "missing": "415",
        "currency": "EUR",
    }
    assert "Acres takes orders from €10.00" in found[1].message and parts[0].missing == 415
    parts, found = price([item("2.5")], {"carrots": product(order_minimum=975)}, TODAY, few)
    assert (parts[0].missing, found) == (0, [])


def test_what_moved_is_said_so_that_any_title_fits() -> None:
    """Titles are in the singular and in the plural, so they are never the subject of what moved."""
    now = product(price=600, unit="kg")
    seen = attrs.evolve(now.agreed, price=480)
    (change,) = changes(seen, attrs.evolve(now, title="Heirloom tomatoes"), "EUR")
    assert change.message == "The price of Heirloom tomatoes was €4.80 and is €6.00 now"
    other = attrs.evolve(seen, unit="bunch", quantity_step=Decimal(3), min_quantity=Decimal(3))
    for change in changes(other, now, "EUR"):
        assert change.message.startswith("The ") and f" of {now.title} was " in change.message


def test_what_is_missing_to_a_minimum_is_goods() -> None:
    shelf = product(order_minimum=2000)
    assert [w.message for w in warned(Item("carrots", Decimal(1), shelf.agreed), shelf)] == [
        "Acres takes orders from €20.00; add goods for €16.10 more"
    ]
