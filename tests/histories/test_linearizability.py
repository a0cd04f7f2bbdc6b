"""The search finds an order exactly where there is one; the model tells what products and windows may answer, and what they may not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.histories.linearizability import NEVER, Operation, check
from tests.histories.pools import Load, Pool, Said, step


def at(begun: float, ended: float, **said: object) -> Operation[Said]:
    return Operation(begun, ended, Said(**{"told": "done", **said}))  # type: ignore[arg-type]


def place(begun: float, ended: float, by: str, number: int, **more: object) -> Operation[Said]:
    return at(begun, ended, kind="place", by=by, load=(number,), **more)


def cancel(begun: float, ended: float, by: str, **more: object) -> Operation[Said]:
    return at(begun, ended, kind="cancel", by=by, **more)


def look(begun: float, ended: float, left: int) -> Operation[Said]:
    return at(begun, ended, kind="look", load=(left,))


LOST = {"told": None}
FULL = {"told": "full"}
GONE = {"told": "gone"}
#: Of a stock of two, unless the name says otherwise.
GOOD = {
    "nothing": [],
    "one after the other": [place(0, 1, "a", 1), place(2, 3, "b", 1), look(4, 5, 0)],
    "the last for one of two at once": [place(0, 5, "a", 2), place(0, 5, "b", 2, **FULL), look(6, 6, 0)],
    "refused before it was restocked": [
        place(0, 9, "a", 3), at(1, 8, kind="restock", load=(1,)), place(2, 7, "b", 3, **FULL), look(10, 10, 0)
    ],
    "a lost order that was placed": [place(0, NEVER, "a", 2, **LOST), place(2, 3, "b", 1, **FULL)],
    "a lost order that was not": [place(0, NEVER, "a", 2, **LOST), place(2, 3, "b", 2), look(4, 4, 0)],
    "a lost order that is placed later": [place(0, NEVER, "a", 2, **LOST), look(2, 3, 2), look(4, 5, 0)],
    "a lost cancel that came": [place(0, 1, "a", 2), cancel(2, NEVER, "a", **LOST), place(4, 5, "b", 2)],
    "cancelled once of two at once": [place(0, 1, "a", 2), cancel(2, 9, "a"), cancel(3, 8, "a", **GONE), look(10, 10, 2)],
    "what is left is told": [place(0, 1, "a", 1), place(2, 3, "b", 2, told="full", left=1)],
    "a hold in the place of another": [
        at(0, 1, kind="hold", by="ann", quote="q", load=(1,)), at(2, 3, kind="hold", by="ann", quote="r", load=(2,)),
        at(4, 5, kind="order held", by="a", quote="q", told="gone"), at(6, 7, kind="order held", by="a", quote="r"), look(8, 8, 0),
        cancel(9, 9, "a"), look(10, 10, 2),
    ],
    "a hold that is let go": [
        at(0, 1, kind="hold", by="ann", quote="q", load=(2,)), at(2, 3, kind="let go", by="ann"), look(4, 4, 2)
    ],
    "an amendment by the difference": [
        place(0, 1, "a", 1), at(2, 3, kind="amend", by="a", load=(2,)), at(4, 5, kind="amend", by="a", load=(3,), told="full", left=0), look(6, 6, 0)
    ],
}  # fmt: skip
BAD = {
    "more than there is": [place(0, 5, "a", 2), place(0, 5, "b", 1)],
    "the last for both of two at once": [place(0, 1, "a", 1), place(2, 9, "b", 1), place(2, 9, "c", 1)],
    "refused though there is enough": [place(0, 1, "a", 1), place(2, 3, "b", 1, **FULL)],
    "a return that is lost": [place(0, 1, "a", 2), cancel(2, 3, "a"), place(4, 5, "b", 1, **FULL)],
    "a return that is lost in the end": [place(0, 1, "a", 2), cancel(2, 3, "a"), look(4, 4, 0)],
    "a return twice": [place(0, 1, "a", 2), cancel(2, 3, "a"), cancel(4, 5, "a"), look(6, 6, 2)],
    "a return of twice as much": [place(0, 1, "a", 1), cancel(2, 3, "a"), look(4, 4, 3)],
    "what was before": [place(0, 1, "a", 1), look(2, 3, 2)],
    "what was, after what is": [place(0, 9, "a", 1), look(2, 3, 1), look(4, 5, 2)],
    "a lost order that is placed and then not": [place(0, NEVER, "a", 2, **LOST), look(2, 3, 0), look(4, 5, 2)],
    "an acknowledged order that is not there": [place(0, 1, "a", 2), cancel(2, 3, "a", **GONE)],
    "a cancelled order that still is": [place(0, 1, "a", 2), cancel(2, 3, "a"), at(4, 5, kind="amend", by="a", load=(1,))],
    "another number than is left": [place(0, 1, "a", 1), place(2, 3, "b", 2, told="full", left=0)],
    "a hold ordered twice": [
        at(0, 1, kind="hold", by="ann", quote="q", load=(1,)), at(2, 3, kind="order held", by="a", quote="q"), at(4, 5, kind="order held", by="b", quote="q")
    ],
    "two holds of one person": [
        at(0, 1, kind="hold", by="ann", quote="q", load=(1,)), at(2, 3, kind="hold", by="ann", quote="r", load=(1,)), look(4, 4, 0)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_some_order_explains_is_explained(name: str) -> None:
    assert check(GOOD[name], Pool((2,)), step) is None


@pytest.mark.parametrize("name", BAD)
def test_what_no_order_explains_is_not(name: str) -> None:
    assert check(BAD[name], Pool((2,)), step) is not None


def test_a_window_is_full_in_any_of_its_measures() -> None:
    window = Pool((3, 4, 7000))
    one = at(0, 1, kind="place", by="a", load=(1, 2, 4000))
    assert check([one, at(2, 3, kind="place", by="b", load=(1, 2, 4000), told="full")], window, step) is None
    assert check([one, at(2, 3, kind="place", by="b", load=(1, 2, 3000), told="full")], window, step) is not None
    assert check([one, at(2, 3, kind="place", by="b", load=(1, 3, 3000))], window, step) is not None


def test_who_reads_of_it_is_told_how_far_an_order_explains_it() -> None:
    told = str(check(BAD["a return twice"], Pool((2,)), step))
    first, second = told.split("none of these can be:")
    assert "'place'" in first and second.count("'cancel'") == 1


LOADS = st.integers(1, 3).map(lambda n: (n,))
SAID = st.one_of(
    st.builds(
        Said, kind=st.just("place"), told=st.sampled_from(["done", "full", None]), by=st.sampled_from("ab"), load=LOADS
    ),
    st.builds(Said, kind=st.just("cancel"), told=st.sampled_from(["done", "gone", None]), by=st.sampled_from("ab")),
    st.builds(Said, kind=st.just("look"), told=st.just("done"), load=st.integers(0, 3).map(lambda n: (n,))),
)
TIMES = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda pair: (min(pair), max(pair)))
HISTORIES = st.lists(st.tuples(TIMES, SAID), max_size=5).map(
    lambda drawn: [Operation(begun, NEVER if said.told is None else ended, said) for (begun, ended), said in drawn]
)


def explained_by_trying(operations: Sequence[Operation[Said]], initial: Load) -> bool:
    """Whether any order of those that are known and any of the lost ones does; all orders are tried."""
    known = [one for one in operations if one.ended != NEVER]
    lost = [one for one in operations if one.ended == NEVER]
    return any(
        _goes(order, Pool(initial))
        for number in range(len(lost) + 1)
        for some in itertools.combinations(lost, number)
        for order in itertools.permutations([*known, *some])
    )


def _goes(order: Sequence[Operation[Said]], pool: Pool | None) -> bool:
    for n, one in enumerate(order):
        if any(later.ended < one.begun for later in order[n + 1 :]):
            return False
        pool = None if pool is None else step(pool, one.what)
    return pool is not None


@settings(max_examples=150, deadline=None)
@given(HISTORIES)
def test_the_search_is_exact(operations: list[Operation[Said]]) -> None:
    assert (check(operations, Pool((3,)), step) is None) == explained_by_trying(operations, (3,))
