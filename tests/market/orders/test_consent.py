"""Nobody owes more than they have said yes to, whatever others make of their order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from harvestd.kernel.errors import Invalid, MarketError
from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.orders.consent import kept, raised
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.new_lines import of_quantity
from harvestd.market.orders.order import Line
from harvestd.market.orders.recomputing import goods_of, recomputed
from harvestd.market.pricing.amounts import bill
from harvestd.market.pricing.terms import Discount, FeeRule, Good, Pricing
from tests.market.catalogue.shelves import NOW, TERMS, placed, product, standing_of
from tests.market.orders.changing import after, amended, answered, by, edit, lapsed, shorted, weighed

CARROTS, LEEKS = product(stock="90"), product("leeks", price=200)
#: At 5.00 a kilogram, some 800 g each: three are 12.00, at most 13.20.
DUCKS = product(
    "ducks", unit="each", price=500, each=Amount(Decimal("0.8"), "kg"), quantity_step="1", min_quantity="1", stock="9"
)
EGGS = product("eggs", "coop", unit="box", price=250, quantity_step="1", min_quantity="1", stock="90")
FARM, STAFF = by("farm", "acres"), by("admin")


def order(*pricing: FeeRule, discount: Discount | None = None) -> Standing:
    """Three ducks and two kilograms of carrots, with what is charged for them."""
    wish = LineWish("any_farm")
    plain = standing_of(placed([("ducks", "3"), ("carrots", "2")], DUCKS, CARROTS, wish=wish))
    rules = Pricing(fees=pricing, discount=discount)
    amounts = recomputed(plain.parts, plain.lines, rules, plain.totals)
    return attrs.evolve(plain, parts=amounts.parts, lines=amounts.lines, totals=amounts.totals, pricing=rules)


def fee(basis: Any, amount: int, **more: Any) -> FeeRule:
    return FeeRule(id=f"{basis}-{amount}", name="Fee", basis=basis, amount=amount, **more)


@pytest.mark.parametrize("one", [edit(line_id="line-1", quantity="3"), edit(product_id="carrots", quantity="1")])
@pytest.mark.parametrize("who", [FARM, STAFF])
def test_what_a_farm_would_add_is_a_line_that_the_buyer_is_asked_about(one: Any, who: Any) -> None:
    was = order()
    change = amended(was, [one], CARROTS, who=who)
    assert change is not None and change.totals == was.totals
    now = after(was, change)
    assert now.lines[:2] == was.lines
    (new,) = change.added
    assert (new.quantity, new.total, new.proposed, new.answer_by) == (Decimal(1), 390, True, NOW + TERMS.answer)
    updated, told = change.events
    assert (updated.data["from"], updated.data["to"], told.type, told.data["lines"]) == ("placed", "placed", "order.amended", [])  # fmt: skip
    assert (told.data["asked_total"], told.data["farm_id"]) == (was.totals.total + 390, "acres")
    assert [(x["about"], x["total"], x["before"]) for x in told.data["asked"]] == [("addition", 390, None)]
    yes = answered(now, new.id, True)
    assert yes is not None and yes.totals.total == was.totals.total + 390
    no = lapsed(now, new.id)
    assert no is not None and (no.removed, no.totals) == ((new.id,), was.totals)


def test_what_the_market_staff_adds_who_may_order_for_others_is_agreed_on() -> None:
    was = order()
    change = amended(was, [edit(line_id="line-1", quantity="3")], CARROTS, who=STAFF, for_buyer=True)
    assert change is not None and change.totals.total == was.totals.total + 390
    assert raised(change.pairs) and change.events[-1].data["for_buyer"] is True
    assert after(was, change).lines[1].agreed_total == 1170
    less = amended(was, [edit(line_id="line-1", quantity="1")], CARROTS, who=STAFF, for_buyer=True)
    assert less is not None and not raised(less.pairs) and "for_buyer" not in less.events[-1].data


def test_a_farm_lowers_what_it_wants_and_asks_about_the_rest() -> None:
    was = order()
    change = amended(
        was, [edit(line_id="line-0", quantity="2"), edit(line_id="line-1", quantity="3")], DUCKS, CARROTS, who=FARM
    )
    assert change is not None and change.totals.total == 800 + 780
    told = change.events[-1].data
    assert [one["line_id"] for one in told["lines"]] == ["line-0"] and told["asked_total"] == 800 + 1170


def test_what_is_asked_about_is_taken_back_by_whoever_asks() -> None:
    was = order()
    change = amended(was, [edit(product_id="leeks", quantity="1")], LEEKS, who=FARM)
    assert change is not None
    now = after(was, change)
    offered = now.lines[-1].id
    for wrong in (edit(line_id=offered, quantity="2"), edit(line_id=offered)):
        with pytest.raises(Invalid):
            amended(now, [wrong], LEEKS, who=FARM)
    with pytest.raises(Invalid):
        amended(now, [edit(line_id=offered, quantity="0")], LEEKS)
    back = amended(now, [edit(line_id=offered, quantity="0")], LEEKS, who=FARM)
    assert back is not None and (back.removed, back.totals) == ((offered,), was.totals)
    assert (back.events[-1].data["outcome"], back.events[-1].data["farm_id"]) == ("withdrawn", "acres")


def test_nobody_is_asked_about_goods_of_a_farm_that_the_order_is_not_of() -> None:
    with pytest.raises(Invalid) as refused:
        amended(order(), [edit(product_id="eggs", quantity="1")], EGGS, who=STAFF)
    assert [(e.field, e.code) for e in refused.value.errors] == [("lines[0].product_id", "not-accepted")]
    assert amended(order(), [edit(product_id="eggs", quantity="1")], EGGS, who=STAFF, for_buyer=True) is not None


def test_a_buyer_who_takes_out_all_of_a_farm_is_not_held_by_what_it_would_add() -> None:
    was = order()
    offered = amended(was, [edit(product_id="leeks", quantity="1")], LEEKS, who=FARM)
    assert offered is not None
    now = after(was, offered)
    gone = amended(now, [edit(line_id=line.id, quantity="0") for line in was.lines], DUCKS, CARROTS)
    assert gone is not None and gone.status == "cancelled"
    assert all(line.answer_by is None for line in after(now, gone).lines)


def test_no_fee_is_charged_for_a_weight_that_was_not_agreed_on() -> None:
    was = order(fee("kilogram", 100))
    assert was.totals.fees == 240 + 200
    change = weighed(was, was.lines[0], "7.2")
    assert change is not None
    now = after(was, change)
    assert (now.lines[0].total, now.lines[0].charged_weight) == (1320, 2640)
    assert change.totals.fees == was.totals.fees + 24
    yes = answered(now, "line-0", True, expected_total=3600)
    assert yes is not None and yes.totals.fees == was.totals.fees + 480


@pytest.mark.parametrize(
    ("left", "agreed", "then", "tolerance", "most"),
    [("3", 1320, "2", 10_000, 880), ("3", 1320, "2", 50_000, 880), ("3", 1320, "2", 0, 800), ("2", 880, "3", 50_000, 1320), ("3", 1500, "2", 10_000, 880),
     ("3", None, "2", 10_000, 880), ("0", 0, "3", 10_000, 1200), ("3", 1320, "0", 10_000, 0)],
)  # fmt: skip
def test_what_is_agreed_on_for_what_is_left_is_in_proportion(
    left: str, agreed: int | None, then: str, tolerance: int, most: int
) -> None:
    line = attrs.evolve(order().lines[0], short_of=3 - Decimal(left), agreed_total=agreed)
    other = attrs.evolve(line, short_of=3 - Decimal(then))
    assert kept(line, other, attrs.evolve(TERMS, weight_tolerance=tolerance)) == most


def test_less_of_a_line_is_agreed_on_as_it_was() -> None:
    was = order()
    lax = attrs.evolve(TERMS, weight_tolerance=50_000)
    change = amended(was, [edit(line_id="line-0", quantity="2")], DUCKS, who=FARM, terms=lax)
    assert change is not None and after(was, change).lines[0].agreed_total == 880


#: What others than the buyer do, by chance: whom it is about, and how much.
_ACTS = some.lists(
    some.tuples(
        some.sampled_from(["weigh", "short", "replace", "less", "more", "add", "back", "expire"]),
        some.integers(0, 3),
        some.integers(1, 40),
    ),
    max_size=8,
)
_RULES = some.lists(
    some.sampled_from([fee("order", 300, rate=19_000), fee("kilogram", 100), fee("farm", 50), fee("farm", 150, farm_id="coop")]),
    max_size=3, unique=True,
)  # fmt: skip


def _most(was: Standing) -> int:
    """What an order may come to by what its buyer has agreed on: each line at the most that may be owed for it, and the fees on that."""
    goods = [_dearest(line, good) for line, good in zip(was.lines, goods_of(was.parts, was.lines), strict=True)]
    return bill(goods, was.pricing, {part.farm_id: part.method for part in was.parts}).total


def _dearest(line: Line, good: Good) -> Good:
    most = line.owed if line.agreed_total is None else line.agreed_total
    return attrs.evolve(good, total=most, weight=-(-good.weight * most // good.total) + 1)


def _done(now: Standing, what: str, which: int, much: int, terms: Any) -> Any:
    line = now.lines[which % len(now.lines)]
    amount = Decimal(much) / 10
    match what:
        case "weigh":
            return weighed(now, line, str(amount * 2), terms=terms)
        case "short":
            return shorted(now, line, str(min(Decimal(much), line.quantity) // 1), terms=terms)
        case "replace":
            instead = EGGS if much % 2 else LEEKS
            return shorted(now, line, str(line.quantity), (instead, str(much)), terms=terms, id=f"sub-{now.version}")
        case "less" | "more":
            quantity = line.quantity - 1 if what == "less" else line.quantity + 1
            wanted = edit(line_id=line.id, quantity=str(max(quantity, Decimal(0))))
            return amended(now, [wanted], DUCKS, CARROTS, LEEKS, EGGS, who=FARM, terms=terms, ids=f"new-{now.version}")
        case "add":
            return amended(now, [edit(product_id="leeks", quantity=str(amount // 1 + 1))], LEEKS, who=FARM, terms=terms, ids=f"new-{now.version}")  # fmt: skip
        case "back":
            return amended(now, [edit(line_id=line.id, quantity="0")], LEEKS, who=FARM, terms=terms)
    return None if line.answer_by is None else lapsed(now, line.id)


@settings(max_examples=150, deadline=None)
@given(acts=_ACTS, rules=_RULES, tolerance=some.sampled_from([0, 10_000, 50_000]), coupon=some.booleans())
def test_whatever_others_do_an_order_comes_to_no_more_than_its_buyer_agreed_on(
    acts: list[tuple[str, int, int]], rules: list[FeeRule], tolerance: int, coupon: bool
) -> None:
    """Also if the market's tolerance is another by then."""
    discount = Discount(coupon_id="c", code="TENTH", kind="percent", value=10_000) if coupon else None
    was = now = order(*rules, discount=discount)
    most = _most(was)
    terms = attrs.evolve(TERMS, weight_tolerance=tolerance)
    for what, which, much in acts:
        try:
            change = _done(now, what, which, much, terms)
        except MarketError:
            continue
        if change is not None and not change.cancelled:
            now = after(now, change)
        assert now.totals.total <= most, (what, which, much)
        for line in now.lines:
            before = next((one for one in was.lines if one.id == line.id), None)
            if before is not None:
                share = (before.agreed_total or 0) * line.left / before.left
                assert (line.agreed_total or 0) <= max(Decimal(line.estimate), share + 1), "in proportion"


def test_more_is_agreed_on_only_where_it_counts() -> None:
    line = order().lines[1]
    assert not raised([(line, line), (line, None), (None, attrs.evolve(line, proposed=True))])
    assert raised([(None, line)]) and raised([(attrs.evolve(line, proposed=True), line)])
    assert raised([(line, of_quantity(line, Decimal(3), TERMS))]) and not raised([(line, of_quantity(line, Decimal(1), TERMS))])  # fmt: skip
