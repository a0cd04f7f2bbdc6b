"""Rules that could as well be others, each in one place: who changes one of them in the market changes it here."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

from tests.market.orders.plain.things import Line


def is_charged_for(line: Line) -> bool:
    """Whether a line is billed, and a reason for a fee: one of which all is short is not."""
    return bool(line.left)


def asks(actor: str) -> bool:
    """Whether the buyer is asked about what somebody adds: a farm asks, and the market's staff order for them."""
    return actor == "farm"


def lowered_by_others(before: Line, after: Line) -> int:
    """The most that is owed for a line of which somebody else than its buyer says how much is left: in proportion to what was agreed on."""
    share = floor(before.agreed * after.left / before.left + Fraction(1, 2)) if before.left else 0
    return max(after.estimate, min(after.most, share))


def is_below_minimum(least: int, before: Sequence[Line], after: Sequence[Line], *, opened: bool) -> bool:
    """Whether a buyer who changes an order has too little of a farm then (these are its lines): where they owe less than before, or it is new in the order, by what was
    ordered of it, whatever is short. None of a farm's goods is always possible."""
    was, now = (sum(line.owed for line in lines if not line.proposed) for lines in (before, after))
    ordered = [line.as_ordered for line in after if line.replaces is None]
    return bool(ordered) and (opened or now < was) and sum(ordered) < least


def most_weighed(agreed: int, worth: int, said: bool) -> int:
    """The most that is owed for a line that weighs more than agreed, once its buyer was asked and has ``said`` yes or no."""
    return max(agreed, worth) if said else agreed
