"""One address asks for the dearest searches there are, on as many connections as it likes: strangers read on, and find things.

The market is one of some thousand products; ``HOSTILE_PRODUCTS=200000`` is the large form.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import ctl
from tests.faults.market import market
from tests.hostile.raw import Stranger, answer, connected, get
from tests.lengths import length

PRODUCTS = int(os.environ.get("HOSTILE_PRODUCTS", "3000"))
ATTACKER, CONNECTIONS = "127.0.0.3", 40
#: Words that are mistyped, each request's in another way: no copy of an answer is there for them.
WORDS = "tomatos carots lettuse onoins potatos cucmber spinnach brocoli letuce heirlom organnic chese".split()


def dearest(number: int) -> str:
    """The address of a search that nobody asked for before: in turn twelve mistyped words, and none."""
    if number % 2:
        return f"/api/search?limit=100&min_price={number}"
    letter = chr(ord("a") + number // 2 % 26)
    return f"/api/search?limit=100&q={quote(' '.join(word + letter * (1 + number // 52 % 3) for word in WORDS))}"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("limited", ["true", "false"])
def test_searches_of_one_address_leave_strangers_their_reads_and_searches(
    postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None], limited: str
) -> None:
    limits = {"rate_limits": limited, "rate_read": "100000/60", "rate_default": "100000/60"}
    with market(postgres, tmp_path, workers=0, **limits) as shop:
        done = ctl(tmp_path, "seed", "--products", str(PRODUCTS), "--farms", "20", "--force", **shop.api.settings)
        assert done.returncode == 0, done.stderr
        numbers, found, over = itertools.count(), Counter[int](), threading.Event()

        def attack() -> None:
            with connected(shop.api.port, ATTACKER) as one:
                while not over.is_set():
                    one.sendall(get(dearest(next(numbers))))
                    found[answer(one)[0]] += 1
                    over.wait(0.02)

        threads = [threading.Thread(target=attack, daemon=True) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        try:
            wait_until("they have begun", lambda: found.total() > CONNECTIONS, 30)
            cached, own = Stranger(shop.api.port), Stranger(shop.api.port)
            searching = Stranger(shop.api.port)
            for number in range(int(length(8, 60))):
                own.path, searching.path = f"/api/products?min_price={number}", f"/api/search?q=leek&min_price={number}"
                for stranger in (cached, own) if number % 6 else (cached, own, searching):
                    stranger.ask()
        finally:
            over.set()
            for thread in threads:
                thread.join(30)
        for name, stranger in (("cached", cached), ("uncached", own), ("searching", searching)):
            p50, p99 = stranger.percentile(0.5) * 1000, stranger.percentile() * 1000
            measured(f"{PRODUCTS} products, {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms; the attacker got {dict(found)}")
            assert set(stranger.statuses) == {200}, name
        assert set(found) <= {200, 429, 503}
        assert (found[429] > found[200] // 100) == (limited == "true")
