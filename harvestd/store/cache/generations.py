"""The families that cached entries depend on, dropped in O(1) however many entries they have.

A family is one object that entries and loads in flight refer to. Dropping it marks that object and forgets its name, so
that all that began before the drop is recognized by the object it refers to, and the next load creates a new one. Names
live only as long as an entry or a load refers to them (by weak references, swept now and then: a WeakValueDictionary
takes three times as long, and a listing names twenty), so invented families cost no more than their entries.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from weakref import ref

from harvestd.interfaces import Entry
from harvestd.store.cache.invalidations import family_name, family_names
from harvestd.store.cache.last_shown import LastShown

#: Limit of dropped names remembered while replicas catch up; beyond it, everything counts as dropped.
REMEMBERED_LIMIT = 10_000
#: Unreferenced names are swept when they may be half of all names, and there are at least this many.
MIN_SWEPT = 1_000


class Generation:
    """One generation of a family. ``dropped_at`` is None until it is dropped, and never changes after that; ``by_gap``
    distinguishes a drop that may have been missed from one that was received. A load that began before ``settles_at``
    may have read data from before the generation's first moment. ``state`` is what entries that are kept
    show of what the family is of, and how many transactions had ended when that was read."""

    __slots__ = ("__weakref__", "by_gap", "dropped_at", "settles_at", "state")

    def __init__(self, settles_at: float = 0.0) -> None:
        self.dropped_at: float | None = None
        self.by_gap = False
        self.settles_at = settles_at
        self.state: tuple[int, str] | None = None


def dropped_at(families: Iterable[Generation]) -> float | None:
    """When the first of them was dropped; None if none was."""
    return min((f.dropped_at for f in families if f.dropped_at is not None), default=None)


def known_dropped(families: Iterable[Generation]) -> bool:
    """Whether any was dropped by name, so that its dependents are known to be stale."""
    return any(f.dropped_at is not None and not f.by_gap for f in families)


class Families:
    """The present generations. ``settle`` is how many seconds after a drop a read may still see the old data.

    ``drops`` grows whenever a referenced family is dropped; while it is unchanged, an entry found whole is still whole.
    """

    def __init__(self, settle: float = 0.0) -> None:
        self._current: dict[str, ref[Generation]] = {}
        self._most = MIN_SWEPT
        self._everything = Generation()
        self._recent = RecentDrops(settle)
        self._last = LastShown()
        self.drops = 0

    def __len__(self) -> int:
        """How many are referenced."""
        return sum(one() is not None for one in self._current.values())

    def hold(self, names: Sequence[str], now: float) -> tuple[Generation, ...]:
        """The present generation of each, and the family of everything."""
        return (*self.named(names, now), self._everything)

    def named(self, names: Sequence[str], now: float) -> tuple[Generation, ...]:
        """The present generation of each, without the family of everything."""
        found = []
        for name in family_names(names):
            reference = self._current.get(name)
            family = None if reference is None else reference()
            if family is None:
                family = Generation(self._recent.settles_at(name, now))
                self._current[name] = ref(family)
            found.append(family)
        if len(self._current) > self._most:
            self._sweep()
        return tuple(found)

    # --- what was shown, at whatever address ---

    def behind(self, entry: Entry) -> bool:
        """Whether something in it was shown otherwise, as it is later."""
        if self._last.behind(entry):
            return True
        ended = entry.ended
        return ended is not None and any(known[0] > ended for _, known in self._otherwise(entry))

    def changed(self, entry: Entry) -> list[str]:
        """The families of what was shown otherwise, as it was before; of one that is behind, too."""
        ended = entry.ended
        return [] if ended is None else [name for name, known in self._otherwise(entry) if known[0] <= ended]

    def shown(self, entry: Entry, now: float) -> None:
        """Whoever waited for it is shown what is in it, whether or not it is kept."""
        self._last.note(entry, now)

    def kept(self, entry: Entry) -> None:
        """Remember what is in it for as long as it is kept: what differs later is dropped."""
        ended = entry.ended
        if ended is not None:
            for name, state in entry.states:
                family = self._present(name)
                if family is not None and (family.state is None or family.state[0] <= ended):
                    family.state = ended, state

    def _otherwise(self, entry: Entry) -> Iterator[tuple[str, tuple[int, str]]]:
        for name, state in entry.states:
            family = self._present(name)
            if family is not None and family.state is not None and family.state[1] != state:
                yield name, family.state

    def _present(self, name: str) -> Generation | None:
        reference = self._current.get(family_name(name))
        return None if reference is None else reference()

    def _sweep(self) -> None:
        self._current = {name: one for name, one in self._current.items() if one() is not None}
        self._most = max(MIN_SWEPT, 2 * len(self._current))

    def drop(self, names: Sequence[str], now: float) -> None:
        """Drop these; an empty sequence drops everything."""
        names = family_names(names)
        if not names or not self._recent.note(names, now):
            self.drop_everything(now)
            return
        for name in names:
            reference = self._current.pop(name, None)
            family = None if reference is None else reference()
            if family is not None:
                family.dropped_at = now
                self.drops += 1

    def drop_everything(self, now: float, by_gap: bool = False) -> None:
        """Drop everything; ``by_gap`` if drops may have been missed and nothing is known to have changed."""
        self._everything.dropped_at, self._everything.by_gap = now, by_gap
        self._everything = Generation(self._recent.everything(now))
        self.drops += 1


class RecentDrops:
    """The names dropped in the last ``settle`` seconds; remembers nothing when that is 0."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._until: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def note(self, names: Sequence[str], now: float) -> bool:
        """Remember the drop; False when there are too many to remember."""
        if not self._settle:
            return True
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
        for name in names:
            self._until[name] = now + self._settle
            self._until.move_to_end(name)
        return len(self._until) <= REMEMBERED_LIMIT

    def everything(self, now: float) -> float:
        """Everything was dropped, so single names need not be remembered; returns when that has settled."""
        self._until.clear()
        return now + self._settle if self._settle else 0.0

    def settles_at(self, name: str, now: float) -> float:
        """When the latest drop of the name will have settled; 0 if it has."""
        until = self._until.get(name, 0.0)
        return until if until > now else 0.0
