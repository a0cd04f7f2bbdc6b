"""The outbox and the inbox: written with the change, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from twisted.internet.defer import Deferred

from harvestd.kernel.events import Event
from harvestd.runtime.tracing import Trace, tracing
from harvestd.store import inbox, outbox
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.transactions import Transaction
from harvestd.tables import TOPOLOGY
from tests.queue.processes import data, new_id

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def event(type: str = "order.created", version: int = 1) -> Event:
    return Event(type, f"order:{new_id()}", version, data(1) | {"quantity": "1.250", "name": 'Œuf "frais" \\ {a,b}'})


async def recorded(database: Database, *events: Event, at: datetime = NOW) -> None:
    async def work(tx: Transaction) -> None:
        outbox.record(tx, events, TOPOLOGY, new_id, at)

    await database.transaction(work)


async def test_events_are_recorded_whole_in_order_and_under_the_trace(database: Database) -> None:
    first, second = event(), event("product.updated", 7)
    kept: list[Event] = []

    async def work(tx: Transaction) -> None:
        outbox.record(tx, [first], TOPOLOGY, new_id, NOW)
        outbox.record(tx, [second], TOPOLOGY, new_id, NOW)
        kept.extend(tx.events)

    with tracing(Trace("request-1", "00-abc-def-01")):
        await database.transaction(work)
    rows = await outbox.unsent(database, 10)
    assert [(row.type, row.aggregate, row.version, row.data, row.created_at) for row in rows] == [
        (one.type, one.aggregate, one.version, one.data, NOW) for one in (first, second)
    ]
    assert rows[0].seq < rows[1].seq and rows[0].id != rows[1].id
    assert {(row.trace["request_id"], row.trace["traceparent"]) for row in rows} == {("request-1", "00-abc-def-01")}
    assert kept == [first, second], "for whoever acts after the commit"


async def test_an_event_type_that_is_not_in_the_table_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match=r"order\.exploded"):
        await recorded(database, event(), event("order.exploded"))
    assert await outbox.unsent(database, 10) == []


async def test_an_event_whose_data_is_not_of_its_type_is_refused(database: Database) -> None:
    wrong = Event("order.created", "order:1", 1, data(1) | {"order_id": "one"})
    with pytest.raises(ValueError, match=r"order\.created.*order_id"):
        await recorded(database, event(), wrong)
    assert await outbox.unsent(database, 10) == []


async def test_events_of_a_transaction_that_rolls_back_never_were(database: Database) -> None:
    async def work(tx: Transaction) -> None:
        outbox.record(tx, [event()], TOPOLOGY, new_id, NOW)
        raise RuntimeError("as a test")

    with pytest.raises(RuntimeError):
        await database.transaction(work)
    assert await outbox.unsent(database, 10) == []


async def test_backlog_counts_the_unsent_and_the_age_of_the_oldest(database: Database) -> None:
    assert await outbox.backlog(database, NOW) == outbox.Backlog(0, 0.0)
    await recorded(database, event(), at=NOW - timedelta(seconds=90))
    await recorded(database, event())
    assert await outbox.backlog(database, NOW) == outbox.Backlog(2, 90.0)
    rows = await outbox.unsent(database, 1)
    await database.transaction(lambda tx: outbox.mark_sent(tx, [rows[0].seq], NOW))
    assert await outbox.backlog(database, NOW + timedelta(seconds=1)) == outbox.Backlog(1, 1.0)


async def test_purge_deletes_old_sent_events_in_bounded_batches_and_never_unsent_ones(database: Database) -> None:
    await recorded(database, *[event() for _ in range(6)], at=NOW - timedelta(days=30))
    seqs = [row.seq for row in await outbox.unsent(database, 10)]
    await database.transaction(lambda tx: outbox.mark_sent(tx, seqs[:4], NOW - timedelta(days=20)))
    await database.transaction(lambda tx: outbox.mark_sent(tx, seqs[4:5], NOW))
    before = NOW - timedelta(days=7)
    assert [await database.transaction(lambda tx: outbox.purge(tx, before, before, [], 3)) for _ in range(3)] == [
        3,
        1,
        0,
    ]
    assert [row.seq for row in await outbox.unsent(database, 10)] == seqs[5:]


async def test_an_event_is_kept_until_every_queue_has_handled_it_or_far_longer(database: Database) -> None:
    """A message that waited for so long is believed for its row alone."""
    await recorded(database, *[event() for _ in range(4)], at=NOW - timedelta(days=30))
    rows = await outbox.unsent(database, 10)
    await database.transaction(lambda tx: outbox.mark_sent(tx, [row.seq for row in rows], NOW - timedelta(days=20)))
    both, one, _, other = rows
    for queue, ids in (("a", [both.id, one.id, other.id]), ("b", [both.id, other.id])):
        await claimed(database, queue, *ids)
    queues = [(both.type, "a"), (both.type, "b"), ("cart.touched", "c")]

    async def purged(days: int) -> int:
        return await database.transaction(
            lambda tx: outbox.purge(tx, NOW - timedelta(days=7), NOW - timedelta(days=days), queues)
        )

    assert await purged(70) == 2
    assert [row.id for row in await outbox.some(database, [row.id for row in rows])] == [rows[1].id, rows[2].id]
    assert await purged(19) == 2


async def test_a_mark_outlives_its_event(database: Database) -> None:
    """Or an event that waits for a broker for longer would be handled once more."""
    await recorded(database, event())
    (waiting,) = await outbox.unsent(database, 10)
    gone = new_id()
    await claimed(database, "harvest.orders", waiting.id, gone)
    soon = NOW + timedelta(days=10_000)
    assert await database.transaction(lambda tx: inbox.purge(tx, soon)) == 1
    assert await claimed(database, "harvest.orders", waiting.id, gone) == {gone}


async def claimed(database: Database, consumer: str, *ids: str) -> set[str]:
    return await database.transaction(lambda tx: inbox.claim(tx, consumer, ids))


async def test_each_consumer_claims_an_event_once(database: Database) -> None:
    one, two, three = new_id(), new_id(), new_id()
    assert await claimed(database, "harvest.orders", one, two, one) == {one, two}
    assert await claimed(database, "harvest.orders", two.upper(), three) == {three}
    assert await claimed(database, "harvest.cache", one) == {one}
    assert await claimed(database, "harvest.cache") == set()


async def test_a_claim_waits_for_the_one_before_it_and_takes_what_that_gave_up(database: Database) -> None:
    id = new_id()
    has_claimed: Deferred[None] = Deferred()
    may_end: Deferred[None] = Deferred()

    async def fails(tx: Transaction) -> None:
        assert await inbox.claim(tx, "harvest.orders", [id]) == {id}
        has_claimed.callback(None)
        await may_end
        raise RuntimeError("as a test")

    failing = Deferred.fromCoroutine(database.transaction(fails))
    await has_claimed
    waiting = Deferred.fromCoroutine(claimed(database, "harvest.orders", id))
    assert not waiting.called
    may_end.callback(None)
    with pytest.raises(RuntimeError):
        await failing
    assert await waiting == {id}


async def test_inbox_purge_is_bounded_and_keeps_the_young(database: Database) -> None:
    await claimed(database, "harvest.orders", *[new_id() for _ in range(3)])
    later, earlier = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)
    assert await database.transaction(lambda tx: inbox.purge(tx, earlier)) == 0
    assert [await database.transaction(lambda tx: inbox.purge(tx, later, 2)) for _ in range(3)] == [2, 1, 0]
