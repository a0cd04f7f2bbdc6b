"""How many rows there are, as far as anybody wants to know: counting all of many takes longer than finding those of a page."""

from __future__ import annotations

from typing import Any

from harvestd.store.postgres.database import Reader, Statement, scalar

#: Where counting stops: what a page tells is then "so many or more".
MAX_COUNTED = 10_000


def counting(name: str, rows: str) -> Statement[int]:
    """The statement that counts ``rows``, the rest of a ``select`` from its ``from`` on, to :data:`MAX_COUNTED`."""
    return Statement(name, f"select count(*) from (select from {rows} limit {MAX_COUNTED}) as counted", scalar)


async def count(reader: Reader, statement: Statement[int], **values: Any) -> int:
    """What a statement of :func:`counting` answers."""
    return await reader.row(statement, **values) or 0
