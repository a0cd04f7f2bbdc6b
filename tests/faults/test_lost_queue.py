"""Something of the topology is deleted under a running market: no event is lost for anybody."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pika
import pytest

from servers import PostgresServer, wait_until
from servers.rabbitmq import RabbitServer
from tests.daemons import Clients, ctl, request
from tests.faults.market import market


@pytest.mark.timeout(180)
def test_a_queue_that_is_deleted_under_load_loses_nothing(
    postgres: PostgresServer, rabbitmq: RabbitServer, tmp_path: Path
) -> None:
    vhost = rabbitmq.vhost()
    with market(postgres, tmp_path, waiting=lambda: rabbitmq.waiting(vhost), rabbitmq_url=rabbitmq.url(vhost)) as shop:
        shop.populate(["eggs", "leeks"], farms=1, buyers=4)
        shop.rest()
        every = set(rabbitmq.depths(vhost))
        clients = Clients(lambda: shop.api.port, shop.jobs([["eggs", "leeks"]] * 300), number=4)
        clients.begin()
        operator = pika.BlockingConnection(pika.URLParameters(rabbitmq.url(vhost)))
        channel = operator.channel()
        for name in ("harvest.analytics", "harvest.orders", "harvest.notifications.later.2", "harvest.notifications"):
            orders = shop.count("orders")
            wait_until("orders come in", lambda n=orders: shop.count("orders") > n + 10, 60)  # type: ignore[misc]
            channel.queue_delete(name)
        wait_until("all are there again", lambda: set(rabbitmq.depths(vhost)) == every, 30)
        operator.close()
        book = clients.finish()
        assert book.wrong == [] and len(book.acknowledged) == 300
        shop.rest()
        assert shop.broken() == []
        checked = ctl(tmp_path, "check", "--at-rest", **shop.api.settings)
        assert checked.returncode == 0, checked.stdout
        assert [row for row in shop.query("select orders from daily_totals") if row[0] == 300]


@pytest.mark.timeout(120)
def test_an_exchange_of_another_type_is_told_with_its_cure_and_when_it_is_gone_all_is_sent(
    postgres: PostgresServer, rabbitmq: RabbitServer, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    vhost = rabbitmq.vhost()
    with market(postgres, tmp_path, waiting=lambda: rabbitmq.waiting(vhost), rabbitmq_url=rabbitmq.url(vhost)) as shop:
        shop.populate(["eggs"], farms=1, buyers=1)
        shop.rest()
        operator = pika.BlockingConnection(pika.URLParameters(rabbitmq.url(vhost)))
        channel = operator.channel()
        channel.exchange_delete("harvest_hub")
        channel.exchange_declare("harvest_hub", "direct")
        body = {"lines": [{"product_id": shop.goods["eggs"], "quantity": 1}]}
        headers = {"Authorization": f"Bearer {shop.buyers[0]}", "Idempotency-Key": "key-1"}
        assert request(shop.api.port, "POST", "/api/orders", body, headers)[0] == 201

        def told() -> bool:
            part = request(shop.api.port, "GET", "/health/ready")[1]["parts"]["rabbitmq"]
            return part["state"] == "degraded" and "harvest_hub" in part["detail"]

        wait_until("readiness says so", told, 15)
        channel.exchange_delete("harvest_hub")
        operator.close()
        began = time.monotonic()
        shop.rest(30)
        measured(f"all is told {time.monotonic() - began:.1f} s after the exchange was mended")
        shop.rest(30)
        assert shop.broken() == []
