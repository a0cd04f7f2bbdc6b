"""The amounts of an order: what its lines, the parts of its farms and the whole come to with fees, a coupon and taxes. Pure.

Whoever shows or stores an amount of an order has it from :func:`bill`: the cart, a quote, the placing, and whatever changes an order later, by the
:class:`Pricing` that was kept with it. Amounts are integers of minor units. Each is rounded half up once, where it arises; what concerns several lines
or farms is rounded as a whole and then shared by largest remainder, so lines sum to their part, and parts to the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from harvestd.market.pricing.shares import WHOLE, rounded, shared, tax
from harvestd.market.pricing.terms import Bill, Discount, FeeBill, FeeRule, Good, LineBill, PartBill, Pricing

#: Grams of a kilogram.
_GRAMS = 1000


def bill(goods: Sequence[Good], pricing: Pricing, ways: Mapping[str, str]) -> Bill:
    """Bill some lines; ``ways`` are the methods by which the goods of each farm reach their buyer. What is settled of parts that are completed stays what it
    is, whatever becomes of the others: these share what it leaves of a fee, or of a discount, and never less than nothing."""
    reductions = _discounts(goods, pricing.discount)
    lines = {
        good.key: LineBill(good.total, off, tax(good.total - off, good.rate, pricing.tax_included))
        for good, off in zip(goods, reductions, strict=True)
    }
    fees = tuple(fee for rule in pricing.fees for fee in _fee(rule, goods, ways, pricing))
    parts = {
        farm_id: _part([lines[g.key] for g in goods if g.farm_id == farm_id], [f for f in fees if f.farm_id == farm_id], pricing)
        for farm_id in dict.fromkeys(good.farm_id for good in goods)
    }  # fmt: skip
    every = parts.values()
    return Bill(
        lines=lines, parts=parts, fees=fees, goods=sum(p.goods for p in every), discount=sum(p.discount for p in every),
        tax=sum(p.tax for p in every), fee_total=sum(p.fees for p in every), total=sum(p.total for p in every),
    )  # fmt: skip


def reached(pricing: Pricing, goods: Sequence[Good]) -> bool:
    """Whether the goods come to the minimum of the coupon."""
    return pricing.discount is None or sum(reducible(goods, pricing.discount)) >= pricing.discount.minimum


def lowered(pricing: Pricing, before: Sequence[Good], after: Sequence[Good], ways: Mapping[str, str]) -> Pricing:
    """The rules for what is left of an order after its buyer lost goods through no doing of theirs: a minimum that they had come to stays come to."""
    discount = pricing.discount
    if discount is not None and reached(pricing, before):
        discount = attrs.evolve(discount, minimum=min(discount.minimum, sum(reducible(after, discount))))
    fees = []
    for rule in pricing.fees:
        if rule.free_from is not None and _waived(rule, before, ways):
            rule = attrs.evolve(
                rule, free_from=min(rule.free_from, sum(g.total for g in _concerned(rule, after, ways)))
            )
        fees.append(rule)
    return attrs.evolve(pricing, discount=discount, fees=tuple(fees))


def reducible(goods: Sequence[Good], discount: Discount) -> list[int]:
    """What the coupon is for, of each line."""
    return [g.total if g.discountable and discount.farm_id in (None, g.farm_id) else 0 for g in goods]


def _discounts(goods: Sequence[Good], discount: Discount | None) -> list[int]:
    """What is taken off each line: of what is left of the discount, by what they come to."""
    amounts = [0] * len(goods) if discount is None else reducible(goods, discount)
    off = 0 if discount is None else _off(sum(amounts), discount)
    open_ = [amount if good.settled is None else 0 for good, amount in zip(goods, amounts, strict=True)]
    left = max(0, off - sum(good.settled or 0 for good in goods))
    shares = shared(min(left, sum(open_)), open_)
    return [share if good.settled is None else good.settled for good, share in zip(goods, shares, strict=True)]


def _off(whole: int, discount: Discount) -> int:
    """What is taken off goods that come to so much."""
    if not whole or whole < discount.minimum:
        return 0
    return min(rounded(whole * discount.value, WHOLE) if discount.kind == "percent" else discount.value, whole)


def _concerned(rule: FeeRule, goods: Sequence[Good], ways: Mapping[str, str]) -> list[Good]:
    return [g for g in goods if rule.farm_id in (None, g.farm_id) and rule.method in (None, ways.get(g.farm_id))]


def _waived(rule: FeeRule, goods: Sequence[Good], ways: Mapping[str, str]) -> bool:
    return rule.free_from is not None and sum(g.total for g in _concerned(rule, goods, ways)) >= rule.free_from


def _fee(rule: FeeRule, goods: Sequence[Good], ways: Mapping[str, str], pricing: Pricing) -> list[FeeBill]:
    """What each farm's part has of the fee, in the order of first mention: one that is completed what it was charged; of what is left, the others their
    shares."""
    concerned = _concerned(rule, goods, ways)
    done = {g.farm_id for g in concerned if g.settled is not None} if pricing.charged is not None else set()
    found = {
        fee.farm_id: fee
        for fee in pricing.charged or ()
        if fee.id == rule.id and fee.farm_id in done and rule.farm_id in (None, fee.farm_id)
    }
    if not _waived(rule, goods, ways):
        settled = sum(fee.amount for fee in found.values())
        shares = _shares(rule, settled, concerned, [g for g in concerned if g.farm_id not in done])
        for farm, share in shares.items():
            if share:
                found[farm] = FeeBill(rule.id, farm, share, tax(share, rule.rate, pricing.tax_included), rule.name)
    return [found[farm] for farm in dict.fromkeys(g.farm_id for g in concerned) if farm in found]


def _shares(rule: FeeRule, settled: int, concerned: Sequence[Good], open_: Sequence[Good]) -> dict[str, int]:
    """What each farm has of a fee of which so much is settled: of one for each farm, all of it; of any other, its share by goods, or by weight."""
    farms = list(dict.fromkeys(g.farm_id for g in open_))
    worth = [sum(g.total for g in open_ if g.farm_id == farm) for farm in farms]
    heavy = [sum(g.weight for g in open_ if g.farm_id == farm) for farm in farms]
    match rule.basis:
        case "farm":
            shares = [rule.amount] * len(farms)
        case "kilogram":
            whole = rounded(rule.amount * sum(g.weight for g in concerned), _GRAMS) if sum(heavy) else 0
            shares = shared(max(0, whole - settled), heavy)
        case "order" | "delivery_area":
            shares = shared(max(0, rule.amount - settled), worth)
    return dict(zip(farms, shares, strict=True))


def _part(lines: Sequence[LineBill], fees: Sequence[FeeBill], pricing: Pricing) -> PartBill:
    goods, discount = sum(line.total for line in lines), sum(line.discount for line in lines)
    charged, taxed = sum(fee.amount for fee in fees), sum(line.tax for line in lines) + sum(fee.tax for fee in fees)
    added = 0 if pricing.tax_included else taxed
    return PartBill(goods, charged, discount, taxed, goods + charged - discount + added)
