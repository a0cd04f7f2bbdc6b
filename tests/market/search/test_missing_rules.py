"""Which searches that find nothing are counted, and as what."""

from __future__ import annotations

import pytest

from harvestd.market.search.missing_rules import MAX_KEPT, area, kept


@pytest.mark.parametrize(
    ("text", "words"),
    [("Quinces", "quinces"), ("  Crème   FRAÎCHE! ", "creme fraiche"), ("20 kg potatoes", "20 kg potatoes"), ("12345", "12345"), ("---", ""),
     ("bo@example.org", ""), ("bo(a)example.org", ""), ("bo at example dot org", ""), ("www.example.org", ""),
     ("https://example", ""), ("example.com", ""), ("+43 664 123-4567", ""), ("0664/1234567", ""), ("call 555 1234 now", ""), ("6 6 4 1 2 3", ""),
     ("x" * MAX_KEPT, "x" * 40), ("x" * (MAX_KEPT + 1), ""), ("123456", ""), ("carrots at noon", "carrots at noon")],
)  # fmt: skip
def test_what_may_be_somebody_s_address_or_number_is_nothing(text: str, words: str) -> None:
    assert kept(text) == words


@pytest.mark.parametrize(
    ("near", "cell"),
    [(None, ""), ((48.85, 2.35), "48,2"), ((-0.1, -179.9), "-1,-180"), ((90.0, 180.0), "90,180"), ((0.0, 0.0), "0,0")],
)
def test_a_position_is_kept_as_a_degree_of_the_earth(near: tuple[float, float] | None, cell: str) -> None:
    assert area(near) == cell
