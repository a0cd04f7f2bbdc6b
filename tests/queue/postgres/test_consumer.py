"""How leases end: settled, run out, or taken away from the dead."""

from __future__ import annotations

import secrets

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.queue.postgres import leased_batches
from harvestd.runtime.lifecycle import sleep
from harvestd.store import queue_consumers, queues
from harvestd.store.postgres.transactions import Transaction
from harvestd.store.queues import Taken
from tests.contracts.broker import ORDERS, Held, Received, is_empty, message, state
from tests.queue.processes import Process, Processes
from tests.waiting import eventually


async def take(process: Process, holder: int, lease: float) -> list[Taken]:
    return await process.database.transaction(lambda tx: queues.take(tx, ORDERS, 10, holder, lease))


async def enrolled(process: Process) -> int:
    """A consumer whose session lives, and which does nothing any more: a process that hangs."""
    holder = secrets.randbits(63)
    assert await process.session.locks.try_lock(holder)
    await process.database.transaction(lambda tx: queue_consumers.enrol(tx, holder, ORDERS))
    return holder


async def test_the_lease_of_a_consumer_that_hangs_runs_out_and_its_late_word_counts_for_nothing(
    processes: Processes,
) -> None:
    hanging, living = await processes.start(), await processes.start()
    await living.broker.publish([message() for _ in range(3)])
    holder = await enrolled(hanging)
    taken = await take(hanging, holder, lease=0.4)
    assert len(taken) == 3
    receive = Held()
    await living.broker.consume(ORDERS, 10, receive)
    assert (await state(living.broker, ORDERS)).unacknowledged == 3
    await eventually("the lease ran out", lambda: len(receive.ids) == 3)
    ids = [one.id for one in taken]
    for late in (
        lambda tx: queues.settle(tx, holder, ids, [], []),
        lambda tx: queues.settle(tx, holder, [], [(id, 1.0) for id in ids], []),
        lambda tx: queues.settle(tx, holder, [], [], [(id, "late") for id in ids]),
        lambda tx: queues.renew(tx, ids, holder, 30.0),
    ):
        assert await hanging.database.transaction(late) == 0
    assert (await state(living.broker, ORDERS)).unacknowledged == 3
    receive.release()
    await eventually("settled", lambda: is_empty(living.broker, ORDERS))


async def test_what_a_live_consumer_has_in_hand_is_not_given_to_another(processes: Processes) -> None:
    one, two = await processes.start(), await processes.start()
    await one.broker.publish([message() for _ in range(3)])
    await take(one, await enrolled(one), lease=30.0)
    receive = Received()
    await two.broker.consume(ORDERS, 10, receive)
    await sleep(reactor, 0.3)  # several polls
    assert receive.ids == []


async def test_a_take_does_not_wait_for_another_that_is_under_way(processes: Processes) -> None:
    process = await processes.start()
    await process.broker.publish([message() for _ in range(15)])
    has_taken: Deferred[None] = Deferred()
    may_commit: Deferred[None] = Deferred()

    async def slow(tx: Transaction) -> list[Taken]:
        taken = await queues.take(tx, ORDERS, 10, 1, 30.0)
        has_taken.callback(None)
        await may_commit
        return taken

    under_way = Deferred.fromCoroutine(process.database.transaction(slow))
    await has_taken
    others = await take(process, 2, lease=30.0)
    may_commit.callback(None)
    assert len(others) == 5
    assert not {one.id for one in others} & {one.id for one in await under_way}


async def test_a_lease_is_renewed_for_as_long_as_the_work_takes(processes: Processes) -> None:
    one, two = await processes.start(queue_lease=0.6), await processes.start(queue_lease=0.6)
    slow, other = Held(), Received()
    await one.broker.consume(ORDERS, 10, slow)
    await one.broker.publish([message()])
    await eventually("in hand", lambda: slow.ids)
    await two.broker.consume(ORDERS, 10, other)
    await sleep(reactor, 1.5)  # more than two leases
    assert other.ids == []
    slow.release()
    await eventually("settled", lambda: is_empty(one.broker, ORDERS))
    assert len(slow.ids) == 1 and other.ids == []


async def test_a_dead_consumer_is_forgotten_and_its_messages_do_not_wait_for_the_lease(processes: Processes) -> None:
    dying, living = await processes.start(queue_lease=3600.0), await processes.start(queue_lease=3600.0)
    stuck = Held()
    await dying.broker.consume(ORDERS, 10, stuck)
    await dying.broker.publish([message()])
    await eventually("in hand", lambda: stuck.ids)
    [(holder,)] = processes.sql("select holder from queue_consumers")
    processes.kill(dying)
    receive = Received()
    await living.broker.consume(ORDERS, 10, receive)
    await eventually("it has it", lambda: receive.ids == stuck.ids, 5)
    assert (holder,) not in processes.sql("select holder from queue_consumers")
    stuck.release()


async def test_a_consumer_whose_session_was_lost_goes_on_under_another_name(processes: Processes) -> None:
    process = await processes.start()
    receive = Received()
    subscription = await process.broker.consume(ORDERS, 10, receive)
    await eventually("consuming", lambda: subscription.consuming)
    before = processes.sql("select holder from queue_consumers")
    processes.kill(process, "-session")
    await eventually("another name", lambda: not set(processes.sql("select holder from queue_consumers")) & set(before))
    await process.broker.publish([message()])
    await eventually("settled", lambda: is_empty(process.broker, ORDERS))
    assert len(receive.ids) == 1
    assert (await state(process.broker, ORDERS)).consumers == 1


async def test_a_stopped_consumer_is_forgotten(processes: Processes) -> None:
    process = await processes.start()
    subscription = await process.broker.consume(ORDERS, 10, Received())
    await eventually("consuming", lambda: subscription.consuming)
    await subscription.stop()
    assert processes.sql("select * from queue_consumers") == []


async def put_unheard(processes: Processes, due: str) -> None:
    """A message that nobody was told of."""
    processes.sql(
        "insert into queue_messages (queue, message_id, type, body, available_at)"
        " values (%s, gen_random_uuid(), 'order.created', '{}', now() - %s::interval)",
        ORDERS, due,
    )  # fmt: skip


async def test_a_lost_wake_costs_one_poll(processes: Processes) -> None:
    process = await processes.start()
    receive = Received()
    await process.broker.consume(ORDERS, 10, receive)
    await process.broker.publish([message()])
    await eventually("the first", lambda: len(receive.ids) == 1)
    await put_unheard(processes, "0 s")
    await eventually("the unheard", lambda: len(receive.ids) == 2, 5)


async def test_a_message_that_was_due_long_ago_is_found_too(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leased_batches, "LOOK_WHOLE", 0.3)
    process = await processes.start()
    receive = Received()
    await process.broker.consume(ORDERS, 10, receive)
    await process.broker.publish([message()])
    await eventually("the first", lambda: len(receive.ids) == 1)
    await put_unheard(processes, "1 hour")
    await eventually("the old", lambda: len(receive.ids) == 2, 5)


async def test_messages_come_again_when_they_could_not_be_settled(processes: Processes) -> None:
    process = await processes.start()
    receive = Held()
    subscription = await process.broker.consume(ORDERS, 10, receive)
    sent = [message() for _ in range(3)]
    await process.broker.publish(sent)
    await eventually("in hand", lambda: len(receive.ids) == 3)
    processes.cut()
    try:
        receive.release()
        await eventually("it gave up", lambda: not subscription.consuming)
    finally:
        processes.mend()
    await eventually("again", lambda: len(receive.ids) == 6)
    assert set(receive.ids) == {one.id for one in sent}
    await eventually("settled", lambda: is_empty(process.broker, ORDERS))
