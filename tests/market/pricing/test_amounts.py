"""What an order comes to with fees, a coupon and taxes: worked out by hand, and what holds of any."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvestd.market.pricing.amounts import bill, lowered
from harvestd.market.pricing.shares import WHOLE, rounded, shared, tax
from harvestd.market.pricing.terms import PLAIN, Bill, Discount, FeeBill, FeeRule, Good, Pricing, kept, read

INCLUDED = Pricing(tax_included=True)


def good(key: str, farm: str, total: int, **more: Any) -> Good:
    return Good(key=key, farm_id=farm, total=total, **more)


def fee(basis: Any, amount: int, **more: Any) -> FeeRule:
    return FeeRule(id=f"{basis}-{amount}", name="Fee", basis=basis, amount=amount, **more)


def coupon(kind: Any, value: int, **more: Any) -> Discount:
    return Discount(coupon_id="c", code="SPRING", kind=kind, value=value, **more)


def summed(found: Bill) -> tuple[int, int, int, int, int]:
    """Goods, fees, discount, tax, total."""
    return found.goods, found.fee_total, found.discount, found.tax, found.total


TWO = [good("a", "acres", 2000), good("b", "coop", 1000)]
HEAVY = [good("a", "acres", 2000, weight=1000), good("b", "coop", 1000, weight=500)]


@pytest.mark.parametrize(
    ("goods", "pricing", "ways", "whole", "parts"),
    [
        # nothing but goods
        (TWO, PLAIN, {}, (3000, 0, 0, 0, 3000), {"acres": 2000, "coop": 1000}),
        # 7 % of 10.70 are 0.70 of it; 19 % on 10.00 are 1.90 more
        ([good("a", "acres", 1070, rate=7000)], INCLUDED, {}, (1070, 0, 0, 70, 1070), {"acres": 1070}),
        ([good("a", "acres", 1000, rate=19000)], PLAIN, {}, (1000, 0, 0, 190, 1190), {"acres": 1190}),
        # half a cent is one, on each line: 1 % on 0.50 twice is 2, and not 1
        ([good("a", "acres", 50, rate=1000), good("b", "acres", 50, rate=1000)], PLAIN, {}, (100, 0, 0, 2, 102), {"acres": 102}),
        # 10 % of 9.99 are 1.00; the tax is of what is left
        ([good(k, "acres", 333, rate=19000) for k in "abc"], Pricing(discount=coupon("percent", 10_000)), {}, (999, 0, 100, 171, 1070), {"acres": 1070}),
        # never more than there is, never below its minimum, never of what it is not for
        (TWO, Pricing(discount=coupon("amount", 5000)), {}, (3000, 0, 3000, 0, 0), {"acres": 0, "coop": 0}),
        (TWO, Pricing(discount=coupon("amount", 500, minimum=3001)), {}, (3000, 0, 0, 0, 3000), {"acres": 2000, "coop": 1000}),
        (TWO, Pricing(discount=coupon("amount", 500, minimum=3000)), {}, (3000, 0, 500, 0, 2500), {"acres": 1667, "coop": 833}),
        (TWO, Pricing(discount=coupon("percent", 50_000, farm_id="coop")), {}, (3000, 0, 500, 0, 2500), {"acres": 2000, "coop": 500}),
        (TWO, Pricing(discount=coupon("amount", 500, farm_id="coop", minimum=1001)), {}, (3000, 0, 0, 0, 3000), {"acres": 2000, "coop": 1000}),
        # 5.00 an order are 3.33 and 1.67; 1.00 a farm is 1.00 of each; 0.30 a kilogram are 0.45 of 1.5 kg
        (TWO, Pricing(fees=(fee("order", 500),)), {}, (3000, 500, 0, 0, 3500), {"acres": 2333, "coop": 1167}),
        (TWO, Pricing(fees=(fee("farm", 100),)), {}, (3000, 200, 0, 0, 3200), {"acres": 2100, "coop": 1100}),
        (TWO, Pricing(fees=(fee("farm", 100, farm_id="coop"),)), {}, (3000, 100, 0, 0, 3100), {"acres": 2000, "coop": 1100}),
        (HEAVY, Pricing(fees=(fee("kilogram", 30),)), {}, (3000, 45, 0, 0, 3045), {"acres": 2030, "coop": 1015}),
        (HEAVY, Pricing(fees=(fee("kilogram", 1),)), {}, (3000, 2, 0, 0, 3002), {"acres": 2001, "coop": 1001}),
        # a delivery is paid where there is one, up to the amount from which it is free
        (TWO, Pricing(fees=(fee("delivery_area", 490, farm_id="acres", method="delivery"),)), {"acres": "pickup"}, (3000, 0, 0, 0, 3000), {}),
        (TWO, Pricing(fees=(fee("delivery_area", 490, farm_id="acres", method="delivery", free_from=2001),)), {"acres": "delivery"}, (3000, 490, 0, 0, 3490), {"acres": 2490}),
        (TWO, Pricing(fees=(fee("delivery_area", 490, farm_id="acres", method="delivery", free_from=2000),)), {"acres": "delivery"}, (3000, 0, 0, 0, 3000), {"acres": 2000}),
        # a fee has its own tax: 19 % of 1.19 are 0.19
        (TWO, attrs.evolve(INCLUDED, fees=(fee("order", 119, rate=19000, free_from=9999),)), {}, (3000, 119, 0, 19, 3119), {}),
        (TWO, Pricing(fees=(fee("farm", 100, rate=19000, farm_id="coop"),)), {}, (3000, 100, 0, 19, 3119), {"coop": 1119}),
    ],
)  # fmt: skip
def test_amounts_are_as_worked_out_by_hand(
    goods: list[Good], pricing: Pricing, ways: dict[str, str], whole: tuple[int, ...], parts: dict[str, int]
) -> None:
    found = bill(goods, pricing, ways)
    assert summed(found) == whole
    assert {farm: found.parts[farm].total for farm in parts} == parts


def test_an_order_with_all_of_it_is_as_worked_out_by_hand() -> None:
    goods = [
        good("carrots", "acres", 1250, rate=7000, weight=2500), good("honey", "acres", 900, rate=7000, weight=500),
        good("wine", "coop", 1990, rate=19000), good("deposit", "coop", 50, discountable=False),
    ]  # fmt: skip
    fees = (fee("order", 300, rate=19000), fee("kilogram", 20, method="delivery"))
    pricing = Pricing(tax_included=True, fees=fees, discount=coupon("percent", 10_000, minimum=4000))
    found = bill(goods, pricing, {"acres": "delivery", "coop": "pickup"})
    # 10 % of 41.40 are 4.14: 1.25, 0.90 and 1.99; 7 % of 11.25 and 8.10, 19 % of 17.91
    assert {key: (line.total, line.discount, line.tax) for key, line in found.lines.items()} == {
        "carrots": (1250, 125, 74), "honey": (900, 90, 53), "wine": (1990, 199, 286), "deposit": (50, 0, 0),
    }  # fmt: skip
    # 3.00 over goods of 21.50 and 20.40; 0.20 a kilogram of what is delivered, 3 kg
    assert [(one.farm_id, one.amount, one.tax) for one in found.fees] == [
        ("acres", 154, 25), ("coop", 146, 23), ("acres", 60, 0),
    ]  # fmt: skip
    assert attrs.astuple(found.parts["acres"]) == (2150, 214, 215, 152, 2149)
    assert attrs.astuple(found.parts["coop"]) == (2040, 146, 199, 309, 1987)
    assert summed(found) == (4190, 360, 414, 461, 4136)


FARMS = st.sampled_from(["acres", "coop", "dale"])
RATES = st.sampled_from([0, 1, 5500, 7000, 19000, WHOLE])
AMOUNTS = st.one_of(st.integers(0, 20), st.integers(0, 10**6))
GOODS = st.lists(
    st.builds(
        Good, key=st.just(""), farm_id=FARMS, total=AMOUNTS, rate=RATES, weight=st.integers(0, 5000),
        discountable=st.booleans(),
    ),
    min_size=1, max_size=6,
).map(lambda goods: [attrs.evolve(one, key=str(i)) for i, one in enumerate(goods)])  # fmt: skip
FEES = st.lists(
    st.builds(
        FeeRule, id=st.just("fee"), name=st.just("Fee"), basis=st.sampled_from(["order", "farm", "kilogram", "delivery_area"]),
        amount=AMOUNTS, farm_id=st.none() | FARMS, rate=RATES, free_from=st.none() | AMOUNTS, method=st.sampled_from([None, "delivery"]),
    ),
    max_size=3,
).map(tuple)  # fmt: skip
DISCOUNTS = st.one_of(
    st.none(),
    st.builds(coupon, st.just("percent"), st.integers(0, WHOLE), farm_id=st.none() | FARMS, minimum=AMOUNTS),
    st.builds(coupon, st.just("amount"), AMOUNTS, farm_id=st.none() | FARMS, minimum=AMOUNTS),
)


def one_each(rules: tuple[FeeRule, ...]) -> tuple[FeeRule, ...]:
    return tuple(attrs.evolve(rule, id=str(n)) for n, rule in enumerate(rules))


FEES = FEES.map(one_each)
PRICINGS = st.builds(Pricing, tax_included=st.booleans(), fees=FEES, discount=DISCOUNTS)
WAYS = st.fixed_dictionaries({farm: st.sampled_from(["pickup", "delivery"]) for farm in ("acres", "coop", "dale")})
examined = settings(max_examples=150, database=None, deadline=None)


@examined
@given(GOODS, PRICINGS, WAYS)
def test_lines_sum_to_their_part_and_parts_to_the_whole(goods: list[Good], pricing: Pricing, ways: Any) -> None:
    found = bill(goods, pricing, ways)
    for farm, part in found.parts.items():
        lines = [found.lines[one.key] for one in goods if one.farm_id == farm]
        fees = [one for one in found.fees if one.farm_id == farm]
        assert part.goods == sum(line.total for line in lines) == sum(one.total for one in goods if one.farm_id == farm)
        assert part.discount == sum(line.discount for line in lines)
        assert part.fees == sum(one.amount for one in fees)
        assert part.tax == sum(line.tax for line in lines) + sum(one.tax for one in fees)
        assert part.total == part.goods + part.fees - part.discount + (0 if pricing.tax_included else part.tax)
    for name, whole in (("goods", found.goods), ("fees", found.fee_total), ("discount", found.discount),
                        ("tax", found.tax), ("total", found.total)):  # fmt: skip
        assert sum(getattr(part, name) for part in found.parts.values()) == whole


@examined
@given(GOODS, PRICINGS, WAYS)
def test_nothing_is_negative_and_no_discount_is_above_what_it_is_of(
    goods: list[Good], pricing: Pricing, ways: Any
) -> None:
    found = bill(goods, pricing, ways)
    assert all(amount >= 0 for part in found.parts.values() for amount in attrs.astuple(part))
    for one in goods:
        line = found.lines[one.key]
        assert 0 <= line.discount <= line.total and 0 <= line.tax
        assert not line.discount or one.discountable
    assert all(one.amount > 0 and one.tax >= 0 for one in found.fees)


@examined
@given(GOODS, st.booleans())
def test_without_rules_an_order_is_its_goods(goods: list[Good], included: bool) -> None:
    plain = [attrs.evolve(one, rate=0) for one in goods]
    assert summed(bill(plain, Pricing(tax_included=included), {})) == (
        total := sum(one.total for one in goods), 0, 0, 0, total
    )  # fmt: skip


@examined
@given(GOODS, PRICINGS, WAYS, st.integers(0, 5), AMOUNTS, st.integers(0, 5000))
def test_more_of_something_never_costs_less_where_nothing_begins_at_an_amount(
    goods: list[Good], pricing: Pricing, ways: Any, at: int, more: int, heavier: int
) -> None:
    """An amount from which something is free, or something is taken off, makes more cost less: that is what it is for. The rounding of a discount
    over lines that are taxed differently may shift a unit."""
    pricing = attrs.evolve(
        pricing, discount=None, fees=tuple(attrs.evolve(rule, free_from=None) for rule in pricing.fees)
    )
    at %= len(goods)
    grown = [
        attrs.evolve(one, total=one.total + more, weight=one.weight + heavier) if i == at else one
        for i, one in enumerate(goods)
    ]
    before, after = bill(goods, pricing, ways), bill(grown, pricing, ways)
    assert after.goods >= before.goods and after.fee_total >= before.fee_total
    assert after.total + len(pricing.fees) * len(before.parts) >= before.total, "shares of a fee are taxed one by one"


@examined
@given(GOODS, DISCOUNTS, st.integers(0, 5), AMOUNTS)
def test_more_of_something_is_never_discounted_less_or_below_nothing(
    goods: list[Good], discount: Discount | None, at: int, more: int
) -> None:
    pricing = Pricing(tax_included=True, discount=discount and attrs.evolve(discount, minimum=0))
    at %= len(goods)
    grown = [attrs.evolve(one, total=one.total + more) if i == at else one for i, one in enumerate(goods)]
    before, after = bill(goods, pricing, {}), bill(grown, pricing, {})
    assert after.discount >= before.discount and after.total >= before.total


@examined
@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
def test_shares_sum_to_the_amount_and_are_less_than_one_from_exact(amount: int, weights: list[int]) -> None:
    shares, whole = shared(amount, weights), sum(weights)
    assert sum(shares) == amount and len(shares) == len(weights)
    if whole:
        exact = [Fraction(amount * weight, whole) for weight in weights]
        assert all(abs(share - one) < 1 for share, one in zip(shares, exact, strict=True))
        assert amount > whole or all(share <= weight for share, weight in zip(shares, weights, strict=True))


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (100, [333, 333, 333], [34, 33, 33]), (101, [1, 1, 1], [34, 34, 33]), (500, [2000, 1000], [333, 167]), (2, [1, 1, 1], [1, 1, 0]),
        (7, [0, 0], [7, 0]), (7, [0, 5, 0], [0, 7, 0]), (0, [1, 2], [0, 0]), (5, [], []), (10, [1, 2, 3], [2, 3, 5]),
    ],
)  # fmt: skip
def test_what_is_left_of_shares_goes_to_the_largest_remainder_and_of_equal_ones_to_the_first(
    amount: int, weights: list[int], shares: list[int]
) -> None:
    assert shared(amount, weights) == shares


@pytest.mark.parametrize(
    ("amount", "rate", "included", "of"),
    [
        (1000, 19000, False, 190), (1190, 19000, True, 190), (1, WHOLE, True, 1), (1, 49_999, False, 0), (1, 50_000, False, 1),
        (107, 7000, True, 7), (0, 7000, True, 0), (999, 0, True, 0), (333, 5500, True, 17), (10**12, 1, False, 10**7),
    ],
)  # fmt: skip
def test_a_tax_is_rounded_half_up_once(amount: int, rate: int, included: bool, of: int) -> None:
    assert tax(amount, rate, included) == of


def test_half_up_is_half_up() -> None:
    assert [rounded(n, 4) for n in range(8)] == [0, 0, 1, 1, 1, 1, 2, 2]


def completed(goods: list[Good], found: Bill, farms: set[str]) -> list[Good]:
    """The goods once the parts of these farms are completed."""
    return [attrs.evolve(g, settled=found.lines[g.key].discount) if g.farm_id in farms else g for g in goods]


def test_what_a_completed_part_was_charged_stays_as_worked_out_by_hand() -> None:
    ways = {"acres": "delivery", "coop": "delivery", "dale": "delivery"}
    goods = [*HEAVY, good("c", "dale", 3000, weight=1500)]
    rules = Pricing(
        fees=(fee("order", 600, rate=19000), fee("kilogram", 100), fee("farm", 50)),
        discount=coupon("amount", 600, minimum=5000),
    )
    # by goods 200, 100, 300; by weight 100, 50, 150; each 50; the coupon 200, 100, 300
    first = bill(goods, rules, ways)
    assert [(p.fees, p.discount) for p in first.parts.values()] == [(350, 200), (200, 100), (500, 300)]
    done = completed(goods, first, {"acres"})
    # the last is cancelled: the second bears what the first leaves of each, and the coupon's minimum is not reached any more
    left = bill(done[:2], rules.after(first), ways)
    assert left.parts["acres"] == first.parts["acres"]
    assert attrs.astuple(left.parts["coop"]) == (1000, 400 + 50 + 50, 0, 76, 1576)
    # both are: the first keeps what it had, and the rest is owed by nobody
    alone = bill(done[:1], rules.after(left), ways)
    assert alone.parts == {"acres": first.parts["acres"]} and alone.fee_total == 350


@settings(max_examples=60, database=None, deadline=None)
@given(GOODS, PRICINGS, WAYS, st.data())
def test_a_completed_part_is_settled_whatever_becomes_of_the_others(
    goods: list[Good], pricing: Pricing, ways: Any, data: st.DataObject
) -> None:
    """Parts are completed one after the other, while lines of the others come, go and change."""
    found = bill(goods, pricing, ways)
    pricing, settled = pricing.after(found), dict[str, Any]()
    for round_ in range(3):
        farms = set(data.draw(st.lists(st.sampled_from(sorted(ways)), max_size=2)))
        goods = completed(goods, found, farms & set(found.parts))
        settled |= {farm: found.parts[farm] for farm in farms & set(found.parts) if farm not in settled}
        more = data.draw(GOODS)
        goods = [g for g in goods if g.farm_id in settled or data.draw(st.booleans())]
        goods += [attrs.evolve(g, key=f"{round_}-{g.key}") for g in more if g.farm_id not in settled]
        found = bill(goods, pricing, ways)
        assert {farm: found.parts[farm] for farm in settled} == settled
        for name, whole in (("goods", found.goods), ("fees", found.fee_total), ("discount", found.discount),
                            ("tax", found.tax), ("total", found.total)):  # fmt: skip
            assert sum(getattr(part, name) for part in found.parts.values()) == whole
        assert all(amount >= 0 for part in found.parts.values() for amount in attrs.astuple(part))
        for farm, part in found.parts.items():
            assert part.fees == sum(one.amount for one in found.fees if one.farm_id == farm)
        assert pricing.discount is None or found.discount <= found.goods
        pricing = pricing.after(found)


def test_an_order_from_before_fees_were_noted_shares_them_among_all_its_parts() -> None:
    rules = Pricing(fees=(fee("order", 500),))
    done = completed(TWO, bill(TWO, rules, {}), {"acres"})
    assert [part.fees for part in bill(done, rules, {}).parts.values()] == [333, 167]


@examined
@given(PRICINGS)
def test_rules_that_were_kept_with_an_order_are_read_as_they_were(pricing: Pricing) -> None:
    noted = attrs.evolve(pricing, charged=(FeeBill("0", "acres", 333, 53, "Fee"),))
    assert read(kept(pricing)) == pricing and read(kept(noted)) == noted


def test_an_order_without_rules_is_read_as_one_of_a_market_without() -> None:
    assert read(None) == PLAIN


def test_an_amount_that_a_buyer_had_come_to_is_not_taken_from_them_by_a_farm() -> None:
    ways = {"acres": "delivery", "coop": "delivery"}
    rules = Pricing(
        fees=(fee("order", 500, free_from=3000), fee("order", 70, free_from=5000)),
        discount=coupon("amount", 600, minimum=2500),
    )
    assert summed(bill(TWO, rules, ways)) == (3000, 70, 600, 0, 2470)
    left = TWO[:1]
    assert summed(bill(left, rules, ways)) == (2000, 570, 0, 0, 2570), "which would be more than for all of it"
    easier = lowered(rules, TWO, left, ways)
    assert summed(bill(left, easier, ways)) == (2000, 70, 600, 0, 1470)
    assert easier.fees[0].free_from == 2000 and easier.discount is not None and easier.discount.minimum == 2000
    assert summed(bill([good("a", "acres", 1999)], easier, ways)) == (1999, 570, 0, 0, 2569), "who takes less loses it"
    assert lowered(rules, left, [], ways) == rules, "what was never come to stays"
