"""What becomes of an operation whose step failed, or whose worker died. Pure."""

from __future__ import annotations

#: The statuses of an operation that is over.
OVER = ("succeeded", "failed", "cancelled")
STATUSES = ("queued", "running", *OVER)
#: Seconds before a step is tried again, by how often it was tried; after the last the operation has failed.
PAUSES: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0)


def pause(tries: int) -> float | None:
    """Seconds until the next try of a step that was tried ``tries`` times; None if it is given up."""
    return PAUSES[tries - 1] if 1 <= tries <= len(PAUSES) else None


def exhausted(tries: int) -> bool:
    """Whether a step that is about to be tried for the ``tries``-th time must not be: its workers died each time."""
    return tries > len(PAUSES) + 1
