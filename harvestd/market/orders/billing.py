"""What decides on an order's amounts, beside its goods, at the moment in which it is placed or quoted; and the use of its coupon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from harvestd.kernel.errors import FieldError
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.orders.delivery_rules import Way
from harvestd.market.orders.farms_read import FarmsRead
from harvestd.market.pricing import coupon_rows as coupons
from harvestd.market.pricing.billing_rules import Billing
from harvestd.market.pricing.charging_rules import Delivered
from harvestd.market.pricing.coupon_rules import unusable, used_up, without_account
from harvestd.market.pricing.rules import code_key
from harvestd.market.pricing.terms import Discount
from harvestd.store.postgres.statements import Reader
from harvestd.unit_of_work import UnitOfWork


async def of(
    unit: UnitOfWork, stored: Mapping[str, Mapping[str, Any]], day: date, read: FarmsRead | None = None
) -> Billing:
    """What is charged on that day, for parts whose fulfilment is ``stored``, by farm. An order that is picked up costs no statement for it."""
    charges = await unit.parts.pricing.now(unit.tx)
    delivered = sorted(farm_id for farm_id, way in stored.items() if way["method"] == "delivery")
    areas = await (read or FarmsRead(unit.tx)).areas(delivered)
    ways = {
        farm_id: Delivered(method=way["method"], address=way.get("address", ""), areas=areas.get(farm_id))
        for farm_id, way in stored.items()
    }
    return Billing(charges=charges, day=day, tax_included=unit.parts.settings.tax_included, ways=ways)


def outside(billing: Billing, ways: Sequence[Way], shelf: Sequence[OnSale | None]) -> Iterator[FieldError]:
    """Addresses that a farm does not deliver to, at their places in the request."""
    names = {one.farm_id: one.farm_name for one in shelf if one is not None}
    for farm_id, way in billing.ways.items():
        if way.outside:
            asked = next((one for one in ways if one.farm_id in (None, farm_id)), None)
            field = f"{asked.path}.address" if asked is not None else "fulfilment"
            lister, name = f"GET /api/farms/{farm_id}", names.get(farm_id, "")
            message = f"has no postcode that {name} delivers to; {lister} lists them"
            params = {"reason": "outside-areas", "farm": name, "list": lister}
            yield FieldError(field, message, code="not-found", params=params)


async def take(
    unit: UnitOfWork, code: str, user_id: str | None, day: date
) -> tuple[Discount | None, FieldError | None]:
    """Use a coupon for an order: what it takes off, or why it is not accepted; then nothing is used once the transaction is undone. A guest has no account by
    which their uses could be counted."""
    if user_id is None:
        return None, without_account()
    discount = await coupons.take(unit.tx, code_key(code), user_id, day)
    return (discount, None) if discount is not None else (None, await why_not(unit.tx, code, user_id, day))


async def see(reader: Reader, code: str, user_id: str | None, day: date) -> tuple[Discount | None, FieldError | None]:
    """What a coupon would take off, or why it would not be accepted, as :func:`take` has it; nothing is used."""
    if user_id is None:
        return None, without_account()
    known = await coupons.see(reader, code_key(code), user_id)
    fault = unusable(known, day)
    return (None, fault) if fault is not None or known is None else (known.discount, None)


async def why_not(reader: Reader, code: str, user_id: str, day: date) -> FieldError:
    """Why a coupon that could not be used is not accepted. What it was used for meanwhile may have been given back since: it has no use for this order."""
    return unusable(await coupons.see(reader, code_key(code), user_id), day) or used_up()
