"""The outbox relay: everything committed is published, at least once, by one process at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.interfaces import Message
from harvestd.kernel.events import Event
from harvestd.queue.envelope import decode
from harvestd.queue.relay import BATCH, GATHER
from harvestd.runtime import failpoints
from harvestd.runtime.tracing import Trace, tracing
from harvestd.settings.table import Settings
from harvestd.store import outbox
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction
from harvestd.tables import TOPOLOGY
from servers import PostgresServer
from tests.contracts.broker import ORDERS, Received
from tests.queue.processes import Process, Processes, data, new_id, now
from tests.waiting import eventually

WRITTEN = Statement("test_written", "select from outbox limit 1", nothing)


@pytest.fixture
def armed() -> Iterator[None]:
    yield
    failpoints.disarm()


@pytest_twisted.async_yield_fixture
async def elsewhere(postgres: PostgresServer, second_database_url: str, settings: Settings) -> AsyncIterator[Processes]:
    """A broker's own database, which can be out of reach while the outbox's is not."""
    processes = Processes(postgres, second_database_url, settings)
    yield processes
    await processes.stop()


def event(number: int = 1) -> Event:
    return Event("order.created", f"order:{number}", number, data(number))


async def unsent(process: Process) -> int:
    return (await outbox.backlog(process.database, now())).unsent


async def test_what_is_recorded_in_a_rush_goes_together(processes: Processes) -> None:
    """The first at once; then what comes meanwhile, in few batches, and none is left for the poll."""
    process = await processes.start(queue_poll=30.0)
    batches: list[list[str]] = []
    publish = process.broker.publish

    async def noted(messages: Sequence[Message]) -> list[str]:
        batches.append([message.id for message in messages])
        return list(await publish(messages))

    process.broker.publish = noted
    process.relay.start()
    await eventually("it leads", lambda: process.relay.leads)
    began = reactor.seconds()
    ids = await process.record(event(0))
    await eventually("the first goes at once", lambda: batches == [ids], 5)
    ids = [*ids, *[id for number in range(1, 60) for id in await process.record(event(number))]]
    await eventually("all published", lambda: sum(map(len, batches)) == 60, 5)
    assert [id for batch in batches for id in batch] == ids
    assert len(batches) <= 2 + (reactor.seconds() - began) / GATHER


async def test_a_recorded_event_is_published_as_an_envelope_without_waiting_for_the_poll(processes: Processes) -> None:
    process = await processes.start(queue_poll=30.0)
    process.relay.start()
    received = Received()
    await process.broker.consume(ORDERS, 10, received)
    await eventually("it leads", lambda: process.relay.leads)
    with tracing(Trace("request-7", "00-abc-def-01")):
        [id] = await process.record(event(3))
    await eventually("published", lambda: received.ids, 5)
    envelope = decode(received.deliveries[0].message.body)
    assert received.ids == [id]
    assert (envelope.id, envelope.type, envelope.version, envelope.aggregate) == (id, "order.created", 3, "order:3")
    assert envelope.data == data(3)
    assert envelope.trace.as_trace() == Trace("request-7", "00-abc-def-01")
    assert envelope.timestamp.utcoffset() is not None
    await eventually("marked", lambda: process.metrics.value("harvest_relay_published_total") == 1)
    assert await unsent(process) == 0


async def test_a_backlog_is_published_in_order_over_several_batches(processes: Processes) -> None:
    process = await processes.start()
    count = BATCH * 2 + 10
    await process.record(*[event(n) for n in range(count)])
    received = Received()
    await process.broker.consume(ORDERS, 50, received)
    process.relay.start()
    await eventually("all", lambda: len(received.ids) == count)
    assert [decode(one.message.body).version for one in received.deliveries] == list(range(count))


async def test_one_of_two_leads_and_is_woken_by_the_other(processes: Processes) -> None:
    one, two = await processes.start(queue_poll=30.0), await processes.start(queue_poll=30.0)
    one.relay.start()
    await eventually("the first leads", lambda: one.relay.leads)
    two.relay.start()
    received = Received()
    await one.broker.consume(ORDERS, 10, received)
    for number in range(1, 4):
        await two.record(event(number))
        await eventually("published", lambda n=number: len(received.ids) == n, 5)
    assert one.relay.leads and not two.relay.leads


async def test_the_standby_takes_over_when_the_leaders_session_dies(processes: Processes) -> None:
    one, two = await processes.start(), await processes.start()
    one.relay.start()
    await eventually("the first leads", lambda: one.relay.leads)
    two.relay.start()
    processes.kill(one, "-session")
    await eventually("the first notices", lambda: not one.relay.leads, 5)
    await eventually("one of them leads again", lambda: one.relay.leads != two.relay.leads, 5)
    received = Received()
    await two.broker.consume(ORDERS, 10, received)
    [id] = await one.record(event())
    await eventually("published", lambda: id in received.ids, 5)


async def test_a_leader_that_stops_gives_up_the_lead(processes: Processes) -> None:
    one, two = await processes.start(), await processes.start()
    one.relay.start()
    await eventually("the first leads", lambda: one.relay.leads)
    two.relay.start()
    await one.relay.stop()
    await eventually("the second leads", lambda: two.relay.leads, 5)
    assert not one.relay.leads


async def test_an_event_is_published_again_when_the_relay_fails_between_confirm_and_mark(
    processes: Processes, armed: None, expected_errors: Callable[..., list[str]]
) -> None:
    process = await processes.start(queue_poll=0.05)
    failpoints.arm("relay.after_publish=error@1", {"HARVEST_TESTING": "1"})
    [id] = await process.record(event())
    process.relay.start()
    received = Received()
    await process.broker.consume(ORDERS, 10, received)
    await eventually("twice", lambda: len(received.ids) >= 2)
    assert received.ids == [id, id]
    assert len(expected_errors(failpoints.FailPointHit)) == 1
    await eventually("marked", lambda: process.metrics.value("harvest_relay_published_total") == 1)


async def test_a_lower_seq_that_is_committed_after_a_higher_one_was_sent_is_published(processes: Processes) -> None:
    process = await processes.start()
    process.relay.start()
    received = Received()
    await process.broker.consume(ORDERS, 10, received)
    has_written: Deferred[None] = Deferred()
    may_commit: Deferred[None] = Deferred()

    async def slow(tx: Transaction) -> None:
        outbox.record(tx, [event(1)], TOPOLOGY, new_id, now())
        await tx.row(WRITTEN)  # what was recorded travels with it
        has_written.callback(None)
        await may_commit

    slow_commit = Deferred.fromCoroutine(process.database.transaction(slow))
    await has_written
    [higher] = await process.record(event(2))
    await eventually("the higher is sent", lambda: received.ids == [higher])
    await eventually("and marked", lambda: process.metrics.value("harvest_relay_published_total") == 1)
    may_commit.callback(None)
    await slow_commit
    process.relay.wake()
    await eventually("the lower too", lambda: len(received.ids) == 2)
    assert [decode(one.message.body).version for one in received.deliveries] == [2, 1]
    assert processes.sql("select array_agg(version order by seq) from outbox") == [([1, 2],)]


async def test_the_outbox_holds_the_backlog_while_the_broker_is_out_of_reach(
    processes: Processes, elsewhere: Processes
) -> None:
    far = await elsewhere.start()
    process = await processes.start(broker=far.broker)
    process.relay.start()
    await eventually("it leads", lambda: process.relay.leads)
    elsewhere.cut()
    try:
        ids = await process.record(*[event(n) for n in range(5)])
        ids += await process.record(event(5))
        assert await unsent(process) == 6
    finally:
        elsewhere.mend()
    received = Received()
    await far.broker.consume(ORDERS, 10, received)
    await eventually("all are published", lambda: set(received.ids) == set(ids), 20)
    await eventually("and marked", lambda: process.metrics.value("harvest_relay_published_total") == 6)
    assert await unsent(process) == 0
