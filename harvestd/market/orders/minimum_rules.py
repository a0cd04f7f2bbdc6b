"""The least that an order has of each farm, and of each line: asked of whoever orders, and of a buyer who changes what they ordered. Pure.

What counts is what the buyer has ordered. So nobody orders enough and then takes most of it out; and what a farm has too little of, weighs less, or puts in the
place of something is not held against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import money
from harvestd.kernel.units import in_pieces
from harvestd.market.orders.changes import Changed
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.order import OVER, Line, Part


@attrs.frozen
class Least:
    """A farm and, in minor units, its least order: its own, or that of its delivery to where the goods go, whichever is more; ``outside`` is whether it does not
    deliver there."""

    farm_id: str
    name: str
    amount: int
    outside: bool = False


def below(least: Iterable[Least], goods: Mapping[str, int], currency: str) -> list[FieldError]:
    """The farms of which the goods, by farm, come to less than their least order."""
    return [
        _below(one, goods[one.farm_id], currency) for one in least if goods.get(one.farm_id, one.amount) < one.amount
    ]


def _below(farm: Least, amount: int, currency: str) -> FieldError:
    missing = farm.amount - amount
    message = (
        f"{farm.name} takes orders from {money(farm.amount, currency)}; add goods for {money(missing, currency)} more"
    )
    params = {
        "farm_id": farm.farm_id, "farm": farm.name, "minimum": str(farm.amount), "missing": str(missing), "currency": currency,
    }  # fmt: skip
    return FieldError("lines", message, code="below-minimum", params=params)


def lessened(order: Standing, change: Changed) -> dict[str, int]:
    """What is ordered, after a change, of each farm that stays in the order with less than before, or is new in it. All that is of a farm may be taken out."""
    lines, opened = _after(order, change), {part.farm_id for part in change.opened}
    over = {part.farm_id for part in (*(p for p in order.parts if p.status in OVER), *change.cancelled)}
    own = [line for line in lines if line.replaces is None and line.counts and line.farm_id not in over]
    return {
        farm_id: sum(ordered(line) for line in own if line.farm_id == farm_id)
        for farm_id in dict.fromkeys(line.farm_id for line in own)
        if farm_id in opened or _owed(lines, farm_id) < _owed(order.lines, farm_id)
    }


def left_too_little(
    goods: Mapping[str, int], opened: Sequence[Part], least: Mapping[str, Least], currency: str
) -> list[FieldError]:
    """Why a buyer's change of an order is refused that leaves so much of farms (:func:`lessened`): it is less than these take orders from; or one that is new in it
    does not deliver to where the order goes."""
    away = (_outside(least[part.farm_id]) for part in opened if least[part.farm_id].outside)
    return [*away, *below(least.values(), goods, currency)]


def ordered(line: Line) -> int:
    """What a line came to as it was ordered: whatever is short of it, and whatever it weighs."""
    return attrs.evolve(line, short_of=Decimal(0), weighed=None).estimate


def _owed(lines: Sequence[Line], farm_id: str) -> int:
    return sum(line.owed for line in lines if line.farm_id == farm_id and line.counts)


def _outside(farm: Least) -> FieldError:
    message = f"{farm.name} does not deliver to the address of this order; order of it by itself"
    return FieldError(
        "lines", message, code="not-accepted", params={"reason": "outside-areas-of-order", "farm": farm.name}
    )


def left_of_nothing(change: Changed, paths: Mapping[str, str]) -> Iterator[FieldError]:
    """Lines with another quantity that is a part of a piece, or comes to nothing though the line did not: of what is no longer on sale no step says how much
    there can be. ``paths`` are the places of lines in the request, by id."""
    for before, after in change.pairs:
        if before is None or after is None or before.quantity == after.quantity:
            continue
        field = f"{paths.get(after.id, 'lines')}.quantity"
        if (fault := in_pieces(field, after.unit, after.quantity)) is not None:
            yield fault
        elif ordered(before) and not ordered(after):
            message = "is so little that it comes to nothing; take the line out with 0, or leave more of it"
            yield FieldError(field, message, code="not-accepted", params={"reason": "comes-to-nothing"})


def _after(order: Standing, change: Changed) -> list[Line]:
    """The lines of an order as they are once it is changed."""
    now = {line.id: line for line in order.lines} | {after.id: after for _, after in change.pairs if after is not None}
    return [line for id, line in now.items() if id not in change.removed]
