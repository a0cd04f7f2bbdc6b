"""A process that has an embedded database until its standard input ends: ``python -m tests.store.embedded.daemon FOLDER [ACCOUNT]``.

With an account it changes to it first, but after its imports: Python itself may be in a private home. Writes one line of JSON, ``{"url": …, "pid": …}`` (of the server) or ``{"error": …}``.
"""

from __future__ import annotations

import json
import os
import pwd
import sys

from twisted.internet import reactor, stdio
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol

from harvestd.store.embedded.cluster import EmbeddedError
from harvestd.store.embedded.server import EmbeddedPostgres


async def main() -> None:
    postgres = EmbeddedPostgres(reactor, sys.argv[1])
    try:
        url = await postgres.start()
    except EmbeddedError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    ended: Deferred[None] = Deferred()

    class UntilEnd(Protocol):
        def connectionLost(self, reason: object = None) -> None:
            ended.callback(None)

    stdio.StandardIO(UntilEnd())
    print(json.dumps({"url": url, "pid": postgres.pid}), flush=True)
    await ended
    await postgres.stop()


def become(name: str) -> None:
    entry = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    for name in sys.argv[2:]:
        become(name)
    Deferred.fromCoroutine(main()).addErrback(lambda failure: failure.printTraceback()).addBoth(
        lambda _: reactor.stop()
    )
    reactor.run()
