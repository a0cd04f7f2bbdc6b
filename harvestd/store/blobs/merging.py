"""The store of blobs beside their rows, both by pages in the order of their places: what is in one alone, and what is in both, in one pass and in the
memory of two pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from harvestd.interfaces import IBlobs, StoredBlob
from harvestd.store.blobs.rows import Placed

#: Rows, and things, of a page.
PAGE = 500
#: A page of rows after a place.
Rows = Callable[[str, int], Awaitable[list[Placed]]]
Pair = tuple[Placed | None, StoredBlob | None]


async def beside(rows: Rows, blobs: IBlobs) -> AsyncIterator[Pair]:
    """Each row with its thing; None for the one that is missing. What comes or goes meanwhile may appear alone: whoever acts on that looks again."""
    of_rows, of_things = _all_rows(rows), _all_things(blobs)
    row, thing = await anext(of_rows, None), await anext(of_things, None)
    while row is not None or thing is not None:
        if thing is None or (row is not None and row.place < thing.place):
            yield row, None
            row = await anext(of_rows, None)
        elif row is None or thing.place < row.place:
            yield None, thing
            thing = await anext(of_things, None)
        else:
            yield row, thing
            row, thing = await anext(of_rows, None), await anext(of_things, None)


async def _all_rows(rows: Rows) -> AsyncIterator[Placed]:
    after = ""
    while page := await rows(after, PAGE):
        for one in page:
            yield one
        after = page[-1].place


async def _all_things(blobs: IBlobs) -> AsyncIterator[StoredBlob]:
    after = ""
    while page := await blobs.listed(after, PAGE):
        for one in page:
            yield one
        after = page[-1].place
