"""Rows of farms for their list, and how many it has."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.market.farms.listed_rules import FOUND
from harvestd.market.farms.rows import COLUMNS, Farm
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement

_NEWEST = Statement(
    "farms.newest",
    f"""select {COLUMNS} from farms
        where id < coalesce(:after::uuid, {LAST_ID}) and {FOUND} and (:text::text = '' or position((select folded(:text)) in name_folded) > 0)
          and (:benefits::text[] is null or benefits && :benefits)
        order by id desc limit :limit""",
    Farm,
)
_COUNT = counting.counting(
    "farms.count",
    f"""farms where {FOUND} and (:text::text = '' or position((select folded(:text)) in name_folded) > 0)
             and (:benefits::text[] is null or benefits && :benefits)""",
)


async def newest(reader: Reader, after: str | None, text: str, limit: int, benefits: Sequence[str] = ()) -> list[Farm]:
    """Farms that are found, newest first, whose name contains ``text``, ignoring case, accents and apostrophes; that take any of ``benefits``, if there are any."""
    return await reader.rows(_NEWEST, after=after, text=text.strip(), benefits=list(benefits) or None, limit=limit)


async def count(reader: Reader, text: str, benefits: Sequence[str] = ()) -> int:
    """How many farms :func:`newest` lists, up to the counting limit."""
    return await counting.count(reader, _COUNT, text=text.strip(), benefits=list(benefits) or None)
