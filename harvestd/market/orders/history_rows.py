"""Rows of what has become of an order's lines: one for each change that is no step of a part."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import attrs
import msgspec

from harvestd.store import counting
from harvestd.store.postgres.statements import Reader, Statement


class Change(msgspec.Struct, frozen=True):
    """A change: the order's version after it, and before and after ``{lines, totals}`` of the lines that changed
    (``changes.py``), or ``moves`` of parts that were moved (``moved_rows.py``)."""

    version: int
    kind: str
    actor: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    at: datetime


class Line(msgspec.Struct, frozen=True):
    """A line that the order has, or had, whose it is, and in the place of which other one."""

    line_id: str
    farm_id: str
    title: str
    title_seen: str | None
    unit: str
    replaces: str | None


@attrs.frozen
class Wanted:
    """The changes of an order that are listed: all or, with ``farms``, those of lines of these."""

    order_id: str
    farms: Collection[str] | None

    def values(self) -> dict[str, Any]:
        """As the statements take them."""
        return {"order_id": self.order_id, "farms": None if self.farms is None else sorted(self.farms)}


_SEEN = """order_changes c where c.order_id = :order_id and (:farms::uuid[] is null or exists (
    select from jsonb_array_elements((c.before -> 'lines') || (c.after -> 'lines')) e join order_lines l on l.id = (e ->> 'line_id')::uuid
     where l.farm_id = any(:farms::uuid[])) or exists (
    select from jsonb_array_elements(c.after -> 'moves') e where (e ->> 'farm_id')::uuid = any(:farms::uuid[])))"""
_PAGE = Statement(
    "order_history.page",
    f"""select c.version, c.kind, c.actor, c.reason, c.before, c.after, c.at from {_SEEN} and c.version > coalesce(:after::int, 0)
         order by c.version limit :limit""",
    Change,
)
_COUNT = counting.counting("order_history.count", _SEEN)
_LINES = Statement(
    "order_history.lines",
    "select id, farm_id, title, title_seen, unit, replaces_line_id from order_lines where order_id = :order_id",
    Line,
)


async def page(reader: Reader, wanted: Wanted, after: int | None, limit: int) -> list[Change]:
    """The changes of an order, the oldest first."""
    return await reader.rows(_PAGE, **wanted.values(), after=after, limit=limit)


async def count(reader: Reader, wanted: Wanted) -> int:
    """How many these are, up to the counting limit."""
    return await counting.count(reader, _COUNT, **wanted.values())


async def lines(reader: Reader, order_id: str) -> dict[str, Line]:
    """The lines of an order by their ids, those that were taken out, too."""
    return {line.line_id: line for line in await reader.rows(_LINES, order_id=order_id)}
