"""Who answers reads: harvestd, itself before, and its peers, each one process on the same market."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks import load, rate
from benchmarks.contest import contest
from benchmarks.ground import Ground
from benchmarks.load import Load, LoadError
from benchmarks.served import Absent, Served, harvestd, peer

OURS, BEFORE = "harvestd", "harvestd before"
#: Peers by the name in tables: their folder.
PEERS = {"FastAPI": "fastapi", "Django": "django"}
LISTING = "/api/products?limit=20"

Readers = dict[str, Served]


@contextmanager
def readers(
    ground: Ground, products: int, *, cache: bool, peers: bool = True, compressing: bool = False
) -> Iterator[Readers]:
    """Those that are installed, started, each with its cache or without. harvestd has its defaults but for its limits of
    requests, which are off; it logs each request into a file. ``compressing``: peers do so by their usual middleware."""
    url = ground.market(products)
    settings: dict[str, Any] = {"workers": "auto"} if cache else {"cache_size": 0, "workers": "auto"}
    with ExitStack() as stack:
        found = {OURS: stack.enter_context(harvestd(url, **settings))}
        if ground.against is not None:
            old = ground.market(products, "before", ground.against)
            found[BEFORE] = stack.enter_context(harvestd(old, source=ground.against, **settings))
        for name, folder in PEERS.items() if peers else ():
            try:
                options = (() if cache else ("--no-cache",)) + (("--compress",) if compressing else ())
                served = peer(folder, *options, url=url)
            except Absent as absent:
                ground.say(f"without {name}: {absent}")
                continue
            found[name] = stack.enter_context(served)
        yield found


def warm(served: Served, path: str) -> None:
    """Some hundred requests, before any is counted."""
    rate.paced(served.port, itertools.repeat(rate.request("GET", path), 400), 0, 5, connections=8)


def measured(
    ground: Ground,
    found: Readers,
    paths: dict[str, list[str]],
    finer: int = 1,
    rounds: int = 0,
    headers: Mapping[str, str] | None = None,
) -> dict[str, list[Load]]:
    """All of them in rounds under wrk, each with its own paths in turn. ``finer`` is how many times as many rounds there
    are, each shorter: for ratios near 1, which a passing load of the machine would hide. ``rounds``, where it is not those."""
    for name, served in found.items():
        warm(served, paths[name][0])

    def loaded(name: str) -> Callable[[], Load]:
        return lambda: load.wrk(found[name].port, *paths[name], seconds=ground.seconds / finer, headers=headers)

    return contest(ground, {name: loaded(name) for name in found}, rounds or finer * ground.rounds)


def _differing(ours: Any, theirs: Any, at: str = "") -> str:
    """The first place where two JSON values differ."""
    if type(ours) is type(theirs) and isinstance(ours, dict | list) and len(ours) == len(theirs):
        for name in ours if isinstance(ours, dict) else range(len(ours)):
            if isinstance(ours, dict) and name not in theirs:
                return f"{at}.{name} is not there"
            if ours[name] != theirs[name]:
                return _differing(ours[name], theirs[name], f"{at}.{name}")
    return f"{at or 'all of it'} is {str(theirs)[:200]}, ours {str(ours)[:200]}"


def compared(found: Readers, path: str) -> str:
    """Says how large the answers are; :class:`LoadError` where somebody tells something else than harvestd of our market.
    Cursors have each their own form; the market of an earlier revision has ids of its own."""
    bodies = {name: load.body(served.port, path) for name, served in found.items()}
    for name, body in bodies.items():
        if name != BEFORE and _told(body) != _told(bodies[OURS]):
            raise LoadError(
                f"{name} answers GET {path} otherwise than harvestd: {_differing(_told(bodies[OURS]), _told(body))}"
            )
    sizes = ", ".join(f"{name} {len(body):,}" for name, body in bodies.items())
    if load.alike(list(bodies.values())):
        return f"All answer with the same {len(bodies[OURS]):,} bytes."
    return f"All answer with the same JSON, but for the text of cursors; bytes: {sizes}."


def _told(body: bytes) -> Any:
    told = json.loads(body)
    return {**told, "next": bool(told.get("next"))}
