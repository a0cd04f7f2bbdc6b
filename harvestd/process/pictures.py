"""Pictures of people, decoded and made anew in a child process with limits on memory and time (``picture_child.py``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs

from harvestd.process.picture_answers import Made, read
from harvestd.process.picture_process import Child, overloaded
from harvestd.process.product_pictures import ProductPictures
from harvestd.runtime.fair_turns import Place, Turns

#: Pictures in work at once, those of one address, how many more may wait, and for how many seconds.
AT_ONCE, OF_ONE, WAITING, WAIT = 2, 1, 32, 30.0
#: Width times height of the largest picture (a JPEG may have twice as much, a WebP half); each takes four bytes, twice while it is made smaller.
PIXELS = 30_000_000
#: Bytes of memory of the child; seconds of the processor, and by the clock.
MEMORY, SECONDS, DEADLINE = 448 * 1024 * 1024, 8, 15.0
_PROGRAM = "picture_child.py"


@attrs.frozen
class Wanted:
    """A size that a picture is made in, in pixels: cut to this shape, or made to fit into it, and never larger. ``name`` is a short word."""

    name: str
    width: int
    height: int
    cut: bool = True


class Pictures:
    """At most :data:`AT_ONCE` children at once, of which one address has :data:`OF_ONE`: some pictures take all the time that there is."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.turns = Turns(AT_ONCE, overloaded, OF_ONE)
        self.of_products = ProductPictures(reactor, self.turns)

    async def made(
        self, descriptor: int, wanted: Sequence[Wanted], pixels: int = PIXELS, place: Place | None = None
    ) -> list[Made]:
        """The picture in the file ``descriptor`` in each size, as WebP and as JPEG, upright and without metadata. Raises
        :class:`~harvestd.process.picture_process.NoPicture`, and ``Overloaded`` if too many wait or the machine is too slow."""
        place = place or Place()
        await self.turns.taken(place)
        try:
            child = Child(self._reactor, _PROGRAM, DEADLINE)
            task = {
                "pixels": pixels,
                "memory": MEMORY,
                "seconds": SECONDS,
                "wanted": [attrs.asdict(one) for one in wanted],
            }
            return read(await child.run(descriptor, json.dumps(task))).files
        finally:
            self.turns.over(place)
