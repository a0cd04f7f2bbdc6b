"""Handling of a closed output pipe. Imports nothing of harvestd, since a program begins with it."""

from __future__ import annotations

import os
import sys

#: The exit code that shells give for SIGPIPE.
NOBODY_READS = 141


def forget() -> None:
    """Discard unwritten output, so that the interpreter does not complain of it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
