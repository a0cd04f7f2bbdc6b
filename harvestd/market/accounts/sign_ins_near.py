"""This process's in-memory cache of live sign-ins, so that an authenticated request normally costs no statement.

An entry is valid for ``ttl`` seconds, or until topic ``sessions:ended`` says that a sign-in ended or the account changed, or that messages
may have been missed. An answer requested before that is not cached. The message itself is not trusted: at worst it
makes this process query again.
"""

from __future__ import annotations

import random
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import attrs
import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from harvestd.interfaces import Account, ISignIns, ITopics
from harvestd.kernel.errors import Unavailable
from harvestd.market.accounts.sign_ins import SignInSource, Standing

CHANNEL = "sessions:ended"
#: Seconds for which an expired entry is still used while the source is ``Unavailable``, before the next query.
OUTAGE_PAUSE = 1.0
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The message: ``by`` is the sender (which ignores its own), ``user`` the one whose sign-ins are to be reloaded."""

    by: str
    user: str


def user_of(payload: str) -> str | None:
    """The user whom a message of :data:`CHANNEL` is about; None if it cannot be read."""
    message = _read(payload)
    return None if message is None else message.user


def _read(payload: str) -> Ended | None:
    try:
        message = msgspec.json.decode(payload, type=Ended)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return message if _ID.fullmatch(message.user) else None


@attrs.define(eq=False)
class _Known:
    """A user's account and live sign-ins, and one requested sign-in that is not live."""

    standing: Standing
    dead: str
    expires: float


@attrs.define(eq=False)
class _InFlightLoad:
    """One query in flight, and its waiters."""

    waiters: list[Deferred[Standing]] = attrs.field(factory=list)


@implementer(ISignIns)
class NearSignIns:
    """``source`` is queried on a cache miss; ``most`` users are cached, each for ``ttl`` seconds."""

    log = Logger()

    def __init__(
        self, clock: Any, topics: ITopics, source: SignInSource, most: int = 10_000, ttl: float = 30.0
    ) -> None:
        self._now: Callable[[], float] = clock.seconds
        self._topics = topics
        self._source = source
        self._most = most
        self._ttl = ttl
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._flights: dict[str, dict[str, _InFlightLoad]] = {}
        self._name = f"{random.getrandbits(64):016x}"
        self._unsubscribe: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self._known)

    def start(self) -> None:
        """Subscribe to ended sign-ins of other processes."""
        self._unsubscribe = self._topics.subscribe(CHANNEL, self._receive, self._gap)

    def stop(self) -> None:
        """Unsubscribe, and clear the cache."""
        self._unsubscribe()
        self._gap()

    async def account(self, user_id: str, session: str) -> Account | None:
        """The user's account, if the sign-in is live."""
        known = self._known.get(user_id)
        if known is not None and self._now() < known.expires:
            if session in known.standing.sessions:
                self._known.move_to_end(user_id)
                return known.standing.account
            if session == known.dead:
                return None
        if not (_ID.fullmatch(user_id) and _ID.fullmatch(session)):
            return None
        standing = await self._ask(user_id, session)
        return standing.account if session in standing.sessions else None

    async def ended(self, user_id: str) -> None:
        """Invalidate here, in the source, and in every other process; in this order, so that those notified find it already gone."""
        self._drop(user_id)
        await self._source.forget(user_id)
        await self._topics.publish(CHANNEL, msgspec.json.encode(Ended(self._name, user_id)).decode())

    def _ask(self, user_id: str, session: str) -> Deferred[Standing]:
        """Single flight for each sign-in. (Not for each user: an answer cached for one of the user's sign-ins
        may predate another.)"""
        waiter: Deferred[Standing] = Deferred()
        flights = self._flights.setdefault(user_id, {})
        flight = flights.get(session)
        if flight is not None:
            flight.waiters.append(waiter)
            return waiter
        flight = flights[session] = _InFlightLoad([waiter])
        asked = Deferred.fromCoroutine(self._source.live(user_id, session))
        asked.addCallbacks(
            self._landed, self._failed, callbackArgs=(user_id, session, flight), errbackArgs=(user_id, session)
        )
        asked.addBoth(self._deliver, user_id, session, flight)
        return waiter

    def _landed(self, standing: Standing, user_id: str, session: str, flight: _InFlightLoad) -> Standing:
        if self._flights.get(user_id, {}).get(session) is flight:  # no sign-in has ended since
            dead = "" if session in standing.sessions else session
            self._known[user_id] = _Known(standing, dead, self._now() + self._ttl)
            self._known.move_to_end(user_id)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return standing

    def _failed(self, failure: Failure, user_id: str, session: str) -> Standing | Failure:
        """Fall back to the expired entry: no end of its sign-ins is known, and the access token's own expiry
        bounds the risk."""
        known = self._known.get(user_id)
        if known is None or session not in known.standing.sessions or not failure.check(Unavailable):
            return failure
        known.expires = self._now() + OUTAGE_PAUSE
        return known.standing

    def _deliver(self, result: Standing | Failure, user_id: str, session: str, flight: _InFlightLoad) -> None:
        flights = self._flights.get(user_id, {})
        if flights.get(session) is flight:
            del flights[session]
            if not flights:
                del self._flights[user_id]
        for waiter in flight.waiters:
            if isinstance(result, Failure):
                waiter.errback(result.value)
            else:
                waiter.callback(result)

    def _drop(self, user_id: str) -> None:
        self._known.pop(user_id, None)
        self._flights.pop(user_id, None)

    def _receive(self, payload: str) -> None:
        message = _read(payload)
        if message is None:
            self.log.debug("an unreadable message on {channel} was ignored", channel=CHANNEL)
        elif message.by != self._name:
            self._drop(message.user)
            forgotten = Deferred.fromCoroutine(self._source.forget(message.user))
            forgotten.addErrback(lambda failure: self.log.failure("forgetting a sign-in", failure=failure))

    def _gap(self) -> None:
        self._source.missed()
        self._known.clear()
        self._flights.clear()
