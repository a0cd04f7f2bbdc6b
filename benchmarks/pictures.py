"""Pictures of products that a core makes, and the memory that each takes, beside Pillow.

What is counted is the processor's time of everything that a picture takes, the start of its process included, so it does not depend on what else the
machine does. Each contestant makes the same set in each round.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from benchmarks.contest import contest
from benchmarks.ground import Ground
from benchmarks.picture_quality import looks
from benchmarks.picture_set import KINDS, QUICK, written
from benchmarks.results import Figure, Target
from benchmarks.served import PEERS
from harvestd.process import product_pictures as ours
from harvestd.process.picture_process import ALONE
from harvestd.process.picture_template import ENDED

OURS = "harvestd's worker"
USUAL, EFFORT, DRAFT = (
    "Pillow, written as usual",
    "Pillow, as usual with the worker's effort",
    "Pillow, decoded smaller with the worker's effort",
)
ALL_AT_ONCE = "Pillow, written as usual, all in one process"
FASTER, MEMORY = 3.0, 150.0
#: Fewer than elsewhere: what a picture takes of the processor varies little.
ROUNDS = 3
MAKES = Path(ours.__file__).with_name("product_picture_child.py")
TEMPLATE = Path(ours.__file__).with_name("picture_template.py")
PILLOW = PEERS / "pictures" / "pillow.py"


@attrs.frozen
class Made:
    """Seconds of the processor and MB at the most, for each picture in turn."""

    seconds: list[float]
    memory: list[float]

    @property
    def rate(self) -> float:
        """Pictures that a core makes in a second."""
        return len(self.seconds) / sum(self.seconds)


def run(ground: Ground) -> list[Figure]:
    """The set, made by each."""
    with tempfile.TemporaryDirectory() as folder:
        files = written(Path(folder), QUICK if ground.quick else tuple(KINDS))
        names = [str(path) for path in files.values()]
        contestants: dict[str, Callable[[], Made]] = {
            OURS: lambda: forked(names),
            USUAL: lambda: each([sys.executable, str(PILLOW), "usual"], names),
            EFFORT: lambda: each([sys.executable, str(PILLOW), "effort"], names),
            DRAFT: lambda: each([sys.executable, str(PILLOW), "draft"], names),
            ALL_AT_ONCE: lambda: together(names),
        }
        found = contest(ground, contestants, ROUNDS)
        seen = looks(files, PILLOW)
    notes = [
        f"Of each picture ({', '.join(KINDS[kind].what for kind in files)}): {len(ours.SIZES)} sizes of {', '.join(map(str, ours.SIZES.values()))} pixels, each as WebP "
        "(quality 80) and as JPEG (quality 82, in one pass, not optimised), upright, in sRGB, without metadata. Pillow's own effort of WebP is 4, which is what it has "
        "as it is usually written; the worker's is 0.",
        "Pictures a second of one core's time. Of Pillow the start of a process for each is included, but for the last, which is one process for all of them and isolates none "
        "from another. harvestd's worker has a process for each, too, forked from a program that is begun once: its start is shared among these few. It also finds the dominant "
        "colour, and takes limits on memory and time.",
        _by_kind(list(files), found),
        f"All files together, and how much the largest WebP and JPEG look like what they are of (index of structural similarity, mean of all but CMYK): "
        f"{'; '.join(f'{name} {look}' for name, look in seen.items())}.",
    ]
    return [_rates(found, notes), _memory(found, notes[:1])]


def _rates(found: Mapping[str, list[Made]], notes: list[str]) -> Figure:
    return Figure(
        name="pictures", title="Pictures of products made in three sizes", unit="pictures/s of a core",
        rounds={name: [one.rate for one in rounds] for name, rounds in found.items()},
        targets=[Target(OURS, USUAL, FASTER)], notes=notes,
    )  # fmt: skip


def _memory(found: Mapping[str, list[Made]], notes: list[str]) -> Figure:
    most = {name: [max(one.memory) for one in rounds] for name, rounds in found.items()}
    return Figure(
        name="pictures-memory", title="Memory for a picture, of the set's largest", unit="MB at the most", better="less", rounds=most,
        targets=[Target(OURS, value=MEMORY)], notes=[*notes, "Resident, the file itself and the interpreter included."],
    )  # fmt: skip


def _by_kind(kinds: list[str], found: Mapping[str, list[Made]]) -> str:
    """Milliseconds of each kind of picture: ours, and Pillow's."""
    each_of = (OURS, USUAL, EFFORT, DRAFT)

    def of(name: str, at: int) -> str:
        return f"{1000 * statistics.median(one.seconds[at] for one in found[name]):.0f}"

    told = [f"{KINDS[kind].what} {' / '.join(of(name, at) for name in each_of)}" for at, kind in enumerate(kinds)]
    return f"Milliseconds of the processor for each, {' / '.join(each_of)}: {'; '.join(told)}."


def task() -> str:
    """What the worker asks its program for."""
    sizes = [{"name": name, "side": side} for name, side in ours.SIZES.items()]
    return json.dumps({"do": "make", "pixels": ours.PIXELS, "memory": ours.MEMORY, "seconds": ours.SECONDS, "sizes": sizes, "watermark": ""})  # fmt: skip


def each(command: list[str], names: list[str]) -> Made:
    """A process for each picture."""
    program = [sys.executable, "-I", str(PEERS / "pictures" / "each.py"), *command]
    done = subprocess.run(program, input="\n".join(names), capture_output=True, text=True, env=ALONE, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]}: {done.stderr[-2000:]}")
    rows = [line.split() for line in done.stdout.splitlines()]
    return Made([float(row[0]) for row in rows], [int(row[1]) / 1024 for row in rows])


def forked(names: list[str]) -> Made:
    """A process for each picture, forked from a program that is begun once, which each picture has its share of."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            program = subprocess.Popen(
                [sys.executable, "-I", str(TEMPLATE), str(MAKES)], stdin=theirs.fileno(), env={**os.environ, **ALONE}
            )
        rows = [_forked(ours, name) for name in names]
    _, status, used = os.wait4(program.pid, 0)
    program.returncode = status
    seconds = [row[0] for row in rows]
    share = (used.ru_utime + used.ru_stime - sum(seconds)) / len(names)  # what is waited for is in it
    return Made([one + share for one in seconds], [row[1] / 1024 for row in rows])


def _forked(program: socket.socket, name: str) -> tuple[float, int]:
    """Seconds and KiB of one picture."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs, Path(name).open("rb") as file:
            socket.send_fds(program, [task().encode()], [file.fileno(), theirs.fileno()])
        answer = b"".join(iter(lambda: ours.recv(1 << 16), b""))
    _, status, seconds, memory = ENDED.unpack(answer[-ENDED.size :])
    if status or b'"fault"' in answer[:200]:
        raise RuntimeError(f"{name}: {status} {answer[:200]!r}")
    return seconds, memory


def together(names: list[str]) -> Made:
    """One process for all of them; so the memory is that of the one that takes most."""
    with tempfile.NamedTemporaryFile() as nothing:
        whole = each([sys.executable, str(PILLOW), "usual", *names], [nothing.name])
    return Made([whole.seconds[0] / len(names)] * len(names), whole.memory)
