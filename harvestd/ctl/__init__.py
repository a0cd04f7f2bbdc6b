"""``harvestctl``: what an operator does with a market. Its commands are in one table, in ``program.py``.

This is its outermost shell, which imports next to nothing: a reader who closes the pipe and Ctrl-C end it as they end other programs,
also while it loads.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from harvestd.unread import NOBODY_READS, forget

#: As shells have it for SIGINT.
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; answers the exit code."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it loads there is nothing to end in order
    from harvestd.ctl.program import run

    signal.signal(signal.SIGINT, before)
    try:
        try:
            return run(argv)
        finally:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()  # here, where it can be caught
    except BrokenPipeError:
        forget()
        return NOBODY_READS
    except KeyboardInterrupt:
        return INTERRUPTED
