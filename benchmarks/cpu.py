"""CPU time of what is measured, from the operating system: the figure that does not depend on who has which core.

Every server that takes part is a process of ours, so it is found among our children, with all its descendants, whatever
started it. A :class:`Meter` reads their clocks before and after a load.
"""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import psutil

#: What is measured; and what it leans on, by how its command line looks. Others, such as the contestants whose turn it is not,
#: are left out.
SERVER = "server"
BESIDE = {
    "worker": re.compile(r"\bharvest-worker$"),
    "PostgreSQL": re.compile(r"^\S*/?postgres\s"),
    "Redis": re.compile(r"^\S*/?redis-server\b"),
    "RabbitMQ": re.compile(r"^\S*(?:sh|erl\S*|beam\S*|rabbitmq-server)\s.*rabbit|^\S*rabbitmq-server"),
    "Elasticsearch": re.compile(r"^\S*java\s.*org\.elasticsearch"),
}
#: From this share of a core on whoever sent the load was its limit: it had no time left to send more.
SATURATED = 0.95


class Spent(msgspec.Struct, frozen=True):
    """``parts`` in seconds of CPU, user and system, by what spent it; ``requests`` that it was for; the ``client``'s share of
    one core."""

    parts: dict[str, float]
    requests: int
    client: float

    @property
    def each(self) -> dict[str, float]:
        """Microseconds a request, by part."""
        return {part: 1e6 * seconds / max(1, self.requests) for part, seconds in self.parts.items()}


class Meter:
    """From its making on. ``ports`` and ``pids`` say who the server is; a port's is whoever of ours listens there."""

    def __init__(self, ports: Iterable[int] = (), pids: Iterable[int] = ()) -> None:
        self._ports, self._pids = frozenset(ports), frozenset(pids)
        self._families = self._found()
        self._before = self._read()
        self._began, self._children, self._own = time.perf_counter(), _children(), time.process_time()

    def spent(self, requests: int, client: float | None = None, itself: bool = False) -> Spent:
        """Until now. ``client``, where it does not say itself, is the share of this process and of what it started and has
        ended meanwhile. With ``itself`` the client stands in the server's place, as pgbench does, and is counted as it."""
        wall = max(1e-9, time.perf_counter() - self._began)
        sent = _children() - self._children + time.process_time() - self._own
        after = self._read()
        parts = {part: seconds - self._before[part] for part, seconds in after.items() if seconds}
        if itself:
            parts[SERVER] = sent
        return Spent(parts, requests, sent / wall if client is None else client)

    def begun(self, pid: int) -> Spent:
        """Until now, of a process that was not there before; embedded, its PostgreSQL is part of it."""
        spent = self.spent(1, 0.0)
        return msgspec.structs.replace(spent, parts={SERVER: family_seconds(psutil.Process(pid))} | spent.parts)

    def _found(self) -> dict[str, list[psutil.Process]]:
        found: dict[str, list[psutil.Process]] = {SERVER: []} if self._ports or self._pids else {}
        for child in psutil.Process().children():
            part = SERVER if child.pid in self._pids or _listens(child, self._ports) else _beside(child)
            if part:
                found.setdefault(part, []).append(child)
        return found

    def _read(self) -> dict[str, float]:
        return {part: sum(map(family_seconds, tops)) for part, tops in self._families.items()}


def family_seconds(top: psutil.Process) -> float:
    """What a process and its descendants have spent so far, those that ended and were waited for included; 0 once it
    has ended itself."""
    try:
        return sum(_seconds(process) for process in (top, *top.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0.0


def _seconds(process: psutil.Process) -> float:
    """Of one: itself to the nanosecond, by its own clock; its children that ended in ticks."""
    try:
        times = process.cpu_times()
        ended = times.children_user + times.children_system
        return float(ended + time.clock_gettime((~process.pid << 3) | 2))  # clock_getcpuclockid(3)
    except (psutil.NoSuchProcess, OSError):
        return 0.0


def _listens(child: psutil.Process, ports: frozenset[int]) -> bool:
    if not ports:
        return False
    try:
        family = (child, *child.children(recursive=True))
        return any(
            link.status == psutil.CONN_LISTEN and link.laddr.port in ports
            for process in family
            for link in process.net_connections("tcp")
        )
    except psutil.Error:
        return False


def _beside(child: psutil.Process) -> str:
    try:
        said = " ".join(child.cmdline())
    except psutil.Error:
        return ""
    return next((part for part, look in BESIDE.items() if look.search(said)), "")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def share(began: float, own: float) -> float:
    """This process's share of a core since ``began`` (perf_counter) and ``own`` (process_time)."""
    return (time.process_time() - own) / max(1e-9, time.perf_counter() - began)


def by_rounds(found: Mapping[str, Sequence[Spent | None]]) -> dict[str, dict[str, list[float]]]:
    """Microseconds a request of each contestant: by part, round by round; nothing of whom nothing is known of."""
    rounds: dict[str, dict[str, list[float]]] = {}
    for name, all_ in found.items():
        known = [one.each for one in all_ if one is not None]
        if known and len(known) == len(all_):
            parts = [part for part in known[0] if any(one.get(part, 0.0) for one in known)]
            rounds[name] = {part: [one.get(part, 0.0) for one in known] for part in parts}
    return rounds


def told(spent: Sequence[Spent | None], per: str = "request") -> str:
    """A sentence, where there is no table for it."""
    known = [one for one in spent if one is not None]
    if not known:
        return "No CPU was measured."
    parts = dict.fromkeys(part for one in known for part in one.parts)
    shown = ", ".join(
        f"{part} {sorted(one.each.get(part, 0.0) for one in known)[len(known) // 2]:,.0f}" for part in parts
    )
    client = sorted(one.client for one in known)[len(known) // 2]
    limit = ": the limit" if client >= SATURATED else ""
    return f"CPU µs of each {per}: {shown}. Whoever sent them used {client:.0%} of a core{limit}."
