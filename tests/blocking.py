"""Work that blocks, done by our code on the reactor's thread, found by what Python itself tells of it (its audit events).

How long such work takes is the machine's affair: a copy of PostgreSQL's programs that takes a moment on one disk holds up
everybody for a second on another. So each call counts, fast or slow.
"""

from __future__ import annotations

import inspect
import sys
import threading
from typing import Any

from harvestd.process.slow_callbacks import Watch

#: Of Python's audit events, those of what waits for other programs, for a name server or for many files.
BLOCKING = frozenset(
    {
        "subprocess.Popen", "os.system", "time.sleep", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
        "shutil.copytree", "shutil.copyfile", "shutil.rmtree", "shutil.move", "shutil.make_archive", "shutil.unpack_archive",
        "glob.glob", "pathlib.Path.glob", "pathlib.Path.rglob", "os.walk", "os.fwalk", "urllib.Request", "smtplib.connect",
    }
)  # fmt: skip
#: Functions that may: a child is started, not waited for; a fail point is there to hold the process up.
ALLOWED = frozenset({("store/embedded/postmaster.py", "__init__"), ("failpoints.py", "failpoint_here")})
#: Our code, but for what runs every callback, a test's own too.
OURS, WATCH, TESTS, SERVERS = "/harvestd/", "/process/slow_callbacks.py", "/tests/", "/servers/"
COROUTINE = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

_seen: list[str] = []


def found() -> list[str]:
    """What was seen since this was asked last, by its place."""
    seen, _seen[:] = sorted(set(_seen)), []
    return seen


def look_at(watch: Watch, thread: int) -> None:
    """From now on, see what blocks in the callbacks that ``watch`` sees. Audit hooks stay as long as the process does."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in BLOCKING and watch.since and threading.get_ident() == thread:
            place = _place(sys._getframe(1))
            if place:
                _seen.append(f"{event} in {place}")

    sys.addaudithook(hook)


def _place(frame: Any) -> str:
    """The innermost function of ours, unless it may. Nowhere, if it is a test's own work or its servers', or if a test has it done that is no
    coroutine, which holds up nobody."""
    inner, outer = None, None
    while frame is not None:
        path = frame.f_code.co_filename
        if OURS in path and not path.endswith(WATCH):
            inner = inner or (frame.f_code.co_name, path.rpartition(OURS)[2], frame.f_lineno)
        elif SERVERS in path or (TESTS in path and inner is None):
            return ""
        elif TESTS in path:
            outer = frame.f_code.co_flags
        frame = frame.f_back
    if inner is None or (outer is not None and not outer & COROUTINE):
        return ""
    name, path, line = inner
    return "" if (path, name) in ALLOWED else f"{name} ({path}:{line})"
