"""Finished answers, kept by what they depend on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import attrs
from zope.interface import Interface


@attrs.frozen(eq=False)
class Entry:
    """A finished answer: body, strong ETag and the headers that go with them; and ``families`` that it was seen to depend
    on only when it was there, such as what it shows. One that is served though something may have changed since has its
    ``age``: seconds since it began to be loaded."""

    body: bytes
    etag: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int = 200
    families: tuple[str, ...] = ()
    age: float | None = None


@attrs.frozen
class CacheState:
    """Since the start of this process: ``hits``, ``misses``, ``stale`` (served while loading anew); now: ``size``
    in entries, ``bytes`` held. Of the misses, ``shared_hits`` were found in a level that processes share, and
    ``shared_misses`` were not."""

    hits: int
    misses: int
    stale: int
    size: int
    bytes: int
    shared_hits: int = 0
    shared_misses: int = 0


class ICache(Interface):
    """Finished answers by canonical request, each depending on families that are dropped whole in O(1)."""

    def peek(key: str) -> Entry | None:
        """A fresh entry of this process, at once, or None. Counts a hit; a None counts nothing."""

    async def fetch(
        key: str,
        families: Sequence[str],
        load: Callable[[], Awaitable[Entry]],
        ttl: float,
        instead: Sequence[str] = (),
        outdated: Callable[[Entry], bool] = lambda entry: False,
    ) -> Entry:
        """The entry, loading it when there is none.

        Single flight: any number of callers for one key make one ``load``. A dropped or expired entry may be served
        while one load runs, for at most the stale limit (under a second after a drop), and tells its age. A load that began before a drop
        of one of its families is given to its callers and not kept. What ``load`` raises reaches every caller that has
        nothing stale to serve; nothing is kept. A drop of one of the entry's own families counts from the beginning of its
        load, like that of ``families``; a level that has to know them all beforehand takes ``instead`` for the entry's own,
        which are never dropped without it. For ``Unavailable`` an entry that is merely old, not known to have
        changed, is stale to serve for some seconds more.

        ``outdated`` tells of an entry whether this caller has seen a later one, of another process. Such an entry is not
        served to it, wherever it was found, but what a ``load`` gives that began after the call; others are none the worse.
        """

    async def drop(families: Sequence[str]) -> None:
        """Make every entry of the families stale, here and, through :class:`ITopics`, in every process; an empty sequence
        drops everything."""

    def drop_here(families: Sequence[str]) -> None:
        """The same without telling the other processes; an empty sequence drops everything."""

    def state() -> CacheState:
        """Counters for the metrics."""
