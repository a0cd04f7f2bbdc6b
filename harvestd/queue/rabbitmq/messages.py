"""Conversion to and from AMQP messages, including messages by other publishers, which follow no form.

==================  ======================================================================================================
property            value
==================  ======================================================================================================
``message_id``      the message's id; without one, a digest of the body
``type``            its type: once retried or replayed, the routing key is a queue's name
``delivery_mode``   2, persistent
``expiration``      the delay in milliseconds, in a retry queue
headers             ``harvest-attempts``: earlier tries
of dead letters     ``harvest-letter``: the id of the dead letter · ``harvest-cause`` · ``harvest-died-at`` (ISO 8601)
==================  ======================================================================================================
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import attrs
from pika import BasicProperties

from harvestd.interfaces import DeadLetter, Delivery, Message
from harvestd.kernel.topology import EXCHANGE
from harvestd.queue.rabbitmq.declarations import retry_queue

ATTEMPTS = "harvest-attempts"
LETTER, CAUSE, DIED_AT = "harvest-letter", "harvest-cause", "harvest-died-at"
#: The quorum queue's counter: redeliveries of a message without an acknowledgement.
RETURNS = "x-delivery-count"


@attrs.frozen
class Publication:
    """A message on its way to the broker."""

    exchange: str
    routing_key: str
    properties: Any
    body: bytes


def event(message: Message) -> Publication:
    """To every queue that binds its type."""
    return Publication(EXCHANGE, message.type, _properties(message), message.body)


def again(delivery: Delivery, delay: float) -> Publication:
    """To the retry queue of its next step, with a delay of ``delay`` seconds."""
    attempts = delivery.attempts + 1
    properties = _properties(delivery.message, {ATTEMPTS: attempts})
    properties.expiration = str(max(1, round(delay * 1000)))
    return Publication("", retry_queue(delivery.queue, attempts), properties, delivery.message.body)


def dead(delivery: Delivery, dead_queue: str, cause: str) -> Publication:
    """To the dead letters of its queue."""
    headers = {
        ATTEMPTS: delivery.attempts + 1, CAUSE: cause, LETTER: uuid4().hex, DIED_AT: datetime.now(UTC).isoformat(),
    }  # fmt: skip
    return Publication("", dead_queue, _properties(delivery.message, headers), delivery.message.body)


def replay(letter: DeadLetter) -> Publication:
    """Back into its own queue alone, as if it had never been tried."""
    return Publication("", letter.queue, _properties(letter.message), letter.message.body)


def delivery_of(queue: str, received: Any) -> Delivery:
    """The delivery in pika's ``ReceivedMessage``, from any publisher."""
    return Delivery(_message(received), queue, _number(received.properties, ATTEMPTS))


def returns_of(received: Any) -> int:
    """How often it was redelivered without an acknowledgement since it entered its queue."""
    return _number(received.properties, RETURNS)


def letter_of(queue: str, received: Any) -> DeadLetter:
    """A dead letter, including one from another publisher."""
    headers = received.properties.headers or {}
    message = _message(received)
    try:
        died_at = datetime.fromisoformat(str(headers[DIED_AT])).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        died_at = datetime.fromtimestamp(0, UTC)
    cause = _text(headers.get(CAUSE) or "foreign message: harvestd did not put it there")
    id = _text(headers.get(LETTER) or message.id)
    return DeadLetter(id, queue, message, _number(received.properties, ATTEMPTS), cause, died_at)


def _properties(message: Message, headers: dict[str, Any] | None = None) -> Any:
    return BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=message.id, type=message.type, headers=headers
    )


def _message(received: Any) -> Message:
    properties, body = received.properties, bytes(received.body)
    type = properties.type or received.method.routing_key or ""
    id = properties.message_id or str(UUID(bytes=hashlib.sha256(body).digest()[:16]))
    return Message(_text(id), _text(type), body)


def _text(value: Any) -> str:
    """Text for a property; pika passes non-UTF-8 on as bytes. A rewritten one is short, since it must fit a property again."""
    return value if isinstance(value, str) else str(value)[:200]


def _number(properties: Any, name: str) -> int:
    """A count in a header, 0 if it is not a valid one."""
    value = (properties.headers or {}).get(name)
    return int(value) if isinstance(value, int) and 0 <= value <= 1_000_000 else 0
