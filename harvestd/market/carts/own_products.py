"""Products of farms that the buyer belongs to, in a market where nobody orders from their own farm (the setting ``own_products``)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from harvestd.market.accounts import rows as accounts
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.settings.table import Settings
from harvestd.store.postgres.statements import Reader


async def marked(
    reader: Reader, settings: Settings, user_id: str | None, shelf: Mapping[str, OnSale]
) -> Mapping[str, OnSale]:
    """The shelf, with those of their own farms marked, so that they are withheld. It costs nothing where the market lets them."""
    if settings.own_products or user_id is None or not shelf:
        return shelf
    own = {farm.farm_id for farm in await accounts.farms_of(reader, user_id)}
    return {key: attrs.evolve(one, own=True) if one.farm_id in own else one for key, one in shelf.items()}
