"""Who acts on an order: its buyer, its farms, the market's staff."""

from __future__ import annotations

import attrs

from harvestd.market.orders.fulfilment import Standing

ROLE = "your role in this farm does not allow this; ask its owner or a manager"


@attrs.frozen
class Party:
    """The actor of a request: an account, whether it is staff, the farms that it acts for, and those whose orders it sees."""

    user_id: str
    staff: bool
    farms: frozenset[str]
    sees: frozenset[str]


def sees(party: Party, order: Standing) -> bool:
    """Whether an order is theirs to see."""
    return order.buyer_id == party.user_id or party.staff or any(part.farm_id in party.sees for part in order.parts)
