"""What a hit is, in SQL: the conditions of a search's filters on the columns of a document."""

from __future__ import annotations

import re

from harvestd.store.nearness import distance_sql

#: The facets, in the order in which the statement counts them.
FACETS = ("category", "farm", "tag", "price", "unit")

#: The filter of each facet: whether it is given, and the condition on a hit.
CHOSEN = {
    "category": (":categories::text[] is not null", "(:categories::text[] is null or d.category = any(:categories))"),
    "farm": (":farms::text[] is not null", "(:farms::text[] is null or d.farm = any(:farms))"),
    "tag": (":tags::text[] is not null", "(:tags::text[] is null or d.tags && :tags)"),
    "price": ("(:min_price::bigint is not null or :max_price::bigint is not null)",
              "((:min_price::bigint is null or d.price >= :min_price) and (:max_price::bigint is null or d.price <= :max_price))"),
    "unit": (":units::text[] is not null", "(:units::text[] is null or d.unit = any(:units))"),
}  # fmt: skip
FOUND = "not d.removed"
_ALWAYS = f"""{FOUND}
   and (not :in_stock::boolean or d.in_stock)
   and (:free_from::text[] is null or not d.allergens && :free_from)
   and (:benefits::text[] is null or d.benefits && :benefits)
   and (:today::text is null or d.season_from is null or d.season_to is null or case
        when length(d.season_from) = 10 then :today between d.season_from and d.season_to
        when d.season_from <= d.season_to then substr(:today, 6) between d.season_from and d.season_to
        else substr(:today, 6) >= d.season_from or substr(:today, 6) <= d.season_to end)
   and (:radius::float8 is null or (d.latitude between :south and :north and d.longitude between :west and :east))"""

_DISTANCE = f"""case when :latitude::float8 is null or d.latitude is null then null else
        {distance_sql("d.latitude", "d.longitude", ":latitude", ":longitude::float8")} end"""
#: How far it is, computed once for each document.
FAR = f"lateral (select {_DISTANCE} as distance offset 0) x"


def documents(match: str, without: str = "", of: str = "search_documents") -> str:
    """What follows ``from`` for the documents, all or ``of`` those, that match and are kept by each filter, but that of the facet ``without``."""
    kept = " and ".join(filter for name, (_, filter) in CHOSEN.items() if name != without)
    return (
        f"{of} d, {FAR} where {match}{' and ' if match else ''}{_ALWAYS}"
        f" and (:radius is null or x.distance <= :radius) and {kept}"
    )


def for_staff(sql: str) -> str:
    """The statement for the market's staff: with what any group finds."""
    return sql.replace(FOUND, f"({FOUND} or d.visible_to is not null)")


def for_groups(sql: str) -> str:
    """The statement for members of some groups: with what they find besides, at their prices."""
    own = "(case when d.group_prices is null then d.price else price_for(d.price, d.reduced, d.group_prices, :groups::uuid[]) end)"
    return re.sub(r"\bd\.price\b", own, sql).replace(FOUND, f"({FOUND} or d.visible_to && :groups::uuid[])")
