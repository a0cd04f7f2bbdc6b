"""Doctor's checks of RabbitMQ: that it answers, grants the daemon's permissions, and has consumers. They block."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker, ConnectionBlockedTimeout

from harvestd.ctl.check_result import CheckResult, first_line
from harvestd.ctl.versions import aged, median, within
from harvestd.ctl.words import counted
from harvestd.settings.table import Settings
from harvestd.settings.urls import mask_url
from harvestd.tables import TOPOLOGY

#: The timeout for an answer, in seconds.
PATIENCE = 5.0
RIGHTS = r"rabbitmqctl set_permissions -p VHOST USER '^harvest[._]' '^(harvest[._]|amq\.default$)' '^harvest[._]'"
FULL = "free memory or disk there (rabbitmqctl status names the alarm); the outbox holds what is new"


def rabbitmq(settings: Settings) -> Iterator[CheckResult]:
    """Check that it answers, grants the needed permissions, accepts messages, and that its queues have consumers."""
    if not settings.rabbitmq_url:
        return
    parameters = pika.URLParameters(settings.rabbitmq_url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = PATIENCE
    parameters.connection_attempts = 1
    try:
        with closing(pika.BlockingConnection(parameters)) as connection:
            yield from _of_broker(connection, parameters)
    except ConnectionBlockedTimeout:
        yield CheckResult("RabbitMQ", False, f"takes no messages, for {PATIENCE:g} s at least", FULL)
    except (AMQPError, AMQPConnectorException, OSError) as error:
        words = f"{mask_url(settings.rabbitmq_url)}: {first_line(error)}"
        cure = "orders go on and the outbox holds their events; start it, or correct user, password and virtual host of rabbitmq_url"
        yield CheckResult("RabbitMQ", False, words, cure)


def _of_broker(connection: Any, parameters: Any) -> Iterator[CheckResult]:
    blocked: list[Any] = []
    connection.add_on_connection_blocked_callback(lambda *given: blocked.append(given))
    version = str(connection._impl.server_properties.get("version", "of an unknown version"))
    latency = median(lambda: connection.channel().close())
    words = f"RabbitMQ {version} answers {within(latency)}"
    old = aged("RabbitMQ", version)
    yield CheckResult("RabbitMQ", not old, words, old)
    refused = list(_refused(connection))
    if refused:
        who = parameters.credentials.username
        cure = RIGHTS.replace("VHOST", parameters.virtual_host).replace("USER", who)
        yield CheckResult("RabbitMQ", False, f"user {who} may not {', nor '.join(refused)}", cure)
        return
    yield CheckResult(
        "RabbitMQ", not blocked, "takes no messages" if blocked else "may be used, and takes messages", FULL
    )
    yield from _of_queues(connection)


def _refused(connection: Any) -> Iterator[str]:
    """The daemon's operations that the user may not perform, tried on a queue and an exchange that are deleted at the end."""
    name = f"harvest.doctor.{secrets.token_hex(4)}"
    steps: list[tuple[str, Callable[[Any], Any]]] = [
        ("configure (make queues)", lambda channel: channel.queue_declare(name, exclusive=True)),
        ("configure (make exchanges)", lambda channel: channel.exchange_declare(name, "topic", auto_delete=True)),
        ("write (put a message back)", lambda channel: channel.basic_publish("", name, b"")),
        ("read (consume)", lambda channel: channel.basic_get(name, auto_ack=True)),
        ("read and write (bind a queue)", lambda channel: channel.queue_bind(name, name, "#")),
        ("write (publish)", lambda channel: channel.basic_publish(name, "doctor", b"")),
    ]
    try:
        for what, step in steps:
            channel = connection.channel()
            try:
                channel.confirm_delivery()
                step(channel)
                channel.close()
            except ChannelClosedByBroker as error:
                if error.reply_code == 403:
                    yield what
                    if what.startswith("configure (make queues"):
                        return
    finally:
        cleaning: list[Callable[[Any], Any]] = [
            lambda channel: channel.queue_delete(name),
            lambda channel: channel.exchange_delete(name),
        ]
        for clean in cleaning:
            try:
                channel = connection.channel()
                clean(channel)
                channel.close()
            except AMQPError:
                pass  # it was not created, or is deleted already


def _of_queues(connection: Any) -> Iterator[CheckResult]:
    for queue in TOPOLOGY.queues.values():
        ready, consumers = _depth(connection, queue.name)
        if ready is None:
            yield CheckResult(
                queue.name, False, "is not declared", "start a daemon with this rabbitmq_url: it declares it"
            )
            continue
        cure = "is a harvest-worker running that consumes it?"
        yield CheckResult(
            queue.name, consumers > 0, f"{counted(ready, 'message')} ready, {counted(consumers, 'consumer')}", cure
        )
        dead, _ = _depth(connection, queue.dead)
        yield CheckResult(
            queue.dead, not dead, counted(dead or 0, "dead letter"), "harvestctl replay lists them with their causes"
        )


def _depth(connection: Any, queue: str) -> tuple[int | None, int]:
    channel = connection.channel()
    try:
        found = channel.queue_declare(queue, passive=True).method
    except ChannelClosedByBroker:
        return None, 0
    channel.close()
    return found.message_count, found.consumer_count
