"""Moments that are meant in the market's time zone, over the changes of its clock, too. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment in UTC of a time of the clock on a day. Of a time that comes twice, as clocks are put back, it is the first; one that clocks
    are put forward over is the moment at which that happens."""
    local = datetime.combine(day, at)
    early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if late < early:  # in a gap: by the offset before it the moment is after it, and the other way round
        return _change(late, early, zone)
    return early


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between two at which the clock is put forward."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def day_in(zone: ZoneInfo, at: datetime) -> date:
    """The day of a moment."""
    return at.astimezone(zone).date()
