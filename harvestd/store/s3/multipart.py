"""Uploads in parts: for files above a size, so that a connection that is lost costs a part and not the whole. What is not completed is aborted;
what could not be aborted, since the process ended, is listed, and swept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from io import BytesIO

from twisted.logger import Logger

from harvestd.runtime.spawn import spawn
from harvestd.store.s3 import answers
from harvestd.store.s3.answers import Begun, S3Error
from harvestd.store.s3.client import S3Client
from harvestd.store.s3.content import Content
from harvestd.store.s3.exchange import Request

#: Bytes of a part; S3 wants 5 MiB or more, and 10,000 parts at most.
PART = 8 * 2**20
log = Logger()


class Multipart:
    """Uploads in parts of ``part`` bytes, one after the other."""

    def __init__(self, client: S3Client, part: int = PART) -> None:
        self._client, self._size = client, part

    async def put(self, key: str, content: Content, size: int, headers: Mapping[str, str]) -> None:
        """Upload all of it; an object is there once its parts were put together, as a whole. Raises :class:`S3Error`."""
        began = await self._client.ask(Request(method="POST", key=key, query={"uploads": ""}, headers=headers))
        upload_id = answers.upload_id_of(began.content)
        try:
            await self._parts(key, content, size, upload_id)
        except BaseException:  # also when the client is gone
            spawn("aborting an upload to S3", self.abort(key, upload_id))
            raise

    async def _parts(self, key: str, content: Content, size: int, upload_id: str) -> None:
        etags: list[str] = []
        for start in range(0, size, self._size):
            part = await content.measured(start, self._size)
            query = {"partNumber": str(len(etags) + 1), "uploadId": upload_id}
            answer = await self._client.ask(Request(method="PUT", key=key, query=query, part=part))
            etags.append(answer.header("ETag"))
        await self._complete(key, etags, upload_id)

    async def _complete(self, key: str, etags: list[str], upload_id: str) -> None:
        """A second try finds no such upload, if only the answer to the first was lost: then the object is there."""
        given = Content(self._client.reactor, BytesIO(answers.completion(etags)))
        part = await given.measured(0)
        asked = Request(method="POST", key=key, query={"uploadId": upload_id}, part=part)
        try:
            answers.completed((await self._client.ask(asked)).content)
        except S3Error as error:
            if not error.gone:
                raise
            await self._client.ask(Request(method="HEAD", key=key))

    async def abort(self, key: str, upload_id: str) -> None:
        """Give an upload up; nothing of it stays. The sweep does it, if this cannot."""
        try:
            await self._client.ask(Request(method="DELETE", key=key, query={"uploadId": upload_id}))
        except S3Error as error:
            if not error.gone:
                log.warn("an upload to S3 could not be aborted, and is swept later: {why}", why=str(error))

    async def begun(self, prefix: str, before: datetime) -> list[Begun]:
        """The first thousand uploads below ``prefix`` that were begun before a time, and not completed."""
        answer = await self._client.ask(Request(method="GET", query={"uploads": "", "prefix": prefix}))
        return [one for one in answers.uploads_of(answer.content) if one.begun_at < before]
