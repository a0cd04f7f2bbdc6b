"""What a caller can do with an order now: what would not be refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from harvestd.kernel.permissions import Permission, may_everywhere
from harvestd.market.orders import fulfilment
from harvestd.market.orders.fulfilment import Actor, Change, Standing, changeable
from harvestd.web.context import Caller

#: The permissions that decide on it.
NEEDED = (Permission.CANCEL_ORDERS, Permission.AMEND_ORDERS, Permission.FULFIL_ORDERS)
#: By what is done with lines: the permission that it needs.
_OF_LINES: dict[Change, Permission] = {
    "amend": Permission.AMEND_ORDERS, "short": Permission.FULFIL_ORDERS, "weigh": Permission.FULFIL_ORDERS,
}  # fmt: skip


def actions_of(order: Standing, caller: Caller, may: Mapping[Permission, Collection[str]]) -> list[str]:
    """The actions; ``may`` are the farms for which the caller has each permission."""
    found = []
    if caller.has_scope(Permission.CANCEL_ORDERS):
        actor, whose = _acting(order, caller, Permission.CANCEL_ORDERS, may)
        if fulfilment.can_cancel(order, whose, actor):
            found.append("cancel")
    for change, permission in _OF_LINES.items():
        actor, whose = _acting(order, caller, permission, may)
        farms = {part.farm_id for part in order.parts} if whose is None else set(whose)
        if caller.has_scope(permission) and any(
            changeable(change, p.status, actor) for p in order.parts if p.farm_id in farms
        ):
            if change != "weigh" or any(line.each is not None and line.farm_id in farms for line in order.lines):
                found.append(change)
    asked = caller.user_id == order.buyer_id and any(line.answer_by is not None for line in order.lines)
    return [*found, "answer"] if asked and caller.has_scope(Permission.PLACE_ORDERS) else found


def _acting(
    order: Standing, caller: Caller, permission: Permission, may: Mapping[Permission, Collection[str]]
) -> tuple[Actor, list[str] | None]:
    return fulfilment.acting(
        order, buyer=caller.user_id == order.buyer_id, staff=may_everywhere(caller.role, permission), farms=may.get(permission, ())
    )  # fmt: skip
