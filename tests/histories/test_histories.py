"""Whatever clients do at once, and whichever processes die under them: every answer that a product and a window gave is one that some order of it all explains."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import PostgresServer
from tests.faults.market import market
from tests.histories.clients import Clients
from tests.histories.linearizability import check
from tests.histories.pools import step
from tests.histories.stalls import SETTINGS, stalls
from tests.lengths import length

#: Of each stall come five histories; a market has so many stalls at most, so that its lists stay as short as they are.
MOST = 25


@pytest.mark.timeout(1800)
def test_every_history_of_products_and_windows_is_linearizable_though_processes_are_killed(
    postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """200 stalls in ``make fuzz``, which are 1,000 histories; HARVEST_SEED=n draws the same requests again."""
    seed = int(os.environ.get("HARVEST_SEED") or random.randrange(10**6))
    left, told = int(length(6, 200)), [0, 0, 0, 0]
    while left > 0:
        folder = tmp_path / str(left)
        folder.mkdir()
        found = _one(postgres, folder, min(MOST, left), seed + left)
        told = [a + b for a, b in zip(told, found, strict=True)]
        left -= MOST
    measured(f"seed {seed}: {told[0]} histories of {told[1]} operations, {told[2]} without an answer, {told[3]} deaths")


def _one(postgres: PostgresServer, folder: Path, number: int, seed: int) -> tuple[int, int, int, int]:
    with market(postgres, folder, apis=3, workers=1, **SETTINGS) as shop:
        clients = Clients(shop, stalls(shop, number), seed)
        clients.run()
        shop.rest()
        clients.look()
        histories = clients.histories()
        for id, (pool, operations) in histories.items():
            unexplained = check(operations, pool, step)
            assert unexplained is None, f"seed {seed}, {id}, {pool}: {unexplained}"
        assert clients.wrong == [], f"seed {seed}"
        assert shop.broken() == [], f"seed {seed}"
        return len(histories), sum(len(o) for _, o in histories.values()), clients.lost, clients.deaths
