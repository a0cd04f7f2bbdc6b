"""Requests with bytes lost, doubled, swapped and made up, over the routes of the contract: each is answered in HTTP, or its connection
is closed; never with a 5xx, never with anything but JSON where it is refused, and without a traceback in the log. And the fast
path answers them as the long way does.

``HARVEST_FUZZ=1`` sends 200,000, and 100,000 both ways; otherwise 2,000 and 500 that change with the seed.
"""

from __future__ import annotations

import json
import os
import random
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harvestd.web.http.fast_path import _WHOLE
from tests.daemons import request
from tests.hostile.raw import connected
from tests.lengths import WHOLE
from tests.openapi.conftest import DemoMarket

pytestmark = pytest.mark.xdist_group("odd_values")
SEED = int(os.environ.get("HARVEST_SEED", random.randrange(10**6)))
NUMBER = 200_000 if WHOLE else 2_000
BOTH_WAYS = 100_000 if WHOLE else 500
#: What bytes are made up of.
PIECES = (
    b"\r\n", b"\n", b"\r", b"\x00", b"\xff", b" ", b"\t", b":", b"%", b"%00", b"%zz", b"?", b"&", b"=", b"..", b"//", b'"',
    b"\\u0000", b"{", b"[" * 70, b"]", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: x\r\n", b"HTTP/1.1",
    b"Expect: 100-continue\r\n", b"Range: bytes=0-1,2-\r\n", b"Cookie: a=b; a=c; =\r\n", b"If-None-Match: \"v9-x\", W/\"\r\n",
    b"X-Forwarded-For: \xff, 1.2.3.4:5\r\n", b"Upgrade: h2c\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"A" * 300,
)  # fmt: skip


def sound(document: dict[str, Any]) -> list[bytes]:
    """A whole request for each operation that anybody may try, with its example for a body."""
    made = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            target = path.replace("{", "").replace("}", "")
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            content = b"" if body is None else json.dumps(body).encode()
            head = f"{method.upper()} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
            if content:
                head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            made.append(head.encode() + b"\r\n" + content)
    return made


def spoilt(whole: bytes, chance: random.Random) -> bytes:
    """The request with one to four faults."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 2, 8, 40)))
        match chance.randrange(5):
            case 0:
                del data[at:end]
            case 1:
                data[at:at] = chance.choice(PIECES)
            case 2:
                data[at:end] = chance.randbytes(end - at)
            case 3:
                data[at:at] = data[at:end]
            case 4:
                data[at:end] = chance.choice(PIECES)
    return bytes(data)


def answers(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Status, media type and content of each answer in what came back; raises ValueError for what is no HTTP."""
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        version, status = first.split(b" ")[:2]
        if version != b"HTTP/1.1":
            raise ValueError(first[:100])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        length = int(headers.get(b"content-length", b"0"))
        content, data = rest[:length], rest[length:]
        if int(status) >= 200:
            yield int(status), headers.get(b"content-type", b"").decode(), content


def exchanged(port: int, sent: bytes) -> bytes:
    """What comes back on a connection of its own until the server has closed it; our side is shut after the request."""
    found = b""
    with connected(port) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                found += piece
        except ConnectionError:  # it closed first
            pass
    return found


def fault(came: bytes) -> str:
    """What is wrong with what came back."""
    try:
        for status, kind, content in answers(came):
            if status >= 500:
                return f"{status} {content[:300]!r}"
            if status >= 400 and content:
                if kind != "application/problem+json":
                    return f"{status} is {kind}"
                json.loads(content)
    except ValueError as error:
        return f"no HTTP: {error} in {came[:300]!r}"
    return ""


@pytest.mark.timeout(3600 if WHOLE else 180)
def test_whatever_bytes_come_are_answered_or_refused(own_market: tuple[DemoMarket, Path], measured: Any) -> None:
    demo, folder = own_market
    chance, requests, wrong = random.Random(SEED), sound(demo.document), []
    process = psutil.Process(_listener(demo.port))
    before = process.memory_info().rss
    for _ in range(NUMBER):
        sent = spoilt(chance.choice(requests), chance)
        said = fault(exchanged(demo.port, sent))
        if said:
            wrong.append(f"{said} for {sent[:400]!r}")
            assert len(wrong) < 10, "\n".join([f"seed {SEED}", *wrong])
    assert not wrong, "\n".join([f"seed {SEED}", *wrong])
    grown = (process.memory_info().rss - before) / 2**20
    measured(f"{NUMBER} requests, seed {SEED}, resident memory {grown:+.1f} MiB")
    assert grown < 40, f"{grown:.1f} MiB more after {NUMBER} requests"
    assert request(demo.port, "GET", "/api/products")[0] == 200
    logs = "".join(log.read_text("utf-8", "replace") for log in folder.glob("harvest-api-*.log"))
    assert "Traceback" not in logs, f"seed {SEED}: {logs[logs.find('Traceback') - 500 :][:3000]}"


def cached(demo: DemoMarket) -> list[bytes]:
    """Whole requests for what is cached and has no parameter in its path: in few words, in a browser's, and of one who has it already,
    so that a fault meets more than the request line."""
    made = []
    for path, methods in demo.document["paths"].items():
        if "304" in methods.get("get", {}).get("responses", {}) and "{" not in path:
            tag = request(demo.port, "GET", path)[2].get("etag", "*")
            for more in (
                "",
                _BROWSER,
                f"If-None-Match: {tag}\r\n",
                f"X-Request-Id: r-1\r\nIf-None-Match: W/{tag}, *\r\n",
            ):
                made.append(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode())
    return made


_BROWSER = "Connection: keep-alive\r\nAccept: application/json, */*;q=0.5\r\nCookie: theme=dark\r\nX-Forwarded-For: 127.0.0.9\r\n"


def told(came: bytes) -> bytes:
    """What came back, without what each answer has of its own: the time, and the id that the server gives."""
    return re.sub(rb"(?i)\r\ndate: [^\r\n]*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"", came)


@pytest.mark.timeout(3600 if WHOLE else 180)
def test_the_fast_path_answers_what_the_long_way_does(own_market: tuple[DemoMarket, Path], measured: Any) -> None:
    """An empty line before a request is passed over (RFC 9112, 2.2), and is nothing that the fast path takes."""
    demo, _ = own_market
    chance, requests, complete = random.Random(SEED), cached(demo), 0
    for _ in range(BOTH_WAYS):
        sent = spoilt(chance.choice(requests), chance)
        complete += _WHOLE.fullmatch(sent) is not None
        ways = [told(exchanged(demo.port, before + sent)) for before in (b"", b"\r\n")]
        if ways[0] != ways[1]:  # what is cached may have been made anew between the two
            ways = [told(exchanged(demo.port, before + sent)) for before in (b"", b"\r\n")]
        assert ways[0] == ways[1], f"seed {SEED}, {sent[:600]!r}:\n{ways[0][:1500]!r}\n{ways[1][:1500]!r}"
    measured(f"{BOTH_WAYS} requests both ways, {complete} of them complete for the fast path, seed {SEED}")
    assert complete > BOTH_WAYS / 20


def _listener(port: int) -> int:
    found = next(
        c.pid for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port and c.status == "LISTEN"
    )
    assert found is not None
    return found
