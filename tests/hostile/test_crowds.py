"""Crowds of connections from one address, against a real process: what they hold is bounded, and a stranger does not notice.

``HOSTILE_CROWD=10000`` is the large form: 500 slow readers, 1,000 held bodies, 2,000 that drip, 10,000 connections.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from servers import PostgresServer, wait_until
from tests.faults.market import Market, market
from tests.hostile.raw import Stranger, aborted, crowd, get, gone, resident

MB = 1_000_000
#: The most connections of a crowd; the others have their share of it.
CROWD = int(os.environ.get("HOSTILE_CROWD", "1000"))
ATTACKER = "127.0.0.3"


@attrs.frozen
class Scene:
    shop: Market
    stranger: Stranger
    calm: float
    told: Callable[[str], None]

    @property
    def resident(self) -> int:
        assert self.shop.api.process is not None
        return resident(self.shop.api.process.pid)

    def beside(self, what: str, bound: int = 200 * MB) -> None:
        """A stranger reads on; the process stays small."""
        self.stranger.took.clear()
        self.stranger.ask(100)
        slow = self.stranger.percentile()
        self.told(
            f"{what}: stranger's p99 {slow * 1000:.1f} ms ({self.calm * 1000:.1f} ms alone), {self.resident / MB:.0f} MB"
        )
        assert set(self.stranger.statuses) == {200}
        assert self.resident < bound
        assert self.stranger.percentile(0.9) < 1 or CROWD > 1000  # the large form is for its numbers


@pytest.fixture
def scene(postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None]) -> Iterator[Scene]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bounds: dict[str, object] = {"header_deadline": 4, "body_deadline": 4, "write_deadline": 4}
    bounds |= {"rate_limits": "true", "rate_default": "10000/60", "rate_register": "10000/60", "rate_read": "100000/60"}
    with market(postgres, tmp_path, workers=0, connections_per_address=CROWD, **bounds) as shop:
        shop.populate([f"good {n}" for n in range(100)], farms=1, buyers=0)
        stranger = Stranger(shop.api.port)
        stranger.ask(100)
        yield Scene(shop, stranger, stranger.percentile(), measured)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.timeout(180)
def test_slow_readers_hold_little_and_are_ended(scene: Scene) -> None:
    with crowd(scene.shop.api.port, CROWD // 20, ATTACKER, receive_buffer=4096) as readers:
        for one in readers:
            one.sendall(get("/api/products?limit=100") * 100)
        for _ in range(6):  # 4 KB each second or two: not nothing, and less than the least
            scene.beside("slow readers")
            for one in readers:
                one.setblocking(False)
                try:
                    one.recv(1000)
                except OSError:
                    pass
        wait_until("all are ended", lambda: aborted(readers) == len(readers), 30)


@pytest.mark.timeout(180)
def test_bodies_that_never_end_hold_little_and_are_ended(scene: Scene) -> None:
    head = "POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 250000\r\n\r\n"
    data = head.encode() + b" " * 249_999
    with crowd(scene.shop.api.port, CROWD // 10, ATTACKER) as senders:
        for one in senders:
            try:
                one.sendall(data)
            except OSError:
                pass  # it was late, and refused
        scene.beside("held bodies")
        wait_until("all are ended", lambda: all(gone(one) for one in senders), 30)
    scene.beside("after the held bodies")


@pytest.mark.timeout(180)
def test_dripping_heads_hold_little_and_are_ended(scene: Scene) -> None:
    with crowd(scene.shop.api.port, CROWD // 5, ATTACKER) as drips:
        for one in drips:
            one.sendall(b"GET /api/products HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 100)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            scene.beside("dripping heads")
            for one in drips:
                try:
                    one.sendall(b"X")
                except OSError:
                    pass
        wait_until("all are ended", lambda: all(gone(one) for one in drips), 30)


@pytest.mark.timeout(180)
def test_an_address_cannot_take_all_connections(
    postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """In default settings. What one address may have is less than what there is, and the log says so, once."""
    with market(postgres, tmp_path, workers=0) as shop:
        stranger = Stranger(shop.api.port)
        with crowd(shop.api.port, CROWD, ATTACKER) as members:
            stranger.ask(50)
            wait_until("those too many are closed", lambda: sum(map(gone, members)) >= CROWD - 500, 30)
            assert sum(map(gone, members)) == CROWD - 500
            stranger.ask(50)
        assert set(stranger.statuses) == {200}
        assert shop.api.log.read_text().count("connections_per_address") == 1
        assert shop.api.process is not None
        measured(f"{CROWD} connections: stranger's p99 {stranger.percentile() * 1000:.1f} ms")
