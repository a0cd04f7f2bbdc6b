"""Search on Elasticsearch or OpenSearch.

There is one index, behind an alias. A rebuild fills a second one behind the alias ``building``; meanwhile every write goes to
both, so that no change during a rebuild is lost, and the switch is one atomic operation of the engine. Documents carry their own
versions (``external``) and deletions are tombstone documents, so an older version never replaces a newer one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import attrs
from zope.interface import implementer

from harvestd.interfaces import Document, Found, ISearch, Search, Suggestion
from harvestd.market.search.elasticsearch import facets as elasticsearch_facets
from harvestd.market.search.elasticsearch import query as elasticsearch_query
from harvestd.market.search.elasticsearch import suggest as elasticsearch_suggest
from harvestd.market.search.elasticsearch import totals as elasticsearch_totals
from harvestd.market.search.elasticsearch.documents import Refused, Taken, bulk, copied, newer, taken
from harvestd.market.search.elasticsearch.hits import Key, Shown
from harvestd.market.search.elasticsearch.index import Names, about, template
from harvestd.market.search.elasticsearch.query import Answer
from harvestd.market.search.elasticsearch.totals import Totals
from harvestd.market.search.places import Place, place_of
from harvestd.market.search.postgres.engine import FEW
from harvestd.market.search.postgres.query import FACETS
from harvestd.market.search.postgres.rows import newest
from harvestd.market.search.text import asked
from harvestd.settings.table import Settings
from harvestd.store.elasticsearch.client import ElasticsearchClient, EngineError

#: Documents in one bulk request of a rebuild.
REBUILD_PAGE = 500
#: Timeouts in seconds for a write, and for a refresh or an alias switch; no user waits for these.
PATIENCE, LONG = 10.0, 60.0

Present = Callable[[Sequence[Key]], Awaitable[Mapping[Key, Shown]]]
Pages = Callable[[str | None, int], Awaitable[Sequence[Document]]]


@attrs.frozen
class State:
    """The index behind the alias. ``uuid`` is the engine's own id for it, which is never reused; ``current`` says
    whether it was made by this version for this language."""

    uuid: str
    current: bool


@implementer(ISearch)
class ElasticsearchSearch:
    """``settings`` give the URL (one or several), the prefix of the indices' names, the timeout of a query, and the language.
    With ``visible``, documents are searchable as soon as :meth:`index` returns; otherwise within half a second."""

    def __init__(
        self, reactor: Any, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC), visible: bool = False
    ) -> None:  # fmt: skip
        self.names = Names(settings.elasticsearch_index)
        self._reactor = reactor
        self._client = ElasticsearchClient(reactor, settings.elasticsearch_url)
        self._timeout = settings.elasticsearch_timeout
        self._language = "none" if settings.search_language == "simple" else settings.search_language
        self._now = now
        self._visible = visible
        #: Looks up the current documents, so that the engine supplies only ids; without it the engine's own fields are shown.
        self.present: Present | None = None

    async def start(self) -> None:
        """Do nothing: connections are opened when they are needed."""

    async def stop(self) -> None:
        """Close the connections."""
        await self._client.close()

    # --- asking ---

    async def search(self, question: Search) -> Found:
        """Search with one request, or a second one when few hits match the words as typed; both within the timeout."""
        words, place = asked(question.text), place_of(question, self._now())
        if question.text.strip() and not words:
            return Found((), dict.fromkeys(FACETS, ()), 0, None)
        end = self._reactor.seconds() + self._timeout
        page = _NOTHING if place.wide else await self._page(question, words, place, end)
        if words and (place.wide or (place.score is None and page.total < FEW)):
            wide = await self._wide(question, words, place, end)
            if wide.total > page.total or place.wide:
                page, place = wide, attrs.evolve(place, wide=True)
        keys: list[Key] = [(hit.source.kind, hit.source.id) for hit in page.hits[: question.limit]]
        keys += elasticsearch_facets.keys(page.facets)
        present = await self.present(keys) if self.present is not None else None
        return elasticsearch_query.found(question, page, place, present)

    async def _page(self, question: Search, words: list[str], place: Place, end: float) -> Answer:
        seconds = self._left(end)
        body = elasticsearch_query.asking(question, words, place, seconds)
        return elasticsearch_query.answer(
            await self._client.call("POST", f"/{self.names.alias}/_search", body, seconds)
        )

    async def _wide(self, question: Search, words: list[str], place: Place, end: float) -> Answer:
        """Hits that match every word with typo tolerance or, if there are none, any word; both queries in one request."""
        seconds, joints = self._left(end), ("and", "or") if len(words) > 1 else ("and",)
        bodies = [elasticsearch_query.asking(question, words, place, seconds, joint) for joint in joints]
        given = await self._many([line for body in bodies for line in ({}, body)], seconds)
        responses = given.get("responses") if isinstance(given, dict) else None
        if not isinstance(responses, list) or len(responses) != len(joints):
            raise EngineError("an answer to _msearch that makes no sense")
        pages = [elasticsearch_query.answer(one) for one in responses]
        return next((page for page in pages if page.total), pages[0])

    async def _many(self, lines: list[Any], seconds: float) -> Any:
        return await self._client.call("POST", f"/{self.names.alias}/_msearch", lines, seconds)

    def _left(self, end: float) -> float:
        left: float = end - self._reactor.seconds()
        if left <= 0:
            raise EngineError(f"no answer within {self._timeout:g} s")
        return left

    async def suggest(self, prefix: str, limit: int = 10) -> Sequence[Suggestion]:
        """Suggest with one request."""
        lines = elasticsearch_suggest.asking(prefix, limit, self._timeout)
        if not lines:
            return ()
        found = elasticsearch_suggest.named(await self._many(lines, self._timeout))
        present = await self.present(elasticsearch_suggest.keys(found)) if self.present is not None else None
        return elasticsearch_suggest.suggestions(prefix, found, present, limit)

    async def state(self) -> State | None:
        """The index that searches use; None if there is none. Raises ``Unavailable``."""
        path = f"/{self.names.alias}?filter_path=*.settings.index.uuid,*.mappings._meta"
        try:
            given = await self._client.call("GET", path, None, self._timeout)
        except EngineError as error:
            if error.status == 404:
                return None
            raise
        try:
            (index,) = given.values()
            meta = index["mappings"].get("_meta", {})
            return State(index["settings"]["index"]["uuid"], meta == about(self._language))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    async def totals(self, without: Sequence[str] = ()) -> Totals:
        """Totals of the index, without the documents that have these ids in it. Raises ``Unavailable``."""
        body = elasticsearch_totals.asking(without)
        return elasticsearch_totals.answer(
            await self._client.call("POST", f"/{self.names.alias}/_search", body, PATIENCE)
        )

    async def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The versions that the index holds of documents with these ids in it. Raises ``Unavailable``."""
        return elasticsearch_totals.versions(await self._get(ids, "?_source=false"))

    async def refresh(self) -> None:
        """Make earlier writes visible to searches. Raises ``Unavailable``."""
        await self._client.call("POST", f"/{self.names.alias}/_refresh", None, LONG)

    # --- writing ---

    async def index(self, documents: Sequence[Document]) -> None:
        """Write documents that are newer than the held ones; raises ``Unavailable`` if the engine refuses one, after writing the
        others."""
        bad = (await self.put(documents)).refused
        if bad:
            raise EngineError(f"{bad[0].kind} {bad[0].id} was refused: {bad[0].why}", 400)

    async def put(self, documents: Sequence[Document]) -> Taken:
        """Write them and return the ones refused for good. Raises ``Unavailable`` for errors that are worth a retry."""
        if not documents:
            return Taken()
        try:
            return await self._write(documents)
        except EngineError as error:
            if error.status != 404:
                raise
        if not await self._indices(self.names.alias):  # otherwise a rebuild switched during the write
            await self.prepare()
        return await self._write(documents)

    async def _write(self, documents: Sequence[Document]) -> Taken:
        targets = [self.names.alias, *([self.names.building] if await self._rebuilding() else [])]
        return await self._bulk(bulk(newest(documents), targets, self._now(), again=False))

    async def _bulk(self, lines: list[Any]) -> Taken:
        path = "/_bulk?refresh=true" if self._visible else "/_bulk"
        return taken(await self._client.call("POST", path, lines, PATIENCE), self.names.building)

    async def _rebuilding(self) -> bool:
        try:
            await self._client.call("HEAD", f"/_alias/{self.names.building}", None, PATIENCE)
        except EngineError as error:
            if error.status == 404:
                return False
            raise
        return True

    # --- indices ---

    async def prepare(self) -> None:
        """Create an index if there is none. Several processes may do so at once; one index results."""
        await self._put_template()
        name = self.names.index("first")
        try:
            await self._put_index(name, self.names.alias)
        except EngineError as error:
            if error.kind != "resource_already_exists_exception":
                raise

    async def rebuild(self, documents: Pages, progress: Callable[[int], None]) -> int:
        """Fill a new index and switch to it. Of two concurrent rebuilds, the later one proceeds and the earlier one raises
        ``Unavailable``, as does a rebuild with a refused document."""

        def raising(one: Refused) -> None:
            raise EngineError(f"{one.kind} {one.id} was refused: {one.why}", 400)

        return await self.build(documents, progress, raising, keep=True)

    async def build(
        self, documents: Pages, progress: Callable[[int], None], refusing: Callable[[Refused], None],
        before: Callable[[str], Awaitable[None]] | None = None, keep: bool = False,
    ) -> int:  # fmt: skip
        """Rebuild as above, but call ``refusing`` with each refused document, and ``before`` with the new index's uuid before the
        switch. The leftovers of an interrupted rebuild are deleted. With ``keep``, newer versions in the present index are
        copied over, for pages that may be older than documents indexed meanwhile."""
        await self._put_template()
        await self._clear()
        name = self.names.index(f"{self._now():%Y%m%d%H%M%S}-{uuid4().hex[:8]}")
        await self._put_index(name, self.names.building)
        try:
            count = await self._fill(documents, progress, refusing, keep)
            await self._client.call("POST", f"/{name}/_refresh", None, LONG)
            if before is not None:
                given = await self._client.call("GET", f"/{name}/_settings", None, PATIENCE)
                await before(given[name]["settings"]["index"]["uuid"])
            await self._switch(name)
        except EngineError as error:
            if error.status == 404:
                raise EngineError("another rebuild took over", 409) from error
            raise
        return count

    async def _fill(
        self, documents: Pages, progress: Callable[[int], None], refusing: Callable[[Refused], None], keep: bool
    ) -> int:
        count, after = 0, None
        while page := await documents(after, REBUILD_PAGE):
            lines = bulk(newest(page), [self.names.building], self._now(), again=True)
            for one in (await self._bulk(lines)).refused:
                refusing(one)
            if keep:
                await self._keep_newer(page)
            count, after = count + len(page), page[-1].id
            progress(count)
        return count

    async def _keep_newer(self, page: Sequence[Document]) -> None:
        """Copy the documents of the page that the present index has in a newer version."""
        ids = [f"{document.kind}:{document.id}" for document in page]
        held = newer(page, await self._get(ids, "?_source=false"))
        if held:
            await self._bulk(copied(await self._get(held), self.names.building))

    async def _get(self, ids: Sequence[str], more: str = "") -> Any:
        try:
            return await self._client.call("POST", f"/{self.names.alias}/_mget{more}", {"ids": ids}, PATIENCE)
        except EngineError as error:
            if error.status == 404:
                return {"docs": []}
            raise

    async def _switch(self, name: str) -> None:
        """Switch atomically, deleting the old indices in the same request."""
        old = await self._indices(self.names.alias)
        actions: list[dict[str, Any]] = [
            {"add": {"index": name, "alias": self.names.alias}},
            {"remove": {"index": name, "alias": self.names.building}},
            *({"remove_index": {"index": one}} for one in old),
        ]
        await self._client.call("POST", "/_aliases", {"actions": actions}, LONG)

    async def _clear(self) -> None:
        for name in await self._indices(self.names.building):
            await self._delete(f"/{name}")

    async def _indices(self, alias: str) -> list[str]:
        try:
            return list(await self._client.call("GET", f"/_alias/{alias}", None, PATIENCE))
        except EngineError as error:
            if error.status == 404:
                return []
            raise

    async def _delete(self, path: str) -> None:
        try:
            await self._client.call("DELETE", path, None, PATIENCE)
        except EngineError as error:
            if error.status != 404:
                raise

    async def _put_template(self) -> None:
        made = template(self.names, self._language)
        try:
            await self._client.call("PUT", f"/_index_template/{self.names.alias}", made, PATIENCE)
        except EngineError as error:
            if error.status == 400 and "analyzer" in error.detail.lower():
                cure = "set search_language to none, or install its analysis-common module"
                raise EngineError(f"it has no analyser for {self._language}: {cure} ({error.detail})", 400) from error
            raise

    async def _put_index(self, name: str, alias: str) -> None:
        await self._client.call("PUT", f"/{name}", {"aliases": {alias: {}}}, PATIENCE)

    async def remove(self) -> None:
        """Delete the indices and their template."""
        for name in [*await self._indices(self.names.alias), *await self._indices(self.names.building)]:
            await self._delete(f"/{name}")
        await self._delete(f"/_index_template/{self.names.alias}")


_NOTHING = Answer(0, [], dict.fromkeys(FACETS, ()))
