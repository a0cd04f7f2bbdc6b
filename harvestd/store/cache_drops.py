"""What a near cache knows of drops: the family that one marks, and the messages that carry drops between processes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import msgspec

CHANNEL = "cache:dropped"
#: Bytes of a message, under what a topic carries.
MESSAGE_LIMIT = 7_000
#: Longer or unprintable names go by their digest, so that each fits a message and costs little to keep.
NAME_LIMIT = 120
#: Dropped names that are remembered while replicas settle; beyond it, everything counts as dropped.
REMEMBERED_LIMIT = 10_000


class Family:
    """One generation of a family. ``dropped_at`` is None until it is dropped, and never changes after that;
    ``by_gap`` tells a drop that may have been missed from one that was heard. A load that began before ``settles_at``
    may have read what was there before the generation's first moment."""

    __slots__ = ("__weakref__", "by_gap", "dropped_at", "settles_at")

    def __init__(self, settles_at: float = 0.0) -> None:
        self.dropped_at: float | None = None
        self.by_gap = False
        self.settles_at = settles_at


class RecentDrops:
    """Which names were dropped in the last ``settle`` seconds; remembers nothing when that is 0."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._recent: OrderedDict[str, float] = OrderedDict()

    def note(self, families: Sequence[str], now: float) -> bool:
        """Remember the drop; False when there are too many to remember."""
        if not self._settle:
            return True
        while self._recent and next(iter(self._recent.values())) <= now:
            self._recent.popitem(last=False)
        for name in map(family_name, families):
            self._recent[name] = now + self._settle
            self._recent.move_to_end(name)
        return len(self._recent) <= REMEMBERED_LIMIT

    def everything(self, now: float) -> float:
        """Everything was dropped, so no single name needs remembering; answers when that has settled."""
        self._recent.clear()
        return now + self._settle if self._settle else 0.0

    def settles_at(self, name: str, now: float) -> float:
        """When the latest drop of the name has settled; 0 if it has."""
        until = self._recent.get(name, 0.0)
        return until if until > now else 0.0


class Drop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The message: ``by`` is who dropped (and need not hear it again), ``families`` what; none is everything."""

    by: str
    families: list[str]


_decoder = msgspec.json.Decoder(Drop)


def family_name(name: str) -> str:
    """``name``, or its digest where it is too long or strange to be sent."""
    if len(name) <= NAME_LIMIT and name.isprintable():
        return name
    return "sha256:" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def written(by: str, families: Sequence[str]) -> Iterator[str]:
    """The drop as messages of at most ``MESSAGE_LIMIT`` bytes of UTF-8."""
    part: list[str] = []
    length = 0
    for name in map(family_name, families):
        size = len(msgspec.json.encode(name)) + 1
        if part and length + size > MESSAGE_LIMIT - 100:
            yield _message(by, part)
            part, length = [], 0
        part.append(name)
        length += size
    if part or not families:
        yield _message(by, part)


def _message(by: str, families: list[str]) -> str:
    return msgspec.json.encode(Drop(by, families)).decode()


def read(payload: str) -> Drop | None:
    """The message, or None for anything else."""
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
