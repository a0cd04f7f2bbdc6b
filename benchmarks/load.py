"""As many requests as a server can answer: wrk, and what it says.

wrk keeps ``connections`` open and sends the next request on each as soon as its answer has come (a closed loop), so its
latencies are those of a full server; for latency at a given rate there is ``rate.py``.
"""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

import attrs

from benchmarks.cpu import Meter, Spent
from benchmarks.pinning import LOAD, pinned

CONNECTIONS = 32
#: Requests that wrk goes through in turn, instead of one alone.
IN_TURN = """
local paths = {{{paths}}}
local at = 0
request = function() at = at % #paths + 1; return wrk.format("GET", paths[at]) end
"""


class LoadError(Exception):
    """A measurement that says nothing: wrk is missing, or the server did not answer as it should."""


@attrs.frozen
class Load:
    """Requests a second, and latencies in ms, each from the sending of a request; how many requests; what CPU they took."""

    rate: float
    p50: float
    p99: float
    worst: float
    requests: int
    spent: Spent | None = None


def wrk(
    port: int, *paths: str, seconds: float, connections: int = CONNECTIONS, headers: Mapping[str, str] | None = None,
    scheme: str = "http",
) -> Load:  # fmt: skip
    """Load a server of the loopback, for whole seconds; several paths are asked in turn. Raises :class:`LoadError` unless each answer is a 2xx."""
    program = shutil.which("wrk")
    if program is None:
        raise LoadError("wrk is not installed: apt install wrk")
    named = [word for name, value in (headers or {}).items() for word in ("-H", f"{name}: {value}")]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(IN_TURN.format(paths=", ".join(f'"{path}"' for path in paths)))
        script.flush()
        turns = ["-s", script.name] if len(paths) > 1 else []
        command = [program, "-t1", f"-c{connections}", f"-d{max(1, int(seconds))}s", "--latency", *named, *turns]
        meter = Meter([port])
        done = subprocess.run(
            pinned(LOAD, [*command, f"{scheme}://127.0.0.1:{port}{paths[0]}"]),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds + 30,
        )  # fmt: skip
    if done.returncode:
        raise LoadError(f"wrk failed: {done.stdout}")
    found = parsed(done.stdout)
    return attrs.evolve(found, spent=meter.spent(found.requests))


def parsed(output: str) -> Load:
    """What wrk printed, with ``--latency``. Raises :class:`LoadError` when it tells of errors."""
    wrong = re.search(r"^\s*(Non-2xx.*|Socket errors:.*)$", output, re.MULTILINE)
    if wrong:
        raise LoadError(f"not every request was answered with success: {wrong.group(1)}")
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", output, re.MULTILINE)
    worst = re.search(r"^\s+Latency\s+\S+\s+\S+\s+(\S+)", output, re.MULTILINE)
    number = re.search(r"^\s+(\d+) requests in ", output, re.MULTILINE)
    if rate is None or worst is None or number is None or not float(rate.group(1)):
        raise LoadError(f"wrk said nothing of use: {output}")
    at = dict(re.findall(r"^\s+(\d+)%\s+(\S+)[ ]*$", output, re.MULTILINE))
    return Load(float(rate.group(1)), _ms(at["50"]), _ms(at["99"]), _ms(worst.group(1)), int(number.group(1)))


def body(port: int, path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """What a server answers, to compare contestants by. Raises :class:`LoadError` unless it is 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise LoadError(f"GET {path} is answered with {answer.status}: {content[:300]!r}")
    return content


def alike(bodies: Sequence[bytes]) -> bool:
    """Whether contestants answer with the same bytes."""
    return len(set(bodies)) == 1


def _ms(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}[unit]
