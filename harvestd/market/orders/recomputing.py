"""What an order comes to as its lines and parts stand now: the one way from lines to amounts, whatever has changed. Pure.

Each line comes to what is left of it at its price (:attr:`Line.owed`); ``pricing/amounts.py`` makes parts and the whole of that, by the rules that were
kept with the order when it was placed. Parts that are cancelled or expired keep their goods for the books, and nothing is owed for them; nor is anything for a
line of which nothing is left, which bears no fee either. What was charged for a part that is completed stays, whatever becomes of the others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from harvestd.market.orders.order import OVER, Line, Part, Totals
from harvestd.market.pricing.amounts import bill, lowered
from harvestd.market.pricing.shares import tax
from harvestd.market.pricing.terms import PLAIN, Bill, Good, LineBill, PartBill, Pricing


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
    goods = goods_of(parts, lines)
    if not any(part.status not in OVER for part in parts):
        return Amounts(lines=tuple(lines), parts=tuple(parts), totals=agreed, pricing=pricing)
    ways = {part.farm_id: part.method for part in parts}
    if lost is not None:
        pricing = lowered(pricing, list(lost), goods, ways)
    found = bill(goods, pricing, ways)
    standing = _standing(parts)
    return Amounts(
        lines=tuple(_line(line, found, pricing) if line.farm_id in standing else line for line in lines), parts=tuple(_part(part, found) for part in parts),
        totals=Totals.of(found, pricing.tax_included), pricing=pricing.after(found),
    )  # fmt: skip


def goods_of(parts: Sequence[Part], lines: Sequence[Line]) -> list[Good]:
    """What is owed for, as it is billed: what is left of the lines that count, of the parts that stand."""
    standing = _standing(parts)
    return [
        Good(
            key=line.id, farm_id=line.farm_id, total=line.owed, rate=line.tax_rate, weight=line.charged_weight,
            settled=line.discount if standing[line.farm_id].status == "completed" else None,
        )
        for line in lines
        if line.counts and line.left and line.farm_id in standing
    ]  # fmt: skip


def _standing(parts: Sequence[Part]) -> dict[str, Part]:
    return {part.farm_id: part for part in parts if part.status not in OVER}


def _line(line: Line, found: Bill, pricing: Pricing) -> Line:
    """A line of a part that stands, with its amounts; one that does not count, with those that it would have by itself."""
    if line.id in found.lines:
        own = found.lines[line.id]
    elif line.proposed:
        own = LineBill(line.owed, 0, tax(line.owed, line.tax_rate, pricing.tax_included))
    else:
        own = LineBill(0)
    return attrs.evolve(line, total=own.total, discount=own.discount, tax=own.tax)


def _part(part: Part, found: Bill) -> Part:
    if part.status in OVER:
        return part
    own = found.parts.get(part.farm_id, PartBill(0, 0, 0, 0, 0))
    return attrs.evolve(part, subtotal=own.goods, fees=own.fees, discount=own.discount, tax=own.tax)
