"""Sign-ins wait in a bounded queue, in which addresses take turns."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import attrs
import pytest
from twisted.internet.defer import Deferred, ensureDeferred

from harvestd.kernel.errors import Overloaded
from harvestd.market.accounts import passwords
from harvestd.market.accounts.hashing import NICER, Hashing
from harvestd.parts import Parts
from harvestd.runtime.fair_turns import Place
from tests.waiting import eventually
from tests.web.client import encode
from tests.web.conftest import make_market


@attrs.define
class Desk:
    """One at once; the first holds it until ``open`` is set. ``order`` has who was served."""

    hashing: Hashing
    open: threading.Event
    order: list[str]
    full: list[str]
    gone: set[str]

    def come(self, who: str, most: int = 1000) -> Deferred[None]:
        place = Place(who.partition(" ")[0], lambda: who in self.gone, most, lambda: self.full.append(who))
        return ensureDeferred(self.hashing.run(place, self._work, who))

    def _work(self, who: str) -> None:
        assert self.open.wait(20)
        self.order.append(who)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(Hashing(1), threading.Event(), [], [], set())
    yield made
    made.open.set()


async def test_an_honest_one_waits_for_one_of_each_address(desk: Desk) -> None:
    crowd = [desk.come(f"{address} {n}") for n in range(20) for address in ("a", "b", "c")]
    honest = desk.come("honest")
    desk.open.set()
    for one in [*crowd, honest]:
        await one
    assert desk.order.index("honest") <= 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
async def test_hashing_gives_way_to_the_reactor(desk: Desk) -> None:
    """So do the threads that a hash's lanes run in."""
    of: list[int] = []

    def lane() -> None:
        of.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def work() -> None:
        lane()
        made = threading.Thread(target=lane)
        made.start()
        made.join(20)

    await desk.hashing.run(Place(), work)
    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert of == [min(19, ours + NICER)] * 2
    assert ours == os.nice(0)


async def test_what_fails_in_a_thread_fails_for_who_waits(desk: Desk) -> None:
    with pytest.raises(ZeroDivisionError):
        await desk.hashing.run(Place(), lambda: 1 // 0)
    await desk.hashing.run(Place(), lambda: None)


async def test_who_had_least_lately_comes_first(desk: Desk) -> None:
    desk.open.set()
    for address in "abc":
        await desk.come(f"{address} before")
    desk.open.clear()
    crowd = [desk.come(f"{address} {n}") for n in range(5) for address in "abc"]  # one is served now
    honest = desk.come("honest")
    desk.open.set()
    for one in [*crowd, honest]:
        await one
    assert desk.order.index("honest") == 4


async def test_who_left_is_not_worked_for(desk: Desk) -> None:
    first, left, last = desk.come("a first"), desk.come("a left"), desk.come("a last")
    desk.gone.add("a left")
    desk.open.set()
    with pytest.raises(Overloaded):
        await left
    await first
    await last
    assert desk.order == ["a first", "a last"]


async def test_nobody_waits_longer_than_is_said(desk: Desk) -> None:
    """Nor is worked for after that; whoever is being worked for when it is over is refused, too."""
    first = desk.come("a first")
    late = ensureDeferred(desk.hashing.run(Place("b", seconds=0.05), desk._work, "b late"))
    with pytest.raises(Overloaded):
        await late
    desk.open.set()
    await first
    await desk.come("c last")
    assert desk.order == ["a first", "c last"]
    desk.open.clear()
    with pytest.raises(Overloaded):
        await desk.hashing.run(Place("b", seconds=0.05), desk._work, "b worked for")
    desk.open.set()
    await desk.come("d last")


async def test_above_the_bound_the_crowd_loses_its_newest(desk: Desk) -> None:
    crowd = [desk.come(f"crowd {n}", most=5) for n in range(6)]  # one is served, five wait
    honest = desk.come("honest", most=5)
    with pytest.raises(Overloaded) as refused:
        await crowd[5]
    assert refused.value.retry_after > 0
    assert desk.full == ["honest"]
    with pytest.raises(Overloaded):
        await desk.come("crowd 7", most=5)
    desk.open.set()
    await honest
    for one in crowd[:5]:
        await one
    assert "honest" in desk.order[:3]


@pytest.mark.parametrize("path", ["login", "register"])
async def test_signing_in_and_registering_are_503_above_the_bound(
    parts: Parts, desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """With ``Retry-After``, and the one warning for all of them."""
    monkeypatch.setattr(passwords, "_HASHING", desk.hashing)
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, password_queue=1)))
    waiting = [desk.come("127.0.0.1 first"), desk.come("127.0.0.1 second")]
    body = {
        "email": "bo@example.org",
        "password": "a long walk to market",
        "username": "bob",
        "name": "Bo",
        "role": "buyer",
    }
    if path == "login":
        body = {name: body[name] for name in ("email", "password")}
    answer = await market.stranger.post(f"/api/auth/{path}", body)
    assert (answer.status, answer.headers.get("retry-after")) == (503, "2"), answer
    assert "try again" in answer.json()["detail"]
    assert parts.metrics.value("harvest_shortages_total", what="passwords") == 1
    desk.open.set()
    for one in waiting:
        await one


async def test_who_hangs_up_leaves_the_queue(parts: Parts, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHING", desk.hashing)
    market = make_market(parts)
    first = desk.come("a first")
    wire = market.stranger.connect()
    wire.send(encode("POST", "/api/auth/login", json={"email": "bo@example.org", "password": "a long walk to market"}))
    await eventually("it waits", lambda: len(desk.hashing.turns) == 1)
    wire.hang_up()
    called: list[str] = []
    monkeypatch.setattr(passwords, "_verify", lambda password, stored: called.append(password))
    desk.open.set()
    await first
    await eventually("the queue is empty", lambda: len(desk.hashing.turns) == 0)
    await desk.come("a last")
    assert called == []
    assert desk.order == ["a first", "a last"]
