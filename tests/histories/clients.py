"""Clients that all want the same few things at once of processes that die, and what each of them was told: the histories of products and windows.

Everybody is at one stall, and goes on to the next when it has had its share of requests: so each history is short, and nothing in it is alone.
"""

from __future__ import annotations

import http.client
import itertools
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from tests.daemons import Daemon, connect, exchange, register
from tests.faults.market import Market
from tests.histories.linearizability import NEVER, Operation
from tests.histories.pools import Kind, Load, Pool, Said, Told
from tests.market.days.calendar import body, delivery

#: Of each stall: its products and how much there is of each, its windows with what they hold (the last holds everything, so that its day is never full), its buyers.
PRODUCTS, STOCK, BUYERS = 2, 5, 3
CAPACITIES: tuple[dict[str, Any], ...] = (
    {"orders": 3},
    {"crates": 4},
    {"weight_kg": "7"},
    {"orders": 4, "weight_kg": "9"},
)
#: What a piece weighs and what fills a crate, in grams.
SETTINGS: dict[str, Any] = {"piece_weight": 1000, "crate_weight": 2000, "stop_grace": 0.2}
#: More than anybody takes.
ENOUGH = 10**9
#: Requests at a stall, and how often each kind of them.
AT_ONE = 70
KINDS: Mapping[Kind, int] = {
    "place": 28, "hold": 12, "order held": 12, "cancel": 16, "amend": 14, "restock": 6, "quote": 8,
}  # fmt: skip
#: Where a process dies that is not killed from outside, and the hit at which it does at the latest.
POINTS = ("transaction.before_commit", "transaction.after_commit", "write.before_answer", "order.before_commit")
LAST_HIT = 40
#: Seconds for which a request whose outcome is not known is sent again, with the same key.
PATIENCE = 20.0

_names = itertools.count(1)
_LEFT = "select id::text, (stock - reserved)::int from products"
_TAKEN = "select id::text, taken_orders, taken_crates, taken_grams from windows"


@attrs.frozen
class Window:
    """``holds`` is what there is of it in each measure."""

    id: str
    holds: Load


@attrs.define
class Stall:
    """Where things are few. The ``asker`` only asks what things cost; ``orders`` are known to all, with their buyers, windows and lines; ``quotes`` are held, with their buyers, windows and pieces."""

    farmer: str
    products: Sequence[str]
    windows: Sequence[Window]
    buyers: Sequence[str]
    asker: str
    orders: dict[str, tuple[str, str, dict[str, str]]] = attrs.field(factory=dict)
    quotes: dict[str, tuple[str, str, dict[str, int]]] = attrs.field(factory=dict)


def stalls(shop: Market, number: int) -> list[Stall]:
    """So many stalls of a market, each with a day of its own."""
    farmer, farm = register(shop.api.port, "farmer0", "farmer", "Farm 0")[0], connect(shop.api.port)
    manager = register(shop.api.port, "manager0")[0]
    shop.query("update users set role = 'manager' where username = 'manager0'")
    shop.populate((), farms=0, buyers=number * (BUYERS + 1))
    buyers, now = iter(shop.buyers), datetime.now(UTC)

    def made(who: str, path: str, given: Any) -> Any:
        status, answer, _ = exchange(farm, "POST", path, given, {"Authorization": f"Bearer {who}"})
        assert status == 201, answer
        return answer

    found = []
    for n in range(number):
        products = [
            made(farmer, "/api/products", {"title": f"Good {n} {i}", "unit": "each", "price": 100, "stock": STOCK})[
                "id"
            ]
            for i in range(PRODUCTS)
        ]
        capacities = [CAPACITIES[(2 * n + i) % len(CAPACITIES)] for i in range(2)]
        windows = [delivery(now, capacity=one) for one in capacities] + [delivery(now)]
        day = made(manager, "/api/market-days", body(now - timedelta(hours=2), windows=windows))
        given = zip(day["windows"], [*capacities, {}], strict=True)
        own = [Window(one["id"], _holds(capacity)) for one, capacity in given]
        found.append(Stall(farmer, products, own, [next(buyers) for _ in range(BUYERS)], next(buyers)))
    farm.close()
    return found


def _holds(capacity: Mapping[str, Any]) -> Load:
    grams = 1000 * int(capacity.get("weight_kg", ENOUGH // 1000))
    return capacity.get("orders", ENOUGH), capacity.get("crates", ENOUGH), grams


def load(pieces: int) -> Load:
    """What an order of so many pieces takes of a window."""
    return 1, -(-pieces // 2), 1000 * pieces


class Lost(Exception):
    """There was no answer."""


@attrs.define
class Clients:
    """``number`` threads at the stalls, one after the other, and one that kills the market's api processes meanwhile. ``operations`` are by the pool that they are of."""

    shop: Market
    stalls: Sequence[Stall]
    seed: int
    number: int = 8
    pause: tuple[float, float] = (0.1, 0.8)
    holds_take_places: bool = False
    operations: dict[str, list[Operation[Said]]] = attrs.field(factory=lambda: defaultdict(list))
    wrong: list[str] = attrs.field(factory=list)
    lost: int = 0
    deaths: int = 0
    _taken: Iterator[int] = attrs.field(factory=itertools.count)
    _over: threading.Event = attrs.field(factory=threading.Event)

    def run(self) -> None:
        """All of it; AssertionError if anybody still waits at the end."""
        threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(self.number)]
        killer = threading.Thread(target=self._kill, daemon=True)
        for thread in [*threads, killer]:
            thread.start()
        for thread in threads:
            thread.join(900)
            assert not thread.is_alive(), "a client still waits for an answer"
        self._over.set()
        killer.join(60)
        assert not killer.is_alive(), "a process does not come up again"

    def look(self) -> None:
        """What is left of everything, now that nobody does anything."""
        left = {id: (available,) for id, available in self.shop.query(_LEFT)}
        taken = {id: taken for id, *taken in self.shop.query(_TAKEN)}
        for window in (one for stall in self.stalls for one in stall.windows):
            left[window.id] = tuple(most - one for most, one in zip(window.holds, taken[window.id], strict=True))
        now = time.monotonic()
        for pool, load in left.items():
            self.operations[pool].append(Operation(now, now, Said(kind="look", told="done", load=load)))

    def histories(self) -> dict[str, tuple[Pool, Sequence[Operation[Said]]]]:
        """What each product and window was, and what was done with it."""
        pools = {product: Pool((STOCK,)) for stall in self.stalls for product in stall.products}
        pools |= {window.id: Pool(window.holds) for stall in self.stalls for window in stall.windows}
        return {id: (pool, self.operations[id]) for id, pool in pools.items()}

    # --- killing ---

    def _kill(self) -> None:
        chance = random.Random(f"{self.seed}-deaths")
        apis = self.shop.apis
        while not self._over.wait(chance.uniform(*self.pause)):
            dead = [api for api in apis if api.process is not None and api.process.poll() is not None]
            victim = chance.choice(dead or apis)
            victim.kill()
            self.deaths += 1
            armed = chance.random() < 0.5
            point = f"{chance.choice(POINTS)}=kill@{chance.randint(1, LAST_HIT)}" if armed else ""
            victim.begin(fail_points=point)
            _up(victim)
        for api in apis:
            api.kill()
            api.start()

    # --- asking ---

    def _work(self, who: int) -> None:
        chance = random.Random(f"{self.seed}-{who}")
        asking = _Asking(self.shop.apis, chance)
        while (number := next(self._taken)) < AT_ONE * len(self.stalls):
            stall = self.stalls[number // AT_ONE]
            (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
            try:
                _ACTIONS[kind](self, stall, asking, chance)
            except Exception as error:
                self.wrong.append(f"{kind}: {error!r}")
        asking.close()

    def note(self, begun: float, said: Mapping[str, Said | None]) -> None:
        """What was asked of each pool at once, and answered now or never."""
        now = time.monotonic()
        known = {pool: one for pool, one in said.items() if one is not None}
        self.lost += any(one.told is None for one in known.values())
        for pool, one in known.items():
            if one.told is not None or one.kind != "quote":  # which has no effect
                self.operations[pool].append(Operation(begun, NEVER if one.told is None else now, one))

    def unexpected(self, what: str, status: int, answer: Any) -> None:
        self.wrong.append(f"{what}: {status} {answer}")


def _up(daemon: Daemon) -> None:
    """Wait until it answers, or has died again."""
    assert daemon.process is not None
    end = time.monotonic() + 30
    while daemon.process.poll() is None and time.monotonic() < end:
        connection = connect(daemon.port)
        try:
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
        finally:
            connection.close()


class _Asking:
    """One client's connections. A request is sent to whichever process takes it; what becomes of one that was sent is known by its answer alone."""

    def __init__(self, apis: Sequence[Daemon], chance: random.Random) -> None:
        self._apis = apis
        self._chance = chance
        self._connections: dict[int, Any] = {}

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def __call__(self, who: str, method: str, path: str, body: Any, **headers: str) -> tuple[float, int, Any]:
        """When it was begun, and its answer. Raises :class:`Lost`, whose only argument is when it was begun; half of the requests without an answer are sent again
        until they have one, with the same key."""
        sent = {"Authorization": f"Bearer {who}", "Idempotency-Key": f"history-{next(_names)}"} | headers
        begun, again, end = 0.0, self._chance.random() < 0.5, time.monotonic() + PATIENCE
        while True:
            port, connection = self._connected()
            begun = begun or time.monotonic()
            try:
                status, answer, _ = exchange(connection, method, path, body, sent)
                if status != 503 and not (status == 409 and answer["type"] == "/problems/key-in-flight"):
                    return begun, status, answer
            except (OSError, http.client.HTTPException):
                self._connections.pop(port).close()
            if not again or time.monotonic() > end:
                raise Lost(begun)
            time.sleep(0.02)

    def _connected(self) -> tuple[int, Any]:
        """A connection to any of the processes; one that takes none is none."""
        while True:
            port = self._chance.choice(self._apis).port
            if port in self._connections:
                return port, self._connections[port]
            connection = connect(port)
            try:
                connection.connect()
            except OSError:
                time.sleep(0.01)
                continue
            self._connections[port] = connection
            return port, connection


# --- what each of them does ---


def _wanted(stall: Stall, chance: random.Random) -> tuple[str, Window, dict[str, int], dict[str, Any]]:
    """Somebody, a window, so many pieces of some products in any order, and the body that says so."""
    products = chance.sample(list(stall.products), chance.choice((1, 1, PRODUCTS)))
    pieces = {product: chance.randint(1, 3) for product in products}
    window = chance.choice(stall.windows)
    lines = [{"product_id": product, "quantity": number} for product, number in pieces.items()]
    given = {"lines": lines, "fulfilment": {"method": "delivery", "address": "1 Lane", "window_id": window.id}}
    return chance.choice(stall.buyers), window, pieces, given


def _left(errors: Sequence[Mapping[str, Any]], products: Sequence[str]) -> dict[str, int]:
    """What refusals say is left of products, by those."""
    found = {}
    for one in errors:
        if one.get("available") is not None:
            found[products[int(one["field"][len("lines[") : one["field"].index("]")])]] = int(float(one["available"]))
    return found


def _each(
    kind: Kind, told: Told, pieces: Mapping[str, int], window: str, *, by: str = "", quote: str = "", of: Kind | None = None
) -> dict[str, Said | None]:  # fmt: skip
    """The same of every product, and of the window."""
    found: dict[str, Said | None] = {
        product: Said(kind=kind, told=told, by=by, quote=quote, load=(number,)) for product, number in pieces.items()
    }
    whole = Said(kind=of or kind, told=told, by=by, quote=quote, load=load(sum(pieces.values())))
    return {**found, window: whole}


def _short(kind: Kind, left: Mapping[str, int], pieces: Mapping[str, int], by: str = "") -> dict[str, Said | None]:
    """What a refusal for want of products says of those that it names."""
    return {
        product: Said(kind=kind, told="full", by=by, load=(pieces[product],), left=number)
        for product, number in left.items()
    }


def _full(kind: Kind, window: str, pieces: Mapping[str, int], by: str = "") -> dict[str, Said | None]:
    """What a refusal for want of a place says."""
    return {window: Said(kind=kind, told="full", by=by, load=load(sum(pieces.values())))}


def _lines(answer: Any) -> dict[str, str]:
    """The lines of an order, by product."""
    return {line["product_id"]: line["id"] for line in answer["lines"]}


def _problem(answer: Any) -> str:
    return str(answer["type"]).removeprefix("/problems/")


def _place(clients: Clients, stall: Stall, asking: _Asking, chance: random.Random) -> None:
    buyer, window, pieces, given = _wanted(stall, chance)
    try:
        begun, status, answer = asking(buyer, "POST", "/api/orders", given)
    except Lost as lost:
        clients.note(lost.args[0], _each("place", None, pieces, window.id, by=f"lost {next(_names)}"))
        return
    if status == 201:
        clients.note(begun, _each("place", "done", pieces, window.id, by=answer["id"]))
        stall.orders[answer["id"]] = buyer, window.id, _lines(answer)
    elif _problem(answer) == "out-of-stock":
        clients.note(begun, _short("place", _left(answer["errors"], list(pieces)), pieces))
    elif _problem(answer) == "window-full":
        clients.note(begun, _full("place", window.id, pieces))
    else:
        clients.unexpected("place", status, answer)


def _quote(clients: Clients, stall: Stall, asking: _Asking, chance: random.Random) -> None:
    _, window, pieces, given = _wanted(stall, chance)
    _ask(clients, stall, asking, (stall.asker, window, pieces, given), hold=False)


def _hold(clients: Clients, stall: Stall, asking: _Asking, chance: random.Random) -> None:
    _ask(clients, stall, asking, _wanted(stall, chance), hold=True)


def _ask(clients: Clients, stall: Stall, asking: _Asking, wanted: Any, *, hold: bool) -> None:
    buyer, window, pieces, given = wanted
    kind: Kind = "hold" if hold else "quote"
    of: Kind = "hold" if hold and clients.holds_take_places else "quote"
    by = f"buyer {stall.buyers.index(buyer)}" if hold else ""

    def all_of(told: Told, quote: str) -> dict[str, Said | None]:
        others = {*stall.products, *(one.id for one in stall.windows if clients.holds_take_places)}
        gone = {pool: Said(kind="let go", told=told, by=by) for pool in others} if hold else {}
        return gone | _each(kind, told, pieces, window.id, by=by, quote=quote, of=of)

    try:
        begun, status, answer = asking(buyer, "POST", "/api/quotes", {**given, "hold": hold})
    except Lost as lost:
        clients.note(lost.args[0], all_of(None, f"lost {next(_names)}"))
        return
    refusals = answer["refusals"] if status == 200 else []
    found = {_problem(one) for one in refusals}
    if status != 200 or not found <= {"out-of-stock", "window-full"}:
        clients.unexpected(kind, status, answer)
    elif "out-of-stock" in found:
        clients.note(begun, _short(kind, _left(refusals, list(pieces)), pieces, by))
    elif found:
        clients.note(begun, _full(of, window.id, pieces, by))
    else:
        quote = answer["id"] or ""
        clients.note(begun, all_of("done", quote))
        if hold:
            stall.quotes[quote] = buyer, window.id, pieces


def _order_held(clients: Clients, stall: Stall, asking: _Asking, chance: random.Random) -> None:
    if not stall.quotes:
        return _hold(clients, stall, asking, chance)
    quote = chance.choice(list(stall.quotes)[-4:])
    buyer, window, pieces = stall.quotes[quote]
    of: Kind = "order held" if clients.holds_take_places else "place"

    def all_of(told: Told, by: str) -> dict[str, Said | None]:
        return _each("order held", told, pieces, window, by=by, quote=quote, of=of)

    try:
        begun, status, answer = asking(buyer, "POST", "/api/orders", {"quote_id": quote})
    except Lost as lost:
        clients.note(lost.args[0], all_of(None, f"lost {next(_names)}"))
        return
    if status == 201:
        clients.note(begun, all_of("done", answer["id"]))
        stall.orders[answer["id"]] = buyer, window, _lines(answer)
    elif status == 422 and answer["errors"][0]["code"] == "expired":
        said = all_of("gone", "")
        clients.note(begun, said if clients.holds_take_places else said | {window: None})
    elif _problem(answer) == "window-full" and not clients.holds_take_places:
        clients.note(begun, _full("place", window, pieces))
    else:
        clients.unexpected("order held", status, answer)


def _cancel(clients: Clients, stall: Stall, asking: _Asking, chance: random.Random) -> None:
    if not stall.orders:
        return _place(clients, stall, asking, chance)
    order = chance.choice(list(stall.orders)[-6:])
    buyer, window, lines = stall.orders[order]

    def all_of(told: Told) -> dict[str, Said | None]:
        return {pool: Said(kind="cancel", told=told, by=order) for pool in (*lines, window)}

    try:
        begun, status, answer = asking(buyer, "POST", f"/api/orders/{order}/cancel", {})
    except Lost as lost:
        clients.note(lost.args[0], all_of(None))
        return
    if status == 200:
        clients.note(begun, all_of("done"))
    elif _problem(answer) == "illegal-transition":
        clients.note(begun, all_of("gone"))
    else:
        clients.unexpected("cancel", status, answer)


def _amend(clients: Clients, stall: Stall, asking: _Asking, chance: random.Random) -> None:
    if not stall.orders:
        return _place(clients, stall, asking, chance)
    order = chance.choice(list(stall.orders)[-6:])
    buyer, window, lines = stall.orders[order]
    pieces = {product: chance.randint(1, 4) for product in lines}
    given = {"lines": [{"line_id": lines[product], "quantity": number} for product, number in pieces.items()]}

    def all_of(told: Told) -> dict[str, Said | None]:
        return _each("amend", told, pieces, window, by=order)

    headers = {"If-Match": "*"}
    try:
        begun, status, answer = asking(buyer, "PATCH", f"/api/orders/{order}", given, **headers)
    except Lost as lost:
        clients.note(lost.args[0], all_of(None))
        return
    if status == 200:
        clients.note(begun, all_of("done"))
    elif _problem(answer) == "out-of-stock":
        clients.note(begun, _short("amend", _left(answer["errors"], list(pieces)), pieces, order))
    elif _problem(answer) == "window-full":
        clients.note(begun, _full("amend", window, pieces, order))
    elif _problem(answer) == "illegal-transition":
        clients.note(begun, all_of("gone"))
    else:
        clients.unexpected("amend", status, answer)


def _restock(clients: Clients, stall: Stall, asking: _Asking, chance: random.Random) -> None:
    product, more = chance.choice(list(stall.products)), chance.randint(1, 2)

    def said(told: Told, left: int | None) -> dict[str, Said | None]:
        return {product: Said(kind="restock", told=told, load=(more,), left=left)}

    path, given = f"/api/products/{product}/stock", {"change": more, "reason": "harvest"}
    try:
        begun, status, answer = asking(stall.farmer, "POST", path, given)
    except Lost as lost:
        clients.note(lost.args[0], said(None, None))
        return
    if status == 200:
        clients.note(begun, said("done", int(float(answer["available"]))))
    else:
        clients.unexpected("restock", status, answer)


_ACTIONS: Mapping[Kind, Callable[[Clients, Stall, _Asking, random.Random], None]] = {
    "place": _place, "hold": _hold, "order held": _order_held, "cancel": _cancel, "amend": _amend, "restock": _restock, "quote": _quote,
}  # fmt: skip
