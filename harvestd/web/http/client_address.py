"""The client's address: the peer's, or the one that a trusted proxy forwards."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Maximum hops read from X-Forwarded-For; more suggest an attack.
_HOPS = 32
#: The client where a proxy forwards no readable address: deliberately not an address, so neither the proxy's nor loopback.
NOBODY = "unknown"
#: An address as proxies write it, with or without a port (RFC 7239, 6): ``192.0.2.1:4711``, ``[2001:db8::1]:4711``.
_HOP = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})")


def parse_networks(names: Sequence[str]) -> tuple[Network, ...]:
    """Parse the setting ``trusted_proxies``; raises ``ValueError`` with its name and the fix."""
    try:
        return tuple(ipaddress.ip_network(name.strip(), strict=False) for name in names if name.strip())
    except ValueError as error:
        raise ValueError(f"trusted_proxies: {error}; write networks such as 127.0.0.1/32 or 10.0.0.0/8") from error


class Proxies:
    """The proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are trusted. Those of other peers are ignored."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def trusts(self, host: str) -> bool:
        """Whether ``host`` is one of them."""
        address = _parsed(host) if self._networks else None
        return address is not None and any(address in network for network in self._networks)

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The client's address: the rightmost in ``forwarded`` (the header's values) that is not a trusted proxy's.

        Everything further left may be forged by the client. If the walk meets something other than an address (``unknown``,
        ``_hidden``, an empty hop), the client is :data:`NOBODY`.
        """
        if not self.trusts(peer):
            return peer
        client = NOBODY
        hops = [hop.strip() for value in forwarded for hop in value.split(",")]
        for hop in reversed(hops[-_HOPS:]):
            found = _HOP.fullmatch(hop)
            address = _parsed(found[1] or found[2] or found[3]) if found else None
            client = NOBODY if address is None else str(address)
            if not self.trusts(client):
                break
        return client


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine (or a Unix socket, which only this machine can reach)."""
    address = _parsed(host)
    return host == "" or (address is not None and address.is_loopback)


@lru_cache(maxsize=4096)
def bucket_of(host: str) -> str:
    """The key of a per-address limit: the IPv4 address, or the /64 that one IPv6 customer gets."""
    address = _parsed(host)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return host


@lru_cache(maxsize=4096)
def _parsed(host: str) -> Address | None:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address
