"""Pictures of products, looked at when they are uploaded and made in each size by a worker, each in a process of its own with limits on memory
and time (``product_picture_child.py``)."""

from __future__ import annotations

import json
from typing import Any

from harvestd.process.picture_answers import Answer, read
from harvestd.process.picture_forks import Forks
from harvestd.process.picture_process import overloaded
from harvestd.runtime.fair_turns import Place, Turns

#: The names of the sizes, and the longer side of each in pixels. What begins with ``media`` can be read by anyone (``blob_keys.is_public``).
SIZES = {"mediasmall": 320, "mediamedium": 800, "medialarge": 1600}
#: Width times height of the largest picture (twice as much of a JPEG, half of a WebP, a fifth of an AVIF, three tenths of what is interlaced).
PIXELS = 40_000_000
#: Bytes of address space of the child; seconds of the processor, and by the clock.
MEMORY, SECONDS, DEADLINE = 448 * 1024 * 1024, 20, 60.0
#: Pictures that a process makes at once.
AT_ONCE = 2
_PROGRAM = "product_picture_child.py"


class ProductPictures:
    """Those that are looked at take the ``turns`` of all pictures that people upload; those that a worker makes have their own."""

    def __init__(self, reactor: Any, turns: Turns) -> None:
        self._forks = Forks(reactor)
        self._looking, self._making = turns, Turns(AT_ONCE, overloaded)

    async def looked(self, descriptor: int, place: Place) -> Answer:
        """The format and the size of the picture in the file ``descriptor``, which is not decoded. Raises
        :class:`~harvestd.process.picture_process.NoPicture`, and ``Overloaded`` if too many wait or the machine is too slow."""
        return await self._done("look", descriptor, self._looking, place)

    async def made(self, descriptor: int, watermark: str = "") -> Answer:
        """The picture in each size, as WebP and as JPEG, upright and without metadata. Raises likewise; ``Overloaded`` too if the child was
        killed from outside."""
        return await self._done("make", descriptor, self._making, Place(), watermark)

    async def _done(self, do: str, descriptor: int, turns: Turns, place: Place, watermark: str = "") -> Answer:
        sizes = [{"name": name, "side": side} for name, side in SIZES.items()]
        task = {
            "do": do,
            "pixels": PIXELS,
            "memory": MEMORY,
            "seconds": SECONDS,
            "sizes": sizes,
            "watermark": watermark,
        }
        await turns.taken(place)
        try:
            return read(await self._forks.run(_PROGRAM, descriptor, json.dumps(task), DEADLINE))
        finally:
            turns.over(place)
