"""Hashes of passwords at argon2id's least cost, for the tests that do not measure it: a hash of a market takes a tenth of a second of
CPU, and a run of the tests makes tens of thousands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher

from harvestd.market.accounts import passwords

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
#: As a market has it.
REAL = passwords._HASHER
#: In the environment of a program that the tests start: keep the real cost.
VARIABLE = "REAL_HASHES"


@contextmanager
def cheap() -> Iterator[None]:
    """Have passwords hashed cheaply in this process."""
    with _with(CHEAP):
        yield


@contextmanager
def real() -> Iterator[None]:
    """Have passwords hashed as a market does, in the programs that are started meanwhile, too."""
    os.environ[VARIABLE] = "1"
    try:
        with _with(REAL):
            yield
    finally:
        del os.environ[VARIABLE]


@contextmanager
def _with(hasher: PasswordHasher) -> Iterator[None]:
    before, passwords._HASHER = passwords._HASHER, hasher
    passwords._decoy.cache_clear()
    try:
        yield
    finally:
        passwords._HASHER = before
        passwords._decoy.cache_clear()
