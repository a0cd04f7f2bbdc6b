"""A mix of readers and writers over several processes, and what the readers were shown: how old, and whether it went back.

Readers draw product pages and listings by Zipf; one request in a hundred is a write (a title, a price, a stock, an order),
each by another process than the one before. Some readers stay with a process on one connection; some wander over all of them
and, as browsers do, send the ETag that they had. Each product has a mark that only grows: its version, and its available
amount, which on odd ones is only sold and on even ones only restocked. So every answer tells which writes it knows of, and a
reader that stalls spoils nothing: an answer is too old if a write had been acknowledged a second before it was asked for.
"""

from __future__ import annotations

import itertools
import random
import re
import threading
import time
from bisect import bisect
from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from tests.daemons import connect, exchange, register, request
from tests.faults.market import Market
from tests.faults.raw import Wire

#: What is read most comes first, in both tables.
LISTINGS = (
    "", "?sort=popular", "?sort=price", "?in_stock=true", "?sort=rating", "?sort=-price", "?max_price=150", "?limit=48",
    "?sort=price&in_stock=true", "?min_price=120", "?in_season=true", "?sort=popular&in_stock=true", "?limit=10",
)  # fmt: skip
#: Of all reads, how many are of a listing; and of all requests, how many are a write.
LISTED, WRITTEN = 0.2, 0.01
#: What there is of each product at first.
STOCK = 100_000
_LOOKUPS = re.compile(r'^harvest_cache_(shared_)?lookups_total{outcome="(\w+)"} (\S+)$', re.MULTILINE)

Mark = tuple[int, float]  # version, amount that only grows


class _Item(msgspec.Struct):
    id: str
    version: int
    available: float


class _List(msgspec.Struct):
    items: list[_Item]


@attrs.frozen
class Answer:
    """What one reader was shown: when it asked (monotonic seconds), of whom, and the mark of each product in it."""

    asked: float
    process: int
    path: str
    marks: tuple[tuple[str, Mark], ...]


@attrs.frozen
class Write:
    """Acknowledged at ``done``; whoever knows of it shows at least ``mark``."""

    done: float
    product: str
    mark: Mark


@attrs.frozen
class Back:
    """A reader saw less of a product than it had seen before, so many seconds after that: at the ``same`` address or at
    another, and there an older ``version`` or only another amount."""

    wanders: bool
    same: bool
    version: bool
    path: str
    after: float


@attrs.frozen(kw_only=True)
class Lookups:
    """Of the near caches of all processes together; of the misses, ``shared`` were found in Redis."""

    hits: float = 0
    misses: float = 0
    stale: float = 0
    shared: float = 0

    @property
    def near(self) -> float:
        """The share that the process answered by itself."""
        return (self.hits + self.stale) / max(1.0, self.hits + self.stale + self.misses)

    @property
    def rate(self) -> float:
        """The share that PostgreSQL was not asked for."""
        return (self.hits + self.stale + self.shared) / max(1.0, self.hits + self.stale + self.misses)

    def since(self, before: Lookups) -> Lookups:
        """Those after ``before``."""
        return Lookups(**{name: value - getattr(before, name) for name, value in attrs.asdict(self).items()})


def lookups(ports: Sequence[int]) -> Lookups:
    """As the metrics of these processes tell, added up."""
    total = dict.fromkeys(("hits", "misses", "stale", "shared"), 0.0)
    for port in ports:
        for shared, outcome, value in _LOOKUPS.findall(request(port, "GET", "/metrics")[1].decode()):
            name = {"hits": "shared"}.get(outcome) if shared else outcome
            if name in total:
                total[name] += float(value)
    return Lookups(**total)


def zipf(number: int, exponent: float = 1.0) -> list[float]:
    """Cumulative weights of so many things, the most wanted first."""
    return list(itertools.accumulate(1 / (rank + 1) ** exponent for rank in range(number)))


def stocked(shop: Market, number: int) -> list[tuple[str, str]]:
    """So many products of three farms, each with its farmer's token, and some buyers."""
    farmers = [register(shop.api.port, f"farmer{n}", "farmer", f"Farm {n}")[0] for n in range(3)]
    connection, products = connect(shop.api.port), []
    for n in range(number):
        body = {"title": f"good {n}", "unit": "each", "price": 100 + n % 100, "stock": STOCK}
        sent = {"Authorization": f"Bearer {farmers[n % 3]}"}
        status, answer, _ = exchange(connection, "POST", "/api/products", body, sent)
        assert status == 201, answer
        products.append((answer["id"], farmers[n % 3]))
    connection.close()
    shop.buyers = [register(shop.api.port, f"buyer{n}")[0] for n in range(4)]
    return products


@attrs.define
class Mix:
    """``products`` by falling popularity, each with the token of its farmer; ``pace`` in reads a second."""

    shop: Market
    products: Sequence[tuple[str, str]]
    pace: float
    readers: int = 8
    seed: int = 1
    answers: list[Answer] = attrs.field(factory=list)
    writes: list[Write] = attrs.field(factory=list)
    backs: list[Back] = attrs.field(factory=list)
    wrong: list[str] = attrs.field(factory=list)
    stalled: float = 0.0  # the longest that a thread with nothing to do overslept
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _threads: list[threading.Thread] = attrs.field(factory=list)
    _listings: list[str] = attrs.field(factory=list)
    _numbers: dict[str, int] = attrs.field(factory=dict)

    def begin(self) -> None:
        """Start."""
        self._numbers = {product: n for n, (product, _) in enumerate(self.products)}
        self._listings = [f"/api/products{query}" for query in LISTINGS]
        for path in self._listings[:4]:  # and the second page of those that are read most
            after = request(self.shop.api.port, "GET", path)[1]["next"]
            if after:
                self._listings.append(f"{path}{'&' if '?' in path else '?'}after={after}")
        targets = [(self._read, (n,)) for n in range(self.readers)] + [(self._write, ()), (self._idle, ())]
        self._threads = [threading.Thread(target=target, args=args, daemon=True) for target, args in targets]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """End, with the requests under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a client still waits for an answer"

    # --- reading ---

    def _read(self, who: int) -> None:
        chance, wanders = random.Random(f"{self.seed}-{who}"), who % 2 == 1
        ports = [api.port for api in self.shop.apis]
        wires = [Wire(port) for port in ports]
        seen: dict[str, tuple[Mark, float, str]] = {}
        at_address: dict[tuple[str, str], Mark] = {}
        tags: dict[str, str] = {}
        held: dict[str, tuple[tuple[str, Mark], ...]] = {}
        pages, lists = zipf(len(self.products)), zipf(len(self._listings))
        due = time.monotonic()
        for number in itertools.count():
            due = max(due + self.readers / self.pace, time.monotonic() - 0.5)
            if self._stop.wait(max(0.0, due - time.monotonic())):
                break
            process = (number + who if wanders else who // 2) % len(wires)
            path = self._drawn(chance, pages, lists)
            asked = time.monotonic()
            try:
                status, tag, body = wires[process].get(path, tags.get(path, ""))
            except (OSError, ValueError) as error:
                self.wrong.append(f"{path} of {process}: {error!r}")
                wires[process] = Wire(ports[process])
                continue
            if status == 304:
                self._note(Answer(asked, process, path, held[path]), wanders, seen, at_address)
                continue
            if status != 200:
                self.wrong.append(f"{path} of {process}: {status} {body[:200]!r}")
                continue
            answer = Answer(asked, process, path, self._marks(body))
            if wanders:
                tags[path], held[path] = tag, answer.marks
            self._note(answer, wanders, seen, at_address)
        for wire in wires:
            wire.close()

    def _drawn(self, chance: random.Random, pages: list[float], lists: list[float]) -> str:
        if chance.random() < LISTED:
            return self._listings[bisect(lists, chance.random() * lists[-1])]
        return f"/api/products/{self.products[bisect(pages, chance.random() * pages[-1])][0]}"

    def _marks(self, body: bytes) -> tuple[tuple[str, Mark], ...]:
        if body.startswith(b'{"items"'):
            items = msgspec.json.decode(body, type=_List, strict=False).items
        else:
            items = [msgspec.json.decode(body, type=_Item, strict=False)]
        return tuple((one.id, (one.version, self._grown(one.id, one.available))) for one in items)

    def _grown(self, product: str, available: float) -> float:
        return -available if self._numbers.get(product, 0) % 2 else available

    def _note(
        self, answer: Answer, wanders: bool, seen: dict[str, tuple[Mark, float, str]],
        at_address: dict[tuple[str, str], Mark],
    ) -> None:  # fmt: skip
        """Keep an answer, and compare it with what this reader has ``seen`` anywhere and at each address."""
        now = time.monotonic()
        self.answers.append(answer)
        for product, mark in answer.marks:
            before, when, _ = seen.get(product, (mark, now, answer.path))
            if _older(mark, before):
                here = at_address.get((answer.path, product), mark)
                same = _older(mark, here)
                version = mark[0] < (here if same else before)[0]
                self.backs.append(Back(wanders, same, version, answer.path, answer.asked - when))
            elif _older(before, mark) or product not in seen:
                seen[product] = (mark, now, answer.path)
            at_address[answer.path, product] = _newer(mark, at_address.get((answer.path, product), mark))

    # --- writing ---

    def _write(self) -> None:
        chance, pages = random.Random(f"{self.seed}-writes"), zipf(len(self.products))
        connections = [connect(api.port) for api in self.shop.apis]
        now = self.shop.query("select id::text, version, stock - reserved from products")
        state = {row[0]: (row[1], self._grown(row[0], float(row[2]))) for row in now if row[0] in self._numbers}
        tags = {product: f'"v{version}"' for product, (version, _) in state.items()}
        for number in itertools.count():
            if self._stop.wait(chance.expovariate(self.pace * WRITTEN)):
                break
            product, farmer = self.products[bisect(pages, chance.random() * pages[-1])]
            connection = connections[number % len(connections)]
            version, grown = state[product]
            if number % 4 < 2:
                changed = self._change(connection, product, farmer, number, tags)
                done = changed > version  # the price may be what it was: then nothing changed
                state[product] = (max(version, changed), grown)
            else:
                state[product] = (version, grown + 1)
                done = self._amount(connection, product, farmer, number)
            if done:
                self.writes.append(Write(time.monotonic(), product, state[product]))
        for connection in connections:
            connection.close()

    def _change(self, connection: Any, product: str, farmer: str, number: int, tags: dict[str, str]) -> int:
        """Change its price or its title; returns the version that it has then, 0 if that was refused."""
        headers = {"Authorization": f"Bearer {farmer}", "If-Match": tags[product]}
        body = {"price": 100 + number % 100} if number % 4 else {"title": f"good {number}"}
        status, answer, sent = exchange(connection, "PATCH", f"/api/products/{product}", body, headers)
        tags[product] = sent.get("etag", "")
        return int(answer["version"]) if self._noted(f"PATCH {product}", status, answer) else 0

    def _amount(self, connection: Any, product: str, farmer: str, number: int) -> bool:
        if self._numbers[product] % 2:
            headers = {"Authorization": f"Bearer {self.shop.buyers[number % len(self.shop.buyers)]}"}
            headers["Idempotency-Key"] = f"mix-{self.seed}-{number}"
            body: dict[str, Any] = {"lines": [{"product_id": product, "quantity": 1}]}
            status, answer, _ = exchange(connection, "POST", "/api/orders", body, headers)
        else:
            headers = {"Authorization": f"Bearer {farmer}"}
            status, answer, _ = exchange(
                connection, "POST", f"/api/products/{product}/stock", {"change": 1, "reason": "harvest"}, headers
            )
        return self._noted(f"amount of {product}", status, answer)

    def _noted(self, what: str, status: int, answer: Any) -> bool:
        if status // 100 != 2:
            self.wrong.append(f"{what}: {status} {answer}")
        return status // 100 == 2

    def _idle(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            time.sleep(0.005)
            self.stalled = max(self.stalled, time.monotonic() - began - 0.005)

    # --- what was found ---

    def age(self) -> list[float]:
        """Of each answer, for how many seconds the first write that it does not know of had been acknowledged when it was
        asked for; 0 where it knew all."""
        by_product: dict[str, list[Write]] = {}
        for write in self.writes:
            by_product.setdefault(write.product, []).append(write)
        return [max(_age(answer.asked, mark, by_product.get(product, ())) for product, mark in answer.marks)
                for answer in self.answers if answer.marks]  # fmt: skip

    def went_back(self, wanders: bool, same: bool | None = None) -> list[Back]:
        """Of readers who wander, or stay."""
        return [back for back in self.backs if back.wanders == wanders and same in (None, back.same)]


def _older(mark: Mark, than: Mark) -> bool:
    return mark[0] < than[0] or mark[1] < than[1]


def _newer(mark: Mark, other: Mark) -> Mark:
    return max(mark[0], other[0]), max(mark[1], other[1])


def _age(asked: float, mark: Mark, writes: Sequence[Write]) -> float:
    return next((max(0.0, asked - write.done) for write in writes if _older(mark, write.mark)), 0.0)
