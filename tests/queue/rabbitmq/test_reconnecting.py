"""Connections that come back, and that say why they do not come."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.logger import formatEvent, globalLogPublisher

from harvestd.kernel.errors import Unavailable
from servers import free_port
from servers.pace import Pace
from servers.rabbitmq import PASSWORD, USER
from tests.contracts.broker import ORDERS, Received, message
from tests.queue.rabbitmq.rabbits import RabbitRig
from tests.waiting import eventually


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every line that is logged."""
    lines: list[str] = []

    def observe(event: Any) -> None:
        lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


async def refused(rabbit: RabbitRig, url: str, *words: str) -> str:
    """Start one that cannot be used; answers what its readiness says as soon as that has these words: the start does not wait until
    either connection was tried."""
    broker = rabbit.at(url)
    broker._wait = 0.4
    pace = Pace()
    await broker.start()
    assert pace.seconds() < 3, "the start is bounded"
    with pytest.raises(Unavailable):
        await broker.publish([message()])
    condition = await broker.condition()
    assert condition.state == "degraded"

    async def known() -> bool:
        nonlocal condition
        condition = await broker.condition()
        return all(word in condition.detail for word in words)

    await eventually(f"its readiness says {words}", known)
    assert condition.detail.startswith("out of reach: events wait in the outbox")
    await broker.stop()
    return condition.detail


async def test_a_wrong_password_is_told_as_what_it_may_be_and_stays_secret(
    rabbit: RabbitRig, logged: list[str]
) -> None:
    url = rabbit.server.url(rabbit.vhost).replace(PASSWORD, "not-the-password")
    detail = await refused(rabbit, url, f"refuses the user '{USER}' or its password", "rabbitmq_url")
    assert any("refuses the user" in line for line in logged)
    assert not any("not-the-password" in line for line in [*logged, detail])


async def test_a_wrong_vhost_is_told_as_what_it_may_be(rabbit: RabbitRig, logged: list[str]) -> None:
    detail = await refused(rabbit, rabbit.server.url("no such vhost"), "not to the vhost 'no such vhost'")
    assert not any(PASSWORD in line for line in [*logged, detail])


async def test_nobody_at_the_address_is_told(rabbit: RabbitRig) -> None:
    port = free_port()
    await refused(rabbit, rabbit.server.url(port=port), f"127.0.0.1:{port} is out of reach")


async def test_a_server_that_says_nothing_is_given_up(rabbit: RabbitRig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker = rabbit.at(rabbit.server.url(port=silent.getsockname()[1]))
        broker._wait = 0.1
        for link in (broker._publishing, broker._consuming):
            link._handshake = 0.2
        await broker.start()

        async def given_up() -> bool:
            return "no AMQP handshake within 0.2 s" in (await broker.condition()).detail

        await eventually("it is given up", given_up, 3)
        await broker.stop()


async def test_a_user_without_permissions_is_told(rabbit: RabbitRig) -> None:
    server = rabbit.server
    server.evaluate('rabbit_auth_backend_internal:add_user(<<"weak">>, <<"weak-secret">>, <<"tests">>)')
    server.evaluate(
        f'rabbit_auth_backend_internal:set_permissions(<<"weak">>, <<"{rabbit.vhost}">>, <<>>, <<>>, <<>>, <<"tests">>)'
    )
    url = server.url(rabbit.vhost).replace(f"{USER}:{PASSWORD}", "weak:weak-secret")
    detail = await refused(rabbit, url, "the user 'weak' needs the permissions configure, write and read")
    assert "weak-secret" not in detail


async def test_a_queue_of_other_arguments_is_told_by_name(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    channel = await broker._consuming.channel()
    await channel.queue_delete(ORDERS)
    await channel.queue_declare(ORDERS, durable=True)
    await refused(rabbit, rabbit.server.url(rabbit.vhost), "other arguments", ORDERS)


async def test_it_starts_without_the_broker_and_comes_when_that_does(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    late = rabbit.at(broker._settings.rabbitmq_url)
    late._wait = 0.2
    await rabbit.cut()
    pace = Pace()
    await late.start()
    assert pace.seconds() < 1
    receive = Received()
    await late.consume(ORDERS, 10, receive)
    await rabbit.mend()

    async def usable() -> bool:
        return (await late.condition()).state == "ok"

    await eventually("it is usable", usable)
    assert await late.publish([message()])
    await eventually("it consumes", lambda: receive.ids)


async def test_connections_that_an_operator_closes_come_back(rabbit: RabbitRig) -> None:
    broker = await rabbit.broker()
    receive = Received()
    subscription = await broker.consume(ORDERS, 10, receive)
    await eventually("consuming", lambda: subscription.consuming)
    rabbit.server.close_connections()
    await eventually("it notices", lambda: not subscription.consuming)
    await eventually("it consumes again", lambda: subscription.consuming)
    await eventually("it publishes", lambda: broker._publishing.connection is not None)
    assert await broker.publish([message()])
    await eventually("it receives", lambda: receive.ids)


async def test_many_cuts_lose_nothing_that_was_held(rabbit: RabbitRig) -> None:
    broker, cut = await rabbit.broker(), await rabbit.broker()
    receive = Received()
    await cut.consume(ORDERS, 10, receive)
    held: set[str] = set()
    for _ in range(3):
        held |= set(await broker.publish([message() for _ in range(40)]))
        await rabbit.kill(cut)
        rabbit.proxy(broker).reset_after = 5000
        waiting = [message() for _ in range(60)]
        try:
            held |= set(await broker.publish(waiting))
        except Unavailable:
            pass
        rabbit.proxy(broker).reset_after = None

        async def back() -> bool:
            try:
                return bool(await broker.publish([]) == [] and broker._publishing.here())
            except Unavailable:
                return False

        await eventually("it is back", back)
    assert len(held) >= 120
    await eventually("all that was held came", lambda: held <= set(receive.ids), 15)


async def test_nothing_that_is_said_waits_for_the_other_side_to_acknowledge_what_was_said_before(
    rabbit: RabbitRig,
) -> None:
    broker = await rabbit.broker()
    for link in (broker._publishing, broker._consuming):
        assert link.here().transport.getTcpNoDelay()
