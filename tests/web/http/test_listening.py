"""A port that closes under load: whoever is connected is served, whoever is not is refused; nobody is cut off."""

from __future__ import annotations

import socket
import threading
from collections import Counter

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from harvestd.runtime.lifecycle import sleep
from harvestd.web.http.listening import cease, listen

ROUNDS = 8


class Answer(Protocol):
    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(b"done")
        self.transport.loseConnection()


class Hammer:
    """Clients that connect, ask and read without a pause, until they are refused."""

    def __init__(self, port: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._port = port
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(6)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10)

    def _ask(self) -> None:
        while True:
            with socket.socket() as client:
                client.settimeout(0.3)  # the kernel would try again after a second, and be refused then
                try:
                    client.connect(("127.0.0.1", self._port))
                except (ConnectionRefusedError, ConnectionResetError, TimeoutError):
                    return
                client.settimeout(5)
                try:
                    client.sendall(b"ask")
                    self.outcomes["answered" if client.recv(10) == b"done" else "cut"] += 1
                except OSError:
                    self.outcomes["cut"] += 1


@pytest.mark.limit(60)
async def test_a_port_that_closes_cuts_nobody_off() -> None:
    total: Counter[str] = Counter()
    for _ in range(ROUNDS):
        port = listen(reactor, Factory.forProtocol(Answer), "127.0.0.1", 0, False)
        hammer = Hammer(port.getHost().port)
        await sleep(reactor, 0.05)
        await cease(reactor, port)
        finished: Deferred[None] = deferToThread(hammer.join)
        await finished
        total += hammer.outcomes
    assert total["answered"] > ROUNDS
    assert total["cut"] == 0, total
