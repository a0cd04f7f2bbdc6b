"""Benefit programmes of the state that a farm takes as payment: which there are, and how a list of them is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

#: Those of the United States' Department of Agriculture: food stamps (EBT), vouchers for women, infants and children, theirs and seniors' for
#: farmers' markets, and what doubles such payments there.
Benefit = Literal["snap", "wic", "wic_fmnp", "senior_fmnp", "incentives"]
BENEFITS: tuple[str, ...] = get_args(Benefit)


def kept(given: Iterable[str]) -> list[str]:
    """Each programme once, in the order of :data:`BENEFITS`."""
    asked = set(given)
    return [one for one in BENEFITS if one in asked]
