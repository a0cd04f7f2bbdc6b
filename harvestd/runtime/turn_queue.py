"""The queue before work that few can do at once: fair between networks, between the addresses of one, and in the end by age.

A network is an IPv4 address, or an IPv6 /48, which one customer may get; its addresses are the /64s. Next is the network that has used least lately,
and of it the address that has; among equal ones whoever waits longest. So whoever comes now and then goes before a crowd that has had its turns.

But fresh networks can be had without end, and each has used nothing. So every other turn is the oldest's, if that has waited for :data:`PATIENCE`
seconds, whatever others have used; after its turn it waits anew. **The bounds**: whoever waits is served ``PATIENCE`` seconds after they came and twice as many
turns as networks waited then, however many come afterwards and however much they have used themselves; and whoever has used least is served in the next turn
but one, however many wait for how long. The same holds between the addresses of a network, by its turns.

When the queue is too long, the network with most in it loses its newest; among equal ones the one with the most use, of which as little as a person
has (:data:`LITTLE`), or what somebody has that has waited for so long, counts as none; and then the newest. So nobody who waits with one thing makes
room for a crowd of newcomers that bring one each.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Generic, TypeVar

import attrs

Item = TypeVar("Item")
#: Seconds after which age counts more than use.
PATIENCE = 2.0
#: Uses, of those that are still counted, that nobody loses a place for.
LITTLE = 4


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The network of an address, or of a /64 by its first one; whatever else is its own."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 48), strict=False)) if found.version == 6 else address


@attrs.define
class _Line(Generic[Item]):
    """What an address waits with; ``since`` it came, or had its last turn."""

    since: float
    items: deque[Item] = attrs.field(factory=deque)


@attrs.define
class _Network(Generic[Item]):
    """``by_age`` whether its last turn was its oldest address's."""

    since: float
    by_age: bool = False
    lines: dict[str, _Line[Item]] = attrs.field(factory=dict)

    def __len__(self) -> int:
        return sum(len(line.items) for line in self.lines.values())


class TurnQueue(Generic[Item]):
    """Each operation looks at each address that waits. ``used(name)`` says how much an address, or a network, has used."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._networks: dict[str, _Network[Item]] = {}
        self._number = 0
        self._by_age = False

    def __len__(self) -> int:
        return self._number

    def push(self, address: str, item: Item) -> None:
        """Append ``item`` for ``address``."""
        now = self._seconds()
        network = self._networks.setdefault(network_of(address), _Network(now))
        network.lines.setdefault(address, _Line(now)).items.append(item)
        self._number += 1

    def pop(self, used: Callable[[str], int], may: Callable[[str], bool] = lambda address: True) -> Item:
        """Remove and return the oldest item of the address whose turn it is, among those that ``may``. Raises ``KeyError`` when there is none."""
        lines = {name: _those(network.lines, may) for name, network in self._networks.items()}
        among = {name: network for name, network in self._networks.items() if lines[name]}
        if not among:
            raise KeyError("nobody waits")
        name, self._by_age = self._next(among, used, not self._by_age)
        network = self._networks.pop(name)  # at the end again, for those that came in the same moment
        address, network.by_age = self._next(lines[name], used, not network.by_age)
        line = network.lines.pop(address)
        item = line.items.popleft()
        network.since = line.since = self._seconds()
        self._put_back(name, network, address, line)
        return item

    def drop(self, used: Callable[[str], int]) -> Item:
        """Remove and return what makes room for the others. Raises ``ValueError`` when empty."""
        name = max(reversed(self._networks), key=lambda name: self._demand(name, self._networks[name], used))
        network = self._networks[name]
        lines = network.lines
        address = max(reversed(lines), key=lambda one: (len(lines[one].items), lines[one].since))
        line = lines[address]
        item = line.items.pop()
        self._put_back(name, network, address, line)
        return item

    def sweep(self, is_over: Callable[[Item], bool]) -> list[Item]:
        """Remove and return all for which there is nothing to do any more."""
        found: list[Item] = []
        for name, network in list(self._networks.items()):
            for address, line in list(network.lines.items()):
                over = [item for item in line.items if is_over(item)]
                for item in over:
                    line.items.remove(item)
                    self._put_back(name, network, address, line)
                found += over
        return found

    def _put_back(self, name: str, network: _Network[Item], address: str, line: _Line[Item]) -> None:
        """After an item was taken: what is empty goes."""
        self._number -= 1
        if line.items:
            network.lines[address] = line
        else:
            network.lines.pop(address, None)
        if network.lines:
            self._networks[name] = network
        else:
            self._networks.pop(name, None)

    def _next(
        self, among: Mapping[str, _Network[Item]] | Mapping[str, _Line[Item]], used: Callable[[str], int], by_age: bool
    ) -> tuple[str, bool]:
        """Whose turn it is, and whether by age."""
        oldest = min(among, key=lambda name: among[name].since)
        if by_age and self._aged(among[oldest].since):
            return oldest, True
        return min(among, key=lambda name: (used(name), among[name].since)), False

    def _demand(self, name: str, network: _Network[Item], used: Callable[[str], int]) -> tuple[int, int, float]:
        return len(network), 0 if self._aged(network.since) else used(name) // LITTLE, network.since

    def _aged(self, since: float) -> bool:
        return self._seconds() - since >= PATIENCE


def _those(lines: Mapping[str, _Line[Item]], may: Callable[[str], bool]) -> dict[str, _Line[Item]]:
    return {address: line for address, line in lines.items() if may(address)}
