"""Rows of farms by their distance from a position, nearest first.

The index of positions finds the farms in a box of degrees that holds the circle; their distances are computed, and decide. Where no radius bounds the
circle it is widened until it has a page of farms, so that many farms nearby are not all read to show the first few.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import attrs

from harvestd.kernel.geography import FARTHEST_KM, box_around
from harvestd.market.farms.listed_rules import FOUND
from harvestd.market.farms.named_rules import NAMED, words
from harvestd.market.farms.rows import COLUMNS, Farm
from harvestd.store import counting
from harvestd.store.nearness import distance_sql
from harvestd.store.postgres.statements import Reader, Statement

#: Radii of the circles that are tried where none is asked for, in kilometres; the last one is all there is.
WIDER = (30.0, 300.0, FARTHEST_KM)

NO_ID = "00000000-0000-0000-0000-000000000000"
_DISTANCE = distance_sql("f.latitude", "f.longitude", ":latitude::float8", ":longitude::float8")
# The box is a row that the planner does not look into: it would read all farms rather than the index once the box is wide.
_WITHIN = f"""unnest(array[:south::float8], array[:north::float8], array[:west::float8], array[:east::float8]) as box(south, north, west, east)
     join farms f on f.latitude between box.south and box.north and f.longitude between box.west and box.east
     cross join lateral (select {_DISTANCE} as distance) away
    where away.distance <= :radius::float8 and f.{FOUND} and (:words::text[] is null or {NAMED})
      and (:benefits::text[] is null or f.benefits && :benefits)"""


class Near(NamedTuple):
    """A farm, and its distance in kilometres."""

    distance: float
    farm: Farm


_NEAREST = Statement(
    "farms.nearest",
    f"""select found.distance, {", ".join(f"farms.{column.strip()}" for column in COLUMNS.split(","))}
          from (select f.id, away.distance from {_WITHIN} and (away.distance, f.id) > (:after::float8, :after_id::uuid)
                 order by away.distance, f.id limit :limit) as found
          join farms on farms.id = found.id order by found.distance, found.id""",
    lambda distance, *columns: Near(distance, Farm(*columns)),
)
_COUNT = counting.counting("farms.count_near", _WITHIN)


async def nearest(
    reader: Reader, at: tuple[float, float], radius: float | None, text: str, after: tuple[float, str] | None, limit: int,
    benefits: Sequence[str] = (),
) -> list[Near]:  # fmt: skip
    """Farms that are found whose name has the words of ``text``, and that take any of ``benefits`` if there are any, nearest first, within ``radius`` km if that is given; ``after`` are the distance and the id of the
    last one seen."""
    last, last_id = after or (-1.0, NO_ID)
    found: list[Near] = []
    for reach in [step for step in WIDER if step > last] if radius is None else [radius]:
        values = _bound(at, reach, text, benefits)
        found = await reader.rows(_NEAREST, **values, after=last, after_id=last_id, limit=limit)
        if len(found) >= limit:
            break
    return found


async def count(
    reader: Reader, at: tuple[float, float], radius: float | None, text: str, benefits: Sequence[str] = ()
) -> int:
    """How many there are, up to the counting limit."""
    reach = FARTHEST_KM if radius is None else radius
    return await counting.count(reader, _COUNT, **_bound(at, reach, text, benefits))


def _bound(at: tuple[float, float], radius: float, text: str, benefits: Sequence[str]) -> dict[str, Any]:
    return {
        "latitude": at[0], "longitude": at[1], "radius": radius, "words": words(text) or None, "benefits": list(benefits) or None, **attrs.asdict(box_around(*at, radius)),
    }  # fmt: skip
