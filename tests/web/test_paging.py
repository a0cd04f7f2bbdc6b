"""Pages: what is shown, and where the next begins."""

from __future__ import annotations

import pytest

from harvestd.kernel.errors import Invalid
from harvestd.web.paging import Keyset
from harvestd.web.shapes import ListQuery


def numbers(after: str = "", limit: int = 3) -> Keyset:
    return Keyset(ListQuery(limit=limit, after=after), "numbers", (int,), lambda row: (row,))


def test_a_row_more_than_is_shown_says_that_there_is_a_next_page_which_goes_on_after_the_last_shown() -> None:
    shown, following = numbers().page([1, 2, 3, 4])
    assert numbers().ask == 4
    assert shown == [1, 2, 3] and following
    assert numbers(following).after == (3,)


@pytest.mark.parametrize("rows", [[], [1], [1, 2, 3]])
def test_the_last_page_has_no_next(rows: list[int]) -> None:
    assert numbers().page(rows) == (rows, None)
    assert numbers().after is None


def test_a_cursor_of_another_list_is_refused() -> None:
    _, following = numbers().page([1, 2, 3, 4])
    other = Keyset(ListQuery(after=following or ""), "letters", (int,), lambda row: (row,))
    with pytest.raises(Invalid):
        _ = other.after
