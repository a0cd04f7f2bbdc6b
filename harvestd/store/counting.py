"""Bounded row counts: counting a large set takes longer than finding the rows of a page."""

from __future__ import annotations

from typing import Any

from harvestd.store.postgres.statements import Reader, Statement, scalar

#: Where counting stops: a page then says "so many or more".
MAX_COUNTED = 10_000


def counting(name: str, rows: str) -> Statement[int]:
    """A statement that counts ``rows``, the rest of a ``select`` from its ``from`` on, up to :data:`MAX_COUNTED`."""
    return Statement(name, f"select count(*) from (select from {rows} limit {MAX_COUNTED}) as counted", scalar)


async def count(reader: Reader, statement: Statement[int], **values: Any) -> int:
    """The result of a statement from :func:`counting`."""
    return await reader.row(statement, **values) or 0
