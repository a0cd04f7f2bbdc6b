"""Clients that all want the same few things at once of processes that die, and what each of them was told: the histories of products and windows.

Everybody is at one stall, and goes on to the next when it has had its share of requests: so each history is short, and nothing in it is alone.
"""

from __future__ import annotations

import http.client
import itertools
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from tests.daemons import Daemon, connect
from tests.faults.market import Market
from tests.histories.actions import ACTIONS
from tests.histories.asking import Asking
from tests.histories.linearizability import NEVER, Operation
from tests.histories.pools import Kind, Pool, Said
from tests.histories.stalls import STOCK, Stall

#: Requests at a stall, and how often each kind of them.
AT_ONE = 70
KINDS: Mapping[Kind, int] = {
    "place": 28, "hold": 12, "order held": 12, "cancel": 16, "amend": 14, "restock": 6, "quote": 8,
}  # fmt: skip
#: Where a process dies that is not killed from outside, and the hit at which it does at the latest.
POINTS = ("transaction.before_commit", "transaction.after_commit", "write.before_answer", "order.before_commit")
LAST_HIT = 40

_LEFT = "select id::text, (stock - reserved)::int from products"
_TAKEN = "select id::text, taken_orders, taken_crates, taken_grams from windows"


@attrs.define
class Clients:
    """``number`` threads at the stalls, one after the other, and one that kills the market's api processes meanwhile. ``operations`` are by the pool that they are of."""

    shop: Market
    stalls: Sequence[Stall]
    seed: int
    number: int = 8
    pause: tuple[float, float] = (0.1, 0.8)
    operations: dict[str, list[Operation[Said]]] = attrs.field(factory=lambda: defaultdict(list))
    wrong: list[str] = attrs.field(factory=list)
    lost: int = 0
    deaths: int = 0
    _taken: Iterator[int] = attrs.field(factory=itertools.count)
    _over: threading.Event = attrs.field(factory=threading.Event)

    def run(self) -> None:
        """All of it; AssertionError if anybody still waits at the end."""
        threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(self.number)]
        killer = threading.Thread(target=self._kill, daemon=True)
        for thread in [*threads, killer]:
            thread.start()
        for thread in threads:
            thread.join(900)
            assert not thread.is_alive(), "a client still waits for an answer"
        self._over.set()
        killer.join(60)
        assert not killer.is_alive(), "a process does not come up again"

    def look(self) -> None:
        """What is left of everything, now that nobody does anything."""
        left = {id: (available,) for id, available in self.shop.query(_LEFT)}
        taken = {id: taken for id, *taken in self.shop.query(_TAKEN)}
        for window in (one for stall in self.stalls for one in stall.windows):
            left[window.id] = tuple(most - one for most, one in zip(window.holds, taken[window.id], strict=True))
        now = time.monotonic()
        for pool, load in left.items():
            self.operations[pool].append(Operation(now, now, Said(kind="look", told="done", load=load)))

    def histories(self) -> dict[str, tuple[Pool, Sequence[Operation[Said]]]]:
        """What each product and window was, and what was done with it."""
        pools = {product: Pool((STOCK,)) for stall in self.stalls for product in stall.products}
        pools |= {window.id: Pool(window.holds) for stall in self.stalls for window in stall.windows}
        return {id: (pool, self.operations[id]) for id, pool in pools.items()}

    # --- killing ---

    def _kill(self) -> None:
        chance = random.Random(f"{self.seed}-deaths")
        apis = self.shop.apis
        while not self._over.wait(chance.uniform(*self.pause)):
            dead = [api for api in apis if api.process is not None and api.process.poll() is not None]
            victim = chance.choice(dead or apis)
            victim.kill()
            self.deaths += 1
            armed = chance.random() < 0.5
            point = f"{chance.choice(POINTS)}=kill@{chance.randint(1, LAST_HIT)}" if armed else ""
            victim.begin(fail_points=point)
            _up(victim)
        for api in apis:
            api.kill()
            api.start()

    # --- asking ---

    def _work(self, who: int) -> None:
        chance = random.Random(f"{self.seed}-{who}")
        asking = Asking(self.shop.apis, chance)
        while (number := next(self._taken)) < AT_ONE * len(self.stalls):
            stall = self.stalls[number // AT_ONE]
            (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
            try:
                ACTIONS[kind](self, stall, asking, chance)
            except Exception as error:
                self.wrong.append(f"{kind}: {error!r}")
        asking.close()

    def note(self, begun: float, said: Mapping[str, Said | None]) -> None:
        """What was asked of each pool at once, and answered now or never."""
        now = time.monotonic()
        known = {pool: one for pool, one in said.items() if one is not None}
        self.lost += any(one.told is None for one in known.values())
        for pool, one in known.items():
            if one.told is not None or one.kind != "quote":  # which has no effect
                self.operations[pool].append(Operation(begun, NEVER if one.told is None else now, one))

    def unexpected(self, what: str, status: int, answer: Any) -> None:
        self.wrong.append(f"{what}: {status} {answer}")


def _up(daemon: Daemon) -> None:
    """Wait until it answers, or has died again."""
    assert daemon.process is not None
    end = time.monotonic() + 30
    while daemon.process.poll() is None and time.monotonic() < end:
        connection = connect(daemon.port)
        try:
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
        finally:
            connection.close()
