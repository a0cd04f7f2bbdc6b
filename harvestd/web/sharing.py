"""Writes that wait at the same time in one transaction: claimed, decided and recorded one by one, committed together (``Route.shared``).

Each has its key, its answer and its trace for itself. Whatever fails the transaction is no answer to any of them: each is tried again in a transaction of its
own, where its key tells whether the first was committed after all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import attrs

from harvestd.kernel.errors import MarketError
from harvestd.parts import Parts
from harvestd.runtime.gathering import Gathering
from harvestd.store import idempotency_groups
from harvestd.unit_of_work import UnitOfWork, change
from harvestd.web import replies, translated
from harvestd.web.context import RequestContext
from harvestd.web.idempotency import Key, recorded, replayed
from harvestd.web.replies import Response
from harvestd.web.routes import Route


@attrs.frozen(eq=False)
class _Request:
    context: RequestContext
    body: object
    key: Key

    @property
    def claim(self) -> idempotency_groups.Claim:
        return idempotency_groups.Claim(self.key.user_id, self.key.text, self.key.fingerprint)


class Sharing:
    """Of one route, in one process."""

    def __init__(self, parts: Parts, route: Route) -> None:
        assert route.shared is not None and route.query is None
        self._parts = parts
        self._route = route
        self._shared = route.shared
        # no more than half of the connections, whoever holds them up
        self._gathering: Gathering[_Request, Response] = Gathering(
            parts.reactor, self._together, parts.settings.database_pool // 2
        )
        self._keys: set[tuple[str, str]] = set()

    async def answer(
        self, context: RequestContext, body: object, key: Key | None, alone: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The response to a request; ``alone`` works on it in a transaction of its own. One whose key is in use here does not wait: it is told so."""
        if key is None or (key.user_id, key.text) in self._keys or not await self._shared.suits(context, body):
            return await alone()
        own = key.user_id, key.text
        if own in self._keys:
            return await alone()
        self._keys.add(own)
        try:
            return await self._gathering.do(_Request(context, body, key), alone)
        finally:
            self._keys.discard(own)

    async def _together(self, requests: Sequence[_Request]) -> Sequence[Response | Exception | None]:
        async def work(unit: UnitOfWork) -> Sequence[Response | Exception | None]:
            return await self._answered(unit, requests)

        return await change(self._parts, work, now=requests[-1].context.now, attempts=1)

    async def _answered(self, unit: UnitOfWork, requests: Sequence[_Request]) -> Sequence[Response | Exception | None]:
        ttl = self._parts.settings.idempotency_ttl
        known = await idempotency_groups.claim(unit.tx, [one.claim for one in requests], unit.machine_now, ttl)
        found: list[Response | Exception | None] = [
            one if one is None or isinstance(one, Exception) else replayed(one) for one in known
        ]
        due = [n for n, one in enumerate(found) if one is None]
        inside = [attrs.evolve(requests[n].context, unit=unit, reader=unit.tx) for n in due]
        asked = [(context, requests[n].body) for n, context in zip(due, inside, strict=True)]
        values = await self._shared.work(unit, asked) if due else []
        answers = []
        for n, context, value in zip(due, inside, values, strict=True):
            if value is None or isinstance(value, MarketError):
                found[n] = value
                continue
            reply = replies.of_value(self._route, value, context.path, None, translated.headers(context))
            answers.append((requests[n].claim, recorded(requests[n].key, reply)))
            found[n] = reply
        idempotency_groups.record(unit.tx, answers, unit.machine_now)
        return found
