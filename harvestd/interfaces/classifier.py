"""A classifier of pictures: what a market does not want to show. There is none by default."""

from __future__ import annotations

from zope.interface import Interface


class IClassifier(Interface):
    """Looks at each picture of a product once it is made, before anyone sees it."""

    async def refused(content: bytes) -> bool:
        """Whether a picture, given as JPEG, may not be shown. Raises ``Unavailable`` while it cannot be told: then it is asked again."""
