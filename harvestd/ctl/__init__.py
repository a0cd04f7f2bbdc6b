"""``harvestctl``: the operator's command line for a market. Its commands are in one table, in ``program.py``.

This is its outermost shell, which imports next to nothing: a closed pipe and Ctrl-C end it as they end other programs,
even while it is loading.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from harvestd.unread import NOBODY_READS, forget

#: The exit code that shells use for SIGINT.
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it loads there is nothing to shut down gracefully
    from harvestd.ctl.program import run

    signal.signal(signal.SIGINT, before)
    try:
        try:
            return run(argv)
        finally:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()  # here, where an error can be caught
    except BrokenPipeError:
        forget()
        return NOBODY_READS
    except KeyboardInterrupt:
        return INTERRUPTED
