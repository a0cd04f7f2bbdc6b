"""What comes out of RabbitMQ ends once: as an effect, or as a dead letter that says why."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from typing import Any

import attrs
import pika
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.interfaces import Acked, Delivery, Dropped, Message, Outcome, Retried
from harvestd.lifecycle import sleep
from harvestd.market.errors import Unavailable
from harvestd.queue.envelope import Envelope, encode
from harvestd.queue.rabbit_hand import DEADLY, QUARANTINE, SUSPECT, InHand, lots, sentence
from harvestd.queue.retry import Drop, Retry
from harvestd.queue.topology import EXCHANGE, RETRY_JITTER
from harvestd.workers.work import Work
from tests.contracts.broker import CACHE, ORDERS, Received, is_empty, message, state
from tests.queue.processes import Processes, new_id
from tests.queue.rabbits import RabbitRig
from tests.waiting import eventually
from tests.workers.test_consumer import Bench, envelope, leave_effect


def published(event: Envelope) -> Message:
    return Message(event.id, event.type, encode(event))


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

    async def handle(work: Work, event: Envelope) -> None:
        error = None if cured else doomed.get(event.data["number"])
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
    assert all("not understood" in letter.cause for letter in letters)
    for letter in letters:
        assert await broker.discard(ORDERS, letter.id)


async def test_what_others_put_among_the_dead_letters_is_shown_and_can_be_discarded(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    channel = (await broker._consuming.channel())._channel
    channel.basic_publish("", f"{ORDERS}.dead", b"foreign", pika.BasicProperties(headers={"harvest-died-at": "noon"}))

    async def shown() -> list[Any]:
        return list(await broker.dead(ORDERS))

    [letter] = await eventually("it is shown", shown)
    assert letter.message.body == b"foreign" and "somebody else" in letter.cause
    assert await broker.discard(ORDERS, letter.id)
    assert list(await broker.dead(ORDERS)) == []


async def test_a_message_that_ends_each_process_that_has_it_becomes_a_dead_letter_and_the_others_get_through(
    rabbit: RabbitRig,
) -> None:
    """Each process is a broker that is cut off for good when the culprit is in hand."""
    innocent, culprit = [message() for _ in range(30)], message()
    done: list[str] = []
    watcher = await rabbit.broker()
    await watcher.publish([*innocent[:15], culprit, *innocent[15:]])
    ends = 0
    hanging: list[Deferred[None]] = []

    async def letters() -> list[Any]:
        return list(await watcher.dead(ORDERS))

    while not await letters():
        assert ends <= DEADLY, "it is given up in the end"
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
    assert f"came back {DEADLY} times" in letter.cause
    for one in hanging:
        one.callback(None)


class TestSuspects:
    """How a culprit is told from what was in hand beside it."""

    def in_hand(self, tag: int, returns: int, deaths: int = 0) -> InHand:
        return InHand(tag, Delivery(message(), ORDERS, 0), returns, deaths)

    def test_trusted_ones_go_first_and_together_suspects_alone_and_backwards_every_other_time(self) -> None:
        hand = [self.in_hand(n, SUSPECT if n % 2 else 0) for n in range(40)]
        hand[0] = self.in_hand(0, 0, deaths=4)
        first, *rest = lots(hand)
        assert [one.tag for one in first] == list(range(2, 40, 2))
        assert all(len(lot) == 1 for lot in rest)
        assert sorted(lot[0].tag for lot in rest) == [0, *range(1, 40, 2)]
        next_time = [attrs.evolve(one, returns=one.returns + 1) for one in hand]
        assert [lot[0].tag for lot in lots(next_time) if lot[0].suspect] == [lot[0].tag for lot in reversed(rest)]

    def test_it_is_tried_then_kept_apart_then_given_up(self) -> None:
        assert sentence(self.in_hand(1, QUARANTINE - 1, DEADLY)) is None
        assert isinstance(sentence(self.in_hand(1, QUARANTINE)), Retried)
        assert isinstance(sentence(self.in_hand(1, QUARANTINE, DEADLY - QUARANTINE)), Dropped)


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
        assert (await state(other, ORDERS)).ready == 1
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
    scale = 0.5
    broker = await rabbit.broker(queue_retry_scale=scale)
    receive = Received(lambda d: Acked() if d.attempts else Retried("not yet"))
    await broker.publish([message() for _ in range(40)])
    await broker.consume(ORDERS, 40, receive)
    await eventually("all came back", lambda: len(receive.ids) == 80)
    back = [moment for batch, moment in zip(receive.batches, receive.times, strict=True) if batch[0].attempts]
    assert back[0] - receive.times[0] >= scale * (1 - RETRY_JITTER) * 0.99
    assert len(back) >= 8, "one after the other, not behind the one with the longest delay"


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
