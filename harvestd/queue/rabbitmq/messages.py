"""Messages as AMQP has them, and back; also such as others published, who keep to no form.

==================  ======================================================================================================
property            what it holds
==================  ======================================================================================================
``message_id``      the message's id; what comes without one is named by a digest of its body
``type``            its type: the routing key is a queue's name once it was retried or replayed
``delivery_mode``   2, persistent
``expiration``      the delay in milliseconds, in a retry queue
headers             ``harvest-attempts``: earlier tries
of dead letters     ``harvest-letter``: the broker's name for it · ``harvest-cause`` · ``harvest-died-at`` (ISO 8601)
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
#: What a quorum queue counts: how often a message came back to it without an outcome.
RETURNS = "x-delivery-count"


@attrs.frozen
class Publication:
    """A message on its way to the broker."""

    exchange: str
    routing_key: str
    properties: Any
    body: bytes


def event(message: Message) -> Publication:
    """To whoever binds its type."""
    return Publication(EXCHANGE, message.type, _properties(message), message.body)


def again(delivery: Delivery, delay: float) -> Publication:
    """To the retry queue of its next step, for ``delay`` seconds."""
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
    """What was received (pika's ``ReceivedMessage``), whoever published it."""
    return Delivery(_message(received), queue, _number(received.properties, ATTEMPTS))


def returns_of(received: Any) -> int:
    """How often it came back to its queue without an outcome since it was put there."""
    return _number(received.properties, RETURNS)


def letter_of(queue: str, received: Any) -> DeadLetter:
    """A dead letter, also one that others put there."""
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
    """pika hands on what is not UTF-8 as bytes. Short, if it must be rewritten: it has to fit a property again."""
    return value if isinstance(value, str) else str(value)[:200]


def _number(properties: Any, name: str) -> int:
    """A count in a header, 0 if it is none."""
    value = (properties.headers or {}).get(name)
    return int(value) if isinstance(value, int) and 0 <= value <= 1_000_000 else 0
