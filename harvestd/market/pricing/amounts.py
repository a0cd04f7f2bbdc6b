"""The amounts of an order: what its lines, the parts of its farms and the whole come to with fees, a coupon and taxes. Pure.

Whoever shows or stores an amount of an order has it from :func:`bill`: the cart, a quote, the placing, and whatever changes an order later, by the
:class:`Pricing` that was kept with it. Amounts are integers of minor units. Each is rounded half up once, where it arises; what concerns several lines
or farms is rounded as a whole and then shared by largest remainder, so lines sum to their part, and parts to the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import msgspec

#: Rates and percentages are in thousandths of a per cent: 19 % is 19,000.
WHOLE = 100_000
_GRAMS = 1000

Basis = Literal["order", "farm", "kilogram", "delivery_area"]


@attrs.frozen(kw_only=True)
class Good:
    """A line as it is billed: its price, as the farm says it, is ``total``; ``rate`` that of its tax; ``weight`` in grams, 0 where it is unknown. One of a part
    that is completed has its discount ``settled`` (None: it is open)."""

    key: str
    farm_id: str
    total: int
    rate: int = 0
    weight: int = 0
    category_id: str | None = None
    discountable: bool = True
    settled: int | None = None


@attrs.frozen(kw_only=True)
class FeeRule:
    """A fee: of each order, of each farm's part, of each kilogram, or of a delivery to an area. One of a farm concerns its part alone, one with a
    ``method`` those parts that reach their buyer so. ``amount`` is for one of ``basis``, ``rate`` that of its own tax; nothing is charged where the goods that it
    concerns, before any discount, come to ``free_from``."""

    id: str
    name: str
    basis: Basis
    amount: int
    farm_id: str | None = None
    rate: int = 0
    free_from: int | None = None
    method: str | None = None


@attrs.frozen(kw_only=True)
class Discount:
    """What a coupon takes off: a percentage of the goods or an ``amount``, of all goods or of one farm's, as long as these come to ``minimum``."""

    coupon_id: str
    code: str
    kind: Literal["percent", "amount"]
    value: int
    farm_id: str | None = None
    minimum: int = 0


@attrs.frozen
class FeeBill:
    """What a farm's part has of a fee, and the tax on it."""

    id: str
    farm_id: str
    amount: int
    tax: int
    name: str


@attrs.frozen(kw_only=True)
class Pricing:
    """The rules by which an order is billed, kept with it: whether prices include the tax, the fees, and the coupon. ``charged`` is what each part had of each
    fee when it was billed last (None: it never was, or there are no fees): a part that is completed keeps that."""

    tax_included: bool = False
    fees: tuple[FeeRule, ...] = ()
    discount: Discount | None = None
    charged: tuple[FeeBill, ...] | None = None

    def after(self, found: Bill) -> Pricing:
        """The rules as they are kept with what they came to."""
        return attrs.evolve(self, charged=found.fees) if self.fees else self


#: The rules of a market that has none.
PLAIN = Pricing()


@attrs.frozen
class LineBill:
    """What a line comes to: its goods, the discount on them, and the tax on what is left."""

    total: int
    discount: int = 0
    tax: int = 0


@attrs.frozen
class PartBill:
    """What a farm's part comes to; ``tax`` is included in the other amounts or added to them, as :class:`Pricing` says."""

    goods: int
    fees: int
    discount: int
    tax: int
    total: int


@attrs.frozen(kw_only=True)
class Bill:
    """What an order comes to: ``lines`` by key, ``parts`` by farm, in the order of first mention."""

    lines: Mapping[str, LineBill]
    parts: Mapping[str, PartBill]
    fees: tuple[FeeBill, ...]
    goods: int
    discount: int
    tax: int
    fee_total: int
    total: int


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


def tax(amount: int, rate: int, included: bool) -> int:
    """The tax that an amount includes, or that is added to it."""
    return rounded(amount * rate, WHOLE + rate if included else WHOLE)


def rounded(amount: int, of: int) -> int:
    """The quotient of two integers, rounded half up."""
    return (2 * amount + of) // (2 * of)


def shared(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in shares that sum to it, by largest remainder, of equal ones the first; of weights that are all 0, the first has it. No share is above
    its weight if the amount is not above their sum."""
    whole = sum(weights)
    if not whole:
        return [amount if not i else 0 for i in range(len(weights))]
    shares = [amount * weight // whole for weight in weights]
    most = sorted(range(len(weights)), key=lambda i: -(amount * weights[i] % whole))
    for i in most[: amount - sum(shares)]:
        shares[i] += 1
    return shares


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


def kept(pricing: Pricing) -> dict[str, Any]:
    """The rules as they are kept with an order."""
    return msgspec.convert(msgspec.to_builtins(pricing), dict[str, Any])


def read(stored: Mapping[str, Any] | None) -> Pricing:
    """The rules that were kept with an order; of one that has none, those of a market without."""
    return msgspec.convert(stored, Pricing) if stored else PLAIN


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
