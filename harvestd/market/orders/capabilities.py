"""What a caller can do with an order now: what would not be refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import attrs

from harvestd.kernel.permissions import BUYER, Permission, may_everywhere
from harvestd.market.orders import fulfilment
from harvestd.market.orders.fulfilment import NO_DAYS, Actor, Change, Standing, changeable

#: The permissions that decide on it.
NEEDED = (Permission.CANCEL_ORDERS, Permission.AMEND_ORDERS, Permission.FULFIL_ORDERS, Permission.PLACE_ORDERS)
#: By what is done with lines: the permission that it needs.
_OF_LINES: dict[Change, Permission] = {
    "amend": Permission.AMEND_ORDERS, "short": Permission.FULFIL_ORDERS, "weigh": Permission.FULFIL_ORDERS,
}  # fmt: skip


@attrs.frozen
class Viewer:
    """Who looks at orders: an account with a role in the market and, of the permissions that matter here, those that it may use at all (an API key those of
    its scopes); or, without an account, whoever has the key to the order with the id ``key_to``."""

    user_id: str | None
    role: str = BUYER
    scopes: frozenset[Permission] = frozenset(
        {Permission.CANCEL_ORDERS, Permission.AMEND_ORDERS, Permission.PLACE_ORDERS}
    )
    key_to: str | None = None

    def bought(self, order_id: str, buyer_id: str | None) -> bool:
        """Whether they are the buyer of an order."""
        return order_id == self.key_to if self.user_id is None else buyer_id == self.user_id


def actions_of(
    order: Standing, viewer: Viewer, may: Mapping[Permission, Collection[str]], open_days: Mapping[str, bool] = NO_DAYS, *,
    asked: bool = False,
) -> list[str]:  # fmt: skip
    """The actions; ``may`` are the farms for which the viewer has each permission, ``open_days`` says of the parts that belong to a market day whether that takes
    orders of their farm still, ``asked`` whether anything is asked that can be answered."""
    found = []
    if Permission.CANCEL_ORDERS in viewer.scopes:
        actor, whose = _acting(order, viewer, Permission.CANCEL_ORDERS, may)
        if fulfilment.can_cancel(order, whose, actor, open_days):
            found.append("cancel")
    for change, permission in _OF_LINES.items():
        actor, whose = _acting(order, viewer, permission, may)
        farms = {part.farm_id for part in order.parts} if whose is None else set(whose)
        if permission in viewer.scopes and any(
            changeable(change, p.status, actor, open_days.get(p.farm_id)) for p in order.parts if p.farm_id in farms
        ):
            if change != "weigh" or any(line.each is not None and line.farm_id in farms for line in order.lines):
                found.append(change)
    answers = asked and viewer.bought(order.id, order.buyer_id)
    return [*found, "answer"] if answers and Permission.PLACE_ORDERS in viewer.scopes else found


def _acting(
    order: Standing, viewer: Viewer, permission: Permission, may: Mapping[Permission, Collection[str]]
) -> tuple[Actor, Sequence[str] | None]:
    return fulfilment.acting(
        order, buyer=viewer.bought(order.id, order.buyer_id), staff=may_everywhere(viewer.role, permission), farms=may.get(permission, ())
    )  # fmt: skip
