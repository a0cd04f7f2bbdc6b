"""Which fees and which taxes apply to an order: by day, category, farm, and where it is delivered. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Protocol

import attrs

from harvestd.interfaces.pricing import Charge, Charges, TaxRate
from harvestd.market.farms.address_rules import area_of
from harvestd.market.farms.delivery_rules import codes_in, postcode
from harvestd.market.pricing.terms import FeeRule


class Dated(Protocol):
    """What counts from its first day to its last, if it has these."""

    @property
    def first(self) -> date | None:
        """The first day."""

    @property
    def last(self) -> date | None:
        """The last day."""


@attrs.frozen(kw_only=True)
class Delivered:
    """How a farm's goods reach the buyer: the address, where they are delivered, and where the farm says that it delivers."""

    method: str
    address: str = ""
    areas: Mapping[str, Any] | None = None

    @property
    def area(self) -> Mapping[str, Any] | None:
        """The farm's area that the address is in; None if it has none, or none is known to be."""
        return area_of(self.areas, self.address) if self.method == "delivery" else None

    @property
    def outside(self) -> bool:
        """Whether the farm does not deliver there."""
        return self.method == "delivery" and bool(self.areas) and self.area is None


def counts(one: Dated, day: date) -> bool:
    """Whether it counts on that day."""
    return (one.first is None or one.first <= day) and (one.last is None or day <= one.last)


def rate_of(charges: Charges, category_id: str | None, day: date) -> int:
    """The tax of what is in a category: its own rate, else that of the nearest category above it that has one, else the one for everything. Of two for the
    same, the one that began last counts, and of these the newest."""
    on: dict[str | None, TaxRate] = {}
    for one in charges.rates:
        before = on.get(one.category_id)
        if counts(one, day) and (before is None or (one.first or date.min) >= (before.first or date.min)):
            on[one.category_id] = one
    return next((on[place].rate for place in _upward(charges, category_id) if place in on), 0)


def _upward(charges: Charges, category_id: str | None) -> Iterator[str | None]:
    """The category, those above it, and None. A tree that is no tree (it is remembered while it changes) ends, too."""
    seen: set[str] = set()
    while category_id is not None and category_id not in seen:
        yield category_id
        seen.add(category_id)
        category_id = charges.above.get(category_id)
    yield None


def fees_of(charges: Charges, day: date, farms: Mapping[str, Delivered]) -> tuple[FeeRule, ...]:
    """The fees of an order with parts of these farms: the market's, the farms' own, and what their delivery areas cost."""
    found = [rule for one in charges.fees if counts(one, day) for rule in _rules(one, farms)]
    for farm_id, way in farms.items():
        area = way.area
        if area is not None and area["fee"]:
            found.append(
                FeeRule(
                    id=farm_id, name=area["name"], basis="delivery_area", amount=area["fee"], farm_id=farm_id, rate=area.get("rate", 0),
                    free_from=area["free_from"], method="delivery",
                )
            )  # fmt: skip
    return tuple(found)


def _rules(fee: Charge, farms: Mapping[str, Delivered]) -> Iterator[FeeRule]:
    """The fee, if it concerns any of the farms; one of a delivery area once for each farm that delivers there."""
    concerned = [farm for farm in farms if fee.farm_id in (None, farm)]
    if not concerned:
        return
    rule = FeeRule(
        id=fee.id, name=fee.name, basis=fee.basis, amount=fee.amount, farm_id=fee.farm_id, rate=fee.rate,
        free_from=fee.free_from, method=fee.method,
    )  # fmt: skip
    if fee.basis != "delivery_area":
        yield rule
        return
    codes = {postcode(one) for one in fee.postcodes or ()}
    for farm in concerned:
        if farms[farm].method == "delivery" and codes & codes_in(farms[farm].address):
            yield attrs.evolve(rule, farm_id=farm, method="delivery")


def least_orders(farms: Mapping[str, Delivered]) -> dict[str, int]:
    """The least order of each farm's delivery to where it goes, as far as its area has one."""
    return {farm: area["minimum"] for farm, way in farms.items() if (area := way.area) is not None and area["minimum"]}
