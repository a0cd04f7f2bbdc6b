"""Rules that could as well be others, each in one place: who changes one of them in the market changes it here."""

from __future__ import annotations

from tests.market.orders.plain.things import Line

#: Whether a quote that is held has a place in its window, too.
HOLD_HAS_PLACE = False


def is_charged_for(line: Line) -> bool:
    """Whether a line is a reason for a fee: any is, also one of which all is short."""
    return True


def may_raise(actor: str, before: int, after: int) -> bool:
    """Whether somebody may change an order from one total to another without asking anybody: anybody may."""
    return True


def is_below_minimum(least: int, was: int, now: int, *, opened: bool) -> bool:
    """Whether a buyer who changes an order has too little of a farm then: less than it takes orders from, and less than before or of a farm that is new in it. (None
    of a farm's goods is always possible.)"""
    return now < least and (now < was or opened)


def most_weighed(agreed: int, worth: int, said: bool) -> int:
    """The most that is owed for a line that weighs more than agreed, once its buyer was asked and has ``said`` yes or no."""
    return max(agreed, worth) if said else agreed
