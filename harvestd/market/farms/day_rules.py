"""What a farm shows on a day, and when that changes without anybody's doing. Pure.

Days are in the market's time zone. What is stored has them as ``YYYY-MM-DD``, which compare as they follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import attrs

from harvestd.kernel import claims

#: One day.
DAY = timedelta(days=1)

Rows = Sequence[Mapping[str, Any]]


@attrs.frozen
class Dated:
    """What a farm has that begins or ends with a day: its certificates, and when it is away (``{from, to, note}``, in order)."""

    certificates: Rows = ()
    away: Rows = ()


def away_until(away: Rows, day: date) -> date | None:
    """The last day of an absence that has begun; of several that follow each other, of the last. None for a farm that is here."""
    last: date | None = None
    for period in away:
        first = day if last is None else last + DAY if last < date.max else last
        if period["from"] <= first.isoformat() <= period["to"]:
            last = date.fromisoformat(period["to"])
    return last


def shown_on(dated: Dated, day: date) -> dict[str, Any]:
    """What of it is shown on a day, by the name of the field."""
    return {
        "certificates": claims.valid(dated.certificates, day.isoformat()),
        "away": [period for period in dated.away if period["to"] >= day.isoformat()],
        "away_until": away_until(dated.away, day),
    }


def turn(dated: Dated, day: date) -> date | None:
    """The next day after this one on which something else is shown; None if nothing changes by itself."""
    return min((turning for turning in _turns(dated) if turning > day), default=None)


def turned(dated: Dated, before: date, day: date) -> list[str]:
    """The fields that show something else on a day than on one before."""
    then, now = shown_on(dated, before), shown_on(dated, day)
    return [name for name in now if now[name] != then[name]]


def _turns(dated: Dated) -> Iterator[date]:
    for claim in dated.certificates:
        if claim["valid_until"] is not None:
            yield from _after(claim["valid_until"])
    for period in dated.away:
        yield date.fromisoformat(period["from"])
        yield from _after(period["to"])


def _after(last: str) -> Iterator[date]:
    """The day after a last one; the last day of the calendar has none."""
    if (day := date.fromisoformat(last)) < date.max:
        yield day + DAY
