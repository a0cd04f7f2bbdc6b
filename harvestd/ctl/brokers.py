"""What doctor looks at of RabbitMQ, through the daemon's own connection: whether it answers, may be used as the daemon uses it, and is consumed."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

from pika.exceptions import ChannelClosedByBroker

from harvestd.ctl.check_result import CheckResult
from harvestd.ctl.versions import aged, latency, within
from harvestd.ctl.words import counted
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import Queue
from harvestd.queue.rabbitmq.connection import ENDS, Connection
from harvestd.queue.rabbitmq.explanations import explained
from harvestd.queue.rabbitmq.pika_channel import Channel
from harvestd.queue.rabbitmq.reconnecting import connect_once
from harvestd.runtime.lifecycle import within as bounded
from harvestd.settings.table import Settings
from harvestd.settings.urls import mask_url
from harvestd.tables import TOPOLOGY

#: The timeout for an answer, in seconds.
PATIENCE = 5.0
RIGHTS = r"rabbitmqctl set_permissions -p VHOST USER '^harvest[._]' '^(harvest[._]|amq\.default$)' '^harvest[._]'"
FULL = "free memory or disk there (rabbitmqctl status names the alarm); the outbox holds what is new"


async def rabbitmq(reactor: Any, settings: Settings) -> AsyncIterator[CheckResult]:
    """Whether it answers, lets us do our work, takes messages, and whether somebody consumes them."""
    if not settings.rabbitmq_url:
        return
    cure = "orders go on and the outbox holds their events; start it, or correct host, port, user, password and virtual host of rabbitmq_url"
    try:
        connection = await connect_once(reactor, settings.rabbitmq_url, "harvestctl doctor", PATIENCE, PATIENCE)
    except Unavailable as error:
        yield CheckResult("RabbitMQ", False, f"{mask_url(settings.rabbitmq_url)}: {error.detail}", cure)
        return
    broker = _Broker(reactor, connection)
    try:
        async for result in broker.results():
            yield result
    except (Unavailable, TimeoutError) as error:
        if connection.blocked:
            yield CheckResult("RabbitMQ", False, f"takes no messages, for {PATIENCE:g} s at least", FULL)
        else:
            yield CheckResult("RabbitMQ", False, f"{mask_url(settings.rabbitmq_url)}: {error}", cure)
    finally:
        await connection.leave()


class _Broker:
    """What is asked of one connection."""

    def __init__(self, reactor: Any, connection: Connection) -> None:
        self._reactor = reactor
        self._connection = connection

    async def results(self) -> AsyncIterator[CheckResult]:
        """One thing after another, as far as the user may."""
        properties = self._connection._impl.server_properties
        version = str(properties.get("version", "of an unknown version"))
        took = await latency(self._reactor, self._trip)
        old = aged("RabbitMQ", version)
        words = f"RabbitMQ {version} answers {within(took)}"
        yield CheckResult("RabbitMQ", not old, words, old)
        refused = await self._refused()
        if refused:
            parameters = self._connection.parameters
            who = parameters.credentials.username
            cure = RIGHTS.replace("VHOST", parameters.virtual_host).replace("USER", who)
            yield CheckResult("RabbitMQ", False, f"user {who} may not {', nor '.join(refused)}", cure)
            return
        blocked = self._connection.blocked
        words = "takes no messages" if blocked else "may be used, and takes messages"
        yield CheckResult("RabbitMQ", not blocked, words, FULL)
        for queue in TOPOLOGY.queues.values():
            async for result in self._of_queue(queue):
                yield result

    async def _trip(self) -> None:
        await self._asked((await self._channel()).close())

    async def _refused(self) -> list[str]:
        """What of the daemon's doings the user may not do, tried on a queue and an exchange that are gone at the end."""
        name = f"harvest.doctor.{secrets.token_hex(4)}"
        steps: list[tuple[str, Callable[[Channel], Any]]] = [
            ("configure (make queues)", lambda channel: channel.queue_declare(name, exclusive=True)),
            ("configure (make exchanges)", lambda channel: channel.exchange_declare(name, "topic", auto_delete=True)),
            ("write (put a message back)", lambda channel: channel.basic_publish("", name, b"")),
            ("read (consume)", lambda channel: channel.basic_get(name, auto_ack=True)),
            ("read and write (bind a queue)", lambda channel: channel.queue_bind(name, name, "#")),
            ("write (publish)", lambda channel: channel.basic_publish(name, "doctor", b"")),
        ]
        refused: list[str] = []
        for what, step in steps:
            if not await self._may(step):
                refused.append(what)
                if what.startswith("configure (make queues"):
                    break
        for clean in (lambda channel: channel.queue_delete(name), lambda channel: channel.exchange_delete(name)):
            await self._may(clean)  # one that was not made, or is gone already, is no matter
        return refused

    async def _may(self, step: Callable[[Channel], Any]) -> bool:
        """Whether the user may do it, on a channel of its own: a refusal ends that."""
        channel = await self._channel()
        await self._asked(channel.confirm_delivery())
        try:
            await self._asked(step(channel))
        except ChannelClosedByBroker as error:
            return bool(error.reply_code != 403)
        await self._asked(channel.close())
        return True

    async def _of_queue(self, queue: Queue) -> AsyncIterator[CheckResult]:
        ready, consumers = await self._depth(queue.name)
        if ready is None:
            cure = "start a daemon with this rabbitmq_url: it declares it"
            yield CheckResult(queue.name, False, "is not declared", cure)
            return
        words, cure = (
            f"{counted(ready, 'message')} ready, {counted(consumers, 'consumer')}",
            "is a harvest-worker running that consumes it?",
        )
        yield CheckResult(queue.name, consumers > 0, words, cure)
        dead, _ = await self._depth(queue.dead)
        cure = "harvestctl replay lists them with their causes"
        yield CheckResult(queue.dead, not dead, counted(dead or 0, "dead letter"), cure)

    async def _depth(self, queue: str) -> tuple[int | None, int]:
        """Messages that are ready, and consumers; None where there is no such queue."""
        channel = await self._channel()
        try:
            found = (await self._asked(channel.queue_declare(queue, passive=True))).method
        except ChannelClosedByBroker:
            return None, 0
        await self._asked(channel.close())
        return found.message_count, found.consumer_count

    async def _channel(self) -> Channel:
        return await self._connection.channel_within(PATIENCE)

    async def _asked(self, answer: Any) -> Any:
        """The broker's answer. Raises what the broker closed the channel with, ``Unavailable`` for a connection that is lost, and
        ``TimeoutError``."""

        async def answered() -> Any:
            try:
                return await answer
            except ChannelClosedByBroker:
                raise
            except ENDS as error:
                raise Unavailable(self._connection.why or explained(error, self._connection.parameters)) from None

        return None if answer is None else await bounded(self._reactor, PATIENCE, answered())
