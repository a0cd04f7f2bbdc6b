"""Cache: stale entries are invalidated in every process, and subscribers to a farm's orders or a product are notified.

All of it is idempotent. A notification only says where to look: an id and a version, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from twisted.internet.defer import Deferred, gatherResults

from harvestd.kernel.families import SIGN_INS, merged
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork


async def drop(unit: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Invalidate the cache families of a batch, forget cached sign-ins that ended, publish to the live topics."""
    parts = unit.parts
    families = merged(event.data.get("families", ()) for event in events)
    for family in families:
        if family.startswith(SIGN_INS):
            await parts.api_keys.ended(family.removeprefix(SIGN_INS))
    if families:
        await parts.cache.drop(families)
    told = dict.fromkeys(one for event in events for one in news(event))
    await gatherResults([Deferred.fromCoroutine(parts.topics.publish(*one)) for one in told])


def news(event: Envelope) -> Iterator[tuple[str, str]]:
    """The live topics of an event, each with its message."""
    if event.type == "order.created":
        for part in event.data["parts"]:
            yield f"orders:new:{part['farm_id']}", _message(event, "order_id")
    elif event.type in ("product.created", "product.updated", "product.deleted"):
        yield f"products:updated:{event.data['product_id']}", _message(event, "product_id")


def _message(event: Envelope, name: str) -> str:
    return msgspec.json.encode({name: event.data[name], "version": event.version}).decode()
