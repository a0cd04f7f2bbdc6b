"""What was searched for and not found."""

from __future__ import annotations

from zope.interface import Interface


class ISearchMisses(Interface):
    """What was searched for and not found, counted without anybody's name."""

    def note(query: str, language: str, area: str) -> None:
        """Count one search, by its words, the language of who searches and the degree of the earth where they do. Never raises."""

    async def flush() -> None:
        """Write down what was counted so far."""
