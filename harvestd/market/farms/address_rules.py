"""Which of a farm's delivery areas the words of an address name, and the terms of a delivery there. Pure.

Buyers write addresses, and pay by them. So whatever else an address has, a house number that some postcode looks like or a second postcode, it never makes a
delivery cheaper: of several areas that it names, the strictest of each of their terms hold. Nor does the order of its words make a difference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harvestd.market.farms.delivery_rules import postcode, runs

Area = Mapping[str, Any]


def named_in(address: str, codes: Collection[str]) -> set[str]:
    """Which of some postcodes, as they are compared, an address names. Where a longer one stands, what is only a part of it is not named: ``SW1A 1AA`` is
    not ``SW1A``."""
    found = [run for run in runs(address) if run[0] in codes]
    return {
        code
        for code, start, end in found
        if not any(s <= start and end <= e and e - s > end - start for _, s, e in found)
    }


def area_of(delivery: Mapping[str, Any] | None, address: str) -> Area | None:
    """The area that an address is in, as far as its words tell: the first in the farm's order with a postcode that it names; of several such postcodes,
    :func:`strictest` of their areas. Nobody knows here how far it is from the farm: if it names none of the postcodes, the first circle or polygon counts, and
    the farm may still refuse. None if there is no such area."""
    areas: Sequence[Area] = delivery["areas"] if delivery is not None else ()
    first: dict[str, int] = {}
    for i, area in enumerate(areas):
        for code in area["postcodes"] or ():
            first.setdefault(postcode(code), i)
    if named := {first[code] for code in named_in(address, first)}:
        return strictest([areas[i] for i in sorted(named)])
    return next((one for one in areas if one["postcodes"] is None), None)


def strictest(areas: Sequence[Area]) -> Area:
    """The area with the highest fee, of equal ones the first, on terms that are no easier than those of any of these: their highest minimum, and free from
    where the last of those with a fee is."""
    dearest = max(areas, key=lambda area: area["fee"])
    free = [area["free_from"] for area in areas if area["fee"]]
    return {
        **dearest,
        "minimum": max(area["minimum"] for area in areas),
        "free_from": None if None in free else max(free, default=dearest["free_from"]),
    }
