"""What was last shown of each thing, at whatever address. A drop ends entries and not this: what was shown stays shown, also by an
answer that was not kept, while loads that began before it, and copies of other processes, still arrive."""

from __future__ import annotations

from collections import OrderedDict

from harvestd.interfaces import Entry

#: Seconds for which it is remembered, which is many times what a drop is on its way or a load takes; and of how many things at most, the latest.
REMEMBERED, LIMIT = 10.0, 10_000


class LastShown:
    """The state of each thing, how many transactions had ended when that was read, and until when it is remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[int, str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def note(self, entry: Entry, now: float) -> None:
        """Remember what is in it, but for what was shown as it is later."""
        known, ended = self._known, entry.ended
        if ended is None:
            return
        for name, state in entry.states:
            before = known.get(name)
            if before is None or before[0] <= ended:
                known[name] = ended, state, now + REMEMBERED
                known.move_to_end(name)
        while known and (len(known) > LIMIT or next(iter(known.values()))[2] <= now):
            known.popitem(last=False)

    def behind(self, entry: Entry) -> bool:
        """Whether something in it was shown otherwise, as it is later."""
        ended = entry.ended
        if ended is None:
            return False
        found = ((state, self._known.get(name)) for name, state in entry.states)
        return any(known is not None and known[0] > ended and known[1] != state for state, known in found)
