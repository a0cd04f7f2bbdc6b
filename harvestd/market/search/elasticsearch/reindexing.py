"""Rebuilding the index: a second one is filled behind the alias ``building``, and the switch is one atomic operation of the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import uuid4

from harvestd.interfaces import Document
from harvestd.market.search.elasticsearch.document_api import DocumentAPI
from harvestd.market.search.elasticsearch.documents import Refused
from harvestd.market.search.elasticsearch.indices import Indices
from harvestd.store.elasticsearch.client import EngineError

#: Documents in one bulk request.
PAGE = 500

Pages = Callable[[str | None, int], Awaitable[Sequence[Document]]]


class Reindexing:
    """Of these indices."""

    def __init__(self, indices: Indices, documents: DocumentAPI, now: Callable[[], datetime]) -> None:
        self._indices = indices
        self._documents = documents
        self._now = now

    async def build(
        self, pages: Pages, progress: Callable[[int], None], refusing: Callable[[Refused], None],
        before: Callable[[str], Awaitable[None]] | None = None, keep: bool = False,
    ) -> int:  # fmt: skip
        """Fill a new index and switch to it; returns the count of documents. Of two concurrent rebuilds, the later one proceeds and
        the earlier one raises ``Unavailable``. Calls ``refusing`` with each refused document, and ``before`` with the new index's uuid
        before the switch. With ``keep``, newer versions in the present index are copied over, for pages that may be older than
        documents indexed meanwhile."""
        name = self._indices.names.index(f"{self._now():%Y%m%d%H%M%S}-{uuid4().hex[:8]}")
        await self._indices.begin(name)
        try:
            count = await self._fill(pages, progress, refusing, keep)
            await self._indices.refresh(name)
            if before is not None:
                await before(await self._indices.uuid(name))
            await self._indices.switch(name)
        except EngineError as error:
            if error.status == 404:
                raise EngineError("another rebuild took over", 409) from error
            raise
        return count

    async def _fill(
        self, pages: Pages, progress: Callable[[int], None], refusing: Callable[[Refused], None], keep: bool
    ) -> int:
        count, after = 0, None
        while page := await pages(after, PAGE):
            for one in (await self._documents.fill(page)).refused:
                refusing(one)
            if keep:
                await self._documents.keep_newer(page)
            count, after = count + len(page), page[-1].id
            progress(count)
        return count
