"""Blobs in S3, or what speaks its protocol: each an object, under the place that it has in a folder. So what is public is below ``media/``, which is
all that a content delivery network, or a policy of the bucket, has to let anybody read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any, TypeVar

from zope.interface import implementer

from harvestd.interfaces import IBlobs, NoSuchBlob, StoredBlob
from harvestd.kernel import blob_keys
from harvestd.kernel.errors import Overloaded, Unavailable
from harvestd.runtime.descriptors import cause_of
from harvestd.runtime.fair_turns import Place, Turns
from harvestd.runtime.health import Condition
from harvestd.runtime.shortages import Shortages
from harvestd.runtime.tracing import current_asker, current_gone
from harvestd.store.s3.answers import Listed, S3Error
from harvestd.store.s3.objects import Absent, Objects

Result = TypeVar("Result")
#: Transfers at once, how many more may wait, and for how many seconds each.
AT_ONCE, WAITING, WAIT = 16, 256, 30.0
#: Bytes of the largest object that is read.
MOST = 512 * 2**20
#: Seconds for which a signed address holds; ``media_base`` for such.
SIGNED_FOR, SIGNED = 900, "signed"
#: Seconds for which it is believed that S3 works since it did.
FRESH = 10.0
CACHING = {True: "public, max-age=31536000, immutable", False: "private, no-store"}


@implementer(IBlobs)
class S3Blobs:
    """``media`` is ``media_base``."""

    def __init__(self, objects: Objects, media: str, shortages: Shortages) -> None:
        self._objects, self._media = objects, media.rstrip("/")
        self._turns = Turns(AT_ONCE, _overloaded)
        self._short = partial(shortages.tell, "files")

    async def start(self) -> None:
        """Nothing to do: the first request connects."""

    async def stop(self) -> None:
        """Close the connections."""
        await self._objects.client.close()

    async def put(self, key: str, content: IO[bytes]) -> None:
        """As the interface has it."""
        caching = CACHING[blob_keys.is_public(key)]
        headers = {"Content-Type": blob_keys.media_type(key), "Cache-Control": caching}
        await self._in_turn(self._objects.put, self._name(key), content, headers)

    async def read(self, key: str, most: int) -> bytes:
        """As the interface has it."""
        kept = BytesIO()
        await self._got(key, kept, most)
        return kept.getvalue()

    async def open(self, key: str) -> IO[bytes]:
        """As the interface has it: a temporary file without a name, written as the answer comes."""
        file = TemporaryFile()
        try:
            await self._got(key, file, MOST)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    async def has(self, key: str) -> bool:
        """As the interface has it."""
        return await self._in_turn(self._objects.has, self._name(key))

    async def delete(self, key: str) -> None:
        """As the interface has it."""
        await self._in_turn(self._objects.delete, self._name(key))

    async def listed(self, after: str, limit: int) -> list[StoredBlob]:
        """As the interface has it; what else is in the bucket is passed over."""
        start = self._prefix + after if after else ""
        found = await self._objects.listed(start, limit, lambda one: self._stored(one) is not None)
        return [stored for stored in map(self._stored, found) if stored is not None]

    async def unfinished(self, before: datetime) -> list[str]:
        """As the interface has it: uploads in parts that were not completed."""
        begun = await self._objects.uploads.begun(self._prefix, before)
        return [f"{one.key.removeprefix(self._prefix)}?uploadId={one.upload_id}" for one in begun]

    async def tidy(self, before: datetime) -> None:
        """As the interface has it."""
        for one in await self._objects.uploads.begun(self._prefix, before):
            await self._objects.uploads.abort(one.key, one.upload_id)

    def address(self, key: str) -> str:
        """As the interface has it."""
        if not self._media or not blob_keys.is_public(key):
            return ""
        if self._media == SIGNED:
            return self._objects.signed(self._name(key), SIGNED_FOR)
        return f"{self._media}/{blob_keys.place(key)}"

    async def condition(self) -> Condition:
        """Degraded while S3 does not do what it is asked, by a request of the last seconds, or one for this."""
        client, patience = self._objects.client, self._objects.client.patience
        try:
            if patience.breaker.closed and client.reactor.seconds() - patience.answered_at > FRESH:
                await client.probe()
        except S3Error as error:
            return Condition("degraded", str(error))
        return Condition("ok") if patience.breaker.closed else Condition("degraded", patience.breaker.cause)

    @property
    def _prefix(self) -> str:
        return self._objects.bucket.prefix

    def _name(self, key: str) -> str:
        return self._prefix + blob_keys.place(key)

    def _stored(self, found: Listed) -> StoredBlob | None:
        place = found.key.removeprefix(self._prefix)
        key = place.rpartition("/")[2]
        if not blob_keys.is_key(key) or blob_keys.place(key) != place:
            return None
        return StoredBlob(key, place, found.modified_at)

    async def _got(self, key: str, file: IO[bytes], most: int) -> None:
        def into() -> Callable[[bytes], Any]:
            file.seek(0)
            file.truncate()
            return file.write

        try:
            await self._in_turn(self._objects.get, self._name(key), into, most)
        except Absent as error:
            raise NoSuchBlob(key) from error
        except OSError as error:
            raise Unavailable(f"a blob cannot be kept in a temporary file: {cause_of(error)}") from error

    async def _in_turn(self, work: Callable[..., Awaitable[Result]], *arguments: Any) -> Result:
        who = current_asker()
        place = Place(who, current_gone(), WAITING, lambda: self._short(who), WAIT)
        await self._turns.taken(place)
        try:
            return await work(*arguments)
        finally:
            self._turns.over(place)


def _overloaded() -> Overloaded:
    return Overloaded("the server has no room for this at present; try again in a moment")
