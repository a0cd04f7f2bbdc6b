"""Pictures are read in processes forked from one program: whatever breaks breaks over its own picture, and nothing of one is seen by another."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from harvestd.kernel.errors import Overloaded
from harvestd.process.picture_forks import Forks
from harvestd.process.picture_process import MAX_ANSWER, NoPicture
from tests.waiting import eventually
from tests.web.conftest import settled

#: A program that does what its task says, in words of Python; ``seen`` is what it has seen of pictures.
PROGRAM = """
import json, os, signal, sys, time
seen = []
def work(task):
    seen.append(sys.stdin.buffer.read())
    exec(json.loads(task), globals())
    sys.stdout.flush()
    os._exit(0)
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    (tmp_path / "program.py").write_text(PROGRAM)
    return str(tmp_path / "program.py")


@pytest.fixture
def forks() -> Iterator[Forks]:
    from twisted.internet import reactor

    yield Forks(reactor)


def run(forks: Forks, program: str, task: str, deadline: float = 30.0, picture: bytes = b"picture") -> Any:
    import json

    with tempfile.TemporaryFile() as file:
        file.write(picture)
        file.seek(0)
        return forks.run(program, file.fileno(), json.dumps(task), deadline)


def programs(name: str) -> list[psutil.Process]:
    """Those that are forked from, of all that this process has begun."""
    found = []
    for one in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if name in one.cmdline() and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found


async def test_each_answers_what_it_writes_and_sees_its_own_picture_alone(forks: Forks, program: str) -> None:
    tasks = [run(forks, program, "print(len(seen), seen[0].decode())", picture=f"no {n}".encode()) for n in range(5)]
    assert await settled(*map(_waited, tasks)) == [f"1 no {n}\n".encode() for n in range(5)]
    assert len(programs(program)) == 1, "they were forked from one"


async def _waited(deferred: Any) -> Any:
    return await deferred


#: How a process may end, and what its picture is told.
ENDS = {
    "os.kill(os.getpid(), signal.SIGSEGV)": NoPicture, "os.kill(os.getpid(), signal.SIGXCPU)": NoPicture, "os._exit(3)": NoPicture, "1 / 0": NoPicture,
    f"sys.stdout.write('x' * {MAX_ANSWER + 100})": NoPicture, "os.kill(os.getpid(), signal.SIGKILL)": Overloaded, "time.sleep(600)": Overloaded,
    "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); time.sleep(600)": Overloaded,
}  # fmt: skip


@pytest.mark.parametrize("task", ENDS)
async def test_whatever_ends_one_ends_no_other(forks: Forks, program: str, task: str) -> None:
    """Neither the one beside it, nor the next."""
    beside = run(forks, program, "time.sleep(1.5); print('beside')")
    broken = run(forks, program, task, deadline=0.5 if "sleep" in task else 30.0)
    ended, other, after = await settled(
        _waited(broken), _waited(beside), _waited(run(forks, program, "print('after')"))
    )
    assert type(ended) is ENDS[task], ended
    assert (other, after) == (b"beside\n", b"after\n")
    assert await run(forks, program, "print('next')") == b"next\n"


async def test_one_that_is_given_up_is_gone(forks: Forks, program: str) -> None:
    (ended,) = await settled(_waited(run(forks, program, "time.sleep(600)", deadline=0.5)))
    assert isinstance(ended, Overloaded)
    await eventually("nothing is left of it", lambda: not programs(program))


@pytest.mark.parametrize(
    "how", ["while True: pass", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "raise RuntimeError"]
)
async def test_a_program_that_cannot_be_begun_is_an_answer_and_is_begun_anew(
    forks: Forks, program: str, how: str
) -> None:
    working = Path(program).read_text()
    Path(program).write_text(how)
    (ended,) = await settled(_waited(run(forks, program, "print(1)", deadline=1.0)))
    assert isinstance(ended, Overloaded)
    Path(program).write_text(working)
    assert await run(forks, program, "print(1)") == b"1\n"
    await eventually("the other is gone", lambda: len(programs(program)) == 1)


async def test_a_program_that_was_killed_is_begun_anew(forks: Forks, program: str) -> None:
    assert await run(forks, program, "print(1)") == b"1\n"
    (one,) = programs(program)
    one.kill()
    await eventually("it is gone", lambda: not programs(program))
    assert await run(forks, program, "print(2)") == b"2\n"


async def test_a_program_ends_with_whoever_asks_it(program: str) -> None:
    from twisted.internet import reactor

    forks = Forks(reactor)
    assert await run(forks, program, "print(1)") == b"1\n"
    assert len(programs(program)) == 1
    del forks
    gc.collect()
    await eventually("it is gone", lambda: not programs(program))


async def test_a_program_ends_when_no_picture_comes_and_the_next_begins_another(
    forks: Forks, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harvestd.process import picture_forks

    (tmp_path / "here").mkdir()
    template = (Path(picture_forks.__file__).parent / "picture_template.py").read_text()
    assert "IDLE = 16_384, 30.0" in template
    (tmp_path / "here" / "picture_template.py").write_text(template.replace("16_384, 30.0", "16_384, 0.2"))
    monkeypatch.setattr(picture_forks, "_HERE", tmp_path / "here")
    for n in range(3):
        assert await run(forks, program, f"print({n})") == f"{n}\n".encode()
        await eventually("it is gone", lambda: not programs(program))


async def test_its_processes_go_with_the_program(forks: Forks, program: str) -> None:
    """As when the worker is killed, and the program with it."""
    slow = run(forks, program, "import ctypes; ctypes.CDLL(None).prctl(1, 9); print(1, flush=True); time.sleep(600)")
    await eventually("it is begun", lambda: programs(program) and programs(program)[0].children())
    (one,) = programs(program)
    (child,) = one.children()
    os.kill(one.pid, signal.SIGKILL)
    (ended,) = await settled(_waited(slow))
    assert isinstance(ended, Overloaded)
    await eventually("it is gone", lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
