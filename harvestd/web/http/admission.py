"""Admission control: connection limits in total and per address, from the settings and the process's file descriptors."""

from __future__ import annotations

import resource
from collections import Counter

from twisted.logger import Logger

from harvestd.runtime.shortages import Shortages
from harvestd.settings.table import Settings
from harvestd.web.http.client_address import Proxies, bucket_of

#: Descriptors not for clients: database, accelerators, mail, logs, short-lived ones of libraries.
RESERVE = 200
log = Logger()


#: What one address may have of ``upload_spool``, as a share.
SPOOL_SHARE = 0.25


class Admission:
    """Admission of one Site. ``files`` counts the further descriptors of its connections: bodies spooled to disk, whose bytes are
    ``spooled``."""

    def __init__(self, settings: Settings, proxies: Proxies, shortages: Shortages) -> None:
        self._settings = settings
        self._proxies = proxies
        self._shortages = shortages
        self._most = settings.connections_most
        self._descriptors = float("inf")
        self._open: Counter[str] = Counter()
        self.connections = 0
        self.files = 0
        self.spooled = 0
        self._spooled_of: Counter[str] = Counter()

    def measure(self) -> None:
        """Raise the soft descriptor limit as far as allowed, and stay below it: at the limit every operation fails, not just the next
        connection."""
        wanted = self._most + self._settings.database_pool + RESERVE
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft != resource.RLIM_INFINITY:
            self._descriptors = max(10, soft - self._settings.database_pool - RESERVE)
        if self._descriptors < self._most:
            log.warn(
                "connections_most is {most}, and the process may open {soft} files: {number} connections will be taken; "
                "raise LimitNOFILE (systemd) or ulimit -n to {wanted}, or lower connections_most",
                most=self._most, soft=soft, number=self._descriptors, wanted=wanted,
            )  # fmt: skip

    def refusal(self, host: str) -> str:
        """The name of the shortage for which a connection of ``host`` is refused, or ""."""
        if self.connections >= self._most:
            return "connections"
        if not self.room():
            return "descriptors"
        if self._open[bucket_of(host)] >= self._settings.connections_per_address and not self._exempt(host):
            return "address_connections"
        return ""

    def room(self) -> bool:
        """Whether another descriptor may be used."""
        return self.connections + self.files < self._descriptors

    def spool(self, host: str, size: int) -> bool:
        """Count ``size`` more bytes of bodies on disk of ``host`` (less, if negative); False, and nothing counted, if there is no room."""
        most, group = self._settings.upload_spool, bucket_of(host)
        own = most if self._exempt(host) else most * SPOOL_SHARE
        if size > 0 and (self.spooled + size > most or self._spooled_of[group] + size > own):
            return False
        self.spooled += size
        self._spooled_of[group] += size
        if self._spooled_of[group] <= 0:
            del self._spooled_of[group]
        return True

    def opened(self, host: str) -> None:
        """A connection of ``host`` is open."""
        self.connections += 1
        self._open[bucket_of(host)] += 1

    def closed(self, host: str) -> None:
        """A connection of ``host`` is closed."""
        group = bucket_of(host)
        self.connections -= 1
        self._open[group] -= 1
        if self._open[group] <= 0:
            del self._open[group]

    def _exempt(self, host: str) -> bool:
        """Whether ``host`` is a trusted proxy (or a Unix socket): its connections carry all its clients."""
        return host == "" or self._proxies.trusts(host)
