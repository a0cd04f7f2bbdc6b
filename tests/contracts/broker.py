"""What every IBroker does. A subclass gives the ``rig`` fixture: the means to have brokers and to do them harm."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.interfaces import Acked, Delivery, Dropped, IBroker, Message, Outcome, QueueState, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import RETRY_DELAYS, RETRY_JITTER, Topology
from harvestd.runtime.lifecycle import sleep
from harvestd.tables import TOPOLOGY
from tests.lengths import length
from tests.waiting import eventually

ORDERS, SEARCH, CACHE = "harvest.orders", "harvest.search", "harvest.cache"


class Rig(ABC):
    """Brokers, each as if in a process of its own, on one server."""

    #: The queues that its brokers declare.
    topology: Topology = TOPOLOGY

    @abstractmethod
    async def broker(self, **settings: Any) -> IBroker:
        """A started broker; it is stopped after the test. Without ``settings`` it polls seldom and retries quickly."""

    @abstractmethod
    async def kill(self, broker: IBroker) -> None:
        """Cut all its connections, as if its process were killed; it may come back by itself."""

    @abstractmethod
    async def cut(self) -> None:
        """Put the server out of reach of every broker."""

    @abstractmethod
    async def mend(self) -> None:
        """Put it back."""


class Received:
    """A ``receive`` that keeps what came, and answers each delivery by ``answer``."""

    def __init__(self, answer: Callable[[Delivery], Outcome] = lambda _: Acked()) -> None:
        self._answer = answer
        self.batches: list[list[Delivery]] = []
        self.times: list[float] = []

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        self.batches.append(list(deliveries))
        self.times.append(time.monotonic())
        return [self._answer(delivery) for delivery in deliveries]

    @property
    def deliveries(self) -> list[Delivery]:
        return [delivery for batch in self.batches for delivery in batch]

    @property
    def ids(self) -> list[str]:
        return [delivery.message.id for delivery in self.deliveries]


class Held(Received):
    """A ``receive`` that keeps each batch in hand until :meth:`release`."""

    def __init__(self, answer: Callable[[Delivery], Outcome] = lambda _: Acked()) -> None:
        super().__init__(answer)
        self._gate: Deferred[None] | None = Deferred()

    def release(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.callback(None)

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        outcomes = await super().__call__(deliveries)
        if self._gate is not None:
            waiting: Deferred[None] = Deferred()
            self._gate.addCallback(lambda _: waiting.callback(None))
            await waiting
        return outcomes


def message(type: str = "order.created", body: bytes = b"{}") -> Message:
    return Message(str(uuid4()), type, body)


async def state(broker: IBroker, queue: str) -> QueueState:
    return next(one for one in await broker.states() if one.name == queue)


async def is_empty(broker: IBroker, queue: str) -> bool:
    found = await state(broker, queue)
    return found.ready == found.delayed == found.unacknowledged == 0


class BrokerContract:
    """The contract; ``rig`` is the subclass's fixture."""

    async def test_message_reaches_each_queue_that_binds_its_type_unchanged(self, rig: Rig) -> None:
        broker = await rig.broker()
        everywhere = {queue.name: Received() for queue in rig.topology.queues.values()}
        for queue, receive in everywhere.items():
            await broker.consume(queue, 10, receive)
        sent = [message("order.created", b'{"n": 1}'), message("product.updated", b"\x00\xff not json")]
        assert set(await broker.publish(sent)) == {one.id for one in sent}
        for one in sent:
            for queue in rig.topology.queues_for(one.type):
                await eventually(f"{one.type} in {queue}", lambda q=queue, o=one: o.id in everywhere[q].ids)
        for queue, receive in everywhere.items():
            await eventually(f"{queue} is settled", lambda q=queue: is_empty(broker, q))
            expected = [one for one in sent if queue in rig.topology.queues_for(one.type)]
            assert sorted(receive.deliveries, key=lambda d: d.message.id) == [
                Delivery(one, queue, 0) for one in sorted(expected, key=lambda o: o.id)
            ]

    async def test_message_that_no_queue_binds_is_held(self, rig: Rig) -> None:
        broker = await rig.broker()
        sent = [message("nobody.cares"), message("order.created")]
        assert set(await broker.publish(sent)) == {one.id for one in sent}
        assert (await state(broker, ORDERS)).ready == 1
        assert (await state(broker, SEARCH)).ready == 0

    async def test_nothing_is_a_publishable_batch(self, rig: Rig) -> None:
        broker = await rig.broker()
        assert list(await broker.publish([])) == []

    async def test_prefetch_bounds_a_batch_and_one_batch_is_in_hand_at_a_time(self, rig: Rig) -> None:
        broker = await rig.broker()
        await broker.publish([message() for _ in range(25)])
        receive = Held()
        await broker.consume(ORDERS, 10, receive)
        await eventually("the first batch", lambda: receive.batches)
        await sleep(reactor, 0.1)
        assert len(receive.batches) == 1
        assert (await state(broker, ORDERS)).unacknowledged <= 20, "the next batch may be here already"
        receive.release()
        await eventually("all", lambda: len(receive.deliveries) == 25)
        assert max(len(batch) for batch in receive.batches) <= 10
        assert len(set(receive.ids)) == 25

    async def test_acknowledged_message_never_comes_again(self, rig: Rig) -> None:
        broker = await rig.broker()
        receive = Received()
        first = await broker.consume(ORDERS, 10, receive)
        await broker.publish([message() for _ in range(5)])
        await eventually("settled", lambda: len(receive.ids) == 5)
        await first.stop()
        await eventually("nothing is left", lambda: is_empty(broker, ORDERS))
        again = Received()
        await broker.consume(ORDERS, 10, again)
        last = message()
        await broker.publish([last])
        await eventually("the new one", lambda: again.ids)
        assert again.ids == [last.id]

    async def test_retried_message_comes_again_after_growing_delays_with_attempts_counted(self, rig: Rig) -> None:
        scale = 0.05
        broker = await rig.broker(queue_retry_scale=scale, queue_poll=0.02)
        tries = 4
        receive = Received(lambda d: Retried("not yet") if d.attempts < tries - 1 else Acked())
        await broker.consume(ORDERS, 10, receive)
        sent = message()
        await broker.publish([sent])
        await eventually("all tries", lambda: len(receive.deliveries) == tries, 20)
        assert [delivery.attempts for delivery in receive.deliveries] == list(range(tries))
        assert set(receive.ids) == {sent.id}
        for n in range(tries - 1):
            waited = receive.times[n + 1] - receive.times[n]
            assert waited >= RETRY_DELAYS[n] * scale * (1 - RETRY_JITTER) * 0.99
        await eventually("settled", lambda: is_empty(broker, ORDERS))
        assert list(await broker.dead(ORDERS)) == []

    async def test_message_that_fails_for_ever_becomes_a_dead_letter_with_its_last_cause(self, rig: Rig) -> None:
        broker = await rig.broker(queue_retry_scale=0.001, queue_poll=0.02)
        receive = Received(lambda d: Retried(f"cause {d.attempts}"))
        await broker.consume(ORDERS, 10, receive)
        sent = message(body=b"the body")
        await broker.publish([sent])

        async def died() -> bool:
            return bool(await broker.dead(ORDERS))

        await eventually("the dead letter", died, 20)
        [letter] = await broker.dead(ORDERS)
        assert (letter.queue, letter.message, letter.attempts) == (ORDERS, sent, len(RETRY_DELAYS) + 1)
        assert f"cause {len(RETRY_DELAYS)}" in letter.cause
        assert len(receive.deliveries) == len(RETRY_DELAYS) + 1
        await eventually("nothing is left", lambda: is_empty(broker, ORDERS))

    async def test_dead_letters_hold_exactly_the_dropped_with_their_causes(self, rig: Rig) -> None:
        broker = await rig.broker()
        good, poison = [message() for _ in range(20)], [message(body=b"poison %d" % n) for n in range(3)]
        await broker.publish([*good[:10], *poison, *good[10:]])
        receive = Received(lambda d: Dropped(f"no: {d.message.body.decode()}") if d.message in poison else Acked())
        await broker.consume(ORDERS, 7, receive)
        await eventually("settled", lambda: is_empty(broker, ORDERS))
        letters = await broker.dead(ORDERS)
        assert [letter.message for letter in letters] == poison
        assert [letter.cause for letter in letters] == [f"no: poison {n}" for n in range(3)]
        assert {letter.attempts for letter in letters} == {1}
        assert Counter(receive.ids) == Counter(one.id for one in [*good, *poison])
        assert len(await broker.dead(ORDERS, 2)) == 2
        assert list(await broker.dead(CACHE)) == []

    async def test_strange_causes_are_kept(self, rig: Rig) -> None:
        broker = await rig.broker()
        await broker.consume(ORDERS, 10, Received(lambda _: Dropped("NUL \x00, half \udc80, long " + "x" * 9000)))
        await broker.publish([message()])

        async def died() -> bool:
            return bool(await broker.dead(ORDERS))

        await eventually("the dead letter", died)
        [letter] = await broker.dead(ORDERS)
        assert letter.cause.startswith("NUL") and "long xxx" in letter.cause

    async def test_dead_letter_is_replayed_into_its_own_queue_alone_or_discarded(self, rig: Rig) -> None:
        broker = await rig.broker()
        dropping = await broker.consume(ORDERS, 10, Received(lambda _: Dropped("no")))
        elsewhere = Received()
        await broker.consume(CACHE, 10, elsewhere)
        first, second = message(), message()
        await broker.publish([first, second])
        await eventually("settled", lambda: is_empty(broker, ORDERS))
        await eventually("settled", lambda: len(elsewhere.ids) == 2)
        await dropping.stop()
        letters = {letter.message.id: letter for letter in await broker.dead(ORDERS)}
        assert await broker.replay(ORDERS, letters[first.id].id)
        assert not await broker.replay(ORDERS, letters[first.id].id), "it is there no longer"
        assert not await broker.replay(CACHE, letters[second.id].id), "it is not that queue's"
        assert not await broker.replay(ORDERS, "no such id") and not await broker.discard(ORDERS, "no such id")
        assert await broker.discard(ORDERS, letters[second.id].id)
        assert not await broker.discard(ORDERS, letters[second.id].id)
        assert list(await broker.dead(ORDERS)) == []
        receive = Received()
        await broker.consume(ORDERS, 10, receive)
        await eventually("the replayed", lambda: receive.deliveries)
        assert receive.deliveries == [Delivery(first, ORDERS, 0)]
        assert len(elsewhere.ids) == 2

    async def test_batch_comes_again_when_receive_raises(
        self, rig: Rig, expected_errors: Callable[..., list[str]]
    ) -> None:
        broker = await rig.broker()
        seen: list[list[Delivery]] = []

        async def receive(deliveries: Sequence[Delivery]) -> list[Outcome]:
            seen.append(list(deliveries))
            if len(seen) == 1:
                raise RuntimeError("as a test")
            return [Acked()] * len(deliveries)

        await broker.publish([message() for _ in range(3)])
        await broker.consume(ORDERS, 10, receive)
        await eventually("again", lambda: sum(map(len, seen)) >= 6)
        assert {d.message.id for d in seen[0]} == {d.message.id for batch in seen[1:] for d in batch}
        assert {d.attempts for batch in seen for d in batch} == {0}, "no try of the messages' own failed"
        assert len(expected_errors(RuntimeError)) == 1
        await eventually("settled", lambda: is_empty(broker, ORDERS))

    async def test_what_a_killed_consumer_had_in_hand_goes_to_another_and_its_late_outcome_counts_for_nothing(
        self, rig: Rig
    ) -> None:
        dying, living = await rig.broker(queue_poll=0.05), await rig.broker(queue_poll=0.05)
        sent = [message() for _ in range(5)]
        await dying.publish(sent)
        late, heir = Held(lambda _: Dropped("too late")), Held()
        await dying.consume(ORDERS, 10, late)
        await eventually("it is in hand", lambda: len(late.ids) == 5)
        await rig.kill(dying)
        await living.consume(ORDERS, 10, heir)
        await eventually("the heir has it", lambda: set(heir.ids) == {one.id for one in sent})
        late.release()
        await sleep(reactor, 0.2)
        assert list(await living.dead(ORDERS)) == []
        assert (await state(living, ORDERS)).unacknowledged == 5, "still the heir's"
        heir.release()
        await eventually("settled", lambda: is_empty(living, ORDERS))
        assert list(await living.dead(ORDERS)) == []

    async def test_killed_consumer_comes_back_by_itself(self, rig: Rig) -> None:
        broker, other = await rig.broker(queue_poll=0.05), await rig.broker()
        receive = Received()
        subscription = await broker.consume(ORDERS, 10, receive)
        await eventually("consuming", lambda: subscription.consuming)
        await rig.kill(broker)
        sent = message()
        await other.publish([sent])
        await eventually("it receives again", lambda: sent.id in receive.ids)
        await eventually("consuming", lambda: subscription.consuming)

    async def test_two_consumers_share_a_queue_without_duplicates(self, rig: Rig) -> None:
        one, two = await rig.broker(), await rig.broker()
        sent = [message() for _ in range(600)]
        a, b = Held(), Held()
        await one.consume(ORDERS, 10, a)
        await two.consume(ORDERS, 10, b)
        await one.publish(sent)
        await eventually("both have some", lambda: a.ids and b.ids)
        a.release()
        b.release()
        await eventually("all", lambda: len(a.ids) + len(b.ids) >= 600)
        assert Counter(a.ids + b.ids) == Counter(message.id for message in sent)

    async def test_stop_settles_what_is_in_hand_and_leaves_the_rest_to_others(self, rig: Rig) -> None:
        broker, other = await rig.broker(), await rig.broker()
        sent = [message() for _ in range(20)]
        await broker.publish(sent)
        receive = Held()
        subscription = await broker.consume(ORDERS, 5, receive)
        await eventually("in hand", lambda: receive.batches)
        stopping = Deferred.fromCoroutine(subscription.stop())
        await sleep(reactor, 0.05)
        assert not stopping.called, "it waits for what is in hand"
        receive.release()
        await stopping
        assert not subscription.consuming
        in_hand = len(receive.ids)
        assert in_hand <= 5
        found = await state(other, ORDERS)
        assert (found.ready, found.unacknowledged, found.consumers) == (20 - in_hand, 0, 0)
        rest = Received()
        await other.consume(ORDERS, 50, rest)
        await eventually("the rest", lambda: len(rest.ids) == 20 - in_hand, 2)
        assert Counter(receive.ids + rest.ids) == Counter(one.id for one in sent)

    async def test_stop_of_the_broker_stops_its_subscriptions(self, rig: Rig) -> None:
        broker, other = await rig.broker(), await rig.broker()
        receive = Held()
        subscription = await broker.consume(ORDERS, 5, receive)
        await broker.publish([message()])
        await eventually("in hand", lambda: receive.ids)
        stopping = Deferred.fromCoroutine(broker.stop())
        receive.release()
        await stopping
        assert not subscription.consuming
        await eventually("nothing is left", lambda: is_empty(other, ORDERS))

    async def test_waiting_consumer_is_woken_without_polling(self, rig: Rig) -> None:
        here, there = await rig.broker(queue_poll=30.0), await rig.broker(queue_poll=30.0)
        near, far = Received(), Received()
        await here.consume(ORDERS, 10, near)
        far_subscription = await there.consume(SEARCH, 10, far)
        await eventually("consuming", lambda: far_subscription.consuming)
        await sleep(reactor, 0.1)
        for n in range(1, 4):
            began = time.monotonic()
            await here.publish([message("order.created"), message("product.created")])
            await eventually("woken here", lambda n=n: len(near.ids) == n, 2)
            await eventually("woken there", lambda n=n: len(far.ids) == n, 2)
            print(f"woken within {1000 * (time.monotonic() - began):.1f} ms")

    async def test_replayed_message_wakes_its_consumer(self, rig: Rig) -> None:
        here, there = await rig.broker(queue_poll=30.0), await rig.broker(queue_poll=30.0)
        receive = Received(lambda d: Dropped("the first time") if len(receive.deliveries) == 1 else Acked())
        await here.consume(ORDERS, 10, receive)
        await here.publish([message()])

        async def died() -> bool:
            return bool(await there.dead(ORDERS))

        await eventually("the dead letter", died)
        [letter] = await there.dead(ORDERS)
        assert await there.replay(ORDERS, letter.id)
        await eventually("again", lambda: len(receive.ids) == 2, 5)

    async def test_out_of_reach_is_unavailable_and_nothing_confirmed_is_lost(self, rig: Rig) -> None:
        broker = await rig.broker(queue_poll=0.05)
        before, after = message(), message()
        await broker.publish([before])
        receive = Received()
        await rig.cut()
        try:
            with pytest.raises(Unavailable):
                await broker.publish([message()])
            subscription = await broker.consume(ORDERS, 10, receive)
            assert not subscription.consuming
        finally:
            await rig.mend()

        async def published() -> bool:
            try:
                return bool(await broker.publish([after]))
            except Unavailable:
                return False

        await eventually("it publishes again", published, 15)
        await eventually("it consumes", lambda: {before.id, after.id} <= set(receive.ids), 15)
        await eventually("consuming", lambda: subscription.consuming)

    async def test_states_are_truthful(self, rig: Rig) -> None:
        broker, other = await rig.broker(queue_retry_scale=100.0), await rig.broker()
        assert [one.name for one in await broker.states()] == list(rig.topology.queues)
        later, never, held = message(), message(), message()

        def answer(delivery: Delivery) -> Outcome:
            return {later.id: Retried("later"), never.id: Dropped("never")}.get(delivery.message.id, Acked())

        settling = await broker.consume(ORDERS, 10, Received(answer))
        await broker.publish([later, never])

        async def shows(ready: int, unacknowledged: int) -> bool:
            found = await state(other, ORDERS)
            others = (found.delayed, found.dead, found.consumers) == (1, 1, 1)
            here = unacknowledged <= found.unacknowledged <= 2 * unacknowledged  # the next batch may be here already
            return others and here and found.ready + found.unacknowledged == ready + unacknowledged

        await eventually("settled", lambda: shows(ready=0, unacknowledged=0))
        await settling.stop()
        receive = Held()
        await other.consume(ORDERS, 1, receive)
        await broker.publish([held, message(), message()])
        await eventually("in hand", lambda: receive.ids)
        await eventually("counted", lambda: shows(ready=2, unacknowledged=1))
        receive.release()
        await eventually("settled", lambda: shows(ready=0, unacknowledged=0))

    async def test_unknown_queue_is_refused_by_name(self, rig: Rig) -> None:
        broker = await rig.broker()
        with pytest.raises(ValueError, match=r"harvest\.nonsense"):
            await broker.consume("harvest.nonsense", 10, Received())

    @pytest.mark.limit(60)
    async def test_rates_are_printed(self, rig: Rig) -> None:
        """Not asserted: a measure of this machine, to be seen with ``-s``."""
        broker = await rig.broker()
        number = int(length(1000, 5000))
        sent = [message("cache.invalidate", b"x" * 500) for _ in range(number)]
        began = time.monotonic()
        for start in range(0, len(sent), 500):
            await broker.publish(sent[start : start + 500])
        published = time.monotonic()
        receive = Received()
        await broker.consume(CACHE, 200, receive)
        await eventually("all", lambda: len(receive.ids) >= number, 50)
        ended = time.monotonic()
        print(f"published {number / (published - began):,.0f}/s, consumed {number / (ended - published):,.0f}/s")
        assert Counter(receive.ids) == Counter(one.id for one in sent)
