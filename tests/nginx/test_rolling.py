"""Instances are restarted and Nginx is reloaded under 200 requests a second: no request fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import attrs
import pytest

from servers import PostgresServer, temporary_folder, wait_until
from servers.nginx import NginxServer
from servers.pace import MAX, Pace
from tests.faults.market import Market, market
from tests.nginx.load import Load

pytestmark = pytest.mark.xdist_group("rolling")  # three instances are started once
PACE = 200.0


@attrs.frozen
class Region:
    """Three instances on one database, and Nginx before them."""

    market: Market
    nginx: NginxServer

    def load(self) -> Load:
        """The clients, not begun."""
        return Load(self.nginx.connect, self.market.buyers, self.market.goods["carrots"], PACE)


@pytest.fixture(scope="module")
def region(postgres: PostgresServer) -> Iterator[Region]:
    folder = temporary_folder("rolling")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        settings = {"trusted_proxies": "127.0.0.1", "database_pool": 4, "stop_grace": 3}
        shop = stack.enter_context(market(postgres, folder, apis=3, workers=0, **settings))
        shop.populate(["carrots"], farms=1, buyers=8)
        nginx = NginxServer([api.port for api in shop.apis])
        stack.callback(nginx.remove)
        nginx.start()
        yield Region(shop, nginx)


def answered_well(region: Region, load: Load, before: int, pace: Pace) -> str:
    """Nothing failed, everything was done once, and as many were asked as the machine gave time for; what is told of it."""
    found = load.outcome
    assert found.failed == []
    assert len(found.orders) == len(set(found.orders.values())) == region.market.count("orders") - before
    rate = found.answered.total() / found.seconds
    given = found.seconds / max(found.seconds / MAX, found.seconds - pace.kept())
    assert rate * given > PACE * 0.8, f"{rate:.0f} requests/s: the clients did not keep their pace"
    return (
        f"{found.answered.total()} requests at {rate:.0f}/s, none failed, {len(found.again)} sent again, "
        f"slowest {found.slowest * 1000:.0f} ms"
    )


@pytest.mark.timeout(120)
def test_instances_restarted_one_after_another(region: Region, measured: Callable[[str], None]) -> None:
    before, pace = region.market.count("orders"), Pace()
    with region.load() as load:
        for api in region.market.apis * 2:
            assert api.stop() == 0
            api.start()
    measured(answered_well(region, load, before, pace))
    assert load.outcome.again == [], "no connection of a client ended, either"


@pytest.mark.timeout(120)
def test_nginx_reloaded(region: Region, measured: Callable[[str], None]) -> None:
    before, pace = region.market.count("orders"), Pace()
    with region.load() as load:
        for _ in range(4):
            had = load.outcome.answered.total()
            region.nginx.reload()
            wait_for(load, had + 200)
    measured(answered_well(region, load, before, pace))


def wait_for(load: Load, answered: int) -> None:
    """Until so many requests were answered."""
    wait_until("the clients go on", lambda: load.outcome.answered.total() >= answered or bool(load.outcome.failed), 30)
