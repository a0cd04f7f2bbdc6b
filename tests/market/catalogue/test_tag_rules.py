"""Tags as they are kept and asked for."""

from __future__ import annotations

import pytest

from harvestd.market.catalogue.tag_rules import tag_asked


@pytest.mark.parametrize(
    ("asked", "kept"), [("Organic", "organic"), (" BIO ", "bio"), ("", ""), ("x" * 200, "x" * 200)]
)
def test_a_tag_is_asked_for_as_it_is_kept_and_what_cannot_be_one_as_it_is(asked: str, kept: str) -> None:
    assert tag_asked(asked) == kept
