"""Pictures of people, decoded and made anew in a child process with limits on memory and time (``picture_child.py``)."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger

from harvestd.kernel.errors import Overloaded
from harvestd.runtime.fair_turns import Place, Turns

#: Pictures in work at once, those of one address, how many more may wait, and for how many seconds.
AT_ONCE, OF_ONE, WAITING, WAIT = 2, 1, 32, 30.0
#: Width times height of the largest picture (a JPEG may have twice as much, a WebP half); each takes four bytes, twice while it is made smaller.
PIXELS = 30_000_000
#: Bytes of memory of the child; seconds of the processor, and by the clock.
MEMORY, SECONDS, DEADLINE = 448 * 1024 * 1024, 8, 15.0
#: Bytes of its answer; characters of what it says of an error.
MAX_ANSWER, MAX_SAID = 16 * 1024 * 1024, 2000
_PROGRAM = str(Path(__file__).with_name("picture_child.py"))
log = Logger()


class NoPicture(Exception):
    """The file is refused: ``fault`` is ``kind`` (it is no picture of a kind that is taken), ``pixels`` (more than ``most``) or ``damaged``."""

    def __init__(self, fault: str, most: int = 0) -> None:
        super().__init__(fault)
        self.fault, self.most = fault, most


@attrs.frozen
class Wanted:
    """A size that a picture is made in, in pixels: cut to this shape, or made to fit into it, and never larger. ``name`` is a short word."""

    name: str
    width: int
    height: int
    cut: bool = True


class Made(msgspec.Struct, frozen=True):
    """A picture that was made: ``name`` is that of its size with the format's suffix (``small.webp``)."""

    name: str
    media_type: str
    size: int
    width: int
    height: int
    content: bytes = b""


class _Line(msgspec.Struct):
    files: list[Made] = []
    fault: str = ""
    why: str = ""
    most: int = 0


class Pictures:
    """At most :data:`AT_ONCE` children at once, of which one address has :data:`OF_ONE`: some pictures take all the time that there is."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.turns = Turns(AT_ONCE, _overloaded, OF_ONE)

    async def made(
        self, descriptor: int, wanted: Sequence[Wanted], pixels: int = PIXELS, place: Place | None = None
    ) -> list[Made]:
        """The picture in the file ``descriptor`` in each size, as WebP and as JPEG, upright and without metadata. Raises
        :class:`NoPicture`, and ``Overloaded`` if too many wait or the machine is too slow."""
        place = place or Place()
        await self.turns.taken(place)
        try:
            child = _Child(self._reactor)
            task = {
                "pixels": pixels,
                "memory": MEMORY,
                "seconds": SECONDS,
                "wanted": [attrs.asdict(one) for one in wanted],
            }
            return _read(await child.run(descriptor, json.dumps(task)))
        finally:
            self.turns.over(place)


def _read(answer: bytes) -> list[Made]:
    head, _, rest = answer.partition(b"\n")
    line = msgspec.json.decode(head, type=_Line)
    if line.fault:
        log.info("a picture was refused: {fault} {why}", fault=line.fault, why=line.why)
        raise NoPicture(line.fault, line.most)
    found, at = [], 0
    for one in line.files:
        found.append(msgspec.structs.replace(one, content=rest[at : at + one.size]))
        at += one.size
    if not found or at != len(rest):
        raise ValueError("the child's answer has not as many bytes as it says")
    return found


def _overloaded() -> Overloaded:
    return Overloaded("the server has no room for this at present; try again in a moment")


class _Child(ProcessProtocol):
    """One run of the program. It is killed at its deadline, and if it says too much."""

    transport: Any

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._answer, self._said = bytearray(), bytearray()
        self._late = self._wordy = False
        self._ended: Deferred[bytes] = Deferred()
        self._timer: Any = None

    def run(self, descriptor: int, task: str) -> Deferred[bytes]:
        """What the program writes. Fails with :class:`NoPicture` if the picture is its end."""
        quiet = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        words = [sys.executable, "-I", _PROGRAM, task]
        self._timer = self._reactor.callLater(DEADLINE, self._too_late)
        self._reactor.spawnProcess(self, sys.executable, words, env=quiet, childFDs={0: descriptor, 1: "r", 2: "r"})
        return self._ended

    def outReceived(self, data: bytes) -> None:
        self._answer += data
        if len(self._answer) > MAX_ANSWER and not self._wordy:
            self._wordy = True
            self.transport.signalProcess("KILL")

    def errReceived(self, data: bytes) -> None:
        self._said += data[: MAX_SAID - len(self._said)]

    def _too_late(self) -> None:
        self._late = True
        self.transport.signalProcess("KILL")

    def processEnded(self, reason: Any) -> None:
        if self._timer.active():
            self._timer.cancel()
        if reason.check(ProcessDone):
            return self._ended.callback(bytes(self._answer))
        why = reason.value
        log.warn("reading a picture ended: {why} {said}", why=why, said=self._said.decode("utf-8", "replace"))
        # Its own limits, or a decoder that crashed, are about the picture; anything else is about this machine.
        own = why.exitCode is not None or why.signal in (signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
        self._ended.errback(NoPicture("damaged") if (own or self._wordy) and not self._late else _overloaded())
