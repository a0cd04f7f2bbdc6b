"""What a cart comes to, and what its holder is warned of."""

from __future__ import annotations

from decimal import Decimal

from harvestd.market.carts import Item, price
from tests.market.shelves import TODAY, product


def warnings(item: Item, *shelf: object) -> list[str]:
    _, found = price([item], {p.id: p for p in shelf}, TODAY, "EUR")  # type: ignore[attr-defined]
    return [w.code for w in found]


def item(quantity: str = "1", seen: int = 390, of: str = "carrots") -> Item:
    return Item(of, Decimal(quantity), seen)


def test_a_cart_is_priced_now_and_grouped_by_farm() -> None:
    farms, found = price(
        [item("1.25"), item("1", 120, "leeks"), item("2", 100, "eggs")],
        {"carrots": product(), "leeks": product("leeks", price=120), "eggs": product("eggs", "coop", price=100)},
        TODAY,
        "EUR",
    )
    assert {farm: [line.total for line in lines] for farm, lines in farms.items()} == {
        "acres": [488, 120],
        "coop": [200],
    }
    assert found == []


def test_whatever_moved_since_is_warned_of() -> None:
    assert warnings(item(seen=400), product()) == ["price-changed"]
    assert warnings(item("3"), product()) == ["short"]
    assert warnings(item(), product(reserved="2.5")) == ["sold-out"]
    assert warnings(item(), product(season_from="10-01", season_to="11-01")) == ["out-of-season"]
    assert warnings(item("1.03"), product()) == ["quantity"]
    assert warnings(item(), product(status="archived")) == ["unavailable"]
    assert warnings(item()) == ["unavailable"]
