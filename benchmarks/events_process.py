"""A process with one part of a worker: ``python -m benchmarks.events_process relay|consumer``.

It says ``ready`` when all that it needs is connected, and begins at the next line that it is told. Its settings are
environment variables, as anybody's.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from twisted.internet import reactor, stdio
from twisted.internet.defer import Deferred
from twisted.protocols.basic import LineReceiver

from harvestd.assembly.parts import assembled
from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope
from harvestd.queue.relay import Relay
from harvestd.queue.runner import Workers
from harvestd.queue.work import QueueHandlers
from harvestd.runtime.lifecycle import Lifecycle
from harvestd.settings.loading import load
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import UnitOfWork

#: What the consumer by itself consumes: an event of each order.
QUEUE = "harvest.analytics"

EFFECT = Statement(
    "bench_effect",
    "insert into bench_effects (event_id, farms) select * from unnest(:event_ids::uuid[], :farms::integer[])",
    nothing,
)


async def effect(work: UnitOfWork, events: Sequence[Envelope]) -> None:
    """One row for each event."""
    await work.tx.run(
        EFFECT, event_ids=[event.id for event in events], farms=[len(event.data["parts"]) for event in events]
    )


def consumer(parts: Parts, relay: Relay) -> Deferred[None]:
    """One queue's consumer, with its inbox, an effect and acknowledgements."""
    return Deferred.fromCoroutine(Workers(parts, {QUEUE: QueueHandlers(bulk=effect)}, (), [QUEUE]).start())


def relaying(parts: Parts, relay: Relay) -> Deferred[None]:
    """The relay."""
    relay.start()
    return Deferred.fromCoroutine(_nothing())


async def _nothing() -> None:
    """There is nothing to wait for."""


PARTS = {"consumer": consumer, "relay": relaying}


class Gun(LineReceiver):
    """Standard input and output."""

    delimiter = b"\n"

    def __init__(self) -> None:
        self.fired: Deferred[None] = Deferred()

    def lineReceived(self, line: bytes) -> None:
        self.fired.callback(None)

    def connectionLost(self, reason: object = None) -> None:
        reactor.callFromThread(reactor.crash)  # type: ignore[attr-defined]


async def main(name: str) -> None:
    """Connect, wait for the word, begin; it ends with its standard input."""
    lifecycle = Lifecycle(reactor)
    parts, relay = assembled(lifecycle, load(environ=os.environ).settings, "worker")
    await lifecycle.start()
    gun = Gun()
    stdio.StandardIO(gun)
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as a daemon's
    gun.sendLine(b"ready")  # type: ignore[no-untyped-call]
    await gun.fired
    await PARTS[name](parts, relay)


if __name__ == "__main__":
    Deferred.fromCoroutine(main(sys.argv[1])).addErrback(lambda failure: failure.printTraceback())
    reactor.run()
