"""Many orders at once, with the workers running: every acknowledged one has every effect, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from servers import PostgresServer
from tests.daemons import Clients, ctl
from tests.faults.market import BASKETS, DIRECTORY, baskets, goods_of, market
from tests.lengths import length


@pytest.mark.timeout(600)
@pytest.mark.skipif(not BASKETS.exists(), reason="the real baskets and the directory are not beside this checkout")
def test_thousands_of_real_baskets_by_sixteen_clients(
    postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    real = baskets(int(length(200, 8000)))
    farms = int(length(1000, 6000))  # which is all of them
    with market(postgres, tmp_path) as shop:
        imported = ctl(tmp_path, "import-directory", str(DIRECTORY), f"--limit={farms}", database_url=shop.url)
        assert imported.returncode == 0, imported.stdout
        assert shop.query("select count(*) from farms where source like 'usda:%%'") == [(farms,)]
        shop.populate(goods_of(real), farms=3, buyers=16)
        clients = Clients(lambda: shop.api.port, shop.jobs(real))
        clients.begin()
        book = clients.finish()
        shop.rest()
        assert book.wrong == [] and book.refused == {}
        assert len(book.acknowledged) == len(real) == shop.count("orders")
        ids = {row[0] for row in shop.query("select id from orders")}
        assert set(book.acknowledged.values()) == ids
        assert shop.broken() == []
        checked = ctl(tmp_path, "check", "--at-rest", database_url=shop.url)
        assert checked.returncode == 0, checked.stdout
        assert shop.mail_files() == shop.count("mails")
        told = dict(shop.query("select kind, count(*) from notifications group by kind"))
        assert told == {"order.created": shop.count("order_parts") + shop.count("orders")}  # each farm, and the buyer
        rate = len(real) / book.seconds
        measured(f"{rate:.0f} orders/s for {book.seconds:.0f} s by 16 clients, slowest {book.slowest * 1000:.0f} ms")


@pytest.mark.timeout(120)
def test_fifty_buyers_for_the_last_five(postgres: PostgresServer, tmp_path: Path) -> None:
    with market(postgres, tmp_path) as shop:
        shop.populate(["eggs"], farms=1, buyers=50, stock="5")
        clients = Clients(lambda: shop.api.port, shop.jobs([["eggs"]] * 50), number=50)
        clients.begin()
        book = clients.finish()
        assert (len(book.acknowledged), book.refused, book.wrong) == (5, {409: 45}, [])
        shop.rest()
        assert shop.broken() == []


@pytest.mark.timeout(120)
def test_one_key_twenty_times_at_once(postgres: PostgresServer, tmp_path: Path) -> None:
    with market(postgres, tmp_path) as shop:
        shop.populate(["eggs"], farms=1, buyers=1)
        (job,) = shop.jobs([["eggs"]])
        clients = Clients(lambda: shop.api.port, [job] * 20, number=20)
        clients.begin()
        book = clients.finish()
        assert (len(book.acknowledged), book.wrong, shop.count("orders")) == (1, [], 1)
        shop.rest()
        assert shop.broken() == []
