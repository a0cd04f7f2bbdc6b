"""What a program does when nobody reads its output any more. Imports nothing of harvestd: a program begins with it."""

from __future__ import annotations

import os
import sys

#: The exit code, as shells have it for SIGPIPE.
NOBODY_READS = 141


def forget() -> None:
    """Give what is still to be written to nobody, so that the interpreter does not complain of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
