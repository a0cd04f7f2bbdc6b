"""The outbox relayed to RabbitMQ, with a standby."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from harvestd.queue.rabbitmq import declarations as rabbit_topology
from harvestd.runtime import failpoints
from harvestd.store import outbox, redelivery
from harvestd.store.postgres.statements import Statement, scalar
from tests.contracts.broker import ORDERS, Received, is_empty
from tests.queue.processes import Processes, now
from tests.queue.rabbitmq.rabbits import RabbitRig
from tests.queue.test_consumer import Bench
from tests.queue.test_relay import event
from tests.waiting import eventually


@pytest.fixture
def armed() -> Iterator[None]:
    yield
    failpoints.disarm()


async def test_a_leader_that_dies_between_confirm_and_mark_is_followed_by_one_that_publishes_again_for_one_effect(
    processes: Processes, rabbit: RabbitRig, armed: None
) -> None:
    far = await rabbit.broker()
    leader, standby = await processes.start(broker=await rabbit.broker()), await processes.start(broker=far)
    bench = Bench(processes, await processes.start())
    seen = Received()
    consumer = bench.consumer()

    async def receive(deliveries):  # type: ignore[no-untyped-def]
        await seen(deliveries)
        return await consumer.receive(deliveries)

    await far.consume(ORDERS, 10, receive)
    failpoints.arm("relay.after_publish=sleep:1@1", {"HARVEST_TESTING": "1"})
    leader.relay.start()
    await eventually("it leads", lambda: leader.relay.leads)
    standby.relay.start()
    ids = await standby.record(event(1), event(2))
    await eventually("they are published", lambda: set(seen.ids) == set(ids))
    processes.end(leader)
    await eventually("the standby leads", lambda: standby.relay.leads, 5)
    await eventually("they are published again", lambda: len(seen.ids) == 4, 5)

    async def marked() -> bool:
        return (await outbox.backlog(standby.database, now())).unsent == 0

    await eventually("and marked", marked)
    await eventually("settled", lambda: is_empty(far, ORDERS))
    assert sorted(bench.effects()) == [1, 2]


async def test_the_outbox_holds_the_backlog_through_an_alarm_and_a_cut(processes: Processes, rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    process = await processes.start(broker=broker)
    process.relay.start()
    await eventually("it leads", lambda: process.relay.leads)
    received = Received()
    ids: list[str] = []
    rabbit.server.alarm(True)
    try:
        for number in range(5):
            ids += await process.record(event(number))
        await eventually("it knows", lambda: broker._publishing.blocked)
        assert (await outbox.backlog(process.database, now())).unsent == 5
    finally:
        rabbit.server.alarm(False)
    await rabbit.cut()
    ids += await process.record(event(5))
    await rabbit.mend()
    await broker.consume(ORDERS, 10, received)
    await eventually("all are published", lambda: set(received.ids) == set(ids), 20)

    async def marked() -> bool:
        return (await outbox.backlog(process.database, now())).unsent == 0

    await eventually("and marked", marked)


async def test_what_is_published_until_a_lost_queue_is_there_again_comes_to_it_however_long_that_takes(
    processes: Processes, rabbit: RabbitRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is busy declares a quorum queue in its own time: nothing is reckoned by a clock meanwhile."""
    broker = await rabbit.broker()
    process = await processes.start(broker=broker)

    async def again(queues: Sequence[str], after: float) -> None:
        await process.database.transaction(lambda tx: redelivery.ask_again(tx, queues, after))

    async def none_is_left(table: str, where: str) -> bool:
        left = Statement(f"left.{table}", f"select count(*) from {table} where {where}", scalar)
        return await process.database.row(left) == 0

    declare, entered, there = rabbit_topology.declare, Deferred[None](), Deferred[None]()

    async def slow(*arguments: Any) -> None:
        if not entered.called:
            entered.callback(None)
            await there
        await declare(*arguments)

    broker._again = again
    seen = Received()
    subscription = await broker.consume(ORDERS, 10, seen)
    await eventually("it consumes", lambda: subscription.consuming)
    process.relay.start()
    monkeypatch.setattr(rabbit_topology, "declare", slow)
    monkeypatch.setattr(rabbit_topology, "DIED_ON_THE_WAY", 0.01)
    await (await broker._consuming.channel()).queue_delete(ORDERS)
    await entered
    await eventually("it was sent again too early", lambda: none_is_left("outbox_again", "true"), 5)
    (id,) = await process.record(event(1))
    await eventually("the others have it", lambda: none_is_left("outbox", "sent_at is null"))
    there.callback(None)
    await eventually("it has it, too", lambda: seen.ids == [id], 5)
