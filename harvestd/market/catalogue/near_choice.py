"""How products near a place are listed: PostgreSQL knows how many products farms have whose ids it is told, and nothing of how many farms are in a circle.

So few farms are named. Many of them have so large a part of the market that the way through a sort's index soon comes upon their goods.
"""

from __future__ import annotations

import attrs

from harvestd.market.catalogue.listing_terms import FARMS_WITHIN, Filters
from harvestd.store.postgres.statements import Reader, Statement, scalar

#: More farms are not named.
FEW = 500
_FARMS = Statement("listing.farms_within", f"{FARMS_WITHIN.format('(:within::float8[])')} limit {FEW + 1}", scalar)


async def chosen(reader: Reader, filters: Filters) -> Filters | None:
    """The filters as they are best listed by; None if there is nothing within the circle."""
    if filters.within is None or filters.farm_id is not None or filters.farm_ids is not None:
        return filters
    farms = [str(id) for id in await reader.rows(_FARMS, within=list(filters.within))]
    if not farms:
        return None
    return filters if len(farms) > FEW else attrs.evolve(filters, within=None, farm_ids=farms)
