"""Counted nouns for messages."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """A number with its noun, as in ``1 farm`` and ``2 farms``; ``thing`` is singular."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
