"""Whatever lies in any queue of RabbitMQ: forged, torn, changed, for another queue, or delivered again.

Each message is acknowledged, or ends as a dead letter with its cause; no consumer ends, nobody is told anything and no total
moves; and a real order is told afterwards as soon as ever. ``HARVEST_FUZZ=1`` tries many more, ``HARVEST_SEED=n`` the same again.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pika
import pytest

from harvestd.kernel.topology import EXCHANGE
from harvestd.tables import TOPOLOGY
from servers import PostgresServer, wait_until
from servers.rabbitmq import RabbitServer
from tests.daemons import ctl, request
from tests.faults.market import Market, market
from tests.hostile.forgeries import altered, drawn, encoded, spoilt
from tests.lengths import WHOLE, length

SEED = int(os.environ.get("HARVEST_SEED", random.randrange(10**6)))
#: Forgeries of the body for each queue, and seconds within which an order is told.
EACH, TOLD = int(length(60, 3000)), 15.0
#: Types that a message may say that it has, whatever it is.
TYPES = ("order.created", "account.registered", "product.updated", "", "x", "order.created\n", "\u0661", "a" * 255)
#: What no consumer may change for a message that tells of nothing new.
EFFECTS = (
    "mails",
    "notifications",
    "orders",
    "products",
    "users",
    "daily_totals",
    "stock_ledger",
    "search_documents",
    "outbox",
    "inbox",
)


@attrs.frozen
class Forged:
    """What is published, and how it came to be."""

    name: str
    body: bytes
    properties: Any


def properties(chance: random.Random, type: str) -> tuple[str, Any]:
    """Sound ones or odd ones."""
    odd: list[dict[str, Any]] = [
        {}, {"content_type": "image/png", "content_encoding": "gzip"}, {"message_id": "x" * 255}, {"message_id": ""},
        {"headers": {"harvest-attempts": chance.choice([-1, 3, 4, 5, 10**6, 2**62, "many", True, None])}},
        {"headers": {"x-delivery-count": chance.choice([1, 10**9, "lots"])}},
        {"headers": {"harvest-cause": ["a", {"b": 1}], "harvest-died-at": "noon", "harvest-letter": b"\xff"}},
        {"headers": {"x-death": [{"count": 2**62, "queue": "x", "reason": "expired", "time": 1}]}},
        {"expiration": "60000"}, {"priority": 255, "delivery_mode": 1}, {"reply_to": "harvest.orders", "correlation_id": "x" * 200},
        {"type": chance.choice(TYPES)}, {"headers": {"a" * 100: "b" * 50_000}}, {"timestamp": 2**63}, {"user_id": None},
    ]  # fmt: skip
    more = chance.choice(odd) if chance.random() < 0.5 else {}
    sound = {"content_type": "application/json", "delivery_mode": 2, "message_id": str(uuid.uuid4()), "type": type}
    return f"with {str(more)[:200]}" if more else "", pika.BasicProperties(**sound | more)


def forgeries(real: list[tuple[str, bytes]], chance: random.Random) -> Iterator[Forged]:
    """Of real messages (their types and bodies)."""
    ids = [json.loads(body)["id"] for _, body in real]
    for type, body in real:
        value = json.loads(body)
        bodies = [("delivered again", body), *spoilt(body, chance)]
        bodies += [(name, encoded(other)) for name, other in altered(value, chance, 20)]
        bodies += [
            ("another's id", encoded(value | {"id": chance.choice(ids)})),
            ("an id of nobody", encoded(value | {"id": str(uuid.uuid4())})),
        ]
        data = value["data"]
        bodies += (
            [(f"data {name}", encoded(value | {"data": other})) for name, other in altered(data, chance, 20)]
            if data
            else []
        )
        for name, odd in bodies:
            more, given = properties(chance, type)
            yield Forged(f"{type}, {name} {more}", odd, given)


@pytest.fixture
def vhost(rabbitmq: RabbitServer) -> str:
    return rabbitmq.vhost()


@pytest.fixture
def shop(postgres: PostgresServer, rabbitmq: RabbitServer, vhost: str, tmp_path: Path) -> Iterator[Market]:
    def left() -> dict[str, tuple[int, int]]:
        return {name: one for name, one in rabbitmq.waiting(vhost).items() if not name.endswith((".dead", "tap"))}

    with market(postgres, tmp_path, waiting=left, rabbitmq_url=rabbitmq.url(vhost), log_format="json") as shop:
        yield shop


def effects(shop: Market) -> dict[str, Any]:
    """What consumers did until now."""
    return {
        table: shop.query(f"select count(*), md5(string_agg(t::text, ',' order by t::text)) from {table} t")
        for table in EFFECTS
    }


def ordered(shop: Market, key: str) -> None:
    """An order for one piece of the first of its goods."""
    body = {"lines": [{"product_id": next(iter(shop.goods.values())), "quantity": 1}]}
    headers = {"Authorization": f"Bearer {shop.buyers[0]}", "Idempotency-Key": key}
    assert request(shop.api.port, "POST", "/api/orders", body, headers)[0] == 201


def letters(channel: Any, queue: str) -> list[tuple[str, bytes]]:
    """Cause and body of each dead letter, taken away."""
    found = []
    while (got := channel.basic_get(f"{queue}.dead", auto_ack=True))[0] is not None:
        found.append((str((got[1].headers or {}).get("harvest-cause", "")), got[2]))
    return found


@pytest.mark.timeout(3600 if WHOLE else 240)
def test_whatever_lies_in_a_queue_is_settled_and_has_no_effect(
    shop: Market, rabbitmq: RabbitServer, vhost: str, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    chance = random.Random(SEED)
    operator = pika.BlockingConnection(pika.URLParameters(rabbitmq.url(vhost)))
    channel = operator.channel()
    channel.confirm_delivery()  # so each is in its queue when the next is published
    channel.queue_declare("tap")
    channel.queue_bind("tap", EXCHANGE, "#")
    shop.populate(["eggs", "leeks"], farms=1, buyers=2)
    for number in range(2):
        ordered(shop, f"before-{number}")
    shop.rest()
    shop.rest(300)
    assert shop.broken() == []
    real = []
    while (got := channel.basic_get("tap", auto_ack=True))[0] is not None:
        real.append((got[0].routing_key, got[2]))
    channel.queue_delete("tap")
    assert {type for type, _ in real} >= {"order.created", "product.created", "account.registered"}
    before, every, tried = effects(shop), list(forgeries(real, chance)), 0
    for queue in TOPOLOGY.queues.values():
        chosen = [one for _, one in drawn([(one.name, one) for one in every], chance, EACH)]
        for one in chosen:
            exchange = chance.random() < 0.2
            channel.basic_publish(
                *((EXCHANGE, chance.choice(real)[0]) if exchange else ("", queue.name)), one.body, one.properties
            )
            tried += 1
    shop.rest(300)
    assert shop.broken() == []
    assert effects(shop) == before, f"seed {SEED}"
    sent = {one.body for one in every}
    dead = [(queue.name, *letter) for queue in TOPOLOGY.queues.values() for letter in letters(channel, queue.name)]
    assert dead and all(cause and body in sent for _, cause, body in dead), f"seed {SEED}"
    for _, cause, _ in dead:
        assert cause.startswith(("cannot be decoded", "not of this market", "not for this queue")), (
            f"seed {SEED}: {cause}"
        )
    for queue in TOPOLOGY.queues.values():
        consumers = channel.queue_declare(queue.name, passive=True).method.consumer_count
        assert consumers == 1, f"seed {SEED}: {queue.name} has {consumers} consumers"
    operator.close()
    mails = shop.count("mails")
    ordered(shop, "after")
    wait_until(
        "it is told",
        lambda: shop.count("mails") == mails + 2 and not shop.query("select 1 from mails where state <> 'sent'"),
        TOLD,
    )
    shop.rest()
    assert shop.broken() == []
    checked = ctl(tmp_path, "check", "--at-rest", **shop.api.settings)
    assert checked.returncode == 0, checked.stdout
    lines = [json.loads(line) for line in shop.worker.log.read_text("utf-8", "replace").splitlines() if line[:1] == "{"]
    worse = [line for line in lines if line["level"] not in ("debug", "info", "warn")]
    assert lines and not worse, f"seed {SEED}: {worse[:3]}"
    warned = [line for line in lines if line["level"] == "warn" and "held the reactor" not in line["message"]]
    assert len(warned) <= 20, f"seed {SEED}: {len(warned)} warnings: {warned[-5:]}"
    measured(f"{tried} messages in {len(TOPOLOGY.queues)} queues, {len(dead)} dead letters, seed {SEED}")
