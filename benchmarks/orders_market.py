"""The market that orders are placed in: buyers who are signed in, baskets of three goods, and stock that no run uses up."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
from psycopg2.extensions import parse_dsn

from benchmarks import rate
from benchmarks.ground import Ground
from benchmarks.pgbench import Sample, prepared
from benchmarks.served import ROOT, Served, harvestd
from benchmarks.statements import Trip, heard
from servers import PostgresServer
from tests.daemons import register, request

LINES, BASKETS = 3, 64

_GOODS = """
select p.id::text, p.min_quantity::text from products p
 where p.status = 'published' and p.season_from is null and mod(p.min_quantity, p.quantity_step) = 0
 order by p.id limit %s"""
_RAISE = """
with raised as (update products set stock = stock + 10000000 where id = any(%s::uuid[]) returning id, stock)
insert into stock_ledger (id, product_id, kind, change, level, reason, created_at)
select gen_random_uuid(), id, 'restock', 10000000, stock, 'for the benchmark', now() from raised"""
_FIVE = """
with left_over as (select id, stock as before, reserved + 5 * min_quantity as stock from products where id = %s),
     changed as (update products p set stock = l.stock from left_over l where p.id = l.id)
insert into stock_ledger (id, product_id, kind, change, level, reason, created_at)
select gen_random_uuid(), id, 'correction', stock - before, stock, 'the last five', now() from left_over"""
# Farms that nobody belongs to take no orders: one person hears of them all.
STAFF = """
with keeper as (
    insert into users (id, email, email_key, username, username_key, name, password_hash, role, created_at, updated_at)
    values (gen_random_uuid(), 'keeper@localhost', 'keeper@localhost', 'keeper', 'keeper', 'Keeper', 'x', 'farmer', now(), now())
    returning id)
insert into farm_members (farm_id, user_id) select f.id, k.id from farms f cross join keeper k order by f.id"""
# One cart for each line's buyer who has none.
_CARTS = """
with l as (select * from unnest(%s::text[], %s::uuid[], %s::numeric[]) as l(buyer, product, quantity)), opened as (
    insert into carts (id, user_id, updated_at)
    select gen_random_uuid(), id, now() from users where username in (select buyer from l) returning id, user_id)
insert into cart_items (cart_id, product_id, quantity, price_seen, added_at)
select o.id, p.id, l.quantity, p.price, now() from opened o join users u on u.id = o.user_id join l on l.buyer = u.username join products p on p.id = l.product
returning cart_id"""
_IDS = "select id::text from users union all select id::text from farms"


@attrs.define
class Market:
    """``whose`` names its buyers; ``tokens`` are theirs; a basket is a list of lines as the API takes them. ``last`` is a line of what five are
    left of. ``source`` is the checkout whose it is."""

    server: PostgresServer
    url: str
    baskets: list[list[dict[str, str]]]
    last: dict[str, str]
    whose: str
    source: Path = ROOT
    tokens: list[str] = attrs.field(factory=list)
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    @property
    def database(self) -> str:
        """Its name."""
        return str(parse_dsn(self.url)["dbname"])

    def serving(self, plugin: str = "harvest-api") -> Served:
        """An API process, or a worker, with the defaults, but for limits of requests; on whichever core is free."""
        return harvestd(
            self.url, plugin=plugin, source=self.source, cores=None, access_token_ttl=86400,
            token_secret="of this benchmark " * 2,
        )  # fmt: skip

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """One statement."""
        return self.server.query(self.database, sql, *parameters)

    def requests(self, baskets: Sequence[Sequence[dict[str, str]]] = ()) -> Iterator[bytes]:
        """Orders without end, by the buyers and of the baskets (the market's, without any) in turn, each with a key of its own."""
        bodies = [json.dumps({"lines": lines}).encode() for lines in baskets or self.baskets]
        for number in self._numbers:
            yield self._request(number, bodies[number % len(bodies)])

    def carts(self, baskets: Sequence[Sequence[dict[str, str]]]) -> list[bytes]:
        """Fill a cart of each buyer with one of the baskets in turn, and answer the orders of these."""
        names = [f"{self.whose}{n}" for n in range(len(self.tokens))]
        lines = [(who, line) for n, who in enumerate(names) for line in baskets[n % len(baskets)]]
        self.query(
            _CARTS, [who for who, _ in lines], [line["product_id"] for _, line in lines], [line["quantity"] for _, line in lines]
        )  # fmt: skip
        numbers = [next(self._numbers) for _ in names]
        return [
            rate.request(
                "POST", "/api/orders", b"{}", Authorization=f"Bearer {token}", Idempotency_Key=f"cart-{number}"
            )
            for token, number in zip(self.tokens, numbers, strict=True)
        ]

    def requests_for_the_last(self, buyers: int) -> list[bytes]:
        """An order of one of the last five by each."""
        body = json.dumps({"lines": [self.last]}).encode()
        return [self._request(number, body) for number in itertools.islice(self._numbers, buyers)]

    def _request(self, number: int, body: bytes) -> bytes:
        token = self.tokens[number % len(self.tokens)]
        return rate.request(
            "POST", "/api/orders", body, Authorization=f"Bearer {token}", Idempotency_Key=f"order-{number}"
        )

    def sign_in(self, port: int, buyers: int) -> None:
        """Register buyers until there are so many."""
        with ThreadPoolExecutor(2) as pool:
            numbers = range(len(self.tokens), buyers)
            self.tokens += pool.map(lambda n: register(port, f"{self.whose}{n}")[0], numbers)

    def samples(self, port: int, trips: Any) -> list[Sample]:
        """An order of each basket, placed one after the other, as the server's log has it; without those on a connection that
        still had to prepare something."""
        placed = [self._sampled(port, n, "sampled", basket) for n, basket in enumerate(self.baskets)]
        others = {row[0] for row in self.query(_IDS)} | {
            line["product_id"] for basket in self.baskets for line in basket
        }
        found = [
            Sample(trips.transaction(lambda text, key=key: f"'{key}'" in text), key, number, others)
            for key, number in placed
        ]
        warm = [sample for sample in found if not any("PREPARE " in trip.text for trip in sample.trips)]
        if len(warm) < BASKETS // 2:
            raise RuntimeError(f"only {len(warm)} of {BASKETS} orders prepared nothing")
        return warm

    def _sampled(self, port: int, number: int, what: str, lines: list[dict[str, str]]) -> tuple[str, str]:
        key, token = f"{what}-order-{number}-", self.tokens[number % len(self.tokens)]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        status, answer, _ = request(port, "POST", "/api/orders", {"lines": lines}, headers)
        if status != 201:
            raise RuntimeError(f"an order is answered with {status}: {answer}")
        return key, answer["number"]


def market(ground: Ground, products: int, whose: str, source: Path = ROOT) -> Market:
    """A market of its own for each benchmark, prepared, with nobody signed in."""
    found = Market(ground.postgres, ground.market(products, whose, source), [], {}, whose, source)
    goods = found.query(_GOODS, LINES * BASKETS + 1)
    lines = [{"product_id": str(good), "quantity": str(quantity)} for good, quantity in goods]
    found.last = lines.pop()
    found.baskets = [lines[n : n + LINES] for n in range(0, LINES * BASKETS, LINES)]
    found.query("update farms set order_minimum = 0")
    found.query(STAFF)
    found.query(_RAISE, [line["product_id"] for line in lines])
    found.query(_FIVE, found.last["product_id"])
    return found


def sampled(market: Market, buyers: int) -> tuple[list[Sample], dict[str, str]]:
    """Sign the buyers in, place an order of each basket, and answer what the server was asked for each, with the statements
    that were prepared for it."""
    with heard(market.server, market.database) as log, market.serving() as api:
        market.sign_in(api.port, buyers)
        samples = market.samples(api.port, log)
        every: list[Trip] = log.trips
        return samples, prepared(every)
