"""The outbox relayed to RabbitMQ, with a standby."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harvestd import failpoints
from harvestd.store import outbox
from tests.contracts.broker import ORDERS, Received, is_empty
from tests.queue.processes import Processes, now
from tests.queue.rabbits import RabbitRig
from tests.queue.test_relay import event
from tests.waiting import eventually
from tests.workers.test_consumer import Bench


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
