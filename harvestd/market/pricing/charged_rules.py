"""What an order is charged beside its goods, by name, as far as somebody may see it. Pure."""

from __future__ import annotations

from collections.abc import Collection

import attrs

from harvestd.market.pricing.terms import FeeBill, Pricing


def fees_of(pricing: Pricing, farms: Collection[str] | None = None) -> tuple[FeeBill, ...]:
    """What each part has of each fee: of all parts that are owed for, or of these farms'."""
    return tuple(fee for fee in pricing.charged or () if farms is None or fee.farm_id in farms)


def together(fees: Collection[FeeBill]) -> tuple[FeeBill, ...]:
    """One row for each fee, of all parts together; ``farm_id`` is that of the first."""
    found: dict[tuple[str, str], FeeBill] = {}
    for fee in fees:
        before = found.get((fee.id, fee.name))
        found[fee.id, fee.name] = (
            fee if before is None else attrs.evolve(before, amount=before.amount + fee.amount, tax=before.tax + fee.tax)
        )
    return tuple(found.values())


def code_of(pricing: Pricing, farms: Collection[str] | None = None) -> str | None:
    """The code of the coupon: for whoever sees the whole order or, of a farm's own coupon, for these farms. To others a code is not told."""
    if pricing.discount is None or (farms is not None and pricing.discount.farm_id not in farms):
        return None
    return pricing.discount.code
