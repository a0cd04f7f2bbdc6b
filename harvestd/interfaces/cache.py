"""A cache of finished responses, invalidated by their dependencies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import attrs
from zope.interface import Interface


@attrs.frozen(eq=False)
class Coded:
    """A compressed variant of a response: its content coding, body and strong ETag."""

    coding: str
    body: bytes
    etag: str


@attrs.frozen(eq=False)
class Entry:
    """A finished response: body, strong ETag and their headers; and the ``families`` known only after loading, such as the items
    it shows. ``states`` are of things that it shows, by their families, each a text that is another one when the thing is; ``ended`` is how many transactions had
    ended when they were read: of two entries it tells which has the later state. An entry served possibly stale has its ``age``: seconds since its load began. ``codings`` are its compressed variants as they
    are made, in this process alone; None for one that is being made, or not worth it. One of status 404 says that there is nothing at an address
    (``body`` is why): such absences live shortly, in a share of the cache of their own."""

    body: bytes
    etag: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int = 200
    families: tuple[str, ...] = ()
    age: float | None = None
    codings: dict[str, Coded | None] = attrs.field(factory=dict)
    states: tuple[tuple[str, str], ...] = ()
    ended: int | None = None


@attrs.frozen
class CacheState:
    """Since the start of this process: ``hits``, ``misses``, ``stale`` (stale-while-revalidate); currently: ``size``
    in entries, ``bytes`` held, ``absent`` of the entries are absences, which answered ``absences`` of the hits; ``evicted`` is how many entries had to go for others. Of the misses, ``shared_hits`` were found in a cache level shared by processes, and
    ``shared_misses`` were not."""

    hits: int
    misses: int
    stale: int
    size: int
    bytes: int
    shared_hits: int = 0
    shared_misses: int = 0
    absent: int = 0
    absences: int = 0
    evicted: int = 0


class ICache(Interface):
    """Finished responses by canonical request, each depending on families that are invalidated in O(1)."""

    def peek(key: str) -> Entry | None:
        """A fresh entry from this process, synchronously, or None. Counts a hit; a None counts nothing."""

    def last(key: str) -> Entry | None:
        """The entry that this process has, fresh or not, for comparison alone; None if it has none. Counts nothing."""

    async def fetch(
        key: str,
        families: Sequence[str],
        load: Callable[[], Awaitable[Entry]],
        ttl: float,
        instead: Sequence[str] = (),
        outdated: Callable[[Entry], bool] = lambda entry: False,
    ) -> Entry:
        """The entry, loaded if there is none.

        Single flight, against cache stampedes: concurrent callers for one key share one ``load``. Stale-while-revalidate: a
        dropped or expired entry may be served while a load runs, for at most the stale limit (under a second after a drop), with
        its age. A load that began before a drop of one of its families is returned to its callers but not stored. An exception of
        ``load`` reaches every caller without a stale entry; nothing is stored. A drop of one of the entry's own families counts from
        the start of its load, like that of ``families``; a cache level that must know all families beforehand uses ``instead`` for
        the entry's own, which are never dropped without it. On ``Unavailable``, an expired entry that is not known to have
        changed may be served stale for some more seconds (stale-if-error).

        ``outdated`` tells whether this caller has seen a later version of an entry, from another process. Such an entry, from any
        cache level, is not served to this caller, but the result of a ``load`` begun after the call; other callers are unaffected.
        """

    def grown(key: str, entry: Entry, size: int) -> None:
        """Count so many bytes more for an entry, if it is still held."""

    async def drop(families: Sequence[str]) -> None:
        """Invalidate every entry of the families, here and, through :class:`ITopics`, in every process; an empty sequence
        drops everything."""

    def drop_here(families: Sequence[str]) -> None:
        """The same, without notifying other processes; an empty sequence drops everything."""

    def state() -> CacheState:
        """Counters for the metrics."""
