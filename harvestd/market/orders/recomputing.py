"""What an order comes to as its lines and parts stand now: the one way from lines to amounts, whatever has changed. Pure.

Each line comes to what is left of it at its price (:attr:`Line.owed`); ``pricing/amounts.py`` makes parts and the whole of that, by the rules that were
kept with the order when it was placed. Parts that are cancelled or expired keep their goods for the books, and nothing is owed for them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from harvestd.kernel.quantities import GRAMS, ONE
from harvestd.market.orders.order import OVER, Line, Part, Totals
from harvestd.market.pricing.amounts import PLAIN, Good, Pricing, bill, lowered


@attrs.frozen(kw_only=True)
class Amounts:
    """Lines and parts with what each comes to, and the whole; ``pricing`` are the rules that hold from now on."""

    lines: tuple[Line, ...]
    parts: tuple[Part, ...]
    totals: Totals
    pricing: Pricing = PLAIN


def recomputed(
    parts: Sequence[Part], lines: Sequence[Line], pricing: Pricing, agreed: Totals, *, lost: Collection[Good] | None = None
) -> Amounts:  # fmt: skip
    """The amounts of an order. One without any part that stands keeps what was ``agreed``, for accounting. ``lost`` are the goods that it had before its
    buyer lost some of them through no doing of theirs (None: the buyer changed it): what they had reached by those stays reached."""
    lines = tuple(attrs.evolve(line, total=line.owed) for line in lines)
    parts = tuple(
        attrs.evolve(part, subtotal=sum(x.total for x in lines if x.farm_id == part.farm_id and x.counts)) for part in parts
    )  # fmt: skip
    ways = {part.farm_id: part.method for part in parts}
    goods = goods_of(parts, lines)
    if not any(part.status not in OVER for part in parts):
        return Amounts(lines=lines, parts=parts, totals=agreed, pricing=pricing)
    if lost is not None:
        pricing = lowered(pricing, list(lost), goods, ways)
    found = bill(goods, pricing, ways)
    totals = Totals(found.goods, found.fee_total, found.tax, found.discount)
    return Amounts(lines=lines, parts=parts, totals=totals, pricing=pricing)


def goods_of(parts: Sequence[Part], lines: Sequence[Line]) -> list[Good]:
    """What is owed for, as it is billed: the lines that count, of the parts that stand."""
    standing = {part.farm_id for part in parts if part.status not in OVER}
    return [
        Good(key=line.id, farm_id=line.farm_id, total=line.owed, weight=grams(line))
        for line in lines
        if line.counts and line.farm_id in standing
    ]


def grams(line: Line) -> int:
    """What is left of a line weighs, in grams; 0 where that is not known."""
    if line.weighed is not None:
        amount, unit = line.weighed.quantity, line.weighed.unit
    elif line.each is not None:
        amount, unit = line.left * line.each.quantity, line.each.unit
    else:
        amount, unit = line.left, line.unit
    return int((2 * amount * GRAMS[unit] + ONE) // 2) if unit in GRAMS else 0
