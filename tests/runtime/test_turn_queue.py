"""Who is next before work that few can do at once: nobody waits for newcomers without end, from however many networks they come."""

from __future__ import annotations

import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as some

from harvestd.runtime.turn_queue import LITTLE, PATIENCE, TurnQueue, network_of

HONEST = "2001:db8:aaaa:1::"


@attrs.define
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def used_nothing(name: str) -> int:
    return 0


def fresh(n: int, wide: bool = True) -> str:
    """A /64 that nobody has had before; ``wide`` ones are each of a /48 of their own."""
    return f"2001:db8:{n:x}:1::" if wide else f"2001:db9:0:{n:x}::"


@pytest.mark.parametrize(
    ("address", "network"),
    [("2001:db8:1:2::", "2001:db8:1::/48"), ("2001:db8:1:ffff::", "2001:db8:1::/48"), ("192.0.2.1", "192.0.2.1"), ("", ""),
     ("unknown", "unknown")],
)  # fmt: skip
def test_a_network_is_an_ipv4_address_or_an_ipv6_48(address: str, network: str) -> None:
    assert network_of(address) == network


@given(
    before=some.lists(some.integers(0, 40), max_size=60),
    uses=some.dictionaries(some.integers(0, 40), some.integers(0, 99)),
    own=some.integers(0, 1000),
    arrivals=some.lists(some.integers(0, 5), min_size=1, max_size=20),
    pace=some.floats(0.01, 1.0),
)
def test_whoever_waits_is_served_after_their_patience_and_two_turns_for_each_that_waited_before(
    before: list[int], uses: dict[int, int], own: int, arrivals: list[int], pace: float
) -> None:
    """Whatever they have used, however many newcomers come in between, and however much those before wait with."""
    clock, bound = Clock(), 2 * len(set(before)) + 1
    queue = TurnQueue[str](clock)
    used = {network_of(fresh(n)): many for n, many in uses.items()} | dict.fromkeys((HONEST, network_of(HONEST)), own)
    for n in before:
        queue.push(fresh(n), "before")
    queue.push(HONEST, "honest")
    number, turns = 100, 0
    for step in itertools.count():
        for _ in range(arrivals[step % len(arrivals)]):
            number += 1
            queue.push(fresh(number), "newcomer")
        clock.now += pace
        if queue.pop(lambda name: used.get(name, 0)) == "honest":
            break
        turns += clock.now >= PATIENCE
        assert turns <= bound, f"{turns} turns after {PATIENCE} s, where {bound} networks waited before"


@given(some.integers(1, 60), some.floats(0.0, 2 * PATIENCE))
def test_who_has_used_least_comes_next_but_one_however_long_others_have_waited(crowd: int, waited: float) -> None:
    clock = Clock()
    queue = TurnQueue[str](clock)
    for n in range(crowd):
        queue.push(fresh(n), "before")
    for _ in range(crowd // 2):
        queue.pop(used_nothing)
    clock.now += waited
    queue.push(HONEST, "honest")
    assert "honest" in [queue.pop(lambda name: int(name != network_of(HONEST))) for _ in range(min(2, len(queue)))]


@given(some.integers(2, 200))
def test_a_crowd_of_one_48_has_as_many_turns_as_somebody_else_alone(crowd: int) -> None:
    queue = TurnQueue[str](Clock())
    for n in range(crowd):
        queue.push(fresh(n, wide=False), "crowd")
    for _ in range(2):
        queue.push("192.0.2.1", "mine")
    assert [queue.pop(used_nothing) for _ in range(4)] == ["crowd", "mine", "crowd", "mine"]


@given(some.lists(some.integers(0, 30)))
def test_each_comes_out_once_and_in_order_for_its_address(items: list[int]) -> None:
    queue = TurnQueue[tuple[str, int]](Clock())
    for place, n in enumerate(items):
        address = fresh(n % 8, wide=n % 2 == 0)
        queue.push(address, (address, place))
    out = [queue.pop(used_nothing) for _ in range(len(queue))]
    assert sorted(place for _, place in out) == list(range(len(items)))
    for address in {one for one, _ in out}:
        places = [place for one, place in out if one == address]
        assert places == sorted(places)
    with pytest.raises(KeyError):
        queue.pop(used_nothing)


def test_who_may_not_is_passed_over() -> None:
    queue = TurnQueue[str](Clock())
    for address in ("2001:db8:1:1::", "2001:db8:1:2::", "192.0.2.1"):
        queue.push(address, address)
    barred = {"2001:db8:1:1::", "192.0.2.1"}
    assert queue.pop(used_nothing, lambda address: address not in barred) == "2001:db8:1:2::"
    with pytest.raises(KeyError):
        queue.pop(used_nothing, lambda address: address not in barred)
    assert len(queue) == 2


@given(some.integers(1, 100), some.integers(0, LITTLE - 1))
def test_who_waits_with_one_thing_makes_no_room_for_newcomers_with_one_each(crowd: int, own: int) -> None:
    clock = Clock()
    queue = TurnQueue[str](clock)
    queue.push(HONEST, "honest")
    for n in range(crowd):
        clock.now += 0.001
        queue.push(fresh(n), f"newcomer {n}")
        assert queue.drop(lambda name: own if name == network_of(HONEST) else 0) == f"newcomer {n}"


@pytest.mark.parametrize(("waited", "dropped"), [(0.0, "honest"), (PATIENCE, "newcomer")])
def test_much_use_costs_a_place_only_where_nobody_has_waited_long(waited: float, dropped: str) -> None:
    clock = Clock()
    queue = TurnQueue[str](clock)
    queue.push("192.0.2.1", "honest")
    clock.now += waited
    queue.push("192.0.2.2", "newcomer")
    assert queue.drop(lambda name: LITTLE if name == "192.0.2.1" else 0) == dropped


@given(some.integers(2, 50))
def test_a_network_with_most_in_the_queue_loses_its_newest(crowd: int) -> None:
    queue = TurnQueue[int](Clock())
    for n in range(crowd):
        queue.push(fresh(n, wide=False), n)
    queue.push("192.0.2.1", -1)
    assert [queue.drop(used_nothing) for _ in range(crowd - 1)] == list(range(crowd - 1, 0, -1))
    assert len(queue) == 2


@given(some.lists(some.tuples(some.integers(0, 9), some.booleans())))
def test_what_is_over_is_swept_and_nothing_else(items: list[tuple[int, bool]]) -> None:
    queue = TurnQueue[tuple[int, bool]](Clock())
    for n, over in items:
        queue.push(fresh(n % 5, wide=n > 4), (n, over))
    swept = queue.sweep(lambda item: item[1])
    assert sorted(swept) == sorted(item for item in items if item[1])
    left = [queue.pop(used_nothing) for _ in range(len(queue))]
    assert sorted(left) == sorted(item for item in items if not item[1])
