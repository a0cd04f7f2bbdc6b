"""Days on which a farm is away and sells nothing: as its members give them. What they cause is in ``day_rules.py``. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean_text

MAX_PERIODS, MAX_NOTE = 50, 500


@attrs.frozen
class Period:
    """From a first to a last day, both included."""

    first: date
    last: date
    note: str = ""


def checked(given: Sequence[Period]) -> tuple[list[dict[str, str]], list[FieldError]]:
    """The periods as they are stored, ``{from, to, note}`` in the order of their days; and their faults."""
    if len(given) > MAX_PERIODS:
        params = {"maximum": str(MAX_PERIODS), "reason": "elements"}
        return [], [FieldError("away", f"must have at most {MAX_PERIODS} elements", code="too-long", params=params)]
    wrong: list[FieldError] = []
    kept: list[dict[str, str]] = []
    for i, one in enumerate(given):
        wrong += _faults(i, {"from": one.first, "to": one.last, "note": one.note})
        note = clean_text("", one.note, MAX_NOTE)
        days = {"from": one.first.isoformat(), "to": one.last.isoformat()}
        kept.append({**days, "note": note if isinstance(note, str) else ""})
    return sorted(kept, key=lambda one: one["from"]), [*wrong, *([] if wrong else _overlaps(given))]


def faults_in_part(given: Mapping[int, Mapping[str, Any]]) -> Iterator[FieldError]:
    """Faults in periods that could be read only in part, by their positions."""
    for i, one in given.items():
        yield from _faults(i, one)


def _faults(i: int, one: Mapping[str, Any]) -> Iterator[FieldError]:
    if "from" in one and "to" in one and one["to"] < one["from"]:
        yield FieldError(f"away[{i}].to", "is before the first day", code="before-start")
    note = clean_text(f"away[{i}].note", one.get("note", ""), MAX_NOTE)
    if isinstance(note, FieldError):
        yield note


def _overlaps(given: Sequence[Period]) -> Iterator[FieldError]:
    for (_, before), (i, after) in pairwise(sorted(enumerate(given), key=lambda one: one[1].first)):
        if after.first <= before.last:
            message = "is a day of another period; put the two together"
            yield FieldError(f"away[{i}].from", message, code="given-twice", params={"reason": "periods"})
