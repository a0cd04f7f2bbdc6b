"""A market of real processes for the fault runs: one PostgreSQL, api and worker, farms, goods, buyers and baskets."""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from harvestd.process.secret import kept
from harvestd.store.postgres.invariants import Violation, rules, violations
from harvestd.web.context import Caller
from harvestd.web.tokens import issue
from servers import PostgresServer, free_port, wait_until
from tests.daemons import Daemon, Job, register, request

#: Real shopping baskets and the whole directory, beside the checkout where they are to be had. Not part of the project.
BASKETS = Path(__file__).parents[3] / "shared" / "data" / "grocery_baskets.csv"
DIRECTORY = BASKETS.with_name("usda_farmers_markets.csv")


#: A row for each kind of work that is left.
_LEFT = """
select 'unsent event' where exists (select from outbox where sent_at is null)
union all select 'message' where exists (select from queue_messages)
union all select 'mail' where exists (select from mails where state = 'pending')
union all select 'operation' where exists (select from operations where status in ('queued', 'running'))
union all select 'renewal' where exists (select from search_renewals)
union all select 'document' where exists (select from search_pending where refused is null)
union all select 'lost queue' where exists (select from outbox_again)
"""


#: What it is, for who has to find out why.
_WHAT = """
select * from (select 'unsent event', o::text from outbox o where sent_at is null limit 3) unsent
union all select * from (select 'message', q::text from queue_messages q limit 3) messages
union all select * from (select 'mail', m::text from mails m where state = 'pending' limit 3) pending
union all select * from (select 'renewal', r::text from search_renewals r limit 3) renewals
union all select * from (select 'document', d::text from search_pending d where refused is null limit 3) documents
union all select * from (select 'lost queue', a::text from outbox_again a limit 3) again
"""


#: Buyers like the first, each signed in.
_MORE = """
with people as (
    insert into users (id, email, email_key, username, username_key, name, password_hash, role, created_at, updated_at)
    select gen_random_uuid(), replace(email, '0', n::text), replace(email_key, '0', n::text), 'buyer' || n, 'buyer' || n,
           'Buyer' || n, password_hash, role, created_at, updated_at
      from users, generate_series(1, %s) as n where username = 'buyer0' returning id, created_at
)
insert into sign_ins (id, user_id, created_at, expires_at)
select gen_random_uuid(), id, created_at, created_at + interval '30 days' from people returning user_id::text, id::text
"""


@attrs.define
class Market:
    """``apis`` and ``workers`` run against ``server``; goods are products by name. ``waiting`` answers
    what queues that are no tables, and whatever else follows the events, have left to do."""

    server: PostgresServer
    database: str
    folder: Path
    apis: list[Daemon]
    workers: list[Daemon]
    waiting: Callable[[], object] = lambda: None
    goods: dict[str, str] = attrs.field(factory=dict)
    buyers: list[str] = attrs.field(factory=list)

    @property
    def api(self) -> Daemon:
        """The first."""
        return self.apis[0]

    @property
    def worker(self) -> Daemon:
        """The first."""
        return self.workers[0]

    @property
    def url(self) -> str:
        """Of its database."""
        return self.server.url(self.database)

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """One statement."""
        return self.server.query(self.database, sql, *parameters)

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.query(f"select count(*) from {table}")[0][0])

    def populate(self, goods: Sequence[str], farms: int, buyers: int, stock: str = "1000000") -> None:
        """Farms that offer the goods in turn, and buyers."""
        tokens = [register(self.api.port, f"farmer{n}", "farmer", f"Farm {n}")[0] for n in range(farms)]
        for n, good in enumerate(goods):
            body = {"title": good, "unit": "each", "price": 100 + n, "stock": stock}
            headers = {"Authorization": f"Bearer {tokens[n % farms]}"}
            status, answer, _ = request(self.api.port, "POST", "/api/products", body, headers)
            assert status == 201, answer
            self.goods[good] = answer["id"]
        self.buyers = [register(self.api.port, "buyer0")[0], *self._more(buyers - 1)] if buyers else []

    def _more(self, buyers: int) -> list[str]:
        """Access tokens of buyers with the first one's password, stored as they are: to hash it takes 0.2 s of CPU each time."""
        secret, now = kept(self.folder / "secret"), datetime.now(UTC)
        found = self.query(_MORE, buyers)
        return [issue(secret, Caller(user, "buyer", session), now, 900) for user, session in found]

    def jobs(self, baskets: Sequence[Sequence[str]], prefix: str = "basket") -> list[Job]:
        """An order for each basket, one piece of each good, by the buyers in turn."""
        return [
            Job(f"{prefix}-{n}", self.buyers[n % len(self.buyers)], tuple((self.goods[good], "1") for good in basket))
            for n, basket in enumerate(baskets)
        ]

    def endless(self, baskets: Sequence[Sequence[str]]) -> Iterator[Job]:
        """The same, round and round: for a load that lasts as long as what is done to the market meanwhile."""
        for lap in itertools.count():
            yield from self.jobs(baskets, prefix=f"lap{lap}")

    def rest(self, seconds: float = 120) -> None:
        """Wait until every event has had its effects and every mail is sent: seen so several times on end, since an event
        may be on its way from one place that is looked at to another that was."""
        seen = 0

        def quiet() -> bool:
            nonlocal seen
            seen = seen + 1 if not self.query(_LEFT) and not self.waiting() else 0
            return seen == 3

        try:
            wait_until("every event is handled and every mail sent", quiet, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.query(_WHAT)}, in the queues {self.waiting()}") from None

    def broken(self) -> list[Violation]:
        """The invariants that do not hold, at rest."""
        return list(violations(self.url, rules() + rules("at_rest.sql")))

    def mail_files(self) -> int:
        """How many mails were delivered into the folder."""
        return sum(1 for _ in (self.folder / "mail").glob("*.eml"))


@contextmanager
def market(
    server: PostgresServer, folder: Path, apis: int = 1, workers: int = 1,
    waiting: Callable[[], object] = lambda: None, **settings: Any,
) -> Iterator[Market]:  # fmt: skip
    """A started market of so many processes on a fresh database of ``server``."""
    database = server.clone()
    shared = {
        "database_url": server.url(database),
        "access_token_ttl": 86400,
        "mails_per_unverified": 1_000_000,
    } | settings
    serving = [Daemon("harvest-api", folder, http_port=free_port(), workers="off", **shared) for _ in range(apis)]
    working = [Daemon("harvest-worker", folder, **shared) for _ in range(workers)]
    try:
        for daemon in serving + working:
            daemon.start()
        yield Market(server, database, folder, serving, working, waiting)
    finally:
        for daemon in serving + working:
            daemon.kill()
        server.drop(database)


def baskets(number: int, seed: int = 1) -> list[list[str]]:
    """Real baskets where they are to be had, otherwise drawn ones: a few goods in many, many in few (Zipf)."""
    if BASKETS.exists():
        with open(BASKETS, newline="") as file:
            return [sorted(set(row)) for row in csv.reader(file) if row][:number]
    chance = random.Random(seed)
    goods = [f"good {n}" for n in range(169)]
    weights = [1 / (n + 1) for n in range(len(goods))]
    return [sorted(set(chance.choices(goods, weights, k=chance.randint(1, 9)))) for _ in range(number)]


def goods_of(baskets: Sequence[Sequence[str]]) -> list[str]:
    """Every good that is in any of them."""
    return sorted({good for basket in baskets for good in basket})
