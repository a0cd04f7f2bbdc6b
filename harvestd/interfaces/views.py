"""What is looked at, counted without anybody's name."""

from __future__ import annotations

from zope.interface import Interface


class IViews(Interface):
    """Views of things, counted in batches. Nothing is kept of who looked."""

    def note(what: str, agent: str) -> None:
        """Count one view of a thing by its family (``product:<id>``), unless the ``agent`` (User-Agent) is no person's. Never raises, and costs
        next to nothing: it is called for answers from memory, too."""

    async def flush() -> None:
        """Write down what was counted so far."""
