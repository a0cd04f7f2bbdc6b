"""Tries of passwords from many addresses, each within its limits."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import PASSWORD
from tests.faults.market import market
from tests.hostile.raw import answer, connected, cpu
from tests.lengths import length

#: Tries, of 30 addresses in turn.
CROWD = int(length(90, 300))
#: Seconds that a try waits for its turn: on a busy machine each before it takes a second or two.
PATIENCE = 2 * CROWD


def tried(port: int, source: str, email: str, password: str) -> socket.socket:
    body = json.dumps({"email": email, "password": password}).encode()
    head = f"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    one = connected(port, source)
    one.sendall(head.encode() + body)
    return one


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("real_hashes")
def test_an_honest_sign_in_waits_for_a_turn_and_not_for_the_crowd(
    postgres: PostgresServer, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    limits = {"rate_limits": "true", "rate_register": "1000/60", "password_wait": PATIENCE}
    with market(postgres, tmp_path, workers=0, **limits) as shop:
        shop.populate([], farms=0, buyers=1)
        process = shop.api.process
        assert process is not None
        crowd = [
            tried(shop.api.port, f"127.0.5.{1 + n % 30}", f"somebody{n}@example.org", f"not the password {n}")
            for n in range(CROWD)
        ]
        statuses: list[int] = []

        def listen() -> None:
            for one in crowd:
                one.settimeout(PATIENCE)
                statuses.append(answer(one)[0])
                one.close()

        one_round = 30
        wait_until("each address had one try", lambda: shop.api.log.read_text().count(" 401 ") > one_round, 60)
        began, used = time.monotonic(), cpu(process.pid)
        with tried(shop.api.port, "127.0.0.9", "buyer0@example.org", PASSWORD) as honest:
            listening = threading.Thread(target=listen)
            listening.start()
            honest.settimeout(PATIENCE)
            got = answer(honest)
            assert got[0] == 200, (got, shop.api.log.read_text()[-3000:])
        took, work = time.monotonic() - began, cpu(process.pid) - used
        listening.join(2 * PATIENCE)
        assert {401, 503} >= set(statuses)
        assert len(statuses) == CROWD
        measured(f"honest: {took:.2f} s, {work:.2f} s of CPU by then; {statuses.count(503)} of {CROWD} were refused")
        assert work < 5
        assert shop.api.log.read_text().count("password_queue") == 1
