"""What counts as an event of this market, whoever can write to the broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from harvestd.interfaces import Acked, Delivery, Dropped, Message, Outcome, Retried
from harvestd.kernel.events import Event
from harvestd.market.operations import housekeeping
from harvestd.queue.consumer import Consumer
from harvestd.queue.envelope import Envelope, encode
from harvestd.queue.recorded_messages import message_of
from harvestd.queue.seals import EventSeals
from harvestd.queue.work import QueueHandlers
from harvestd.store import outbox
from harvestd.tables import HANDLERS, TOPOLOGY
from tests.contracts.broker import ORDERS, is_empty
from tests.queue.processes import SEALS, Process, Processes, data, envelope, message, new_id, now
from tests.queue.test_consumer import Bench, bench, deliver, leave_effect
from tests.waiting import eventually

#: What no field of any event is.
WRONG = (None, True, -1.5, 2**70, {"a": {}}, [[["deep"]]], "\u0661", "no id")


@pytest.fixture
def told() -> Iterator[list[str]]:
    """The lines of the log at warn and above."""
    lines: list[str] = []

    def observe(event: Any) -> None:
        if event["log_level"] >= LogLevel.warn:
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


def wrong_ones() -> Iterator[tuple[str, Any]]:
    """Each field of each type's data left out, and of each wrong kind, as far as its type does not take that."""
    for type, struct in TOPOLOGY.events.items():
        for field in msgspec.structs.fields(struct):
            name, good = field.encode_name, data(1, type)
            bad = [{k: v for k, v in good.items() if k != name}, *(good | {name: value} for value in WRONG)]
            yield from ((type, one) for one in bad if TOPOLOGY.fault(type, one))


def sealed(event: Envelope) -> bytes:
    return SEALS.sealed(encode(event))


def handed(queue: str, *bodies: bytes) -> list[Delivery]:
    return [Delivery(Message(new_id(), "order.created", body), queue, 0) for body in bodies]


def test_every_field_of_every_type_is_read() -> None:
    tried = {type for type, _ in wrong_ones()}
    assert tried == set(TOPOLOGY.events) and all(not TOPOLOGY.fault(type, data(1, type)) for type in TOPOLOGY.events)
    assert len(list(wrong_ones())) > 100


async def test_what_waited_for_its_consumer_longer_than_events_are_kept_is_handled(processes: Processes) -> None:
    """The outbox has it until it is; after that an old message is none that anybody may send again."""
    here = await bench(processes)
    parts = here.process.parts
    await here.process.record(*[Event("order.created", f"order:{n}", 1, data(n)) for n in range(3)])
    processes.sql(
        "update outbox set created_at = now() - interval '8 days', sent_at = now() - interval '8 days' returning 1"
    )
    rows = await outbox.some(parts.database, [id for (id,) in processes.sql("select id::text from outbox")])
    waiting = [Delivery(message_of(row, SEALS), ORDERS, 0) for row in rows]
    await housekeeping.tidy(parts)
    assert await here.consumer().receive(waiting) == [Acked()] * 3
    assert here.effects() == [0, 1, 2]
    processes.sql("delete from outbox returning 1")
    (refused, *_) = await here.consumer().receive(waiting)
    assert isinstance(refused, Dropped) and "longer than outbox_keep ago" in refused.cause


async def test_data_that_is_not_of_its_type_is_a_dead_letter_at_once_whichever_field_it_is(
    processes: Processes, told: list[str]
) -> None:
    """By the market's own handlers: none of them is reached, none is tried again, nothing is marked, and it is told once."""
    process = await processes.start()
    for queue in TOPOLOGY.queues.values():
        wrong = [(type, one) for type, one in wrong_ones() if queue.name in TOPOLOGY.queues_for(type)]
        bodies = [sealed(msgspec.structs.replace(envelope(1, type), data=one)) for type, one in wrong]
        outcomes = await Consumer(process.parts, queue.name, HANDLERS[queue.name]).receive(handed(queue.name, *bodies))
        assert all(isinstance(one, Dropped) and "cannot be decoded: the data of" in one.cause for one in outcomes)
    assert processes.sql("select count(*) from inbox") == [(0,)]
    assert len(told) <= len(TOPOLOGY.queues)


async def test_a_forged_event_is_a_dead_letter_and_cannot_hide_the_real_one(
    processes: Processes, told: list[str]
) -> None:
    here = await bench(processes)
    real = envelope(3)
    forged = msgspec.structs.replace(real, data=real.data | {"n": 987_655_320})
    whole = sealed(real)
    bodies = [
        encode(forged),
        EventSeals("another secret").sealed(encode(forged)),
        whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:],
    ]
    outcomes = await here.consumer().receive(deliver(*bodies))
    assert all(isinstance(one, Dropped) and one.cause.startswith("not of this market") for one in outcomes)
    assert here.effects() == [] and here.marks() == 0 and len(told) == 1 and "3 messages" in told[0]
    assert await here.consumer().receive(deliver(real)) == [Acked()]
    assert here.effects() == [3] and here.marks() == 1


async def test_without_a_seal_that_counts_an_event_is_what_the_outbox_has_of_it(processes: Processes) -> None:
    """As after an upgrade or with a new secret; and in the order of the batch."""
    here = await bench(processes)
    [id] = await here.process.record(Event("order.created", "order:5", 1, data(5)))
    forged = encode(msgspec.structs.replace(envelope(6), id=id))
    torn = json.dumps({"id": id.upper()}).encode()
    outcomes = await here.consumer().receive(deliver(envelope(1), forged, torn, envelope(2)))
    assert outcomes == [Acked()] * 4
    assert here.effects() == [1, 5, 2]


async def test_an_event_that_is_older_than_its_mark_may_be_is_what_the_outbox_has_of_it(processes: Processes) -> None:
    """Kept and delivered again when the inbox has forgotten it, it would have its effect twice."""
    here = await bench(processes)
    age = timedelta(seconds=here.process.settings.outbox_keep + 1)
    old = msgspec.structs.replace(envelope(1), timestamp=now() - age)
    [outcome] = await here.consumer().receive(deliver(old))
    assert isinstance(outcome, Dropped) and here.effects() == []
    [id] = await here.process.record(Event("order.created", "order:2", 1, data(2)))
    assert await here.consumer().receive(deliver(msgspec.structs.replace(old, id=id))) == [Acked()]
    assert here.effects() == [2]


async def test_a_genuine_event_in_another_queue_is_a_dead_letter(processes: Processes) -> None:
    process = await processes.start()
    for queue in TOPOLOGY.queues.values():
        others = [type for type in TOPOLOGY.events if queue.name not in TOPOLOGY.queues_for(type)]
        assert others, queue.name
        consumer = Consumer(process.parts, queue.name, HANDLERS[queue.name])
        outcomes = await consumer.receive(handed(queue.name, *(sealed(envelope(1, type)) for type in others)))
        assert all(isinstance(one, Dropped) and one.cause.startswith("not for this queue") for one in outcomes)
    assert processes.sql("select count(*) from inbox") == [(0,)]


async def test_what_cannot_be_looked_up_now_comes_again_later(processes: Processes) -> None:
    here = await bench(processes)
    processes.cut()
    try:
        outcomes: list[Outcome] = await here.consumer().receive(deliver(encode(envelope(1))))
        assert isinstance(outcomes[0], Retried)
    finally:
        processes.mend()


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_seal_is_over_every_byte(data: st.DataObject) -> None:
    body = sealed(envelope(1))
    assert SEALS.genuine(body) and json.loads(body)["type"] == "order.created"
    place, byte = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 255))
    other = body[:place] + bytes([byte]) + body[place + 1 :]
    assert SEALS.genuine(other) == (other == body)
    assert not SEALS.genuine(body + b" ") and not SEALS.genuine(data.draw(st.binary(max_size=200)))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = ("id", "type", "timestamp", "version", "aggregate", "data", "trace", "seal")
_BODIES = (
    st.binary(max_size=300)
    | st.dictionaries(st.sampled_from(_FIELDS), _JSON | st.uuids().map(str), max_size=8).map(lambda one: json.dumps(one).encode())
    | st.integers(1, 200_000).map(lambda n: b'{"id":' + b"[" * n)
)  # fmt: skip


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(bodies=st.lists(_BODIES, min_size=1, max_size=8))
async def test_whatever_comes_is_turned_away_without_a_word_too_many(
    processes: Processes, told: list[str], bodies: list[bytes]
) -> None:
    here = await _shared(processes)
    outcomes = await here.consumer().receive(deliver(*bodies))
    assert all(isinstance(one, Dropped) for one in outcomes)
    assert here.marks() == 0
    assert len(told) <= 60, "a line for each new consumer at most"
    assert all(len(line) < 600 for line in told)


_benches: dict[int, Bench] = {}


async def _shared(processes: Processes) -> Bench:
    """One for all examples of a test."""
    if id(processes) not in _benches:
        _benches.clear()
        _benches[id(processes)] = await bench(processes)
    return _benches[id(processes)]


async def test_a_flood_is_told_of_once_a_minute(processes: Processes, told: list[str]) -> None:
    here = await bench(processes)
    consumer = here.consumer()
    for _ in range(20):
        await consumer.receive(deliver(*[b"poison"] * 50))
    assert len(told) == 1
    counted = here.process.metrics.value("harvest_consumer_handled_total", queue=ORDERS, outcome="dropped")
    assert counted == 1000


async def test_a_forged_dead_letter_that_is_put_back_is_a_dead_letter_again(processes: Processes) -> None:
    here = await bench(processes)
    forged = envelope(1)
    await _consumed(here.process, leave_effect)
    await here.process.broker.publish([Message(forged.id, forged.type, encode(forged)), message(envelope(2))])
    await eventually("forged", lambda: _dead(here.process, ["not of this market"]))
    [letter] = await here.process.broker.dead(ORDERS)
    assert await here.process.broker.replay(ORDERS, letter.id)
    await eventually("settled", lambda: is_empty(here.process.broker, ORDERS))
    await eventually("again", lambda: _dead(here.process, ["not of this market"]))
    assert here.effects() == [2] and here.marks() == 1


async def _consumed(process: Process, handle: Any) -> None:
    consumer = Consumer(process.parts, ORDERS, QueueHandlers({"order.created": handle}))
    await process.broker.consume(ORDERS, 10, consumer.receive)


async def _dead(process: Process, causes: list[str]) -> bool:
    letters = await process.broker.dead(ORDERS)
    return len(letters) == len(causes) and all(
        letter.cause.startswith(cause) for letter, cause in zip(letters, causes, strict=True)
    )
