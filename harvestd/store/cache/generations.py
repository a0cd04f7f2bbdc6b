"""What cached entries depend on: families, dropped in O(1) however many entries they have.

A family is one object that entries and loads under way hold on to. Dropping it marks that object and forgets its name,
so that whatever began before the drop is known by the object it holds, and the next load makes a new one. Names live
only as long as an entry or a load holds them (by weak references, swept now and then: a WeakValueDictionary takes three times as long,
and a listing names twenty), so invented families cost what their entries cost.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from weakref import ref

from harvestd.store.cache.invalidations import family_names

#: Dropped names that are remembered while replicas settle; beyond it, everything counts as dropped.
REMEMBERED_LIMIT = 10_000
#: Names that nobody holds any more are swept when they may be half of all, and there are so many names.
MIN_SWEPT = 1_000


class Generation:
    """One generation of a family. ``dropped_at`` is None until it is dropped, and never changes after that;
    ``by_gap`` tells a drop that may have been missed from one that was heard. A load that began before ``settles_at``
    may have read what was there before the generation's first moment."""

    __slots__ = ("__weakref__", "by_gap", "dropped_at", "settles_at")

    def __init__(self, settles_at: float = 0.0) -> None:
        self.dropped_at: float | None = None
        self.by_gap = False
        self.settles_at = settles_at


def dropped_at(families: Iterable[Generation]) -> float | None:
    """When the first of them was dropped; None if none was."""
    return min((f.dropped_at for f in families if f.dropped_at is not None), default=None)


def known_dropped(families: Iterable[Generation]) -> bool:
    """Whether any was dropped by name, so that what depends on it is known to be wrong."""
    return any(f.dropped_at is not None and not f.by_gap for f in families)


class Families:
    """The present generations. ``settle`` is how many seconds a read after a drop may still see what was before it.

    ``drops`` grows whenever a family that somebody holds is dropped; while it stands, what was found whole is whole.
    """

    def __init__(self, settle: float = 0.0) -> None:
        self._current: dict[str, ref[Generation]] = {}
        self._most = MIN_SWEPT
        self._everything = Generation()
        self._recent = RecentDrops(settle)
        self.drops = 0

    def __len__(self) -> int:
        """How many somebody holds."""
        return sum(one() is not None for one in self._current.values())

    def hold(self, names: Sequence[str], now: float) -> tuple[Generation, ...]:
        """The present generation of each, and the family of everything."""
        return (*self.named(names, now), self._everything)

    def named(self, names: Sequence[str], now: float) -> tuple[Generation, ...]:
        """The present generation of each alone."""
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

    def _sweep(self) -> None:
        self._current = {name: one for name, one in self._current.items() if one() is not None}
        self._most = max(MIN_SWEPT, 2 * len(self._current))

    def drop(self, names: Sequence[str], now: float) -> None:
        """Drop these; none named is everything."""
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
        """Drop all there is; ``by_gap`` where drops may have been missed and nothing is known."""
        self._everything.dropped_at, self._everything.by_gap = now, by_gap
        self._everything = Generation(self._recent.everything(now))
        self.drops += 1


class RecentDrops:
    """Which names were dropped in the last ``settle`` seconds; remembers nothing when that is 0."""

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
        """Everything was dropped, so no single name needs remembering; answers when that has settled."""
        self._until.clear()
        return now + self._settle if self._settle else 0.0

    def settles_at(self, name: str, now: float) -> float:
        """When the latest drop of the name has settled; 0 if it has."""
        until = self._until.get(name, 0.0)
        return until if until > now else 0.0
