"""What has two implementations that somebody runs, with its contract. A conformance suite in ``tests/contracts`` runs against each.

Methods that are ``async def`` are coroutines on the reactor; none blocks it. "Never raises" means for faults of the
thing behind the interface: a cache that is away is a miss, not an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import attrs
from zope.interface import Attribute, Interface

from harvestd.market.errors import Unavailable

# --- messages ------------------------------------------------------------------------------------------------------


@attrs.frozen
class Message:
    """What goes into a broker. ``type`` is the routing key; ``id`` (a UUID) stays the same over every redelivery."""

    id: str
    type: str
    body: bytes


@attrs.frozen
class Delivery:
    """What comes out. ``attempts`` counts the earlier tries (0 at the first)."""

    message: Message
    queue: str
    attempts: int


@attrs.frozen
class Acked:
    """It is done."""


@attrs.frozen
class Retried:
    """Not now; ``cause`` says why. After the last delay it goes to the dead letters."""

    cause: str


@attrs.frozen
class Dropped:
    """Never; straight to the dead letters."""

    cause: str


Outcome = Acked | Retried | Dropped
Receive = Callable[[Sequence[Delivery]], Awaitable[Sequence[Outcome]]]


@attrs.frozen
class DeadLetter:
    """A message that was given up. ``id`` is the broker's own name for it, to replay or discard it by."""

    id: str
    queue: str
    message: Message
    attempts: int
    cause: str
    died_at: datetime


@attrs.frozen
class QueueState:
    """``ready`` wait to be taken, ``delayed`` for their next try, ``unacknowledged`` are in hand."""

    name: str
    ready: int
    delayed: int
    unacknowledged: int
    dead: int
    consumers: int


class ISubscription(Interface):
    """One consumer of one queue."""

    consuming = Attribute("Whether messages would be received now (bool).")

    async def stop() -> None:
        """Take no more, wait for what is in hand to be settled, and hand the rest back."""


class IBroker(Interface):
    """Durable queues by topic. At least once: a message is received again until it is acknowledged or dead."""

    async def start() -> None:
        """Connect and declare the topology; returns when usable or after a bounded wait, retrying behind."""

    async def stop() -> None:
        """Stop every subscription, then disconnect."""

    async def publish(messages: Sequence[Message]) -> Sequence[str]:
        """Put each message into every queue that binds its type; returns the ids that are now safely held.

        A message that no queue binds is held too (there is nobody to tell). What is not in the answer was not
        confirmed and must be published again. Raises ``Unavailable`` when the broker is out of reach.
        """

    async def consume(queue: str, prefetch: int, receive: Receive) -> ISubscription:
        """Receive the queue's messages in batches of up to ``prefetch``, one batch at a time.

        ``receive`` answers one outcome for each delivery, in order. If it raises, or the process dies, the whole batch
        is received again.
        """

    async def states() -> Sequence[QueueState]:
        """The state of every queue in the topology."""

    async def dead(queue: str, limit: int = 100) -> Sequence[DeadLetter]:
        """The oldest dead letters of a queue."""

    async def replay(queue: str, id: str) -> bool:
        """Put a dead letter back into its own queue alone, with no attempts counted; False if it is not there."""

    async def discard(queue: str, id: str) -> bool:
        """Delete a dead letter; False if it is not there."""


# --- cache ---------------------------------------------------------------------------------------------------------


@attrs.frozen(eq=False)
class Entry:
    """A finished answer: body, strong ETag and the headers that go with them."""

    body: bytes
    etag: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int = 200


@attrs.frozen
class CacheState:
    """Since the start of this process: ``hits``, ``misses``, ``stale`` (served while loading anew); now: ``size``
    in entries, ``bytes`` held."""

    hits: int
    misses: int
    stale: int
    size: int
    bytes: int


class ICache(Interface):
    """Finished answers by canonical request, each depending on families that are dropped whole in O(1)."""

    def peek(key: str) -> Entry | None:
        """A fresh entry of this process, at once, or None. Counts a hit; a None counts nothing."""

    async def fetch(key: str, families: Sequence[str], load: Callable[[], Awaitable[Entry]], ttl: float) -> Entry:
        """The entry, loading it when there is none.

        Single flight: any number of callers for one key make one ``load``. A dropped or expired entry may be served
        while one load runs, for at most the stale limit (under a second after a drop). A load that began before a drop
        of one of its families is given to its callers and not kept. What ``load`` raises reaches every caller that has
        nothing stale to serve; nothing is kept. For ``Unavailable`` an entry that is merely old, not known to have
        changed, is stale to serve for some seconds more.
        """

    async def drop(families: Sequence[str]) -> None:
        """Make every entry of the families stale, here and, through :class:`ITopics`, in every process; an empty sequence
        drops everything."""

    def drop_here(families: Sequence[str]) -> None:
        """The same in this process alone; an empty sequence drops everything."""

    def state() -> CacheState:
        """Counters for the metrics."""


class ITopics(Interface):
    """Publish and subscribe between processes, without durability: who is away misses it, and is told so."""

    async def publish(channel: str, payload: str) -> None:
        """Send to whoever listens now. ``payload`` is UTF-8 of at most 7,000 bytes. Never raises."""

    def subscribe(channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        """Call ``receive`` with each payload, ``gap`` whenever some may have been missed. Answers the unsubscribe."""


@attrs.frozen
class Allowance:
    """The answer of a limiter: ``remaining`` requests now, ``reset`` seconds until all of them are back,
    ``retry_after`` seconds until the next one is allowed (0 when this one is)."""

    allowed: bool
    remaining: int
    reset: float
    retry_after: float


class ILimiter(Interface):
    """Rate limits, by the generic cell rate algorithm: ``limit`` requests in ``period`` seconds, spread or in one burst."""

    async def hit(key: str, limit: int, period: float) -> Allowance:
        """Count one request. Never raises."""


# --- search --------------------------------------------------------------------------------------------------------


@attrs.frozen
class Document:
    """One thing that can be found. ``version`` only grows: an older one never replaces a newer one.

    ``body`` is the JSON object that the answer shows for it; the other fields are what is matched, counted and sorted.
    ``removed`` documents are tombstones.
    """

    kind: str
    id: str
    version: int
    title: str
    text: str = ""
    farm: str | None = None
    farm_name: str = ""
    category: str | None = None
    category_name: str = ""
    tags: tuple[str, ...] = ()
    unit: str | None = None
    price: int | None = None
    in_stock: bool = False
    season_from: str | None = None
    season_to: str | None = None
    popularity: float = 0.0
    latitude: float | None = None
    longitude: float | None = None
    fresh_at: datetime | None = None
    body: dict[str, Any] = attrs.field(factory=dict)
    removed: bool = False


@attrs.frozen
class Search:
    """A question. ``farm`` and ``category`` are slugs, prices in minor units, ``near`` is (latitude, longitude) in
    degrees, ``radius`` in km; ``after`` is the cursor of an earlier page."""

    text: str = ""
    category: str | None = None
    farm: str | None = None
    tag: str | None = None
    unit: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False
    in_season: bool = False
    today: str = ""
    near: tuple[float, float] | None = None
    radius: float | None = None
    limit: int = 20
    after: str | None = None


@attrs.frozen
class Hit:
    """One document found: its ``body``, a ``score``, and ``highlight`` (HTML-escaped, matches in ``<em>``)."""

    id: str
    kind: str
    score: float
    body: dict[str, Any]
    highlight: dict[str, str]
    distance_km: float | None = None


@attrs.frozen
class Facet:
    """One value of a facet and how many of the hits have it. For ``price``, ``value`` is ``"<from>-<to>"``."""

    value: str
    count: int


@attrs.frozen
class Found:
    """A page of hits; ``facets`` by name (category, farm, tag, price, unit); ``next`` a cursor or None."""

    hits: tuple[Hit, ...]
    facets: dict[str, tuple[Facet, ...]]
    total: int
    next: str | None
    degraded: bool = False


@attrs.frozen
class Suggestion:
    """``kind`` is product, farm or category."""

    text: str
    kind: str
    slug: str


class ISearch(Interface):
    """Full text over products: stems, typing errors, facets, prefixes."""

    async def index(documents: Sequence[Document]) -> None:
        """Store each document whose version is newer than the one held. Raises ``Unavailable``."""

    async def search(question: Search) -> Found:
        """Ranked by relevance, freshness, rating and distance. Bad cursors raise ``Invalid``."""

    async def suggest(prefix: str, limit: int = 10) -> Sequence[Suggestion]:
        """Titles, farms and categories by prefix, without regard to case."""

    async def rebuild(
        documents: Callable[[str | None, int], Awaitable[Sequence[Document]]], progress: Callable[[int], None]
    ) -> int:
        """Build anew from pages of ``documents(after_id, size)``, answering searches all the while; returns the count."""


# --- mail ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class Mail:
    """A text mail. ``key`` is stable over retries, and becomes the Message-ID."""

    key: str
    recipient: str
    subject: str
    body: str


class IMailer(Interface):
    """Hands mail over. Sending one key twice should leave one mail where that can be had (a folder), and two mails of
    one Message-ID where it cannot (SMTP)."""

    async def send(mail: Mail) -> None:
        """Raises ``Unavailable`` for what may pass, its child ``Away`` when no mail could be taken now, and ``Refused``
        for what will not pass."""


class Refused(Exception):
    """The other side said no for good; the text says why."""


class Away(Unavailable):
    """Nobody is there to take anything: it says nothing about what was to be handed over."""
