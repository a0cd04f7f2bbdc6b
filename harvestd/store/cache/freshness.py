"""For how long an entry is fresh, and when it is served stale: while it is reloaded, and in place of a load that failed."""

from __future__ import annotations

from collections.abc import Iterable

from harvestd.store.cache.entries import ABSENT, Held, Loaded
from harvestd.store.cache.flights import InFlightLoad
from harvestd.store.cache.generations import Generation, dropped_at, known_dropped

#: A TTL is shortened by up to this share at random, so that entries loaded together do not expire together.
JITTER = 0.1
#: Seconds after its expiry, or after a gap in the drops, for which an entry is served stale when its load is ``Unavailable``.
OUTAGE_LIMIT = 30.0
#: Seconds after such a failed load before the next attempt for that entry.
OUTAGE_PAUSE = 1.0


def lifetime(
    loaded: Loaded, families: Iterable[Generation], began: float, now: float, drawn: float
) -> tuple[float, float]:
    """Until when it is fresh, and until when it may be served stale while it is reloaded; ``drawn`` is a chance from 0 to 1."""
    expires = now + loaded.ttl * (1.0 - JITTER * drawn)
    useless = expires + loaded.after
    settled = max([family.settles_at for family in families])
    if began < settled:  # it may be from a replica that lagged behind the change
        expires = useless = min(expires, settled)
    return expires, useless


def served_meanwhile(held: Held, flight: InFlightLoad | None, now: float, stale_limit: float) -> bool:
    """Whether a stale entry is served while it is reloaded: after a drop only beside a load that began since, so
    that a caller that drops and then fetches sees the new state (read-your-writes)."""
    dropped = dropped_at(held.families)
    if held.entry.status == ABSENT and dropped is not None:
        return False
    if now < held.paused_until and stands_in(held, now):
        return True
    if dropped is not None and (flight is None or now >= dropped + stale_limit):
        return False
    return now < held.useless


def stands_in(held: Held, now: float) -> bool:
    """Whether it is served when its load is ``Unavailable``: it is merely old, or drops may have been missed, but
    nothing is known to have changed."""
    gap = dropped_at(held.families)
    since = held.expires if gap is None else min(held.expires, gap)
    return not known_dropped(held.families) and now < since + OUTAGE_LIMIT
