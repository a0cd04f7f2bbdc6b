"""What is said to be held is held: confirms, returns, alarms, and a broker that does not answer."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.interfaces import Acked, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import EXCHANGE
from harvestd.queue.rabbitmq import messages
from harvestd.queue.rabbitmq.broker import RabbitBroker
from harvestd.queue.rabbitmq.messages import Publication
from harvestd.queue.rabbitmq.publisher import Held
from harvestd.settings.table import Settings
from servers.pace import Pace
from servers.rabbitmq import RabbitServer
from tests.contracts.broker import ORDERS, SEARCH, Received, is_empty, message, state
from tests.queue.rabbitmq.rabbits import RabbitRig
from tests.waiting import eventually

pytestmark = pytest.mark.xdist_group("rabbitmq")  # its own server, too, is started once


@pytest.fixture(scope="module")
def own_server() -> Iterator[RabbitServer]:
    """One that may be stopped and frozen; it speaks TLS, too."""
    with RabbitServer(tls=True) as server:
        yield server


@pytest_twisted.async_yield_fixture
async def harmed(own_server: RabbitServer, settings: Settings) -> AsyncIterator[RabbitRig]:
    """Brokers that notice soon, on it."""
    rig = RabbitRig(own_server, settings, heartbeat=1.0, stall=0.5, answer=0.5)
    yield rig
    await rig.stop()


async def publishes(broker: RabbitBroker) -> bool:
    try:
        return bool(await broker.publish([message()]))
    except Unavailable:
        return False


async def detail(broker: RabbitBroker) -> str:
    return (await broker.condition()).detail


async def says(broker: RabbitBroker, words: str) -> bool:
    return words in await detail(broker)


async def test_routable_and_unroutable_in_one_window_are_told_apart(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    chance = random.Random(7)
    for _ in range(5):
        sent = [message(chance.choice(["order.created", "nobody.cares", "product.created"])) for _ in range(100)]
        fates = await broker._publisher.publish([messages.event(one) for one in sent])
        assert fates == [Held.CONFIRMED if rabbit.topology.queues_for(one.type) else Held.RETURNED for one in sent]


async def test_windows_at_the_same_time_and_the_same_id_to_several_places_are_told_apart(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()

    def to(queue: str) -> Publication:
        return Publication("", queue, event.properties, event.body)

    event = messages.event(message())
    batches = [[to(ORDERS), to("nowhere.a"), event, to("nowhere.b"), to(SEARCH), to("nowhere.a")] for _ in range(20)]
    waiting = [Deferred.fromCoroutine(broker._publisher.publish(batch)) for batch in batches]
    yes, no = Held.CONFIRMED, Held.RETURNED
    assert [await one for one in waiting] == [[yes, no, yes, no, yes, no]] * 20


async def test_a_message_that_came_back_though_a_queue_of_ours_binds_it_is_not_held_and_the_queue_is_declared_again(
    rabbit: RabbitRig,
) -> None:
    broker = await rabbit.broker()
    channel = await broker._consuming.channel()
    for queue in rabbit.topology.queues_for("product.created"):
        await channel.queue_delete(queue)
    lost, nobodys, next_one = message("product.created"), message("nobody.cares"), message("product.created")
    assert await broker.publish([lost, nobodys]) == [nobodys.id]
    assert await broker.publish([next_one]) == [next_one.id]
    assert (await state(broker, SEARCH)).ready == 1


async def test_an_exchange_that_is_gone_is_declared_again(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    channel = await broker._consuming.channel()
    await channel.exchange_delete(EXCHANGE)
    with pytest.raises(Unavailable):
        await broker.publish([message()])
    await eventually("it publishes again", lambda: publishes(broker))
    assert (await state(broker, ORDERS)).ready == 1


@pytest.mark.limit(60)
async def test_an_exchange_of_another_type_is_told_by_readiness_though_nothing_happens_and_events_go_on_when_it_is_gone(
    rabbit: RabbitRig,
) -> None:
    broker = await rabbit.broker()
    assert await is_well(broker)
    for other in ("direct", "fanout", "headers"):
        operator = await broker._consuming.channel()
        await operator.exchange_delete(EXCHANGE)
        await operator.exchange_declare(EXCHANGE, other, durable=True)
        condition = await broker.condition()
        assert condition.state == "degraded" and EXCHANGE in condition.detail and "delete" in condition.detail
        assert not await publishes(broker) and not await is_well(broker)
        await operator.exchange_delete(EXCHANGE)
        pace = Pace()
        await eventually("readiness says that it is well", lambda: is_well(broker))
        await eventually("it publishes again", lambda: publishes(broker))
        assert pace.seconds() < 5
    assert (await state(broker, ORDERS)).ready == 3


async def test_an_exchange_that_is_gone_is_declared_again_as_soon_as_readiness_looks(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    await (await broker._consuming.channel()).exchange_delete(EXCHANGE)
    assert "is not there" in await detail(broker)
    await eventually("it is well again", lambda: is_well(broker))
    one = message()
    assert await broker.publish([one]) == [one.id]


async def test_under_a_memory_alarm_publishing_is_unavailable_at_once_and_consuming_goes_on(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    receive = Received(lambda d: Retried("first") if d.message.type == "order.updated" and not d.attempts else Acked())
    await broker.consume(ORDERS, 10, receive)
    await broker.publish([message()])
    await eventually("consumed", lambda: receive.ids)
    rabbit.server.alarm(True)
    try:
        for _ in range(2):  # the first finds out, the second knows
            pace = Pace()
            with pytest.raises(Unavailable, match="alarm"):
                await broker.publish([message("order.updated"), *[message() for _ in range(50)]])
            assert pace.seconds() < 1
        condition = await broker.condition()
        assert condition.state == "degraded" and condition.detail.startswith("blocked: memory or disk alarm")
        assert [one.name for one in await broker.states()] == list(rabbit.topology.queues), "questions are answered"
    finally:
        rabbit.server.alarm(False)
    await eventually("it publishes again", lambda: publishes(broker))
    assert (await broker.condition()).state == "ok"
    await eventually("settled", lambda: is_empty(broker, ORDERS))
    assert list(await broker.dead(ORDERS)) == []


@pytest.mark.limit(60)
async def test_a_frozen_broker_is_noticed_in_bounds_and_used_again_when_it_thaws(harmed: RabbitRig) -> None:
    broker = await harmed.broker()
    receive = Received()
    subscription = await broker.consume(ORDERS, 10, receive)
    await eventually("consuming", lambda: subscription.consuming)
    harmed.server.freeze()
    try:
        pace = Pace()
        with pytest.raises(Unavailable, match="confirms nothing"):
            await broker.publish([message()])
        assert pace.seconds() < 1
        with pytest.raises(Unavailable):
            await broker.states()
        await eventually("the consumer knows", lambda: not subscription.consuming)
        assert (await detail(broker)).startswith("out of reach: events wait in the outbox")
    finally:
        harmed.server.thaw()
    await eventually("it publishes again", lambda: publishes(broker))
    await eventually("it consumes again", lambda: receive.ids and subscription.consuming)


@pytest.mark.limit(60)
async def test_readiness_knows_of_a_freeze_that_nothing_else_has_noticed_yet(harmed: RabbitRig) -> None:
    broker = harmed.at(harmed.server.url(harmed.vhost))
    await broker.start()
    assert ((await broker.condition()).state, broker.usage()) == ("ok", (True, 0))
    harmed.server.freeze()
    try:
        assert (await detail(broker)).startswith("does not answer within")
        assert broker.usage()[0] is False
    finally:
        harmed.server.thaw()
    await eventually("it is well again", lambda: is_well(broker))
    assert broker.usage()[0] is True


async def is_well(broker: RabbitBroker) -> bool:
    return (await broker.condition()).state == "ok"


@pytest.mark.limit(60)
async def test_a_connection_without_heartbeats_is_given_up(harmed: RabbitRig) -> None:
    broker = await harmed.broker()
    subscription = await broker.consume(ORDERS, 10, Received())
    await eventually("consuming", lambda: subscription.consuming)
    harmed.proxy(broker).blackhole = True
    await eventually("it notices", lambda: not subscription.consuming, 12)
    harmed.proxy(broker).mend()
    await eventually("it consumes again", lambda: subscription.consuming)


async def test_a_connection_that_is_given_up_ends_even_with_bytes_unsent(harmed: RabbitRig) -> None:
    broker = harmed.at(harmed.server.url(harmed.vhost))  # no proxy, which would take the bytes
    broker._publisher._stall = 60.0
    await broker.start()
    harmed.server.freeze()
    try:
        publishing = Deferred.fromCoroutine(broker.publish([message(body=bytes(20_000_000))]))
        broker._publishing.here()._impl._heartbeat_checker._close_connection()  # as pika does after heartbeat + 5 s
        with pytest.raises(Unavailable, match="heartbeat"):
            await publishing.addTimeout(5, reactor)
    finally:
        harmed.server.thaw()
    await eventually("it publishes again", lambda: publishes(broker))


async def test_a_broker_can_be_left_while_it_is_frozen(harmed: RabbitRig) -> None:
    broker = await harmed.broker()
    await broker.consume(ORDERS, 10, Received())
    harmed.server.freeze()
    try:
        pace = Pace()
        await broker.stop()
        assert pace.seconds() < 8
    finally:
        harmed.server.thaw()


@pytest.mark.limit(60)
async def test_what_is_held_outlives_a_crash_of_the_broker(harmed: RabbitRig) -> None:
    broker = await harmed.broker()
    sent = [message() for _ in range(150)]
    assert len(await broker.publish(sent)) == 150
    harmed.server.kill()
    await eventually("it is out of reach", lambda: detail(broker))
    with pytest.raises(Unavailable, match="RabbitMQ"):
        await broker.publish([message()])
    receive = Received()
    await broker.consume(ORDERS, 50, receive)
    harmed.server.start()
    await eventually("all come", lambda: set(receive.ids) == {one.id for one in sent}, 15)
    await eventually("it publishes again", lambda: publishes(broker))


async def test_over_tls_the_certificate_must_be_one_that_is_trusted_and_fits_the_host(harmed: RabbitRig) -> None:
    server = harmed.server
    url = server.url(harmed.vhost, server.tls_port).replace("amqp://", "amqps://")
    trusting = f"?cacertfile={server.certificate}"
    good = harmed.at(url.replace("127.0.0.1", "localhost") + trusting)
    await good.start()
    assert await good.publish([message()])
    for refused in (url.replace("127.0.0.1", "localhost"), url + trusting):
        wary = harmed.at(refused)
        wary._wait = 0.5
        await wary.start()
        await eventually("it knows why", partial(says, wary, "certificate"))
        with pytest.raises(Unavailable, match="certificate is not for that host"):
            await wary.publish([message()])
