"""A region's set-up: real Redis, RabbitMQ and Elasticsearch, api instances and workers, Nginx with TLS in front."""

from __future__ import annotations

import itertools
import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs

from servers import PostgresServer, wait_until
from servers.elasticsearch import ElasticsearchServer
from servers.nginx import NginxServer
from servers.private import PrivateServer
from servers.rabbitmq import RabbitServer
from servers.redis import RedisServer
from tests.daemons import request
from tests.faults.market import Market, market

#: What a market may be given, and the setting that names it.
ACCELERATORS = ("redis", "rabbitmq", "elasticsearch")
_numbers = itertools.count(1)


class Accelerators:
    """One of each, which the tests may kill and freeze; markets take turns on them under names of their own."""

    def __init__(self) -> None:
        self.redis = RedisServer()
        self.rabbitmq = RabbitServer()
        self.elasticsearch = ElasticsearchServer()

    def all(self) -> dict[str, PrivateServer]:
        """By name."""
        return {name: getattr(self, name) for name in ACCELERATORS}

    def start(self) -> None:
        """All at once."""
        for server in self.all().values():
            server.begin()
        for server in self.all().values():
            server.wait()

    def mend(self) -> None:
        """Start what was killed, thaw what was frozen."""
        for server in self.all().values():
            if server.process is None:
                server.start()
            else:
                server.thaw()

    def remove(self) -> None:
        """End them."""
        for server in self.all().values():
            server.remove()

    def settings(self, names: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
        """A RabbitMQ virtual host, and the settings of a market that has those of ``names``."""
        mark = f"m{next(_numbers)}"
        vhost = self.rabbitmq.vhost() if "rabbitmq" in names else ""
        every = {
            "redis": {"redis_url": self.redis.url(), "redis_prefix": f"{mark}:"},
            "rabbitmq": {"rabbitmq_url": self.rabbitmq.url(vhost)},
            "elasticsearch": {"elasticsearch_url": self.elasticsearch.url, "elasticsearch_index": mark},
        }
        return vhost, {key: value for name in names for key, value in every[name].items()}


#: Behind a proxy metrics ask for their token.
SCRAPER = {"Authorization": "Bearer scraper"}


@attrs.define
class Region:
    """A market on ``accelerators``, and the port that Nginx serves with TLS."""

    market: Market
    accelerators: Accelerators
    nginx: NginxServer
    vhost: str

    @property
    def port(self) -> int:
        """Of Nginx."""
        return self.nginx.tls_port

    def ready(self, number: int = 0) -> dict[str, str]:
        """What an api instance says of everything that it depends on: its state by name."""
        _, answer, _ = request(self.market.apis[number].port, "GET", "/health/ready")
        return {name: one["state"] for name, one in answer["parts"].items()}

    def used(self, number: int = 0) -> dict[str, bool]:
        """Which accelerators an api instance uses now, as its metrics tell."""
        _, text, _ = request(self.market.apis[number].port, "GET", "/metrics", headers=SCRAPER)
        found = re.findall(r'^harvest_accelerator_used{accelerator="(\w+)"} (\S+)$', text.decode(), re.MULTILINE)
        return {name: float(value) == 1 for name, value in found}

    def converged(self, seconds: float = 60) -> None:
        """Wait until every instance says that everything is well again."""
        for number in range(len(self.market.apis)):
            wait_until(
                f"instance {number} says that all is well, and not {self.ready(number)}",
                lambda n=number: set(self.ready(n).values()) == {"ok"},  # type: ignore[misc]
                seconds,
            )


def trusting() -> ssl.SSLContext:
    """A client's context that takes the test's certificate."""
    return ssl._create_unverified_context()


@contextmanager
def region(
    postgres: PostgresServer, accelerators: Accelerators, folder: Path, apis: int = 3, workers: int = 2, **settings: Any
) -> Iterator[Region]:
    """Started whole, everything in it as it would be in production."""
    vhost, given = accelerators.settings(ACCELERATORS)
    with ExitStack() as stack:
        shop = stack.enter_context(
            market(
                postgres, folder, apis, workers, lambda: accelerators.rabbitmq.waiting(vhost),
                **{"trusted_proxies": "127.0.0.1", "stop_grace": 3, "metrics_token": "scraper"} | given | settings,
            )
        )  # fmt: skip
        nginx = NginxServer([api.port for api in shop.apis])
        stack.callback(nginx.remove)
        nginx.start()
        yield Region(shop, accelerators, nginx, vhost)
