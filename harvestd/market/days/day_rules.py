"""Market days: the steps that they take, each at its time, and what may be changed in which status. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.moments import day_in, moment
from harvestd.kernel.names import Rule

STATUSES = ("planned", "open", "closed", "done", "cancelled")
TEXTS = {"name": Rule(200)}
MAX_REASON, MAX_FARMS, MAX_WINDOWS, MAX_LEAD, MAX_HOLD = 500, 1000, 100, 60 * 24 * 14, 120
#: How long a hold lasts unless a day says otherwise, in minutes.
HOLD = 15
#: The windows and farms of all days on one page of a list: a page with fewer days than asked for is not the last one for that.
MAX_ON_PAGE = 1000
#: The longest that a day is open, and the longest from its cut-off until its goods are handed over.
LONGEST = timedelta(days=400)
#: How long after its day has opened a window ends at most, and how far from now a day is copied to: no calendar ends while somebody counts with it.
FAR = timedelta(days=36_500)


@attrs.frozen(kw_only=True)
class Timed:
    """What of a day its steps go by. ``soon_told`` is whether it was told that it closes soon, ``full`` whether it closed because it was full, and may open again."""

    status: str
    opens_at: datetime
    closes_at: datetime
    ends_at: datetime
    soon_told: bool = False
    full: bool = False


@attrs.frozen
class Step:
    """A step that a day takes by itself: from a status to the next, at a time (None: not at all), with the event that tells of it (empty: none). ``soon`` is
    how long before its end a day closes soon."""

    name: str
    of: str
    to: str
    event: str
    at: Callable[[Timed, timedelta], datetime | None]


def _soon(day: Timed, soon: timedelta) -> datetime | None:
    at = day.closes_at - soon
    return None if day.soon_told or not soon or at <= day.opens_at else at


#: In the order in which those of one time are taken.
STEPS: tuple[Step, ...] = (
    Step("open", "planned", "open", "market_day.opened", lambda day, soon: day.opens_at),
    Step("soon", "open", "open", "market_day.closing_soon", _soon),
    Step("close", "open", "closed", "market_day.closed", lambda day, soon: day.closes_at),
    Step(
        "close for good", "closed", "closed", "market_day.closed", lambda day, soon: day.closes_at if day.full else None
    ),
    Step("end", "closed", "done", "", lambda day, soon: day.ends_at),
)
#: The statuses from which the staff may close a day, and cancel it.
CLOSABLE, CANCELLABLE = frozenset({"open"}), frozenset({"planned", "open", "closed"})
#: What can still be changed of a day, by its status.
CHANGEABLE: dict[str, frozenset[str]] = {
    "planned": frozenset({"name", "opens_at", "closes_at", "farms", "windows", "holds_minutes", "metadata"}),
    "open": frozenset({"name", "closes_at", "farms", "windows", "holds_minutes", "metadata"}),
    "closed": frozenset({"name", "windows", "metadata"}),
    "done": frozenset({"name", "metadata"}),
    "cancelled": frozenset({"name", "metadata"}),
}


def fitting(parts: Iterable[int]) -> int:
    """How many days, with so many windows and farms each, are on one page: as many as together have :data:`MAX_ON_PAGE`, and one in any case."""
    return max(1, sum(1 for total in accumulate(parts) if total <= MAX_ON_PAGE))


def next_step(day: Timed, soon: timedelta) -> tuple[datetime, Step] | None:
    """The step that a day takes next, and when; None if it takes none by itself."""
    found = [(at, n, step) for n, step in enumerate(STEPS) if step.of == day.status and (at := step.at(day, soon))]
    if not found:
        return None
    at, _, step = min(found, key=lambda one: one[:2])
    return at, step


def stepped(day: Timed, step: Step) -> Timed:
    """A day after a step."""
    return attrs.evolve(day, status=step.to, soon_told=day.soon_told or step.name == "soon", full=False)


def due(day: Timed, soon: timedelta, now: datetime) -> Iterator[tuple[datetime, Step, Timed]]:
    """The steps that are due by now, in order: when each was, and the day after it."""
    while (following := next_step(day, soon)) is not None and following[0] <= now:
        at, step = following
        day = stepped(day, step)
        yield at, step, day


def ends(closes_at: datetime, windows: Iterable[datetime]) -> datetime:
    """When a day ends: with the last of its windows, and not before its cut-off."""
    return max([closes_at, *windows])


def time_faults(given: Mapping[str, Any], now: datetime | None = None) -> Iterator[FieldError]:
    """Faults in the times of a day, as far as both are given. With ``now``, one that is over before it begins is refused, too."""
    opens_at, closes_at = given.get("opens_at"), given.get("closes_at")
    if opens_at is None or closes_at is None:
        return
    if closes_at <= opens_at:
        yield FieldError("closes_at", "must be later than opens_at", code="before-start")
    elif closes_at - opens_at > LONGEST:
        params = {"maximum": str(LONGEST.days), "reason": "days"}
        message = f"must be at most {LONGEST.days} days after opens_at"
        yield FieldError("closes_at", message, code="above-maximum", params=params)
    elif now is not None and closes_at <= now:
        message = "is over already; give a time that is still to come"
        yield FieldError("closes_at", message, code="expired", params={"reason": "closes-at"})


def unchangeable(status: str, names: Iterable[str]) -> list[FieldError]:
    """Faults of changes that come too late."""
    message = f"can no longer be changed: the market day is {status}; copy it for another round"
    params = {"reason": "day-status"}
    late = [name for name in names if name not in CHANGEABLE[status]]
    return [FieldError(name, message, code="not-accepted", params=params) for name in late]


def closes_for(closes_at: datetime, lead_minutes: int) -> datetime:
    """When a day closes for a farm that needs so long to get ready."""
    return closes_at - timedelta(minutes=lead_minutes)


def copy_faults(opens_at: datetime, now: datetime) -> Iterator[FieldError]:
    """The fault of a copy so far away that its times could end with the calendar."""
    least, most = now - FAR, now + FAR
    if opens_at > most:
        said = most.isoformat().replace("+00:00", "Z")
        yield FieldError("opens_at", f"must be at most {said}", code="above-maximum", params={"maximum": said})
    if opens_at < least:
        said = least.isoformat().replace("+00:00", "Z")
        yield FieldError("opens_at", f"must be at least {said}", code="below-minimum", params={"minimum": said})


def shifted(at: datetime, by: int, zone: ZoneInfo) -> datetime:
    """The same time of the clock so many days later."""
    local = at.astimezone(zone)
    return moment(local.date() + timedelta(days=by), local.timetz().replace(tzinfo=None), zone)


def days_between(before: datetime, after: datetime, zone: ZoneInfo) -> int:
    """The days from one moment to another, as people count them."""
    first, last = day_in(zone, before), day_in(zone, after)
    assert isinstance(first, date)
    return (last - first).days
