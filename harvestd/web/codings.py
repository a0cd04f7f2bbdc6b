"""Compressed variants of public responses (RFC 9110, 8.4 and 12.5.3): each is made once, off the hot path, and kept beside the response.

A variant is a representation of its own, with its own strong ETag: the response's, and the coding's name. Until it is made, the response is sent
as it is. Only what everybody may read is compressed: the length of somebody's secret compressed together with an attacker's words would tell
of it (BREACH).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import brotli
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from harvestd.interfaces import Coded, Entry, ICache
from harvestd.web.conditional import coded_tag

#: Smaller responses fit into one packet anyway.
LEAST = 512
#: Variants in the making at once; more are made on a later hit.
AT_ONCE = 2


def _gzip(body: bytes) -> bytes:
    work = zlib.compressobj(6, wbits=31)
    return work.compress(body) + work.flush()


#: The weight of a coding, without blanks; none is 1.
_WEIGHT = re.compile(r"(?:q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?")
#: The codings, the best first.
CODERS: dict[str, Callable[[bytes], bytes]] = {"br": partial(brotli.compress, quality=5), "gzip": _gzip}


@lru_cache(maxsize=256)
def wanted(accept_encoding: str) -> str:
    """The coding that a client prefers by its ``Accept-Encoding`` (RFC 9110, 12.5.3), of equals the best; empty: none, or it would rather have the
    response as it is. ``*`` alone takes any, but names none: nobody who sends it says that they can read it. What is malformed is not taken."""
    weights: dict[str, float] = {}
    for one in accept_encoding.lower().split(","):
        name, _, quality = one.partition(";")
        found = _WEIGHT.fullmatch("".join(quality.split()))
        weight = 0.0 if found is None else float(found[1] or 1)
        weights[name.strip()] = min(weight, weights.get(name.strip(), weight))
    best = max(CODERS, key=lambda coding: weights.get(coding, 0.0))  # the first of equals
    weight = weights.get(best, 0.0)
    return best if weight and weight >= weights.get("identity", 0.0) else ""


class Codings:
    """Finds variants of the cache's entries, and has those made that are missing."""

    log = Logger()

    def __init__(self, cache: ICache) -> None:
        self._cache = cache
        self._making = 0

    def of(self, key: str, entry: Entry, accept_encoding: str) -> Coded | None:
        """The variant of the entry ``key`` for a client; None: send the entry as it is."""
        coding = wanted(accept_encoding) if accept_encoding else ""
        if not coding:
            return None
        found = entry.codings.get(coding)
        if found is None and coding not in entry.codings:
            self._begin(key, entry, coding)
        return found

    def _begin(self, key: str, entry: Entry, coding: str) -> None:
        if entry.status != 200 or len(entry.body) < LEAST:
            entry.codings[coding] = None
        elif self._making < AT_ONCE:
            self._making += 1
            entry.codings[coding] = None
            made = deferToThread(CODERS[coding], entry.body)
            made.addBoth(self._ended).addCallback(self._keep, key, entry, coding)
            made.addErrback(lambda failure: self.log.failure("compressing failed", failure=failure))

    def _ended(self, result: Any) -> Any:
        self._making -= 1
        return result

    def _keep(self, body: bytes, key: str, entry: Entry, coding: str) -> None:
        """Unless it is no smaller: pictures, and the like."""
        if len(body) < len(entry.body):
            entry.codings[coding] = Coded(coding, body, coded_tag(entry.etag, coding))
            self._cache.grown(key, entry, len(body))
