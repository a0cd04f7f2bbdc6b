"""Whatever is changed of an order, in whatever order: its parts sum to the whole, nothing is below nothing, nothing comes to more than was agreed on, and what
there was of each product is in stock, with the buyer, or written off."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from harvestd.kernel.errors import MarketError
from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.stock_rules import Held, settle
from harvestd.market.orders.changes import Changed
from harvestd.market.orders.fulfilment import Standing, status_of
from harvestd.market.orders.order import OVER, Part, Totals
from harvestd.market.orders.stepping import move
from harvestd.market.pricing.terms import Discount, FeeRule, Pricing
from tests.market.catalogue.shelves import placed, product, standing_of
from tests.market.orders.changing import Shop, after, amended, answered, by, edit, shorted, weighed

GOODS = {
    one.id: one
    for one in (
        product(stock="30"),
        product("leeks", price=333, stock="30"),
        product(
            "ducks",
            unit="each",
            price=577,
            each=Amount(Decimal("0.85"), "kg"),
            quantity_step="1",
            min_quantity="1",
            stock="30",
        ),
        product("eggs", "coop", unit="box", price=251, quantity_step="1", min_quantity="1", stock="30"),
    )
}
PRICING = Pricing(
    fees=(
        FeeRule(id="f", name="Crate", basis="farm", amount=77), FeeRule(id="k", name="Van", basis="kilogram", amount=13),
        FeeRule(id="o", name="Packing", basis="order", amount=301),
    ),
    discount=Discount(coupon_id="c", code="SEVEN", kind="percent", value=7_000, minimum=500),
)  # fmt: skip
QUANTITIES = st.sampled_from(["0", "0.5", "1", "2", "3", "7", "12"])
STEPS = st.tuples(
    st.sampled_from(["set", "add", "short", "short with another", "weigh", "yes", "no", "confirm", "complete", "sell", "dearer"]),
    st.integers(0, 7), QUANTITIES, st.sampled_from(sorted(GOODS)), st.sampled_from(["none", "same_farm", "any_farm", "ask"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None, database=None)
@given(st.lists(STEPS, min_size=1, max_size=14))
def test_any_sequence_of_changes_leaves_an_order_whole(steps: list[Any]) -> None:
    order, shop = _begun()
    lost, settled = {id: Decimal(0) for id in GOODS}, dict[str, Part]()
    for number, (what, which, quantity, other, consent) in enumerate(steps):
        if what == "confirm":
            order = _confirmed(order, which)
        elif what == "complete":
            order = _completed(order, which)
        elif what == "sell":
            _sell(shop)
        elif what == "dearer":
            shop.goods[other] = attrs.evolve(shop.goods[other], price=shop.goods[other].price + 1)
        else:
            try:
                change = _change(order, shop, what, which, quantity, other, consent, f"{number}")
            except MarketError:
                continue
            was = {one.line_id: one.quantity for one in shop.held.values()}
            written_off = what.startswith("short")
            if change is None or not shop.takes(change, written_off=written_off):
                continue
            order = after(order, change)
            for one in shop.held.values():
                if written_off and one.line_id in change.wants:
                    lost[one.product_id] += was[one.line_id] - one.quantity
        _check(order, shop, lost, settled)


def _begun() -> tuple[Standing, Shop]:
    lines = [("carrots", "2"), ("leeks", "1"), ("ducks", "2"), ("eggs", "3")]
    first = placed(lines, *GOODS.values())
    order = attrs.evolve(standing_of(first), pricing=PRICING)
    held = {
        x.id: Held(
            line_id=x.id, order_id="order", farm_id=x.farm_id, product_id=x.product_id, quantity=x.taken, state="live"
        )
        for x in first.lines
    }
    goods = {id: attrs.evolve(one, reserved=first.taken.get(id, Decimal(0))) for id, one in GOODS.items()}
    return order, Shop(goods, held)


def _confirmed(order: Standing, which: int) -> Standing:
    part = order.parts[which % len(order.parts)]
    parts = tuple(attrs.evolve(p, status="confirmed") if p is part and p.status == "placed" else p for p in order.parts)
    return attrs.evolve(order, parts=parts, status=status_of(parts))


def _completed(order: Standing, which: int) -> Standing:
    """With a part that is handed over."""
    part = order.parts[which % len(order.parts)]
    if part.status != "confirmed" or any(line.answer_by for line in order.lines if line.farm_id == part.farm_id):
        return order
    ready = attrs.evolve(order, parts=tuple(attrs.evolve(p, status="ready") if p is part else p for p in order.parts))
    moved = move(ready, part.farm_id, "completed", "farm", "")
    return attrs.evolve(
        order, parts=moved.amounts.parts, lines=moved.amounts.lines, totals=moved.totals, pricing=moved.amounts.pricing,
        status=moved.status, version=moved.version,
    )  # fmt: skip


def _sell(shop: Shop) -> None:
    effect = settle(list(shop.held.values()), shop.goods)
    for product_id, (stock, reserved, _) in effect.products.items():
        before = shop.goods[product_id]
        shop.goods[product_id] = attrs.evolve(before, stock=before.stock + stock, reserved=before.reserved + reserved)
    shop.held.update({id: attrs.evolve(shop.held[id], state=state) for id, state in effect.states.items()})


def _change(
    order: Standing, shop: Shop, what: str, which: int, quantity: str, other: str, consent: Any, id: str
) -> Changed | None:
    line, shelf = order.lines[which % len(order.lines)], shop.goods
    match what:
        case "set":
            return amended(
                order, [edit(line_id=line.id, quantity=quantity, substitution=consent)], *shelf.values(), ids=id
            )
        case "add":
            added = edit(product_id=other, quantity=quantity)
            return amended(order, [added], *shelf.values(), who=by("admin"), ids=id, for_buyer=which % 2 == 0)
        case "short":
            return shorted(order, line, quantity)
        case "short with another":
            wished = attrs.evolve(line, wish=LineWish(consent))
            order = attrs.evolve(order, lines=tuple(wished if x is line else x for x in order.lines))
            return shorted(order, wished, quantity, (shelf[other], "3"), id=f"{id}-sub")
        case "weigh":
            return weighed(order, line, quantity)
    return answered(order, line.id, what == "yes")


def _check(order: Standing, shop: Shop, lost: dict[str, Decimal], settled: dict[str, Part]) -> None:
    """``settled`` are the parts that were completed, as they were then."""
    standing = [part for part in order.parts if part.status not in OVER]
    counting = [line for line in order.lines if line.counts]
    for part in order.parts:
        assert part.subtotal == sum(x.total for x in counting if x.farm_id == part.farm_id)
    t = order.totals
    if standing:
        assert t.goods == sum(part.subtotal for part in standing)
        for name in ("fees", "tax", "discount"):
            assert getattr(t, name) == sum(getattr(part, name) for part in standing)
        assert t.fees == sum(fee.amount for fee in order.pricing.charged or ())
        if not any(line.left for line in counting if line.farm_id in {part.farm_id for part in standing}):
            assert t.total == 0, "nothing comes, and nothing is owed"
    for part in order.parts:
        if part.status == "completed":
            settled.setdefault(part.farm_id, part)
    assert {farm: order.part(farm) for farm in settled} == settled
    assert min(t.goods, t.fees, t.tax, t.discount, t.total) >= 0 and t.discount <= t.goods
    assert t.total == Totals(t.goods, t.fees, t.tax, t.discount).total
    for line in order.lines:
        assert 0 <= line.short_of <= line.quantity and line.total == line.owed
        assert line.agreed_total is None or line.total <= line.agreed_total
        instead = [x for x in order.lines if x.replaces == line.id]
        if instead and line.each is None:
            whole = attrs.evolve(line, short_of=Decimal(0)).estimate
            assert line.total + sum(x.owed for x in instead) <= whole
    _check_stock(order, shop, lost)


def _check_stock(order: Standing, shop: Shop, lost: dict[str, Decimal]) -> None:
    over = {part.farm_id for part in order.parts if part.status in OVER}
    lines = {line.id: line for line in order.lines}
    for one in shop.held.values():
        live = one.state in ("live", "sold")
        assert live == (one.line_id in lines and one.farm_id not in over)
        assert not live or one.quantity == lines[one.line_id].taken
    for id, kept in shop.goods.items():
        _adds_up(id, kept, [one for one in shop.held.values() if one.product_id == id], lost[id])


def _adds_up(id: str, kept: OnSale, held: list[Held], lost: Decimal) -> None:
    reserved = sum((one.quantity for one in held if one.state == "live"), Decimal(0))
    sold = sum((one.quantity for one in held if one.state == "sold"), Decimal(0))
    assert 0 <= kept.reserved == reserved <= kept.stock
    assert kept.stock + sold + lost == GOODS[id].stock
