"""Who acts on an order: its buyer, its farms, the market's staff."""

from __future__ import annotations

import attrs

from harvestd.market.orders.fulfilment import Standing

ROLE = "your role in this farm does not allow this; ask its owner or a manager"


@attrs.frozen
class Party:
    """The actor of a request: an account, whether it is staff, the farms that it acts for, and those whose orders it sees; or, without an account,
    whoever has the key to the order with the id ``key_to``."""

    user_id: str | None
    staff: bool = False
    farms: frozenset[str] = frozenset()
    sees: frozenset[str] = frozenset()
    key_to: str | None = None

    def bought(self, order: Standing) -> bool:
        """Whether they are its buyer."""
        return order.id == self.key_to if self.user_id is None else order.buyer_id == self.user_id


def sees(party: Party, order: Standing) -> bool:
    """Whether an order is theirs to see."""
    return party.bought(order) or party.staff or any(part.farm_id in party.sees for part in order.parts)
