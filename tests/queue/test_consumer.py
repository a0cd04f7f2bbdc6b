"""From a batch of messages to effects that happen once."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from harvestd.interfaces import Acked, Delivery, Dropped, Message, Outcome, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.events import Event
from harvestd.queue.consumer import Consumer
from harvestd.queue.envelope import Envelope, encode
from harvestd.queue.retry import Drop, Retry
from harvestd.queue.work import Handle, QueueHandlers
from harvestd.runtime import failpoints
from harvestd.runtime.tracing import Trace, current_trace
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import UnitOfWork
from tests.contracts.broker import ORDERS, is_empty
from tests.queue.processes import SEALS, Process, Processes, data, envelope, message, new_id
from tests.waiting import eventually

EFFECT = Statement("test_effect", "insert into effects (event, number) values (:event, :number)", nothing)
TOUCH = Statement("test_touch", "update rows set touched = touched + 1 where id = :id", nothing)


def deliver(*events: Envelope | bytes) -> list[Delivery]:
    return [
        Delivery(Message(new_id(), "order.created", event), ORDERS, 0)
        if isinstance(event, bytes)
        else Delivery(message(event), ORDERS, 0)
        for event in events
    ]


async def leave_effect(work: UnitOfWork, event: Envelope) -> None:
    await work.tx.run(EFFECT, event=event.id, number=event.data["n"])


class Bench:
    """A process, its database with a table of effects, and consumers."""

    def __init__(self, processes: Processes, process: Process) -> None:
        self.processes = processes
        self.process = process
        processes.sql("create table effects (n serial, event text, number int)")

    def consumer(self, handle: Handle = leave_effect, **handlers: Any) -> Consumer:
        chosen = QueueHandlers(**handlers) if handlers else QueueHandlers({"order.created": handle})
        return Consumer(self.process.parts, ORDERS, chosen)

    def effects(self) -> list[int]:
        return [number for (number,) in self.processes.sql("select number from effects order by n")]

    def marks(self) -> int:
        [(count,)] = self.processes.sql("select count(*) from inbox where consumer = %s", ORDERS)
        return int(count)


async def bench(processes: Processes, **settings: Any) -> Bench:
    return Bench(processes, await processes.start(**settings))


async def test_a_batch_is_handled_in_order_in_one_transaction(processes: Processes) -> None:
    here = await bench(processes)
    transactions = set()

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        transactions.add(work.tx)
        await leave_effect(work, event)

    outcomes = await here.consumer(handle).receive(deliver(*[envelope(n) for n in range(10)]))
    assert outcomes == [Acked()] * 10
    assert here.effects() == list(range(10))
    assert here.marks() == 10 and len(transactions) == 1


async def test_duplicates_have_one_effect_in_one_batch_and_over_several(processes: Processes) -> None:
    here = await bench(processes)
    consumer = here.consumer()
    one, two = envelope(1), envelope(2)
    assert await consumer.receive(deliver(one, two, one)) == [Acked()] * 3
    assert await consumer.receive(deliver(two)) == [Acked()]
    assert await consumer.receive(deliver(two, envelope(3), one)) == [Acked()] * 3
    assert here.effects() == [1, 2, 3]


async def test_two_consumers_of_one_queue_with_the_same_events_at_once_have_one_effect(processes: Processes) -> None:
    here = await bench(processes)
    events = [envelope(n) for n in range(20)]
    batches = [Deferred.fromCoroutine(here.consumer().receive(deliver(*random.sample(events, 20)))) for _ in range(4)]
    for batch in batches:
        assert await batch == [Acked()] * 20
    assert sorted(here.effects()) == list(range(20))


async def test_shuffled_and_repeated_deliveries_through_the_broker_have_each_effect_once(processes: Processes) -> None:
    here = await bench(processes)
    events = [envelope(n) for n in range(40)]
    messages = [message(event) for event in events] * 3
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    random.Random(seed).shuffle(messages)
    consumer = here.consumer()
    for _ in range(2):
        await here.process.broker.consume(ORDERS, 7, consumer.receive)
    await here.process.broker.publish(messages)
    await eventually("settled", lambda: is_empty(here.process.broker, ORDERS))
    assert sorted(here.effects()) == list(range(40))


@pytest.mark.parametrize(
    "body",
    [
        b"not JSON",
        b"\xff\xfe",
        b"[]",
        b'{"type": "order.created"}',
        json.dumps({"id": "no-uuid", "type": "order.created", "timestamp": "2026-01-01T00:00:00Z", "version": 1,
                    "aggregate": "order:1", "data": {}}).encode(),
        json.dumps({"id": new_id(), "type": "order.created", "timestamp": "yesterday", "version": 1,
                    "aggregate": "order:1", "data": {}}).encode(),
    ],
)  # fmt: skip
async def test_what_is_no_envelope_is_dropped_at_once_and_the_others_are_handled(
    processes: Processes, body: bytes
) -> None:
    here = await bench(processes)
    outcomes = await here.consumer().receive(deliver(envelope(1), body, envelope(2)))
    assert outcomes[0] == outcomes[2] == Acked()
    assert isinstance(outcomes[1], Dropped) and outcomes[1].cause.startswith(("cannot be decoded", "not of this"))
    assert here.effects() == [1, 2] and here.marks() == 2


async def test_an_envelope_with_fields_of_the_future_is_understood(processes: Processes) -> None:
    here = await bench(processes)
    body = json.loads(encode(envelope(1))) | {"tenant": "north", "trace": {"request_id": "r", "baggage": "b"}}
    assert await here.consumer().receive(deliver(SEALS.sealed(json.dumps(body).encode()))) == [Acked()]
    assert here.effects() == [1]


async def test_only_the_culprits_of_a_batch_are_retried_or_dropped(
    processes: Processes, expected_errors: Callable[..., list[str]]
) -> None:
    here = await bench(processes)

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        await leave_effect(work, event)
        match event.data["n"]:
            case 2:
                raise Retry("the farm is not there yet")
            case 4:
                raise Drop("no such kind of order")
            case 6:
                raise KeyError("farm_id")
            case 8:
                await work.tx.run(Statement("test_wrong", "select 1 / 0", nothing))

    outcomes = await here.consumer(handle).receive(deliver(*[envelope(n) for n in range(10)]))
    assert outcomes[2] == Retried("the farm is not there yet")
    assert outcomes[4] == Dropped("no such kind of order")
    assert outcomes[6] == Retried("KeyError: 'farm_id'")
    assert isinstance(outcomes[8], Retried) and "division by zero" in outcomes[8].cause
    assert [n for n, outcome in enumerate(outcomes) if outcome == Acked()] == [0, 1, 3, 5, 7, 9]
    assert here.effects() == [0, 1, 3, 5, 7, 9] and here.marks() == 6
    assert len(expected_errors()) == 2, "the traceback of what nobody expected, once"


async def test_effect_and_mark_are_committed_together_or_not_at_all(processes: Processes) -> None:
    here = await bench(processes)
    failing = [True]

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        await leave_effect(work, event)
        if failing.pop():
            raise Retry("after its effect")

    consumer, sent = here.consumer(handle), deliver(envelope(5))
    assert await consumer.receive(sent) == [Retried("after its effect")]
    assert here.effects() == [] and here.marks() == 0
    failing.append(False)
    assert await consumer.receive(sent) == [Acked()]
    assert here.effects() == [5] and here.marks() == 1


async def test_handlers_that_deadlock_are_run_again(processes: Processes) -> None:
    here = await bench(processes)
    processes.sql("create table rows (id int primary key, touched int default 0)")
    processes.sql("insert into rows (id) values (1), (2)")
    reached: dict[int, Deferred[None]] = {1: Deferred(), 2: Deferred()}
    runs: list[int] = []

    def crossing(mine: int, others: int) -> Handle:
        async def handle(work: UnitOfWork, event: Envelope) -> None:
            runs.append(mine)
            await work.tx.run(TOUCH, id=mine)
            if not reached[mine].called:
                reached[mine].callback(None)
            waiting: Deferred[None] = Deferred()
            reached[others].addCallback(lambda _: waiting.callback(None))
            await waiting
            await work.tx.run(TOUCH, id=others)

        return handle

    both = [
        Deferred.fromCoroutine(here.consumer(crossing(mine, others)).receive(deliver(envelope(mine))))
        for mine, others in ((1, 2), (2, 1))
    ]
    for one in both:
        assert await one == [Acked()]
    assert processes.sql("select touched from rows") == [(2,), (2,)]
    assert len(runs) == 3, "one of them was run twice"


async def test_a_handler_runs_under_the_trace_of_its_event(processes: Processes) -> None:
    here = await bench(processes)
    traces: list[Trace] = []

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        await leave_effect(work, event)
        traces.append(current_trace())
        work.record(Event("notification.send", "user:1", 1, {}))

    await here.consumer(handle).receive(deliver(envelope(1), envelope(2)))
    assert traces == [Trace("request-1", "00-a-b-01"), Trace("request-2", "00-a-b-01")]
    assert current_trace() == Trace()
    recorded = processes.sql("select trace ->> 'request_id' from outbox order by seq")
    assert recorded == [("request-1",), ("request-2",)]


async def test_events_that_a_handler_records_are_published_without_waiting_for_the_poll(processes: Processes) -> None:
    here = await bench(processes, queue_poll=30.0)
    here.process.relay.start()
    await eventually("it leads", lambda: here.process.relay.leads)
    published: list[str] = []

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        work.record(Event("notification.send", "user:1", 1, {}))

    async def receive(deliveries: Sequence[Delivery]) -> list[Outcome]:
        published.extend(delivery.message.type for delivery in deliveries)
        return [Acked()] * len(deliveries)

    await here.process.broker.consume("harvest.notifications", 10, receive)
    await here.consumer(handle).receive(deliver(envelope(1)))
    await eventually("published", lambda: published == ["notification.send"], 5)


async def test_a_type_without_a_handler_is_acknowledged_and_marked(processes: Processes) -> None:
    here = await bench(processes)
    assert await here.consumer().receive(deliver(envelope(1, "order.expired"))) == [Acked()]
    assert here.effects() == [] and here.marks() == 1


def bulk_of(seen: list[list[int]], fails: Callable[[int], bool] = lambda _: False) -> Any:
    async def bulk(work: UnitOfWork, events: Sequence[Envelope]) -> None:
        seen.append([event.data["n"] for event in events])
        for event in events:
            await leave_effect(work, event)
            if fails(event.data["n"]):
                raise Drop("as a test")

    return bulk


async def test_a_bulk_handler_gets_the_batch_at_once_and_what_each_takes_goes_to_each(processes: Processes) -> None:
    here = await bench(processes)
    seen: list[list[int]] = []
    consumer = here.consumer(each={"order.cancelled": leave_effect}, bulk=bulk_of(seen))
    one = envelope(1)
    assert await consumer.receive(deliver(one)) == [Acked()]
    outcomes = await consumer.receive(deliver(one, envelope(2), envelope(3, "order.cancelled"), envelope(4)))
    assert outcomes == [Acked()] * 4
    assert seen == [[1], [2, 4]], "what it has handled before is not in it"
    assert sorted(here.effects()) == [1, 2, 3, 4]


async def test_a_bulk_handler_that_fails_is_called_for_each_alone(processes: Processes) -> None:
    here = await bench(processes)
    seen: list[list[int]] = []
    outcomes = await here.consumer(bulk=bulk_of(seen, lambda n: n == 2)).receive(deliver(*map(envelope, (1, 2, 3))))
    assert outcomes == [Acked(), Dropped("as a test"), Acked()]
    assert seen == [[1, 2, 3], [1], [2], [3]]
    assert here.effects() == [1, 3]


async def test_what_is_out_of_reach_is_not_waited_for_once_a_message(processes: Processes) -> None:
    here = await bench(processes)
    tried: list[int] = []

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        tried.append(event.data["n"])
        if event.data["n"] >= 1:
            raise Unavailable("search is away")

    outcomes = await here.consumer(handle).receive(deliver(*[envelope(n) for n in range(50)]))
    assert outcomes == [Acked()] + [Retried("search is away")] * 49
    assert tried == [0, 1, 0, 1]


async def test_outcomes_are_counted(processes: Processes) -> None:
    here = await bench(processes)

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        if event.data["n"] == 1:
            raise Retry("later")

    await here.consumer(handle).receive(deliver(envelope(0), envelope(1), b"poison", envelope(2)))
    counted = {
        outcome: here.process.metrics.value("harvest_consumer_handled_total", queue=ORDERS, outcome=outcome)
        for outcome in ("handled", "retried", "dropped")
    }
    assert counted == {"handled": 2, "retried": 1, "dropped": 1}


@pytest.fixture
def armed() -> Iterator[Callable[[str], None]]:
    yield lambda points: failpoints.arm(points, {"HARVEST_TESTING": "1"})
    failpoints.disarm()


@pytest.mark.parametrize("point", ["consumer.before_transaction", "consumer.before_commit", "consumer.after_commit"])
async def test_a_consumer_that_fails_at_any_point_has_each_effect_once(
    processes: Processes, armed: Callable[[str], None], point: str, expected_errors: Callable[..., list[str]]
) -> None:
    here = await bench(processes)
    consumer = here.consumer()
    armed(f"{point}=error@1")
    await here.process.broker.consume(ORDERS, 10, consumer.receive)
    events = [envelope(n) for n in range(10)]
    await here.process.broker.publish([message(event) for event in events])
    await eventually("settled", lambda: is_empty(here.process.broker, ORDERS))
    assert failpoints.armed()[point] > 0
    assert sorted(here.effects()) == list(range(10)) and here.marks() == 10
    expected_errors(failpoints.FailPointHit)


async def test_the_way_of_an_event_from_its_record_to_its_effect(processes: Processes) -> None:
    """Two processes; the one that relays and consumes dies on the way, and each effect is there once."""
    first, second = await processes.start(), await processes.start()
    here = Bench(processes, first)
    first.relay.start()
    await eventually("the first leads", lambda: first.relay.leads)
    second.relay.start()
    for process in (first, second):
        consumer = Consumer(process.parts, ORDERS, QueueHandlers({"order.created": leave_effect}))
        await process.broker.consume(ORDERS, 20, consumer.receive)
    recording: list[Awaitable[Any]] = []
    for n in range(100):
        recording.append(Deferred.fromCoroutine(second.record(Event("order.created", f"order:{n}", 1, data(n)))))
        if n == 50:
            processes.kill(first)
    for one in recording:
        await one
    await eventually("all effects", lambda: len(here.effects()) >= 100, 20)
    await eventually("settled", lambda: is_empty(second.broker, ORDERS), 20)
    assert sorted(here.effects()) == list(range(100))
