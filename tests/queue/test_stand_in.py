"""Who handles events while the broker is away."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from harvestd.kernel.events import Event
from harvestd.market.operations import housekeeping
from harvestd.queue.envelope import Envelope
from harvestd.queue.retry import Retry
from harvestd.queue.stand_in import StandIn
from harvestd.runtime.health import Condition
from harvestd.store.leases import always
from harvestd.unit_of_work import UnitOfWork
from tests.contracts.broker import ORDERS
from tests.queue.processes import Processes, data
from tests.queue.test_consumer import bench, leave_effect
from tests.waiting import eventually

#: Make every event as old as the broker is waited for.
AGE = "update outbox set created_at = created_at - interval '1 minute' returning 1"


@pytest.mark.parametrize("sent", [False, True])
async def test_what_the_broker_had_long_enough_is_handled_once_while_it_is_away(
    processes: Processes, sent: bool
) -> None:
    here, state = await bench(processes), "degraded"
    parts = here.process.parts

    async def probe() -> Condition:
        return Condition(state)  # type: ignore[arg-type]

    parts.health.add("rabbitmq", probe)
    await here.process.record(*[Event("order.created", f"order:{n}", 1, data(n)) for n in range(120)])
    if sent:
        processes.sql("update outbox set sent_at = now() returning 1")
    stand_in = StandIn({ORDERS: here.consumer()})
    await stand_in.run(parts, always)
    assert here.effects() == [], "they may be on their way"
    processes.sql(AGE)
    state = "ok"
    await stand_in.run(parts, always)
    assert here.effects() == [], "the broker brings them"
    state = "degraded"
    for _ in range(2):
        await stand_in.run(parts, always)
    assert here.effects() == list(range(120)) and here.marks() == 120


async def test_an_outage_that_is_longer_than_marks_are_kept_has_nothing_handled_twice(processes: Processes) -> None:
    here = await bench(processes)
    parts = here.process.parts

    async def probe() -> Condition:
        return Condition("degraded")

    parts.health.add("rabbitmq", probe)
    await here.process.record(*[Event("order.created", f"order:{n}", 1, data(n)) for n in range(3)])
    stand_in = StandIn({ORDERS: here.consumer()})
    for aged in ("outbox set created_at = created_at", "inbox set handled_at = handled_at"):
        processes.sql(f"update {aged} - interval '90 days' returning 1")
        await stand_in.run(parts, always)
        await housekeeping.tidy(parts)
    await stand_in.run(parts, always)
    assert here.effects() == [0, 1, 2]


async def test_what_cannot_be_handled_now_is_left_alone_for_a_while_and_keeps_no_other(processes: Processes) -> None:
    here, tried = await bench(processes), list[int]()

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        tried.append(event.data["n"])
        if event.data["n"] == 1:
            raise Retry("not yet")
        await leave_effect(work, event)

    async def probe() -> Condition:
        return Condition("degraded")

    here.process.parts.health.add("rabbitmq", probe)
    await here.process.record(*[Event("order.created", f"order:{n}", 1, data(n)) for n in range(3)])
    processes.sql(AGE)
    stand_in = StandIn({ORDERS: here.consumer(handle)})
    await stand_in.run(here.process.parts, always)
    before = tried.count(1)
    for _ in range(3):
        await stand_in.run(here.process.parts, always)
    assert here.effects() == [0, 2] and tried.count(1) == before
    [(unmarked,)] = processes.sql(
        "select count(*) from outbox o where not exists (select from inbox i where i.event_id = o.id)"
    )
    assert unmarked == 1


async def test_a_batch_that_ended_its_process_is_left_to_the_broker_and_ends_no_other(processes: Processes) -> None:
    here, tried, silent = await bench(processes), list[int](), Deferred[None]()

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        tried.append(event.data["n"])
        await silent  # as far as anybody else can see, the process has ended

    async def probe() -> Condition:
        return Condition("degraded")

    here.process.parts.health.add("rabbitmq", probe)
    await here.process.record(*[Event("order.created", f"order:{n}", 1, data(n)) for n in range(3)])
    processes.sql(AGE)
    dying = Deferred.fromCoroutine(StandIn({ORDERS: here.consumer(handle)}).run(here.process.parts, always))
    await eventually("it is in the midst of one", lambda: tried)
    await StandIn({ORDERS: here.consumer()}).run(here.process.parts, always)
    assert here.effects() == []
    silent.callback(None)
    await dying
