"""The program that a process for each picture is forked from: it has imported what they need and reads nothing of any picture itself, so that a start
costs a fork, and nothing of one picture outlives it. Started by its path (``picture_forks.py``): ``picture_template.py PROGRAM``; it uses nothing of this
package but PROGRAM, whose ``work`` does a task that is given as JSON, reading standard input and writing standard output, and never returns; its ``ready`` imports.

Standard input is a socket of messages. Each message is a task, with two files: the picture, and a stream socket for the answer, after which comes
:data:`ENDED` of its process. Whoever closes its end of that socket has the process killed. When the messages end, or none has come for a while, this program ends with the last process.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any, NoReturn

#: How a process has ended: a mark, its status (as of ``wait``), seconds of the processor, and KiB of memory at the most.
ENDED, MARK = struct.Struct("<8sidq"), b"\0ENDED\r\n"
#: Bytes of a task; seconds without any after which the program ends.
LONGEST, IDLE = 16_384, 30.0


def main() -> None:
    """Fork a process for each task."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it goes with whoever began it
    program = _loaded(sys.argv[1])
    getattr(program, "ready", int)()
    gc.collect()
    gc.freeze()  # what is here is shared with all processes, as long as nobody writes to it
    Template(program).run()


def _loaded(path: str) -> Any:
    spec = spec_from_file_location("picture_program", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Template:
    """The processes at work: ``answers`` has the socket of each, by its process id."""

    def __init__(self, program: Any) -> None:
        self._program = program
        self._tasks = socket.socket(fileno=0)
        self._answers: dict[int, socket.socket] = {}
        self._wakes, wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        os.set_blocking(wakes, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN)
        self._poll.register(self._wakes, select.POLLIN)

    def run(self) -> None:
        """Until there are neither tasks to come nor processes."""
        more = True
        while more or self._answers:
            ready = dict(self._poll.poll(None if self._answers else 1000 * IDLE))
            if not ready:  # whoever sends another is told that it is too late; one that was sent already is done
                self._tasks.shutdown(socket.SHUT_RD)
            if self._wakes in ready:
                self._ended()
            for pid, answer in self._answers.items():
                if ready.get(answer.fileno(), 0) & (select.POLLHUP | select.POLLERR):
                    os.kill(pid, signal.SIGKILL)  # it is not waited for yet, so nobody else has its id
                    self._poll.unregister(answer)
            if 0 in ready:
                more = self._taken()
                if not more:
                    self._poll.unregister(0)

    def _taken(self) -> bool:
        """Begin the next task; False if there are no more."""
        task, files, _, _ = socket.recv_fds(self._tasks, LONGEST, 2)
        if not task:
            return False
        picture, answer = files
        pid = os.fork()
        if not pid:
            self._work(task, picture, answer)
        os.close(picture)
        self._answers[pid] = socket.socket(fileno=answer)
        self._poll.register(answer, 0)  # a hang-up is always told
        return True

    def _work(self, task: bytes, picture: int, answer: int) -> NoReturn:
        """The forked process: nothing of the others is left to it."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in self._answers.values():
                other.close()
            os.close(self._wakes)
            os.dup2(picture, 0)
            os.dup2(answer, 1)
            os.close(picture)
            os.close(answer)
            self._program.work(task)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(1)

    def _ended(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wakes, 4096)
        while self._answers:
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            answer = self._answers.pop(pid)
            with suppress(KeyError):
                self._poll.unregister(answer)
            with suppress(OSError):  # nobody reads it any more
                answer.sendall(ENDED.pack(MARK, status, used.ru_utime + used.ru_stime, used.ru_maxrss))
            answer.close()


if __name__ == "__main__":
    main()
