"""What comes out of RabbitMQ ends once: as an effect, or as a dead letter that says why."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from typing import Any

import pika
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.interfaces import Acked, Delivery, Dropped, Message, Outcome, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import EXCHANGE, RETRY_JITTER
from harvestd.queue.envelope import Envelope
from harvestd.queue.rabbitmq import declarations as rabbit_topology
from harvestd.queue.rabbitmq.consumer import Subscription
from harvestd.queue.rabbitmq.declarations import retry_queue
from harvestd.queue.rabbitmq.poison import DEADLY, SUSPECT, InHand, lots, sentence
from harvestd.queue.retry import Drop, Retry
from harvestd.runtime.lifecycle import sleep
from harvestd.store.postgres.database import Database
from harvestd.store.trials import PostgresTrials
from harvestd.unit_of_work import UnitOfWork
from tests.contracts.broker import CACHE, ORDERS, Held, Received, is_empty, message, state
from tests.queue.processes import Processes, envelope, new_id
from tests.queue.processes import message as sealed
from tests.queue.rabbitmq.rabbits import RabbitRig
from tests.queue.test_consumer import Bench, leave_effect
from tests.waiting import eventually


def published(event: Envelope) -> Message:
    return sealed(event)


class RawHeaders(pika.BasicProperties):  # type: ignore[misc]
    """Properties with nothing but headers, as given bytes: what pika itself would not write."""

    def __init__(self, table: bytes) -> None:
        super().__init__()
        self._table = struct.pack(">I", len(table)) + table

    def encode(self) -> list[bytes]:
        return [struct.pack(">H", 1 << 13), self._table]


@pytest.mark.logs_errors
async def test_poison_duplicates_and_shuffled_deliveries_end_with_each_effect_once_and_exactly_the_poison_dead(
    rabbit: RabbitRig, processes: Processes
) -> None:
    """With the real consumer and its inbox; replayed, the dead letters are handled, once what ailed them is cured."""
    broker, bench = await rabbit.broker(queue_retry_scale=0.001), Bench(processes, await processes.start())
    events = [envelope(number) for number in range(60)]
    poison = [Message(new_id(), "order.created", body) for body in (b"", b"not json", b"\xff\xfe", b'{"id": 1}')]
    doomed = {7: Drop("never"), 8: Retry("not yet"), 9: RuntimeError("a bug")}
    cured = False

    async def handle(work: UnitOfWork, event: Envelope) -> None:
        error = None if cured else doomed.get(event.data["n"])
        if error is not None:
            raise error
        await leave_effect(work, event)

    shuffled = [published(event) for event in events] * 3 + poison
    random.Random(11).shuffle(shuffled)
    consumers = [bench.consumer(handle) for _ in range(2)]
    for consumer in consumers:
        await broker.consume(ORDERS, 25, consumer.receive)
    assert len(await broker.publish(shuffled)) == len(shuffled)
    await eventually("settled", lambda: is_empty(broker, ORDERS), 20)
    assert sorted(bench.effects()) == [n for n in range(60) if n not in doomed]
    letters = await broker.dead(ORDERS, 1000)
    expected = [one.id for one in poison] + [event.id for event in events[7:10]] * 3
    assert sorted(letter.message.id for letter in letters) == sorted(expected)
    cured = True
    for letter in letters:
        if letter.message.id not in {one.id for one in poison}:
            assert await broker.replay(ORDERS, letter.id)
    await eventually("settled", lambda: is_empty(broker, ORDERS), 20)
    assert sorted(bench.effects()) == list(range(60))
    assert {letter.message.id for letter in await broker.dead(ORDERS)} == {one.id for one in poison}


async def test_what_others_publish_in_any_form_ends_in_the_dead_letters_and_holds_nobody_up(
    rabbit: RabbitRig, processes: Processes
) -> None:
    broker, bench = await rabbit.broker(), Bench(processes, await processes.start())
    channel = (await broker._consuming.channel())._channel
    foreign: list[Any] = [
        pika.BasicProperties(),
        pika.BasicProperties(content_type="image/png", content_encoding="gzip", message_id="not a uuid"),
        pika.BasicProperties(type="order.created", headers={"harvest-attempts": "many", "harvest-deaths": -3}),
        pika.BasicProperties(headers={"harvest-attempts": 10**12, "x-delivery-count": "lots"}),
        RawHeaders(b"\x01aT" + struct.pack(">Q", 2**60)),
        RawHeaders(b"\x01aT" + struct.pack(">Q", 2**64 - 1)),
        RawHeaders(b"\x02\xff\xfeS" + struct.pack(">I", 2) + b"\xff\xfe"),
    ]
    for number, properties in enumerate(foreign):
        channel.basic_publish(EXCHANGE, "order.created", b"foreign %d" % number, properties)
    good = envelope(1)
    await broker.consume(ORDERS, 10, bench.consumer().receive)
    await broker.publish([published(good)])
    await eventually("the good one is handled", lambda: bench.effects() == [1])
    await eventually("settled", lambda: is_empty(broker, ORDERS))
    letters = await broker.dead(ORDERS)
    assert sorted(letter.message.body for letter in letters) == [b"foreign %d" % n for n in range(len(foreign))]
    assert all("cannot be decoded" in letter.cause for letter in letters)
    for letter in letters:
        assert await broker.discard(ORDERS, letter.id)


async def test_what_others_put_among_the_dead_letters_is_shown_and_can_be_discarded(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    channel = (await broker._consuming.channel())._channel
    channel.basic_publish("", f"{ORDERS}.dead", b"foreign", pika.BasicProperties(headers={"harvest-died-at": "noon"}))

    async def shown() -> list[Any]:
        return list(await broker.dead(ORDERS))

    [letter] = await eventually("it is shown", shown)
    assert letter.message.body == b"foreign" and "foreign message" in letter.cause
    assert await broker.discard(ORDERS, letter.id)
    assert list(await broker.dead(ORDERS)) == []


async def test_a_message_that_ends_each_process_that_has_it_becomes_a_dead_letter_and_the_others_get_through(
    rabbit: RabbitRig, database: Database
) -> None:
    """Each process is a broker that is cut off for good when the culprit is in hand."""
    rabbit.trials = PostgresTrials(database)
    innocent, culprit = [message() for _ in range(30)], message()
    done: list[str] = []
    watcher = await rabbit.broker()
    await watcher.publish([*innocent[:15], culprit, *innocent[15:]])
    ends = 0
    hanging: list[Deferred[None]] = []

    async def letters() -> list[Any]:
        return list(await watcher.dead(ORDERS))

    while not await letters():
        assert ends < SUSPECT + DEADLY + 1, "it is given up in the end"
        broker = await rabbit.broker(queue_retry_scale=0.005)
        ended: list[bool] = []

        async def receive(deliveries: Sequence[Delivery]) -> list[Outcome]:
            if any(delivery.message.id == culprit.id for delivery in deliveries):
                rabbit.end(broker)  # noqa: B023
                ended.append(True)  # noqa: B023
                hanging.append(Deferred())
                await hanging[-1]
            await sleep(reactor, 0.002)  # as long as a transaction, in which acknowledgements leave
            done.extend(delivery.message.id for delivery in deliveries)
            return [Acked()] * len(deliveries)

        await broker.consume(ORDERS, 50, receive)

        async def over() -> bool:
            return bool(ended or await letters())  # noqa: B023

        await eventually("the process ends, or the message is given up", over)
        ends += bool(ended)
    await eventually("the others get through", lambda: set(done) == {one.id for one in innocent})
    [letter] = await letters()
    assert letter.message == culprit
    assert f"each of its {DEADLY} consumers died" in letter.cause
    assert ends == SUSPECT + DEADLY
    assert dict(await rabbit.trials.tried(ORDERS, [culprit.id, *(one.id for one in innocent)])) == {}
    for one in hanging:
        one.callback(None)


async def test_what_comes_back_since_connections_break_is_no_poison_however_often(
    rabbit: RabbitRig, database: Database
) -> None:
    """Some were handled and could not be acknowledged, others were only on their way."""
    rabbit.trials = PostgresTrials(database)
    watcher, sent = await rabbit.broker(), [message() for _ in range(5)]
    await watcher.publish(sent)
    for _ in range(2 * (SUSPECT + DEADLY)):
        broker = await rabbit.broker()
        cut: list[str] = []

        async def receive(deliveries: Sequence[Delivery]) -> list[Outcome]:
            rabbit.proxy(broker).refuse = True  # noqa: B023
            await rabbit.kill(broker)  # noqa: B023
            cut.extend(one.message.id for one in deliveries)  # noqa: B023
            return [Acked()] * len(deliveries)

        subscription = await broker.consume(ORDERS, 2, receive)
        await eventually("it has some in hand", lambda: cut)  # noqa: B023
        await eventually("and lost them", lambda: not subscription.consuming)  # noqa: B023
    last = Received()
    await (await rabbit.broker()).consume(ORDERS, 2, last)
    await eventually("they are handled", lambda: set(last.ids) == {one.id for one in sent}, 20)
    assert list(await watcher.dead(ORDERS)) == []
    assert dict(await rabbit.trials.tried(ORDERS, [one.id for one in sent])) == {}


class TestSuspects:
    """How a culprit is told from what was in hand beside it."""

    def in_hand(self, tag: int, returns: int) -> InHand:
        return InHand(tag, Delivery(message(), ORDERS, 0), returns)

    def test_trusted_ones_go_first_and_together_suspects_alone_and_what_was_tried_least_before_others(self) -> None:
        hand = [self.in_hand(n, SUSPECT if n % 2 else SUSPECT - 1) for n in range(40)]
        tried = {hand[5].id: 2, hand[7].id: 1}
        first, *rest = lots(hand, tried)
        assert [one.tag for one in first] == list(range(0, 40, 2))
        assert all(len(lot) == 1 for lot in rest)
        assert sorted(lot[0].tag for lot in rest) == list(range(1, 40, 2))
        assert [lot[0].tag for lot in rest[-2:]] == [7, 5]

    def test_it_is_tried_so_often_and_then_given_up(self) -> None:
        assert sentence(DEADLY - 1) is None
        assert isinstance(sentence(DEADLY), Dropped)


async def test_under_an_alarm_what_is_to_be_tried_later_stays_in_hand_and_is_not_counted_against_it(
    rabbit: RabbitRig,
) -> None:
    broker = await rabbit.broker()
    sent = [message() for _ in range(10)]  # they may come in several batches, and nothing comes after one that is held
    receive = Received(lambda d: Retried("not yet") if d.message.id == sent[-1].id and not d.attempts else Acked())
    await broker.publish(sent)
    rabbit.server.alarm(True)
    try:
        with pytest.raises(Unavailable):
            await broker.publish([message("nobody.cares")])
        await broker.consume(ORDERS, 10, receive)

        async def one_left() -> bool:
            return len(receive.ids) == 10 and (await state(broker, ORDERS)).unacknowledged == 1

        await eventually("the others are settled", one_left)
    finally:
        rabbit.server.alarm(False)
    await eventually("it is tried again", lambda: len(receive.ids) == 11)
    assert receive.deliveries[-1] == Delivery(sent[-1], ORDERS, 1)
    await eventually("settled", lambda: is_empty(broker, ORDERS))


async def test_a_stop_under_an_alarm_hands_back_what_could_not_be_moved(rabbit: RabbitRig) -> None:
    broker, other = await rabbit.broker(), await rabbit.broker()
    receive = Received(lambda _: Retried("not yet"))
    await broker.publish([message()])
    rabbit.server.alarm(True)
    try:
        with pytest.raises(Unavailable):
            await broker.publish([message("nobody.cares")])
        subscription = await broker.consume(ORDERS, 10, receive)
        await eventually("in hand", lambda: receive.ids)
        await subscription.stop()

        async def handed_back() -> bool:
            return (await state(other, ORDERS)).ready == 1

        await eventually("it is handed back", handed_back)
    finally:
        rabbit.server.alarm(False)


async def test_a_queue_that_is_deleted_is_declared_and_consumed_again(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    receive = Received()
    subscription = await broker.consume(ORDERS, 10, receive)
    await eventually("consuming", lambda: subscription.consuming)
    await (await broker._consuming.channel()).queue_delete(ORDERS)
    await eventually("it notices", lambda: not subscription.consuming)
    await eventually("it consumes again", lambda: subscription.consuming, 3)
    await broker.publish([message()])
    await eventually("it receives", lambda: receive.ids)


async def test_what_failed_together_comes_back_apart(rabbit: RabbitRig) -> None:
    scale = 1.5  # the jitter spreads them over 0.3 s: what a busy machine holds up comes back together
    broker = await rabbit.broker(queue_retry_scale=scale)
    receive = Received(lambda d: Acked() if d.attempts else Retried("not yet"))
    await broker.publish([message() for _ in range(40)])
    await broker.consume(ORDERS, 40, receive)
    await eventually("all came back", lambda: len(receive.ids) == 80)
    back = [moment for batch, moment in zip(receive.batches, receive.times, strict=True) if batch[0].attempts]
    assert back[0] - receive.times[0] >= scale * (1 - RETRY_JITTER) * 0.99
    assert len(back) >= 4, "one after the other, not behind the one with the longest delay"


@pytest.mark.parametrize("expiration", [None, "86400000"])
async def test_what_others_leave_where_messages_wait_for_their_next_try_holds_nobody_up_for_ever(
    rabbit: RabbitRig, monkeypatch: pytest.MonkeyPatch, expiration: str | None
) -> None:
    monkeypatch.setattr(rabbit_topology, "MAX_RETRY_SCALE", 1)
    broker = await rabbit.broker(queue_retry_scale=0.01)
    channel = (await broker._consuming.channel())._channel
    channel.basic_publish("", retry_queue(ORDERS, 1), b"foreign", pika.BasicProperties(expiration=expiration))
    receive = Received(lambda d: Acked() if d.attempts else Retried("not yet"))
    await broker.consume(ORDERS, 10, receive)
    (sent,) = await broker.publish([message()])
    await eventually("it came back", lambda: receive.ids.count(sent) == 2)


async def test_many_dead_letters_are_found_wherever_they_are(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    count = 300
    await broker.consume(CACHE, 100, Received(lambda _: Dropped("no")))
    sent = [message() for _ in range(count)]
    await broker.publish(sent)

    async def settled() -> bool:
        return (await state(broker, CACHE)).dead == count

    await eventually("all are dead", settled)
    letters = await broker.dead(CACHE, 1000)
    assert [letter.message.id for letter in letters] == [one.id for one in sent]
    assert await broker.replay(CACHE, letters[-1].id) and await broker.discard(CACHE, letters[150].id)
    left = {letter.id for letter in letters} - {letters[150].id, letters[-1].id}
    assert left <= {letter.id for letter in await broker.dead(CACHE, 1000)}


async def test_the_next_messages_come_while_a_batch_is_in_hand(rabbit: RabbitRig) -> None:
    """So the broker and the consumer never take turns, however full the queue is."""
    broker = await rabbit.broker()
    await broker.publish([message() for _ in range(30)])
    receive = Held()
    subscription = await broker.consume(ORDERS, 10, receive)
    await eventually("a batch", lambda: receive.batches)
    assert len(receive.batches[0]) <= 10
    assert isinstance(subscription, Subscription)

    async def full() -> bool:
        return await subscription.in_hand() == 20

    await eventually("as many again are here", full)
    assert len(receive.batches) == 1
    receive.release()
    await eventually("all", lambda: len(receive.deliveries) == 30)
