"""A market in memory's reach: the real route table on a real database, and people who use it.

People are stored directly, with a password that nobody has: registering each by HTTP would cost a tenth of a second.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs

from harvestd.interfaces import Acked, Delivery, Message
from harvestd.market.accounts import actions as registration
from harvestd.market.accounts import sign_ins as sessions
from harvestd.market.accounts.rules import NewAccount
from harvestd.market.search import handlers as search
from harvestd.parts import Parts
from harvestd.queue.consumer import Consumer
from harvestd.queue.recorded_messages import message_of
from harvestd.queue.seals import EventSeals
from harvestd.store import outbox
from harvestd.store.postgres.invariants import rules, violations
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction
from harvestd.tables import HANDLERS, TOPOLOGY
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import tokens
from harvestd.web.context import Caller
from tests.web.client import Client, Response

_numbers = itertools.count(1)
#: What of a product only those are told who run its farm.
UNTOLD = {"visible_to": None, "prices": None}
_JOIN = Statement(
    "test.join", "insert into farm_members (user_id, farm_id, role) values (:user_id, :farm_id, :role)", nothing
)
_VERIFIED = Statement("test.verified", "update users set verified_at = :now where id = :user_id", nothing)


@attrs.frozen
class Person:
    """Somebody signed in."""

    id: str
    email: str
    client: Client
    farm_id: str = ""

    async def get(self, path: str, **more: Any) -> Response:
        """GET as this person."""
        return await self.client.get(path, **more)

    async def post(self, path: str, json: Any, **headers: str) -> Response:
        """POST as this person; headers as ``Idempotency_Key="…"``."""
        return await self.client.post(path, json, headers=_named(headers))

    async def request(self, method: str, path: str, json: Any = None, **headers: str) -> Response:
        """Anything else."""
        body = {} if json is None else {"json": json}
        return await self.client.request(method, path, headers=_named(headers), **body)

    async def order(self, *lines: tuple[str, Any], key: str = "", **more: Any) -> Response:
        """Place an order of (product id, quantity) lines."""
        body = {"lines": [{"product_id": p, "quantity": q} for p, q in lines], **more}
        return await self.post("/api/orders", body, Idempotency_Key=key or f"key-{next(_numbers)}")


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@attrs.frozen
class Market:
    """The site, its parts, and people to come."""

    parts: Parts
    stranger: Client

    async def person(self, role: str = "buyer", farm: str | None = None, verified: bool = True) -> Person:
        """A new buyer, farmer (with a farm) or admin, whose address is ``verified``."""
        n = next(_numbers)
        email, user_id, now = f"{role}-{n}@example.org", self.parts.new_id(), self.parts.machine_now()
        account = NewAccount(email, email, f"{role}-{n}", f"{role}-{n}", f"{role.title()} {n}", role, farm)
        session = self.parts.new_id()

        async def work(tx: Transaction) -> str | None:
            farm_id = await registration.register(UnitOfWork(self.parts, tx, now), account, user_id, "x")
            if verified:
                await tx.run(_VERIFIED, user_id=user_id, now=now)
            until = now + timedelta(days=30)
            await sessions.begin(tx, session, user_id, now, until)
            await sessions.add_token(tx, self.parts.new_id(), session, user_id, session.encode(), now, until)
            return farm_id

        farm_id = await self.parts.database.transaction(work)
        token = tokens.issue(self.parts.secret, Caller(user_id, role, session), now, 900)
        return Person(user_id, email, self.stranger.signed_in(token), farm_id or "")

    async def farmer(self, farm: str = "Green Acres") -> Person:
        """A new farmer with a farm."""
        return await self.person("farmer", farm)

    async def join(self, person: Person, farm_id: str, role: str = "owner") -> None:
        """Make somebody a member of a farm."""
        await self.parts.database.transaction(lambda tx: tx.run(_JOIN, user_id=person.id, farm_id=farm_id, role=role))

    async def product(self, farmer: Person, **fields: Any) -> dict[str, Any]:
        """A product on sale: 2.5 kg of carrots at 3.90 by 50 g, unless told otherwise."""
        body = {"title": "Carrots", "unit": "kg", "price": 390} | fields
        body = {"stock": "2" if body["unit"] in ("each", "bunch", "box") else "2.5"} | body
        if body["unit"] == "kg":
            body = {"quantity_step": "0.05"} | body
        response = await farmer.post("/api/products", body)
        assert response.status == 201, response.text
        found: dict[str, Any] = response.json()
        return found

    async def work(self, *, twice: bool = False, queues: Sequence[str] = tuple(HANDLERS)) -> None:
        """Do what the workers do with every event so far, in the order of their recording; with all queues also what they
        record themselves, until nothing is left to be sent."""
        whole = queues == tuple(HANDLERS)
        while rows := await outbox.unsent(self.parts.database, 10_000) or (whole and await self._renewed()):
            seals = EventSeals(self.parts.secret)
            for queue in queues:
                messages = [message_of(row, seals) for row in rows if queue in TOPOLOGY.queues_for(row.type)]
                for _ in range(2 if twice else 1):
                    await self.deliver(queue, messages)
            if not whole:
                return
            await self._sent([row.seq for row in rows])

    async def _renewed(self) -> list[outbox.Recorded]:
        """What the renewal of search documents records."""
        await search.renew(self.parts)
        return await outbox.unsent(self.parts.database, 10_000)

    async def _sent(self, seqs: Sequence[int]) -> None:
        await self.parts.database.transaction(lambda tx: outbox.mark_sent(tx, seqs, self.parts.now()))

    async def deliver(self, queue: str, messages: Sequence[Message]) -> None:
        """Hand messages to a queue's consumer, as one batch; every one must be acknowledged."""
        if messages:
            consumer = Consumer(self.parts, queue, HANDLERS[queue])
            outcomes = await consumer.receive([Delivery(message, queue, 0) for message in messages])
            assert all(outcome == Acked() for outcome in outcomes), outcomes

    def broken(self, *, at_rest: bool = False) -> list[Any]:
        """The invariants that do not hold."""
        checked = rules() + (rules("at_rest.sql") if at_rest else [])
        return list(violations(self.parts.database.settings.dsn, checked))
