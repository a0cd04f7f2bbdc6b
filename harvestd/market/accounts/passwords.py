"""Password hashing: argon2id, in a bounded thread pool (``hashing.py``), in constant time for unknown and known accounts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError

from harvestd.market.accounts.hashing import Hashing
from harvestd.market.accounts.password_rules import normal
from harvestd.runtime.fair_turns import Place
from harvestd.web.context import RequestContext
from harvestd.web.http.client_address import bucket_of

# RFC 9106, 4: the second recommended option (64 MiB, 3 passes, 4 lanes). Once it is raised, whoever signs in is given a new hash.
_HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)
#: Two at once: each takes 64 MiB and a core, and a burst of sign-ins must not starve the rest.
_HASHING = Hashing(2)
#: The queue place of a command, which competes with no one.
NOBODY = Place()
#: Letters; a shorter word never makes up most of a password, whatever surrounds it.
SHORTEST = 4


class Words:
    """A set of words without line feeds, in a tenth of the memory of Python's own; a lookup takes about 20 µs."""

    def __init__(self, words: Iterable[str]) -> None:
        self._text = "\n".join(["", *words, ""]).encode()

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and f"\n{word}\n".encode("utf-8", "surrogatepass") in self._text


@lru_cache(maxsize=1)
def common() -> Words:
    """Passwords that attackers try first (zxcvbn's list, from leaks), which are also the words that they vary.

    Only this one file of that package is loaded, and then released: the rest would take 12 MB for the life of the process."""
    package = find_spec("zxcvbn")
    found = PathFinder.find_spec("frequency_lists", package.submodule_search_locations if package else None)
    if found is None or found.loader is None:
        raise ModuleNotFoundError("zxcvbn has no frequency_lists")
    lists = module_from_spec(found)
    found.loader.exec_module(lists)
    return Words(word for word in lists.FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)


@lru_cache(maxsize=1)
def _decoy() -> str:
    return _HASHER.hash("nobody has this password")


def place(request: RequestContext) -> Place:
    """The caller's place in the queue."""
    shortages, who = request.parts.metrics.shortages, bucket_of(request.address)
    settings = request.parts.settings
    return Place(
        who, request.gone, settings.password_queue, lambda: shortages.tell("passwords", who), settings.password_wait
    )


async def hashed(password: str, where: Place = NOBODY) -> str:
    """The encoded hash to store. ``Overloaded`` if the queue is full or too slow."""
    return await _HASHING.run(where, _HASHER.hash, normal(password))


async def verified(password: str, stored: str | None, where: Place = NOBODY) -> bool:
    """Whether the password matches the stored hash; takes equally long if ``stored`` is None (no such account) or empty (no password).
    ``Overloaded`` if the queue is full or too slow."""
    return await _HASHING.run(where, _verify, normal(password), stored)


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _HASHER.verify(stored or _decoy(), password) and bool(stored)
    except (Argon2Error, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Whether a stored hash costs less than one of today. Those that cost more stay: during an upgrade, processes of two versions
    sign people in."""
    try:
        kept = extract_parameters(stored)
    except InvalidHashError:
        return False
    return kept.memory_cost < _HASHER.memory_cost or kept.time_cost < _HASHER.time_cost
