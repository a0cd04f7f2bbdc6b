"""Benefit programmes, as they are kept."""

from __future__ import annotations

import pytest

from harvestd.market.farms.benefit_rules import BENEFITS, kept


@pytest.mark.parametrize(
    ("given", "expected"),
    [([], []), (["snap"], ["snap"]), (["wic", "snap", "wic"], ["snap", "wic"]), ([*reversed(BENEFITS)], [*BENEFITS])],
)
def test_each_is_kept_once_in_their_order(given: list[str], expected: list[str]) -> None:
    assert kept(given) == expected
