"""Pages of a list: each goes on after the key of the last row that was shown, so that what is new above it moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from harvestd.kernel import cursors
from harvestd.web.shapes import ListQuery

Row = TypeVar("Row")


@attrs.frozen
class Keyset:
    """The order of a list: its name, which cursors bear, the ``types`` of a row's key, and the key itself. A row more than is shown is asked
    for: it tells that there is a next page."""

    query: ListQuery
    name: str
    types: tuple[Any, ...]
    key: Callable[[Any], tuple[Any, ...]]

    @property
    def after(self) -> tuple[Any, ...] | None:
        """The key that the page goes on after; None for the first. Raises :class:`Invalid` for a cursor of another list."""
        return cursors.decode(self.query.after, self.name, *self.types) if self.query.after else None

    @property
    def ask(self) -> int:
        """How many rows are wanted."""
        return self.query.limit + 1

    def page(self, rows: list[Row]) -> tuple[list[Row], str | None]:
        """What is shown of them, and the cursor of the next page."""
        shown = rows[: self.query.limit]
        return shown, cursors.encode(self.name, *self.key(shown[-1])) if len(rows) > len(shown) else None
