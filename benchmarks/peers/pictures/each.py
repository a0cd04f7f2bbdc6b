"""``each.py COMMAND…``, with names of files on standard input: run the command with each of them as its standard input, and print the seconds of the processor and
the KiB of memory (at its most) that each took. A small program, so that its own memory is less than any that it starts."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """One line for each file: seconds, KiB, bytes that it wrote."""
    for name in sys.stdin.read().splitlines():
        reading, writing = os.pipe()
        child = os.posix_spawn(
            sys.argv[1], sys.argv[1:], os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, name, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_CLOSE, reading)],
        )  # fmt: skip
        os.close(writing)
        size, head = 0, b""
        while piece := os.read(reading, 1 << 16):
            head = head or piece[:200]
            size += len(piece)
        os.close(reading)
        _, status, used = os.wait4(child, 0)
        if status or b'"fault"' in head:
            sys.exit(f"{name}: {status} {head!r}")
        print(used.ru_utime + used.ru_stime, used.ru_maxrss, size)


if __name__ == "__main__":
    main()
