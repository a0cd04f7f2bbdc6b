"""How long listings and orders take at half of what the machine can do, a minute in all, with a worker beside.

The peak is that of the whole arrangement: an API process, a worker, PostgreSQL and whoever sends share the machine's cores. Then
requests come at a constant rate, half of that, whether or not those before were answered, and count from when they were due.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks import orders_market, rate
from benchmarks.cpu import Meter, told
from benchmarks.ground import Ground
from benchmarks.machine import Steal
from benchmarks.orders_market import Market
from benchmarks.rate import Paced, paced
from benchmarks.results import Figure, Target
from benchmarks.served import Served, harvestd
from tests.faults.mix import lookups

#: Addresses of listings by falling popularity: these first, then each with a lowest price, of which nobody has asked yet.
FIRST = (
    "", "?sort=popular", "?sort=price", "?in_stock=true", "?sort=rating", "?sort=-price", "?limit=48", "?in_season=true",
    "?sort=popular&in_stock=true", "?sort=price&in_stock=true",
)  # fmt: skip
ADDRESSES = 5_000
CLIENTS, BUYERS = 32, 16
#: More than any machine takes in a second.
MOST_LISTINGS, MOST_ORDERS = 20_000, 4_000
#: Of the requests while listings are measured, how many are orders, which drop what they make stale.
WRITTEN = 0.01
#: Seconds for which a callback may hold the reactor without being reported.
PAUSE = 0.05
LIMITS = {"listings": 50.0, "orders": 100.0}


def run(ground: Ground) -> list[Figure]:
    """See the module."""
    market = orders_market.market(ground, 1_000 if ground.quick else 10_000, "steady")
    with _serving(market, "harvest-api") as api, _serving(market, "harvest-worker"):
        market.sign_in(api.port, BUYERS)
        listings = _listings(ground, market, api)
        return [listings] if ground.quick else [listings, _orders(ground, market, api)]  # see orders-half-load


def _serving(market: Market, plugin: str) -> Served:
    return harvestd(
        market.url, plugin=plugin, cores=None, access_token_ttl=86400, token_secret="of this benchmark " * 2,
        debug_slow_callback=PAUSE,
    )  # fmt: skip


def _listings(ground: Ground, market: Market, api: Served) -> Figure:
    draw = random.Random(1)
    addresses = [f"/api/products{path}" for path in FIRST]
    addresses += [f"/api/products?min_price={n}&sort=price" for n in range(1, ADDRESSES - len(addresses) + 1)]
    weights = list(itertools.accumulate(1 / (place + 1) for place in range(len(addresses))))
    requests = [rate.request("GET", address) for address in addresses]

    def drawn(number: int) -> list[bytes]:
        return draw.choices(requests, cum_weights=weights, k=number)

    def load(per_second: float, seconds: float) -> Paced:
        if not per_second:  # as they come: one request in a hundred is an order
            orders = market.requests()
            many = drawn(int(MOST_LISTINGS * seconds))
            many[:: round(1 / WRITTEN)] = itertools.islice(orders, len(many[:: round(1 / WRITTEN)]))
            return paced(api.port, many, 0, seconds, CLIENTS)
        with ThreadPoolExecutor(1) as pool:  # apart, so that an order's time is not taken for a listing's
            writes = pool.submit(paced, api.port, market.requests(), WRITTEN * per_second, seconds, 4)
            found = paced(api.port, drawn(int(per_second * seconds)), per_second, seconds, CLIENTS)
            _good(writes.result())
        return found

    return _half(ground, api, "listings", load)


def _orders(ground: Ground, market: Market, api: Served) -> Figure:
    def load(per_second: float, seconds: float) -> Paced:
        most = int((per_second or MOST_ORDERS) * seconds)
        return paced(api.port, itertools.islice(market.requests(), most), per_second, seconds, CLIENTS)

    return _half(ground, api, "orders", load)


def _half(ground: Ground, api: Served, what: str, load: Callable[[float, float], Paced]) -> Figure:
    """Find the peak, then load with half of it, round after round."""
    seconds = 1.5 if ground.quick else 60.0 / ground.rounds
    load(0, ground.seconds)  # connections, statements that are prepared, what is asked for most
    peak = _good(load(0, 1.5 if ground.quick else 4.0)).rate
    steal, before, pauses = Steal(), lookups([api.port]), len(_pauses(api))
    ground.say(f"{what}: {peak:.0f}/s at most; now {peak / 2:.0f}/s for {seconds:.0f} s, {ground.rounds} times")
    meter = Meter([api.port])
    found = [_good(load(peak / 2, seconds)) for _ in range(ground.rounds)]
    client = max(each.client for each in found)
    orders = 1 + WRITTEN * (what == "listings")
    costs = meter.spent(round(orders * sum(sum(each.statuses.values()) for each in found)), client)
    asked = lookups([api.port]).since(before)
    held = _pauses(api)[pauses:]
    for line in held:
        ground.say(line[-300:])
    notes = [
        f"At {peak / 2:.0f} a second, half of {peak:.0f}, for {seconds:.0f} s a round; an API process, a worker, PostgreSQL and the "
        "sender share the machine. From when a request was due.",
        f"Callbacks that held the reactor for more than {PAUSE * 1000:.0f} ms: {len(held)}. "
        f"The host gave {steal.percent():.1f} % of the machine's time to others meanwhile.",
        told([costs]),
    ]
    if what == "listings":
        notes.append(f"{asked.near:.0%} of them came from the cache; one request in a hundred was an order.")
    return Figure(
        name=f"steady-{what}", title=f"{what.capitalize()} at half of the peak", unit="ms", better="less",
        rounds={
            "p50": [each.p50 for each in found], "p99": [each.p99 for each in found],
            "p99.9": [each.p999 for each in found], "slowest": [each.worst for each in found],
        },
        targets=[Target("p99", value=LIMITS[what])], notes=notes,
    )  # fmt: skip


def _pauses(api: Served) -> list[str]:
    lines = (api.folder / "log").read_text(errors="replace").splitlines()
    return [line for line in lines if "held the reactor" in line]


def _good(found: Paced) -> Paced:
    if found.failed:
        raise RuntimeError(
            f"not every request was answered well: {found.statuses}, {found.unanswered} without an answer"
        )
    return found
