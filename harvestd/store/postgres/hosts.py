"""Resolves the host names of a libpq connection without blocking the reactor."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from twisted.internet.threads import deferToThread


async def resolved(reactor: Any, keywords: dict[str, Any], limit: float) -> dict[str, Any]:
    """The keywords with every host name resolved in a thread, within ``limit`` seconds: libpq would block the reactor to do so."""
    if not keywords.get("host") or keywords.get("hostaddr"):
        return keywords
    hosts, addresses, ports = [], [], []
    given = str(keywords["host"]).split(",")
    wanted = str(keywords.get("port") or "").split(",")
    wanted = wanted * len(given) if len(wanted) == 1 else wanted
    for host, port in zip(given, wanted, strict=True):
        for address in await _look_up(reactor, host, limit):
            hosts.append(host)
            addresses.append(address)
            ports.append(port)
    return {**keywords, "host": ",".join(hosts), "hostaddr": ",".join(addresses), "port": ",".join(ports)}


async def _look_up(reactor: Any, host: str, limit: float) -> list[str]:
    if not host or host.startswith(("/", "@")):
        return [""]
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        looking = deferToThread(socket.getaddrinfo, host, None, 0, socket.SOCK_STREAM)
        found = await looking.addTimeout(limit, reactor)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))
