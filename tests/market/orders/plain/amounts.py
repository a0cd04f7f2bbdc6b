"""What an order comes to, worked out with fractions, which are exact until they are rounded once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import floor

import attrs

from tests.market.orders.plain import rules
from tests.market.orders.plain.things import Bill, Fee, Line, Rules

HALF = Fraction(1, 2)


def half_up(amount: Fraction) -> int:
    return floor(amount + HALF)


def shares(amount: int, weights: Sequence[Fraction | int]) -> list[int]:
    """An amount shared in whole cents: each gets what its share has of whole ones, and what is left over goes, cent by cent, to those whose rest is the largest, of
    equal ones to the first. If nothing has any weight, the first gets all."""
    whole = sum(weights)
    if not whole:
        return [amount, *(0 for _ in weights[1:])]
    exact = [Fraction(amount) * weight / whole for weight in weights]
    found = [floor(share) for share in exact]
    by_rest = sorted(range(len(weights)), key=lambda n: (-(exact[n] - found[n]), n))
    for n in by_rest[: amount - sum(found)]:
        found[n] += 1
    return found


def tax(amount: int, rate: Fraction, included: bool) -> int:
    """Of 10 % a tenth on top, or an eleventh that is in it."""
    return half_up(amount * rate / (1 + rate) if included else amount * rate)


def discountable(lines: Sequence[Line], order: Rules) -> list[int]:
    """What the coupon is for, of each line."""
    if order.coupon is None:
        return [0 for _ in lines]
    return [line.owed if order.coupon.farm in (None, line.farm) else 0 for line in lines]


def reached(lines: Sequence[Line], order: Rules) -> bool:
    return order.coupon is None or sum(discountable(lines, order)) >= order.coupon.minimum


def waived(lines: Sequence[Line], free_from: int | None, farm: str | None) -> bool:
    return free_from is not None and worth(lines, farm) >= free_from


def worth(lines: Sequence[Line], farm: str | None) -> int:
    return sum(line.owed for line in lines if farm in (None, line.farm))


def lowered(order: Rules, before: Sequence[Line], after: Sequence[Line]) -> Rules:
    """Who lost goods through no doing of theirs keeps what they had reached with them."""
    coupon = order.coupon
    if coupon is not None and reached(before, order):
        coupon = attrs.evolve(coupon, minimum=min(coupon.minimum, sum(discountable(after, order))))
    fees = [
        attrs.evolve(fee, free_from=min(fee.free_from, worth(after, fee.farm)))
        if fee.free_from is not None and waived(before, fee.free_from, fee.farm)
        else fee
        for fee in order.fees
    ]
    return attrs.evolve(order, coupon=coupon, fees=tuple(fees))


def bill(
    lines: Sequence[Line], order: Rules, done: Collection[str] = (), charged: Mapping[tuple[int, str], tuple[int, int]] | None = None
) -> Bill:  # fmt: skip
    """What these lines come to, in their order, as far as anything is left of them. Of farms that are ``done`` discounts stay as they are, and fees as ``charged``; the
    others share what these leave of a coupon or a fee."""
    lines = [line for line in lines if rules.is_charged_for(line)]
    less = _discounts(lines, order, done)
    farms = list(dict.fromkeys(line.farm for line in lines))
    found = Bill({}, {farm: [0, 0, 0, 0] for farm in farms})
    for line, discount in zip(lines, less, strict=True):
        taxed = tax(line.owed - discount, line.rate, order.included)
        found.lines[line.position] = discount, taxed
        _add(found.parts[line.farm], line.owed, 0, discount, taxed)
    for number, fee in enumerate(order.fees):
        concerned = [line for line in lines if fee.farm in (None, line.farm)]
        kept = {
            (of, farm): one
            for (of, farm), one in (charged or {}).items()
            if of == number and farm in done and farm in farms
        }
        found.charged |= kept
        if concerned and not waived(concerned, fee.free_from, fee.farm):
            open_ = [line for line in concerned if line.farm not in done]
            shared = _shares(fee, concerned, open_, sum(amount for amount, _ in kept.values()))
            found.charged |= {
                (number, farm): (amount, tax(amount, fee.rate, order.included))
                for farm, amount in shared.items()
                if amount
            }
    for (_, farm), (amount, taxed) in found.charged.items():
        _add(found.parts[farm], 0, amount, 0, taxed)
    return found


def _discounts(lines: Sequence[Line], order: Rules, done: Collection[str]) -> list[int]:
    """What the coupon takes off each line."""
    eligible, off = discountable(lines, order), 0
    whole = sum(eligible)
    if order.coupon is not None and whole and whole >= order.coupon.minimum:
        coupon = order.coupon
        off = min(whole, coupon.amount if coupon.percent is None else half_up(whole * coupon.percent))
    settled = sum(line.discount for line in lines if line.farm in done)
    open_ = [0 if line.farm in done else amount for line, amount in zip(lines, eligible, strict=True)]
    found = shares(min(max(0, off - settled), sum(open_)), open_) if lines else []
    return [line.discount if line.farm in done else less for line, less in zip(lines, found, strict=True)]


def _shares(fee: Fee, concerned: Sequence[Line], open_: Sequence[Line], settled: int) -> dict[str, int]:
    """What each farm that is not done has of a fee of which so much is settled."""
    theirs = list(dict.fromkeys(line.farm for line in open_))
    if not theirs:
        return {}
    if fee.basis == "farm":
        return dict.fromkeys(theirs, fee.amount)
    if fee.basis == "kilogram":
        heavy = [sum((line.charged_kilograms for line in open_ if line.farm == farm), Fraction(0)) for farm in theirs]
        whole = sum((line.charged_kilograms for line in concerned), Fraction(0)) if any(heavy) else Fraction(0)
        return dict(zip(theirs, shares(max(0, half_up(fee.amount * whole) - settled), heavy), strict=True))
    weights = [worth(open_, farm) for farm in theirs]
    return dict(zip(theirs, shares(max(0, fee.amount - settled), weights), strict=True))


def _add(part: list[int], *amounts: int) -> None:
    for n, amount in enumerate(amounts):
        part[n] += amount
