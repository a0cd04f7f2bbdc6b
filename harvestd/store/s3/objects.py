"""Objects in a bucket: put as a whole or in parts, got, looked for, deleted, listed. What is not there is told apart from what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import IO, Any

from harvestd.store.s3 import answers
from harvestd.store.s3.answers import Listed, Page, S3Error
from harvestd.store.s3.bucket import Bucket
from harvestd.store.s3.client import S3Client
from harvestd.store.s3.content import Content
from harvestd.store.s3.exchange import Request
from harvestd.store.s3.multipart import PART, Multipart

#: Objects of a page of a listing, which S3 bounds.
PAGE = 1000


class Absent(Exception):
    """There is no such object."""


class Objects:
    """Of one bucket; names are whole keys. Files above ``part`` bytes are uploaded in parts. Methods raise :class:`S3Error`."""

    def __init__(self, bucket: Bucket, client: S3Client, now: Callable[[], datetime], part: int = PART) -> None:
        self.bucket, self.client, self._now = bucket, client, now
        self.uploads, self._part = Multipart(client, part), part

    async def put(self, name: str, file: IO[bytes], headers: Mapping[str, str]) -> None:
        """Store a file, read from its beginning, a piece at a time."""
        content = Content(self.client.reactor, file)
        whole = await content.measured(0)
        if whole.size > self._part:
            await self.uploads.put(name, content, whole.size, headers)
        else:
            await self.client.ask(Request(method="PUT", key=name, headers=headers, part=whole))

    async def get(self, name: str, into: Callable[[], Callable[[bytes], Any]], most: int) -> None:
        """Write an object into what ``into`` makes anew for each try. Raises :class:`Absent`, and ``ValueError`` beyond ``most`` bytes."""
        try:
            await self.client.ask(Request(method="GET", key=name, into=into, most=most))
        except S3Error as error:
            raise (Absent(name) if error.gone else error) from error

    async def has(self, name: str) -> bool:
        """Whether there is one."""
        try:
            await self.client.ask(Request(method="HEAD", key=name))
        except S3Error as error:
            if not error.gone:
                raise
            return False
        return True

    async def delete(self, name: str) -> None:
        """Delete it; nothing happens if there is none."""
        try:
            await self.client.ask(Request(method="DELETE", key=name))
        except S3Error as error:
            if not error.gone:
                raise

    async def page(self, after: str, limit: int) -> Page:
        """Objects of this market after one ("" is the beginning), in the order of their keys' bytes."""
        query = {"list-type": "2", "max-keys": str(min(PAGE, limit)), "prefix": self.bucket.prefix}
        query |= {"start-after": after} if after else {}
        return answers.page_of((await self.client.ask(Request(method="GET", query=query))).content)

    async def listed(self, after: str, limit: int, wanted: Callable[[Listed], bool]) -> list[Listed]:
        """Up to ``limit`` of those that are ``wanted``, by pages."""
        found: list[Listed] = []
        while len(found) < limit:
            page = await self.page(after, limit - len(found))
            found += filter(wanted, page.objects)
            if not page.more or not page.objects:
                break
            after = page.objects[-1].key
        return found

    def signed(self, name: str, seconds: int) -> str:
        """An address at which anyone may read it for a while."""
        bucket = self.bucket
        query = bucket.signer.query(bucket.host, bucket.path_of(name), {}, self._now(), seconds)
        return f"{bucket.url(name, {})}?{query}"
