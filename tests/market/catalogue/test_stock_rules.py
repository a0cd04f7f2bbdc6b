"""What orders do to the stock: each reservation goes one way, once."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from harvestd.market.catalogue.stock_rules import Effect, Held, give_back, settle
from tests.market.catalogue.shelves import product

STATES = ("live", "sold", "returned", "released", "expired")


def held(state: str, quantity: str = "1.25", line: str = "line", of: str = "carrots") -> Held:
    return Held(line_id=line, order_id="order", farm_id="acres", product_id=of, quantity=Decimal(quantity), state=state)


def test_a_sale_takes_from_stock_and_reserved_alike_so_that_available_stays() -> None:
    effect = settle([held("live")], {"carrots": product(reserved="1.25")})
    assert effect.states == {"line": "sold"}
    assert effect.products == {"carrots": (Decimal("-1.25"), Decimal("-1.25"), 1)}
    (entry,) = effect.entries
    assert (entry.kind, entry.change, entry.level) == ("sale", Decimal("-1.25"), Decimal("1.25"))
    assert effect.events == ()


def test_what_is_not_live_is_not_sold_again() -> None:
    for state in STATES[1:]:
        assert settle([held(state)], {"carrots": product()}).states == {}


def test_a_reservation_is_released_and_a_sale_is_returned() -> None:
    shelf = {"carrots": product(reserved="1.25")}
    released = give_back([held("live")], shelf)
    assert (released.states, released.products) == (
        {"line": "released"},
        {"carrots": (Decimal(0), Decimal("-1.25"), 0)},
    )
    assert released.entries == ()
    returned = give_back([held("sold")], shelf)
    assert (returned.states, returned.products) == (
        {"line": "returned"},
        {"carrots": (Decimal("1.25"), Decimal(0), -1)},
    )
    assert [(e.kind, e.level) for e in returned.entries] == [("return", Decimal("3.75"))]


def test_what_gave_back_once_gives_nothing_again() -> None:
    for state in ("returned", "released", "expired"):
        effect = give_back([held(state)], {"carrots": product()})
        assert (effect.states, effect.products, effect.entries) == ({}, {}, ())


def test_a_hold_that_ran_out_is_told_from_one_that_was_withdrawn() -> None:
    assert give_back([held("live")], {"carrots": product(reserved="2")}, expired=True).states == {"line": "expired"}


def test_what_was_sold_out_and_can_be_bought_again_is_told() -> None:
    effect = give_back([held("live")], {"carrots": product(stock="2", reserved="2")})
    (event,) = effect.events
    assert (event.type, event.version, effect.revised) == ("product.updated", 8, {"carrots"})
    assert give_back([held("live")], {"carrots": product(reserved="2")}).events == ()


def test_everything_that_shows_the_product_is_stale() -> None:
    effect = give_back([held("live")], {"carrots": product(reserved="2")})
    assert {"product:carrots", "product:carrots-slug", "products:amounts", "products:changed"} == set(effect.families)
    assert settle([held("live")], {"carrots": product(reserved="2")}).families == effect.families


def test_levels_in_the_ledger_follow_each_other_within_one_product() -> None:
    effect = settle(
        [held("live", "1", "a"), held("live", "0.5", "b")], {"carrots": product(stock="2.5", reserved="1.5")}
    )
    assert [entry.level for entry in effect.entries] == [Decimal("1.5"), Decimal("1.0")]


steps = st.lists(st.sampled_from(["settle", "give_back", "expire"]), max_size=6)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), steps)
def test_whatever_comes_in_whatever_order_nothing_is_lost_or_made(quantities: list[int], steps: list[str]) -> None:
    """Stock and reserved never fall below zero, and the ledger's sum is the stock."""
    lines = [held("live", str(Decimal(q) / 20), f"line-{i}") for i, q in enumerate(quantities)]
    stock = start = Decimal(10)
    reserved = sum((h.quantity for h in lines), Decimal(0))
    ledger = Decimal(0)
    for step in steps:
        shelf = {"carrots": product(stock=str(stock), reserved=str(reserved))}
        effect: Effect = settle(lines, shelf) if step == "settle" else give_back(lines, shelf, expired=step == "expire")
        added = effect.products.get("carrots", (Decimal(0), Decimal(0), 0))
        stock, reserved = stock + added[0], reserved + added[1]
        ledger += sum((e.change for e in effect.entries), Decimal(0))
        lines = [Held(**{**_fields(h), "state": effect.states.get(h.line_id, h.state)}) for h in lines]
        live = sum((h.quantity for h in lines if h.state == "live"), Decimal(0))
        assert stock == start + ledger and reserved == live and 0 <= reserved <= stock


def _fields(held: Held) -> dict[str, object]:
    import attrs

    return attrs.asdict(held)
