"""Turns by address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harvestd.runtime.fair import FairQueue


def test_one_waits_for_one_of_each_other_and_not_for_all_of_theirs() -> None:
    queue = FairQueue[str]()
    for n in range(1000):
        queue.push("crowd", f"crowd {n}")
    queue.push("honest", "honest")
    assert [queue.pop(), queue.pop()] == ["crowd 0", "honest"]


@given(some.lists(some.tuples(some.sampled_from("abc"), some.integers())))
def test_what_is_put_in_comes_out_once_and_in_order_for_each(items: list[tuple[str, int]]) -> None:
    queue = FairQueue[tuple[str, int]]()
    for key, number in items:
        queue.push(key, (key, number))
    assert len(queue) == len(items)
    out = [queue.pop() for _ in items]
    for key in "abc":
        assert [one for one in out if one[0] == key] == [one for one in items if one[0] == key]
    with pytest.raises(KeyError):
        queue.pop()
