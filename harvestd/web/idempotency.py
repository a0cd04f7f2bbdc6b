"""Write requests: one transaction, and with an Idempotency-Key one effect and one recorded response."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import attrs

from harvestd.parts import Parts
from harvestd.store import idempotency
from harvestd.unit_of_work import UnitOfWork, change
from harvestd.web.context import Caller
from harvestd.web.problems import Refusal
from harvestd.web.replies import Response
from harvestd.web.routes import Route

_KEY = re.compile(r'"([\x21\x23-\x7e]{1,255})"\Z|([\x21\x23-\x7e]{1,255})\Z')
_FRESH = "send a fresh one for each new intent, such as a UUID"
_NO_KEY = f"the header Idempotency-Key is missing; {_FRESH}"
_BAD_KEY = f"the header Idempotency-Key is not 1 to 255 visible characters; {_FRESH}"
#: Headers of a recorded response that are replayed.
_KEPT = frozenset({b"Content-Type", b"ETag", b"Location"})


@attrs.frozen
class Key:
    """An Idempotency-Key: its user, and the SHA-256 fingerprint of its request."""

    user_id: str
    text: str
    fingerprint: bytes

    def also(self, *more: bytes) -> Key:
        """The same, of a request whose body is these: a file is sent again in other pieces."""
        return attrs.evolve(self, fingerprint=hashlib.sha256(b"\x00".join((self.fingerprint, *more))).digest())


def key_of(
    route: Route, header: str | None, caller: Caller | None, method: bytes, uri: bytes, body: bytes
) -> Key | None:
    """The key of a request, or None if it has none that applies (no header, no user, a route without keys). It is of whoever makes the request:
    somebody who acts for another gets nothing that was answered to them.

    Raises a 400 if it is required and missing, or is not 1 to 255 visible characters, bare or quoted; an empty key is refused
    even where the key is optional.
    """
    if route.key == "no" or (header is None and route.key == "optional"):
        return None
    found = _KEY.match(header or "")
    if not found:
        raise Refusal("idempotency-key", _NO_KEY if header is None else _BAD_KEY)
    if caller is None:
        return None
    acted_for = (caller.user_id.encode(),) if caller.actor else ()
    digest = hashlib.sha256(b"\x00".join((method, uri, body, *acted_for))).digest()
    return Key(caller.actor or caller.user_id, found[1] or found[2], digest)


def key_of_stranger(header: str, holder: str, method: bytes, uri: bytes, body: bytes) -> Key:
    """The key of somebody without an account, checked by :func:`key_of`: it belongs to what ``holder`` is a digest of, as another's does to their id."""
    found = _KEY.match(header)
    assert found is not None
    digest = hashlib.sha256(b"\x00".join((method, uri, body))).digest()
    return Key(
        str(UUID(bytes=hashlib.sha256(holder.encode("utf-8", "surrogatepass")).digest()[:16])),
        found[1] or found[2],
        digest,
    )


async def write(
    parts: Parts, key: Key | None, now: datetime, work: Callable[[UnitOfWork], Awaitable[Response]]
) -> Response:
    """The response of ``work``, run in a unit of work; or the recorded response of an earlier request with this key."""

    async def once(unit: UnitOfWork) -> Response:
        if key is None:
            return await work(unit)
        ttl = parts.settings.idempotency_ttl
        first = await idempotency.claim(unit.tx, key.user_id, key.text, key.fingerprint, unit.machine_now, ttl)
        if first is not None:
            return replayed(first)
        reply = await work(unit)
        if 200 <= reply.status < 300:
            idempotency.record(unit.tx, key.user_id, key.text, recorded(key, reply), unit.machine_now)
        return reply

    return await change(parts, once, now=now)


async def part(
    parts: Parts, key: Key | None, number: int, now: datetime, work: Callable[[UnitOfWork], Awaitable[bytes]]
) -> tuple[bytes, bool]:
    """What ``work`` answers, run in a unit of work; or what it answered to an earlier request with this key; and which. A request that is worked
    on in several transactions numbers them: a retry does those that were not done, and gets what came of the others. No key of
    a client has a space, as those of the parts have."""
    own = None if key is None else attrs.evolve(key, text=f"{key.text} {number}")

    async def answered(unit: UnitOfWork) -> Response:
        return Response(200, (), await work(unit))

    reply = await write(parts, own, now, answered)
    return reply.body, reply.header(b"Idempotent-Replayed") is not None


def recorded(key: Key, reply: Response) -> idempotency.Recorded:
    """What is kept of a response under its key."""
    headers = tuple((name.decode(), value.decode("utf-8")) for name, value in reply.headers if name in _KEPT)
    return idempotency.Recorded(key.fingerprint, reply.status, headers, reply.body)


def replayed(first: idempotency.Recorded) -> Response:
    """The response of an earlier request with the key, once more."""
    headers = [(name.encode(), value.encode("utf-8")) for name, value in first.headers]
    return Response(first.status, (*headers, (b"Idempotent-Replayed", b"true")), first.body)
