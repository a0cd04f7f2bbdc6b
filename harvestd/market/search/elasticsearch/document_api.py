"""Writing documents to the engine's indices and reading them back by id (``_bulk``, ``_mget``).

During a rebuild every write goes to both indices, so that no change is lost. Documents carry their own versions (``external``) and
deletions are tombstone documents, so an older version never replaces a newer one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from harvestd.interfaces import Document
from harvestd.market.search.elasticsearch.documents import Taken, bulk, copied, newer, taken
from harvestd.market.search.elasticsearch.indices import PATIENCE, Indices
from harvestd.market.search.postgres.rows import newest
from harvestd.store.elasticsearch.client import ElasticsearchClient, EngineError


class DocumentAPI:
    """Documents of these indices; all raise ``Unavailable`` for errors that are worth a retry. With ``visible``, what is written can be
    found at once; otherwise within half a second."""

    def __init__(
        self, client: ElasticsearchClient, indices: Indices, now: Callable[[], datetime], visible: bool
    ) -> None:
        self._client = client
        self._indices = indices
        self._now = now
        self._visible = visible
        self._path = "/_bulk?refresh=true" if visible else "/_bulk"

    async def put(self, documents: Sequence[Document], *, seen: bool = False) -> Taken:
        """Write those that are newer than the held ones, first creating an index if there is none; with ``seen``, return once they are found."""
        if not documents:
            return Taken()
        try:
            return await self._put(documents, seen)
        except EngineError as error:
            if error.status != 404:
                raise
        if not await self._indices.behind(self._indices.names.alias):  # otherwise a rebuild switched during the write
            await self._indices.prepare()
        return await self._put(documents, seen)

    async def _put(self, documents: Sequence[Document], seen: bool) -> Taken:
        names = self._indices.names
        targets = [names.alias, *([names.building] if await self._indices.building() else [])]
        return await self._bulk(bulk(newest(documents), targets, self._now(), again=False), seen)

    async def fill(self, documents: Sequence[Document]) -> Taken:
        """Write a page of a rebuild to the index that is being built."""
        return await self._bulk(bulk(newest(documents), [self._indices.names.building], self._now(), again=True))

    async def keep_newer(self, page: Sequence[Document]) -> None:
        """Copy the documents of the page that the searched index has in a newer version to the one that is being built."""
        ids = [f"{document.kind}:{document.id}" for document in page]
        held = newer(page, await self.get(ids, "?_source=false"))
        if held:
            await self._bulk(copied(await self.get(held), self._indices.names.building))

    async def get(self, ids: Sequence[str], more: str = "") -> Any:
        """The answer of ``_mget`` for these ids, with ``more`` as its query."""
        try:
            return await self._client.call("POST", f"/{self._indices.names.alias}/_mget{more}", {"ids": ids}, PATIENCE)
        except EngineError as error:
            if error.status == 404:
                return {"docs": []}
            raise

    async def _bulk(self, lines: list[Any], seen: bool = False) -> Taken:
        path = "/_bulk?refresh=wait_for" if seen and not self._visible else self._path
        return taken(await self._client.call("POST", path, lines, PATIENCE), self._indices.names.building)
