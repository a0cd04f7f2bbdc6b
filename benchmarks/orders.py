"""Orders of three lines: how many a second, how long each takes, what PostgreSQL is asked for each, and who gets the last five.

harvestd, pgbench and Vendure take turns on one PostgreSQL, each with a database of its own; harvestd and Vendure are one
process each. Afterwards the books must agree.
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any

import msgspec
import psycopg2

from benchmarks import cpu, orders_market, pgbench, vendure_shop
from benchmarks.contest import contest, of, spent
from benchmarks.ground import Ground
from benchmarks.orders_market import BASKETS, LINES, Market
from benchmarks.pgbench import Sample
from benchmarks.rate import Paced, paced
from benchmarks.readers import BEFORE
from benchmarks.results import Figure, Target
from benchmarks.served import Absent, ctl
from benchmarks.statements import heard
from benchmarks.vendure_buyers import FIRST, Server
from benchmarks.vendure_shop import Shop
from servers import wait_until
from tests.queue.processes import LEADING

OURS, LIMIT, VENDURE, ALL = "harvestd", "pgbench", "Vendure", "harvestd with a worker beside"
CLIENTS = 32
#: Buyers who all want one product, each at a connection of their own; and what is compared: an order of one line is of that, or of one of as many.
WHO_WANT_ONE = 64
ONE, SPREAD = "one product", "64 products"
ONE_BASKET, BASKETS_APART = "all the same", "each of their own"
#: Who wants one of the last five; as many are signed in.
WANTING, WANTING_QUICK = 50, 16
#: Connections of pgbench: as many as harvestd keeps by default (``database_pool``).
CONNECTIONS = 8
#: More than any machine takes in the time, so that a closed loop does not run dry.
MOST_A_SECOND = 4000
#: Clients of Vendure: more only wait.
SHOPPERS = 8
#: Seconds that they take at least: an order of theirs takes more than one.
SHOPPING = 5.0
#: Seconds of a round at half of the full load.
HALF, HALF_QUICK = 4.0, 1.0
QUANTITIES: dict[str, Callable[[Paced], float]] = {"p50": lambda each: each.p50, "p99": lambda each: each.p99}
_UNSENT = "select exists (select from outbox where sent_at is null)"
_LEFT = "select exists (select from outbox where sent_at is null) or exists (select from queue_messages)"
#: There is nobody to handle the events of pgbench's orders.
_HANDLED = "with done as (delete from queue_messages) update outbox set sent_at = now() where sent_at is null"
_BASKETS = [[str(FIRST + LINES * n + k) for k in range(LINES)] for n in range(BASKETS)]

NOTES = [
    f"An order has {LINES} lines; {CLIENTS} kept-alive connections place them, for signed-in buyers in turn, of {BASKETS} "
    "baskets without a product in common.",
    "pgbench sends what harvestd was seen to send for such an order, in the same round trips and prepared by name in each "
    f"session, on {CONNECTIONS} connections, as many as harvestd has: the limit. It reads no HTTP and decides nothing.",
    "Nobody relays the events meanwhile, harvestd's no more than pgbench's: with a relay and a worker beside, see below.",
    "CPU is compared as a whole, PostgreSQL's with that of who asks it; pgbench stands in the server's place.",
]
PEER = (
    f"Vendure {vendure_shop.version()}: the six requests of a storefront (three times add, address, shipping method, payment), "
    f"{SHOPPERS} signed-in customers at once, dummy payment settled at once; no tax, no mails; its worker is not running, as "
    "harvestd's is not."
)


def run(ground: Ground) -> list[Figure]:
    """See the module."""
    market = orders_market.market(ground, 1_000 if ground.quick else 10_000, "orders")
    wanting = WANTING_QUICK if ground.quick else WANTING
    samples, statements = orders_market.sampled(market, wanting)
    limit = f"{market.database}_limit"
    ground.postgres.query("postgres", f"create database {limit} template {market.database} strategy file_copy")
    with ExitStack() as stack:
        shop, why = _shop(ground)
        counted = {OURS: _statements(samples)}
        held = stack.enter_context(_unrelayed(market))
        api = stack.enter_context(market.serving())
        contestants: dict[str, Callable[[], Paced]] = {
            OURS: partial(_load, market, api.port, ground.seconds),
        }
        served = {OURS: (market, api.port)}
        if ground.against is not None:
            served[BEFORE] = stack.enter_context(_before(ground, wanting))
            contestants[BEFORE] = partial(_load, *served[BEFORE], ground.seconds)
        contestants[LIMIT] = partial(
            pgbench.run, ground.postgres, limit, samples, statements, ground.seconds, CONNECTIONS
        )
        server = None
        if shop is not None:
            counted[VENDURE] = _statements_of(shop)
            server = stack.enter_context(shop.serving())
            server.sign_in(wanting)
            server.orders(_BASKETS, 2.0, SHOPPERS)
            contestants[VENDURE] = partial(server.orders, _BASKETS, max(SHOPPING, ground.seconds), SHOPPERS)
        contestants[OURS]()  # connections, caches, and statements that are prepared
        found = contest(ground, contestants)
        figures = [
            *_of_peak(found, why),
            _asked(ground, counted, samples),
            _one_product(ground, served),
            _carts(ground, served),
        ]
        held.close()
        ground.say("the relay sends what is left")
        wait_until("every event is sent", lambda: market.query(_UNSENT) == [(False,)], 240)
        half = statistics.median(each.rate for each in found[OURS]) / 2
        said: list[str] = []
        late = _at_half(ground, market, api.port, half, "API alone", said)
        with market.serving("harvest-worker"):
            _drained(ground, market)
            late |= _at_half(ground, market, api.port, half, "a worker beside", said)
            figures.append(_half_load(ground, half, late, said))
            if not ground.quick:
                figures.append(_beside_a_worker(ground, market, api.port))
            figures.append(_last_five(market, api.port, server, wanting))
            _drained(ground, market)
    ground.postgres.query(limit, _HANDLED)
    for url in (market.url, ground.postgres.url(limit)):  # RuntimeError unless the books agree, pgbench's too
        ground.say(ctl(url, "check").strip())
    return figures


@contextmanager
def _unrelayed(market: Market) -> Iterator[Any]:
    """A connection that leads the outbox, and does nothing for it; until it is closed nobody else leads."""
    with closing(psycopg2.connect(market.url)) as connection:
        connection.autocommit = True
        # an earlier revision's leader holds a lock, of which its source has the number
        lock = re.search(r"^LOCK = (\w+)$", (market.source / "harvestd/queue/relay.py").read_text(), re.MULTILINE)
        if lock:
            connection.cursor().execute("select pg_advisory_lock(%s)", (int(lock[1], 0),))
            yield connection
            return
        connection.cursor().execute(LEADING)
        yield connection
        if not connection.closed:
            connection.cursor().execute("delete from leases where name = 'relay'")


@contextmanager
def _before(ground: Ground, wanting: int) -> Iterator[tuple[Market, int]]:
    """The earlier revision, on a market of its own."""
    assert ground.against is not None
    market = orders_market.market(ground, 1_000 if ground.quick else 10_000, "ordersbefore", ground.against)
    with _unrelayed(market), market.serving() as api:
        market.sign_in(api.port, wanting)
        _load(market, api.port, 1.0)
        yield market, api.port


def _shop(ground: Ground) -> tuple[Shop | None, list[str]]:
    if ground.quick:
        return None, ["The quick form leaves Vendure out: filling its shop takes longer than all the rest."]
    try:
        ground.say("filling a Vendure shop")
        return vendure_shop.shop(ground.postgres, 1_000), [PEER]
    except Absent as error:
        return None, [f"Vendure did not take part. {error}."]


def _load(market: Market, port: int, seconds: float) -> Paced:
    """As many orders as the server can take. RuntimeError unless each is accepted."""
    wanted = itertools.islice(market.requests(), round(MOST_A_SECOND * seconds))
    return _all_good(paced(port, wanted, 0, seconds, CLIENTS))


def _one_product(ground: Ground, served: dict[str, tuple[Market, int]]) -> Figure:
    """Everybody wants the strawberries: whoever decides on one row at a time, or commits before the next may, takes them one after the other."""
    contestants: dict[str, Callable[[], Paced]] = {}
    for name, (market, port) in served.items():
        market.sign_in(port, WHO_WANT_ONE)
        lines = [[basket[0]] for basket in market.baskets]
        for what, baskets in ((SPREAD, lines), (ONE, lines[:1])):
            contestants[f"{name}, {what}"] = partial(_load_of, market, port, ground.seconds, baskets)
    found = contest(ground, contestants)
    return Figure(
        name="orders-one-product", title="Orders of one product", unit="orders/s", rounds=of(found, lambda each: each.rate),
        targets=[Target(f"{OURS}, {ONE}", f"{OURS}, {SPREAD}", ratio=0.9)],
        notes=[f"One line an order, {WHO_WANT_ONE} clients at once: all of the one product, or each of one of {BASKETS}."],
    )  # fmt: skip


def _carts(ground: Ground, served: dict[str, tuple[Market, int]]) -> Figure:
    """What a shop's front end sends: each buyer has filled a cart, and all order theirs at once."""
    contestants: dict[str, Callable[[], Paced]] = {}
    for name, (market, port) in served.items():
        market.sign_in(port, WHO_WANT_ONE)
        for what, baskets in ((BASKETS_APART, market.baskets), (ONE_BASKET, market.baskets[:1])):
            contestants[f"{name}, {what}"] = partial(_load_carts, market, port, baskets, 3 if ground.quick else 8)
    found = contest(ground, contestants)
    return Figure(
        name="orders-carts", title="Orders of carts", unit="orders/s", rounds=of(found, lambda each: each.rate), per="order", **spent(found),
        notes=[f"{WHO_WANT_ONE} buyers with {LINES} lines in the cart of each, {BASKETS_APART} or {ONE_BASKET}, order at once, some times a round."],
    )  # fmt: skip


def _load_carts(market: Market, port: int, baskets: list[list[dict[str, str]]], times: int) -> Paced:
    """So often a cart of everybody, filled meanwhile."""
    found = [_all_good(paced(port, market.carts(baskets), 0, 30.0, len(market.tokens))) for _ in range(times)]
    each = [one.spent for one in found if one.spent is not None]
    parts = {part: sum(one.parts.get(part, 0.0) for one in each) for part in each[0].parts}
    together = cpu.Spent(parts, sum(one.requests for one in each), statistics.median(one.client for one in each))
    return msgspec.structs.replace(found[-1], rate=statistics.median(one.rate for one in found), spent=together)


def _load_of(market: Market, port: int, seconds: float, baskets: list[list[dict[str, str]]]) -> Paced:
    wanted = itertools.islice(market.requests(baskets), round(MOST_A_SECOND * seconds))
    return _all_good(paced(port, wanted, 0, seconds, WHO_WANT_ONE))


def _all_good(found: Paced) -> Paced:
    if found.failed:
        raise RuntimeError(f"not every order was accepted: {found.statuses}, {found.unanswered} without an answer")
    return found


def _of_peak(found: dict[str, list[Paced]], why: list[str]) -> list[Figure]:
    latency = {name: rounds for name, rounds in found.items() if name != LIMIT}
    targets = (
        [Target(OURS, BEFORE, ratio=0.97)] * (BEFORE in found)
        + [Target(OURS, LIMIT, ratio=0.5)]
        + [Target(OURS, VENDURE, ratio=60)] * (VENDURE in found)
    )
    orders = Figure(
        name="orders", title="Orders a second", unit="orders/s", rounds=of(found, lambda each: each.rate),
        targets=targets, notes=NOTES + why, per="order", ratio_of="all", **spent(found),
    )  # fmt: skip
    return [orders, *(_latency(name, latency, quantity, why) for name, quantity in QUANTITIES.items())]


def _latency(name: str, found: dict[str, list[Paced]], quantity: Callable[[Paced], float], why: list[str]) -> Figure:
    return Figure(
        name=f"orders-{name}", title=f"An order at full load, {name}", unit="ms", better="less", rounds=of(found, quantity),
        notes=[f"{CLIENTS} clients at once.", *why],
    )  # fmt: skip


def _statements(samples: list[Sample]) -> float:
    return statistics.median(sum(len(trip.statements) for trip in sample.trips) for sample in samples)


def _statements_of(shop: Shop, orders: int = 5) -> float:
    """Of Vendure, an order: all that its process asks meanwhile."""
    with heard(shop.server, shop.database) as log, shop.serving() as server:
        server.sign_in(1)
        server.orders(_BASKETS, 1.0, 1)
        before = len(log.trips)
        for basket in _BASKETS[:orders]:
            server.buyers[0].order(basket)
        return sum(len(trip.statements) for trip in log.trips[before:]) / orders


def _asked(ground: Ground, counted: dict[str, float], samples: list[Sample]) -> Figure:
    trips = statistics.median(len(sample.trips) for sample in samples)
    return Figure(
        name="orders-statements", title="Statements of an order", unit="statements", better="less",
        rounds={name: [count] * ground.rounds for name, count in counted.items()}, targets=[Target(OURS, value=12)],
        notes=[f"By PostgreSQL's log, with BEGIN and COMMIT; harvestd's travel in {trips:g} round trips. Counted once."],
    )  # fmt: skip


def _at_half(
    ground: Ground, market: Market, port: int, half: float, who: str, said: list[str]
) -> dict[str, list[float]]:
    """p50 and p99 at half of the full load, at a constant rate; ``said`` gets what CPU that took."""
    seconds = HALF_QUICK if ground.quick else HALF
    paces = [_all_good(paced(port, market.requests(), half, seconds)) for _ in range(ground.rounds)]
    said.append(f"{who}: {cpu.told([each.spent for each in paces], 'order')}")
    ground.say(f"{who} at {half:.0f} orders/s: p99 " + ", ".join(f"{each.p99:.0f} ms" for each in paces))
    return {f"{who}, {name}": [quantity(each) for each in paces] for name, quantity in QUANTITIES.items()}


def _half_load(ground: Ground, half: float, rounds: dict[str, list[float]], said: list[str]) -> Figure:
    return Figure(
        name="orders-half-load", title="An order at half of the full load", unit="ms", better="less", rounds=rounds,
        targets=[Target("API alone, p99", value=100)],
        notes=[
            f"{half:.0f} orders/s arrive at constant intervals for {HALF_QUICK if ground.quick else HALF:g} s a round, half of "
            "what the API process took without a worker. Counted from when each was due.",
            "First as then; later a worker process also handles their events, on the same cores. That is not half of what the two "
            "can take together (orders a second, a worker handling their events); of half of that see orders at half of the peak.",
            *said,
        ],
    )  # fmt: skip


def _beside_a_worker(ground: Ground, market: Market, port: int) -> Figure:
    """A full load, with a worker that handles the events of the orders meanwhile."""
    loads = [_load(market, port, ground.seconds) for _ in range(ground.rounds)]
    return Figure(
        name="orders-with-worker", title="Orders a second, a worker handling their events", unit="orders/s",
        rounds={ALL: [each.rate for each in loads]}, per="order", **spent({ALL: loads}),
        notes=["API, worker, PostgreSQL and clients share the cores of this machine."],
    )  # fmt: skip


def _drained(ground: Ground, market: Market) -> None:
    ground.say("the worker handles what is left")
    wait_until("every event is handled", lambda: market.query(_LEFT) == [(False,)], 240)


def _last_five(market: Market, port: int, server: Server | None, wanting: int) -> Figure:
    """Counted, not timed."""
    asked = paced(port, market.requests_for_the_last(wanting), 0, 30.0, wanting)
    if asked.statuses != {201: 5, 409: wanting - 5}:
        raise RuntimeError(f"{wanting} buyers of the last five were answered {asked.statuses}")
    sold = {OURS: [float(asked.statuses[201])]}
    notes = [
        f"{wanting} buyers at once, each for one of the last five. harvestd: 5 times 201, {wanting - 5} times 409."
    ]
    if server is not None:
        taken, refused = server.last(wanting)
        sold[VENDURE] = [float(taken)]
        notes.append(
            f"Vendure: each has it in the cart, and all pay at once: {taken} paid for it, {refused} were refused."
        )
    return Figure(
        name="orders-last-five", title="Sold of the last five", unit="sold", better="less", rounds=sold,
        targets=[Target(OURS, value=5)], notes=notes,
    )  # fmt: skip
