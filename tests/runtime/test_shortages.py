"""What runs out is told once a minute, and counted each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from harvestd.runtime.shortages import SHORTAGES, OnceAMinute, Shortages


@pytest.fixture
def warnings() -> Iterator[list[Any]]:
    seen: list[Any] = []
    globalLogPublisher.addObserver(seen.append)
    yield seen
    globalLogPublisher.removeObserver(seen.append)


@pytest.mark.parametrize("name", SHORTAGES)
def test_a_shortage_is_told_once_a_minute_and_counted_each_time(name: str, warnings: list[Any]) -> None:
    clock, counted = Clock(), list[str]()
    shortages = Shortages(counted.append, clock.seconds)
    for _ in range(1000):
        shortages.tell(name, "192.0.2.1")
    assert [event["times"] for event in warnings] == [1]
    clock.advance(60)
    shortages.tell(name)
    assert [event["times"] for event in warnings] == [1, 1000]
    assert counted == [name] * 1001


def test_nothing_is_due_that_did_not_happen() -> None:
    clock = Clock()
    rarely = OnceAMinute(clock.seconds)
    assert (rarely.due(0), rarely.due(3), rarely.due(2)) == (0, 3, 0)
    clock.advance(59.9)
    assert rarely.due() == 0
    clock.advance(0.1)
    assert (rarely.due(0), rarely.due(0), rarely.due()) == (3, 0, 0)


def test_one_shortage_does_not_hide_another(warnings: list[Any]) -> None:
    shortages = Shortages(lambda _: None, Clock().seconds)
    for name in SHORTAGES:
        shortages.tell(name)
    assert [event["what"] for event in warnings] == list(SHORTAGES.values())
