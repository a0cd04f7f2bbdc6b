"""Rows of farms for their list, and how many it has."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.market.farms.listed_rules import FOUND
from harvestd.market.farms.named_rules import NAMED, words
from harvestd.market.farms.rows import COLUMNS, Farm
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement

_LISTED = f"{FOUND} and (:benefits::text[] is null or benefits && :benefits)"
_OF = {False: f"farms f where {_LISTED}", True: f"farms f where {_LISTED} and {NAMED}"}
#: By whether a part of the name is asked for.
_NEWEST = {
    named: Statement(
        f"farms.newest{'.named' if named else ''}",
        f"select {COLUMNS} from {of} and id < coalesce(:after::uuid, {LAST_ID}) order by id desc limit :limit",
        Farm,
    )
    for named, of in _OF.items()
}
_COUNT = {named: counting.counting(f"farms.count{'.named' if named else ''}", of) for named, of in _OF.items()}


async def newest(reader: Reader, after: str | None, text: str, limit: int, benefits: Sequence[str] = ()) -> list[Farm]:
    """Farms that are found, newest first, whose name has the words of ``text``, ignoring case, accents and apostrophes; that take any of ``benefits``, if there are any."""
    asked = named(text)
    return await reader.rows(_NEWEST[bool(asked)], after=after, **asked, benefits=list(benefits) or None, limit=limit)


async def count(reader: Reader, text: str, benefits: Sequence[str] = ()) -> int:
    """How many farms :func:`newest` lists, up to the counting limit."""
    asked = named(text)
    return await counting.count(reader, _COUNT[bool(asked)], **asked, benefits=list(benefits) or None)


def named(text: str) -> dict[str, list[str]]:
    """The words that names are to have, as :data:`NAMED` takes them; nothing if none are asked for."""
    return {"words": found} if (found := words(text)) else {}
