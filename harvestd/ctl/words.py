"""Words with a number before them."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """Such as ``1 farm`` and ``2 farms``; ``thing`` is in the singular."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
