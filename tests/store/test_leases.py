"""What one process at a time does: who has the lease, who gets it, and what one that lost it can still write."""

from __future__ import annotations

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from harvestd.runtime.lifecycle import sleep
from harvestd.store.leases import Lease, Lost
from harvestd.store.postgres.transactions import Transaction
from tests.queue.processes import Process, Processes
from tests.waiting import eventually


def lease(process: Process, seconds: float = 30.0) -> Lease:
    return Lease(reactor, process.database, process.session, "work", seconds)


async def written(process: Process, lease: Lease) -> None:
    async def work(tx: Transaction) -> None:
        await lease.check(tx)

    await process.database.transaction(work)


async def test_one_has_it_and_keeps_it(processes: Processes) -> None:
    one, two = lease(await processes.start()), lease(await processes.start())
    assert await one.held() and one.mine
    assert not await two.held() and not two.mine
    assert await one.held()


async def test_what_is_given_back_is_the_next_ones(processes: Processes) -> None:
    one, two = lease(await processes.start()), lease(await processes.start())
    assert await one.held()
    await one.give_back()
    assert not one.mine
    assert await two.held()


async def test_of_a_process_that_died_it_is_the_next_ones_at_once(processes: Processes) -> None:
    first, second = await processes.start(), await processes.start()
    one, two = lease(first, 3600.0), lease(second, 3600.0)
    assert await one.held() and not await two.held()
    processes.end(first)
    await eventually("taken over", two.held, 5)


async def test_of_a_process_that_is_frozen_it_is_the_next_ones_when_it_runs_out_and_the_first_writes_nothing(
    processes: Processes,
) -> None:
    """Its session lives, and it does not know: but its fence is an older one."""
    first, second = await processes.start(), await processes.start()
    one, two = lease(first, 0.5), lease(second, 0.5)
    assert await one.held()
    await written(first, one)
    await eventually("taken over", two.held, 5)
    assert first.session.connected and not one.mine
    with pytest.raises(Lost):
        await written(first, one)
    await written(second, two)
    assert not await one.held()


async def test_who_works_on_keeps_it_by_asking(processes: Processes) -> None:
    one, two = lease(await processes.start(), 0.6), lease(await processes.start(), 0.6)
    for _ in range(30):
        assert await one.held()
        assert not await two.held()
        await sleep(reactor, 0.05)


async def test_a_process_asks_for_all_its_leases_at_once_and_keeps_each(processes: Processes) -> None:
    """As it does at its start: whichever was asked for first is under the same name as the others, so that renewing works."""
    process = await processes.start()
    leases = [Lease(reactor, process.database, process.session, f"work {number}", 0.6) for number in range(5)]
    for _ in range(12):
        assert await gatherResults([Deferred.fromCoroutine(each.held()) for each in leases]) == [True] * 5
        await sleep(reactor, 0.05)
    assert processes.sql("select count(distinct holder), max(fence) from leases") == [(1, 1)]


async def test_a_transaction_that_the_frozen_one_left_open_holds_up_nobody(processes: Processes) -> None:
    first, second = await processes.start(), await processes.start()
    one, two = lease(first, 0.5), lease(second, 0.5)
    assert await one.held()

    async def work(tx: Transaction) -> None:
        await one.check(tx)
        await eventually("taken over", two.held, 5)

    await first.database.transaction(work)


async def test_with_another_session_the_same_process_has_it_under_another_fence(processes: Processes) -> None:
    process = await processes.start()
    one = lease(process, 3600.0)
    assert await one.held()
    [(holder, fence)] = processes.sql("select holder, fence from leases")
    processes.kill(process, "-session")
    await eventually("its session ended", lambda: not one.mine, 5)
    again = lease(process, 3600.0)
    await eventually("again", again.held, 5)
    [(other, higher)] = processes.sql("select holder, fence from leases")
    assert other != holder and higher == fence + 1
