"""Requests at a constant rate, and how long each took from when it was due.

An open loop: requests are due at their times whether or not the server keeps up, and latency is counted from then, so a
server that stops for a second shows a second in each request that was due meanwhile (no coordinated omission). Without a
rate it is a closed loop: the next request goes as soon as a connection is free, and latency counts from its sending.

The generator is a process of its own (``python -m benchmarks.rate``) on the core of the load; requests are made before.
"""

from __future__ import annotations

import gc
import itertools
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path

import msgspec

from benchmarks.cpu import Meter, Spent, share
from benchmarks.pinning import LOAD, pinned

#: Seconds after the last was due in which answers still count.
PATIENCE = 30.0


class Order(msgspec.Struct):
    """What the generator is to do: bytes to send, each once; ``rate`` a second, or 0 for as many as there is room for."""

    port: int
    requests: list[bytes]
    rate: float
    seconds: float
    connections: int


class Paced(msgspec.Struct, frozen=True):
    """``rate`` of good answers a second from the first sending to the last answer; latencies of good answers in ms; all
    answers by status, 0 for a connection that ended without one. ``unanswered`` were due and have none. ``client`` is the
    share of a core that the sender used, ``spent`` the CPU of all answers."""

    rate: float
    p50: float
    p90: float
    p99: float
    worst: float
    statuses: dict[int, int]
    unanswered: int
    p999: float = 0.0
    client: float = 0.0
    spent: Spent | None = None

    @property
    def failed(self) -> int:
        """Requests without a good answer."""
        return self.unanswered + sum(count for status, count in self.statuses.items() if not 200 <= status < 300)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request; headers as ``Idempotency_Key="…"``."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def paced(port: int, requests: Iterable[bytes], rate: float, seconds: float, connections: int = 64) -> Paced:
    """Send what is due within ``seconds`` at ``rate`` a second; at rate 0 all ``requests`` until the time is over. An
    iterator that ends earlier ends the run. No request is sent twice."""
    wanted = list(itertools.islice(requests, int(rate * seconds)) if rate else requests)
    order = msgspec.msgpack.encode(Order(port, wanted, rate, seconds, connections))
    meter = Meter([port])
    done = subprocess.run(
        pinned(LOAD, [sys.executable, "-m", "benchmarks.rate"]), input=order, stdout=subprocess.PIPE,
        timeout=seconds + PATIENCE + 30, check=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    found = msgspec.msgpack.decode(done.stdout, type=Paced)
    return msgspec.structs.replace(found, spent=meter.spent(sum(found.statuses.values()), found.client))


class _Line:
    """A connection, and the request on it: when it was due, and what came of its answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.open()

    def open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due = 0.0
        self.answer = b""

    def send(self, data: bytes, due: float) -> None:
        self.due, self.answer = due, b""
        self.socket.setblocking(True)
        self.socket.sendall(data)
        self.socket.setblocking(False)

    def receive(self) -> int | None:
        """The status of a whole answer, 0 when there will be none, None when more is to come."""
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return None
        except OSError:
            return 0
        if not data:
            return 0
        self.answer += data
        return status(self.answer)


def status(answer: bytes) -> int | None:
    """Of an HTTP/1.1 answer that is here as a whole; None while more is to come."""
    head, gap, body = answer.partition(b"\r\n\r\n")
    if not gap:
        return None
    found = int(head[9:12])
    lower = head.lower()
    if b"\r\ntransfer-encoding: chunked" in lower:
        return found if body.endswith(b"0\r\n\r\n") else None
    _, named, length = lower.partition(b"\r\ncontent-length:")
    expected = int(length.split(b"\r\n", 1)[0]) if named else 0
    return found if len(body) >= expected else None


class _Run:
    def __init__(self, order: Order) -> None:
        self.order = order
        self.waiting = deque(order.requests)
        self.selector = selectors.EpollSelector()
        self.free = deque(_Line(order.port) for _ in range(order.connections))
        for line in self.free:
            self.selector.register(line.socket, selectors.EVENT_READ, line)
        self.busy = self.sent = 0
        self.statuses: Counter[int] = Counter()
        self.latencies: list[float] = []
        self.began = self.last = time.perf_counter()

    def run(self) -> Paced:
        gc.disable()
        own = time.process_time()
        self.began = self.last = time.perf_counter()
        end = self.began + self.order.seconds
        while (now := time.perf_counter()) < end + PATIENCE:
            wait = self._send_due(now, end)
            if wait is None and not self.busy:
                break
            for key, _ in self.selector.select(PATIENCE if wait is None else max(0.0, wait)):
                self._take(key.data)
        return msgspec.structs.replace(self._found(), client=share(self.began, own))

    def _send_due(self, now: float, end: float) -> float | None:
        """Send what is due; answers the seconds until the next one is, None when only an answer lets anything be done."""
        while self.waiting:
            due = self.began + self.sent / self.order.rate if self.order.rate else now
            if due > now:
                return due - now
            if not self.order.rate and now >= end:
                self.waiting.clear()
                break
            if not self.free:
                return None
            line = self.free.popleft()
            try:
                line.send(self.waiting.popleft(), due)
            except OSError:  # the answer, or the end, is read as any other
                pass
            self.sent += 1
            self.busy += 1
        return None

    def _take(self, line: _Line) -> None:
        found = line.receive()
        if found is None:
            return
        now = time.perf_counter()
        if line.due:
            self.busy -= 1
            self.statuses[found] += 1
            if 200 <= found < 300:
                self.latencies.append(1000 * (now - line.due))
                self.last = now
            line.due = 0.0
            self.free.append(line)
        if found == 0:
            self.selector.unregister(line.socket)
            line.socket.close()
            line.open()
            self.selector.register(line.socket, selectors.EVENT_READ, line)

    def _found(self) -> Paced:
        taken = sorted(self.latencies) or [0.0]
        p50, p90, p99, p999 = (taken[min(len(taken) - 1, int(at * len(taken)))] for at in (0.5, 0.9, 0.99, 0.999))
        rate = len(self.latencies) / max(1e-9, self.last - self.began)
        return Paced(rate, p50, p90, p99, taken[-1], dict(self.statuses), self.busy + len(self.waiting), p999)


if __name__ == "__main__":
    given = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.msgpack.encode(_Run(given).run()))
