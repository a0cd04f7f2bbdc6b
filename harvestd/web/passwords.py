"""Password hashes: argon2id, in threads, a bounded number at once, and as slow for an unknown account as for a known one."""

from __future__ import annotations

from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from twisted.internet.defer import DeferredSemaphore
from twisted.internet.threads import deferToThread

from harvestd.market.accounts import normal_password

# RFC 9106, 4: the second recommended option (64 MiB, 3 passes, 4 lanes).
_HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)
#: So many at once: each takes 64 MiB and a core, and a burst of sign-ins shall not starve the rest.
_AT_ONCE = DeferredSemaphore(2)
#: Characters: no setting allows fewer.
SHORTEST = 8


@lru_cache(maxsize=1)
def common() -> frozenset[str]:
    """Passwords that attackers try first (the list of zxcvbn, from leaked ones), of those that are long enough to be asked for.

    Of that package this one file is read, and let go: the rest of it would hold 12 MB for as long as the process lives."""
    package = find_spec("zxcvbn")
    found = PathFinder.find_spec("frequency_lists", package.submodule_search_locations if package else None)
    if found is None or found.loader is None:
        raise ModuleNotFoundError("zxcvbn has no frequency_lists")
    lists = module_from_spec(found)
    found.loader.exec_module(lists)
    return frozenset(word for word in lists.FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)


@lru_cache(maxsize=1)
def _decoy() -> str:
    return _HASHER.hash("nobody has this password")


async def hashed(password: str) -> str:
    """The encoded hash to store."""
    return await _AT_ONCE.run(deferToThread, _HASHER.hash, normal_password(password))


async def verified(password: str, stored: str | None) -> bool:
    """Whether the password is the one that was stored; takes as long where ``stored`` is None (no such account)."""
    return await _AT_ONCE.run(deferToThread, _verify, normal_password(password), stored)


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _HASHER.verify(stored or _decoy(), password) and stored is not None
    except (Argon2Error, InvalidHashError):
        return False
