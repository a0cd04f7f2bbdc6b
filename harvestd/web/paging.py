"""Keyset pagination: a page starts after the key of the last row shown, so that rows inserted before it shift nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from harvestd.kernel import cursors
from harvestd.web.shapes import ListQuery

Row = TypeVar("Row")


@attrs.frozen
class Keyset:
    """The order of a list: its name, which is in its cursors, the ``types`` of a row's key, and the key function. One row more
    than the page size is fetched, to tell whether there is a next page."""

    query: ListQuery
    name: str
    types: tuple[Any, ...]
    key: Callable[[Any], tuple[Any, ...]]

    @property
    def after(self) -> tuple[Any, ...] | None:
        """The key after which the page starts; None for the first page. Raises :class:`Invalid` for a cursor of another list."""
        return cursors.decode(self.query.after, self.name, *self.types) if self.query.after else None

    @property
    def ask(self) -> int:
        """The number of rows to fetch."""
        return self.query.limit + 1

    def page(self, rows: list[Row], most: int | None = None) -> tuple[list[Row], str | None]:
        """The rows of the page, and the cursor of the next one; with ``most``, as many as that at most, however many are asked for."""
        shown = rows[: self.query.limit if most is None else min(most, self.query.limit)]
        return shown, cursors.encode(self.name, *self.key(shown[-1])) if len(rows) > len(shown) else None
