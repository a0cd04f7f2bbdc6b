"""The parts of one process: its chosen implementations, by role. Created in ``assembly/parts.py`` alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from harvestd.interfaces import (
    IApiKeys,
    IBlobs,
    IBroker,
    ICache,
    IClassifier,
    IGroups,
    IIssuer,
    ILimiter,
    IMailer,
    IPricing,
    ISearchMisses,
    ISearchRules,
    ISignIns,
    IStoredSearch,
    ITopics,
    IViews,
)
from harvestd.kernel.events import Event
from harvestd.kernel.topology import Topology
from harvestd.process.pictures import Pictures
from harvestd.runtime.health import Health
from harvestd.runtime.lifecycle import Lifecycle
from harvestd.runtime.metrics import Metrics
from harvestd.settings.table import Settings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Reader


@attrs.frozen(eq=False)
class Parts:
    """``now`` returns the market's time in UTC, which ``ahead`` is ahead of the machine's, by a clock that was moved (a sandbox's); ``new_id`` returns a
    fresh UUIDv7 string; handlers take them from here, so that tests can set them. ``reads`` is a replica within the lag limit or the primary; ``control`` the one connection that
    listens and holds advisory locks; ``secret`` signs tokens; ``wake_relay`` tells the outbox relay, wherever it runs,
    that something was committed, and ``due`` wakes the process that runs the periodic task of that name; ``health`` has
    the readiness probes; ``topology`` has the event types and their queues; ``listeners`` are called for what happens
    in a unit of work, in its transaction; ``issuer`` is whose accounts people can sign in with, or None; ``classifier`` looks at
    pictures of products before they are shown, if there is one; ``long_work`` has the kinds of operations, by name; ``search_misses`` counts
    what is searched for and not found, and ``views`` what is looked at, in a process that answers requests; ``clock`` is the market's, ``market_days`` whether it has any day, and ``dues`` are the periodic tasks that know when they have something
    to do, which moving the clock runs; ``committed`` is called with the events of each unit of work that was committed."""

    settings: Settings
    reactor: Any
    lifecycle: Lifecycle
    metrics: Metrics
    database: Database
    reads: Reader
    control: ControlConnection
    topics: ITopics
    cache: ICache
    limiter: ILimiter
    sign_ins: ISignIns
    api_keys: IApiKeys
    groups: IGroups
    pricing: IPricing
    search: IStoredSearch
    search_rules: ISearchRules
    broker: IBroker
    mailer: IMailer
    blobs: IBlobs
    pictures: Pictures
    secret: str
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    wake_relay: Callable[[], None]
    due: Callable[[str], None]
    topology: Topology
    health: Health = attrs.field(factory=Health)
    listeners: Mapping[type, Sequence[Callable[[Any, Any], Awaitable[None]]]] = attrs.field(factory=dict)
    issuer: IIssuer | None = None
    classifier: IClassifier | None = None
    search_misses: ISearchMisses | None = None
    views: IViews | None = None
    long_work: Mapping[str, Any] = attrs.field(factory=dict)
    ahead: Callable[[], timedelta] = timedelta
    clock: Any = None
    market_days: Any = None
    dues: Sequence[Any] = ()
    committed: Callable[[Sequence[Event]], None] = lambda events: None

    def machine_now(self) -> datetime:
        """The time of the machine in UTC: what leases, tokens, keys, limits, mails and the outbox go by."""
        return self.now() - self.ahead()
