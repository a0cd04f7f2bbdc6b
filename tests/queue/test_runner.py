"""The consumers of a process, and what is done from time to time by one process alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_twisted
from twisted.internet import reactor

from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope
from harvestd.queue.runner import GATHER, Workers, chosen
from harvestd.queue.work import Periodic, QueueHandlers
from harvestd.runtime.lifecycle import sleep
from harvestd.store.leases import GoingOn
from harvestd.tables import TOPOLOGY
from harvestd.unit_of_work import UnitOfWork
from tests.contracts.broker import state
from tests.queue.processes import Process, Processes, envelope, message
from tests.waiting import eventually

NOTHING = {queue.name: QueueHandlers() for queue in TOPOLOGY.queues.values()}


class Started:
    """Workers that are stopped after the test."""

    def __init__(self) -> None:
        self._all: list[Workers] = []

    async def __call__(self, process: Process, *periodic: Periodic, **more: object) -> Workers:
        workers = Workers(process.parts, **({"handlers": NOTHING, "periodic": periodic} | more))  # type: ignore
        self._all.append(workers)
        await workers.start()
        return workers

    async def stop(self) -> None:
        while self._all:
            await self._all.pop().stop()


@pytest_twisted.async_yield_fixture
async def start(processes: Processes) -> AsyncIterator[Started]:
    started = Started()
    yield started
    await started.stop()


def test_queues_are_chosen_with_or_without_their_prefix_in_the_tables_order() -> None:
    assert chosen(TOPOLOGY, ()) == tuple(TOPOLOGY.queues.values())
    assert [queue.name for queue in chosen(TOPOLOGY, ("search", "harvest.orders"))] == [
        "harvest.search",
        "harvest.orders",
    ]


def test_a_queue_that_is_not_in_the_table_is_named_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"harvest\.nonsense.*harvest\.orders"):
        chosen(TOPOLOGY, ("orders", "nonsense"))


async def test_a_queue_without_a_row_in_the_handlers_table_does_not_start(processes: Processes) -> None:
    process = await processes.start()
    with pytest.raises(ValueError, match=r"harvest\.\w+ has no row"):
        await Workers(process.parts, {}).start()


async def test_each_queue_chosen_is_consumed_by_its_handlers(processes: Processes, start: Started) -> None:
    process = await processes.start()
    handled: list[tuple[str, str]] = []

    def into(name: str) -> QueueHandlers:
        async def handle(work: UnitOfWork, event: Envelope) -> None:
            handled.append((name, event.type))

        return QueueHandlers({"order.created": handle})

    handlers = {queue.name: into(queue.name) for queue in TOPOLOGY.queues.values()}
    workers = await start(process, handlers=handlers, names=("orders", "cache"))
    event = envelope(1)
    await process.broker.publish([message(event)])
    await eventually("both", lambda: len(handled) == 2)
    assert sorted(handled) == [("harvest.cache", "order.created"), ("harvest.orders", "order.created")]
    assert (await state(process.broker, "harvest.analytics")).ready == 1
    assert set(workers.subscriptions) == {"harvest.orders", "harvest.cache"}
    assert all(subscription.consuming for subscription in workers.subscriptions.values())
    await workers.stop()
    assert not any(subscription.consuming for subscription in workers.subscriptions.values())


async def test_a_task_is_done_again_and_again_also_after_it_failed(
    processes: Processes, start: Started, expected_errors: Callable[..., list[str]]
) -> None:
    runs: list[int] = []

    async def task(parts: Parts, going_on: GoingOn) -> None:
        runs.append(len(runs))
        if len(runs) == 2:
            raise RuntimeError("as a test")

    await start(await processes.start(), Periodic("test", 0.02, task), names=("orders",))
    await eventually("four runs", lambda: len(runs) >= 4)
    assert len(expected_errors(RuntimeError)) == 1


async def test_one_process_at_a_time_does_a_task_and_another_takes_over_when_it_dies(
    processes: Processes, start: Started
) -> None:
    one, two = await processes.start(), await processes.start()
    running: list[Parts] = []
    runs: list[Parts] = []
    overlaps: list[int] = []
    dead: list[Parts] = []

    async def task(parts: Parts, going_on: GoingOn) -> None:
        running.append(parts)
        overlaps.append(len([p for p in running if p not in dead]))  # in a process of its own it would run no more
        await sleep(reactor, 0.01)
        running.remove(parts)
        runs.append(parts)

    first = await start(one, Periodic("test", 0.02, task), names=("orders",))
    await eventually("the first does it", lambda: len(runs) >= 2)
    await start(two, Periodic("test", 0.02, task), names=("orders",))
    await eventually("it goes on", lambda: len(runs) >= 10)
    assert set(runs) == {one.parts}
    await first.stop()
    await eventually("the second takes over", lambda: runs[-1] is two.parts)
    third = await processes.start()
    await start(third, Periodic("test", 0.02, task), names=("orders",))
    assert max(overlaps) == 1
    dead.append(two.parts)
    processes.end(two)
    await eventually("the third takes over", lambda: runs[-1] is third.parts)
    assert max(overlaps) == 1


async def test_a_stop_waits_for_the_run_under_way(processes: Processes, start: Started) -> None:
    ends: list[str] = []

    async def task(parts: Parts, going_on: GoingOn) -> None:
        ends.append("begun")
        await sleep(reactor, 0.1)
        ends.append("ended")

    workers = await start(await processes.start(), Periodic("test", 10.0, task), names=("orders",))
    await eventually("it runs", lambda: ends)
    await workers.stop()
    assert ends == ["begun", "ended"]


async def test_what_is_due_is_done_at_once_whichever_process_says_so_and_what_comes_together_is_done_together(
    processes: Processes, start: Started
) -> None:
    doing, saying = await processes.start(), await processes.start()
    runs: list[str] = []

    async def task(parts: Parts, going_on: GoingOn) -> None:
        runs.append("run")

    async def other(parts: Parts, going_on: GoingOn) -> None:
        runs.append("another task's")

    rare = Periodic("rare", 600.0, task), Periodic("other", 600.0, other)
    await start(doing, *rare, names=("orders",))
    await eventually("each has its first turn", lambda: sorted(runs) == ["another task's", "run"])
    runs.clear()
    for parts in (doing.parts, saying.parts):
        parts.due("rare")
        await eventually("it is done", lambda: runs)
        assert runs == ["run"]
        runs.clear()
    began = reactor.seconds()
    while reactor.seconds() < began + 2.5 * GATHER:
        saying.parts.due("rare")
        await sleep(reactor, GATHER / 50)
    assert 1 <= len(runs) <= 4 and set(runs) == {"run"}
