"""Rules of pictures: how many a product has, where each stands, and what becomes of one that cannot be shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from harvestd.kernel.errors import Conflict, FieldError, Invalid
from harvestd.kernel.names import told
from harvestd.kernel.sentences import worded

#: Pictures of a product, those that are processed or have failed included.
MOST = 12
#: Characters of an alternative text.
MAX_ALT = 250
#: Times that a picture is tried to be made: a worker that is killed over it each time would else try for ever.
TRIES = 4
Reason = Literal["damaged", "kind", "too-many-pixels", "too-heavy", "refused"]
#: Why a picture has failed, by what the program that makes it says.
REASONS: Mapping[str, Reason] = {"kind": "kind", "pixels": "too-many-pixels", "damaged": "damaged"}


def check_number(number: int) -> None:
    """Raise :class:`Conflict` if a product that has ``number`` pictures may have no more."""
    if number >= MOST:
        raise Conflict(worded("a product has {most} pictures at most; delete one first", most=MOST))


def alt_of(text: str) -> str:
    """An alternative text as it is kept; raises :class:`Invalid` for one that is too long or has control characters."""
    return told("alt", text, MAX_ALT)


def alt_faults(given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in an alternative text, if there is one."""
    if not isinstance(given.get("alt"), str):
        return []
    try:
        alt_of(given["alt"])
    except Invalid as refused:
        return list(refused.errors)
    return []


def moved(ids: Sequence[str], image_id: str, position: int) -> list[str]:
    """The pictures of a product in their new order, one of them moved to ``position``. Raises :class:`Invalid` beyond the last."""
    if position >= len(ids):
        last = str(len(ids) - 1)
        raise Invalid.of("position", f"must be {last} or less", "above-maximum", maximum=last)
    others = [one for one in ids if one != image_id]
    return [*others[:position], image_id, *others[position:]]
