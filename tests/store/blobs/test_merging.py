"""Rows beside things: each once, with what belongs to it, in the memory of two pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from harvestd.interfaces import StoredBlob
from harvestd.store.blobs.merging import PAGE, beside
from harvestd.store.blobs.rows import Placed

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Store:
    """Things at places; no page is larger than was asked for."""

    def __init__(self, places: list[str]) -> None:
        self.places = sorted(places)
        self.most = 0

    def page(self, after: str, limit: int) -> list[str]:
        found = [one for one in self.places if one > after][:limit]
        self.most = max(self.most, len(found))
        return found

    async def listed(self, after: str, limit: int) -> list[StoredBlob]:
        return [StoredBlob(one, one, AT) for one in self.page(after, limit)]

    async def rows(self, after: str, limit: int) -> list[Placed]:
        return [Placed(one, "a.b", "avatar", "live", 1, "", AT, one) for one in self.page(after, limit)]


async def pairs(rows: Store, things: Store) -> list[tuple[str | None, str | None]]:
    return [
        (None if row is None else row.place, None if thing is None else thing.place)
        async for row, thing in beside(rows.rows, cast(Any, things))
    ]


@given(st.dictionaries(st.text("ab/.09", min_size=1, max_size=4), st.sampled_from(["row", "thing", "both"])))
async def test_each_is_met_once_with_what_belongs_to_it(where: dict[str, str]) -> None:
    rows = Store([place for place, kind in where.items() if kind != "thing"])
    things = Store([place for place, kind in where.items() if kind != "row"])
    expected = [(None if where[p] == "thing" else p, None if where[p] == "row" else p) for p in sorted(where)]
    assert await pairs(rows, things) == expected


async def test_however_many_there_are_two_pages_are_held() -> None:
    rows, things = Store([f"{n:05}" for n in range(0, 4_000, 2)]), Store([f"{n:05}" for n in range(0, 4_000, 3)])
    found = await pairs(rows, things)
    assert len(found) == len({*rows.places, *things.places})
    assert (rows.most, things.most) == (PAGE, PAGE)
