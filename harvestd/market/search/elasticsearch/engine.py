"""Search on Elasticsearch or OpenSearch.

There is one index, behind an alias (``indices.py``), to which documents are written by id and version (``document_api.py``), and which
a second one replaces when it is rebuilt (``reindexing.py``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
from zope.interface import implementer

from harvestd.interfaces import Document, Found, ISearch, Search, Suggestion
from harvestd.kernel.languages import spoken
from harvestd.market.search.elasticsearch import answers as elasticsearch_answers
from harvestd.market.search.elasticsearch import facets as elasticsearch_facets
from harvestd.market.search.elasticsearch import query as elasticsearch_query
from harvestd.market.search.elasticsearch import suggest as elasticsearch_suggest
from harvestd.market.search.elasticsearch import totals as elasticsearch_totals
from harvestd.market.search.elasticsearch.answers import Answer
from harvestd.market.search.elasticsearch.document_api import DocumentAPI
from harvestd.market.search.elasticsearch.documents import Refused
from harvestd.market.search.elasticsearch.hits import Key, Shown
from harvestd.market.search.elasticsearch.indices import PATIENCE, Indices, Names
from harvestd.market.search.elasticsearch.reindexing import Pages, Reindexing
from harvestd.market.search.elasticsearch.totals import Totals
from harvestd.market.search.places import Place, place_of
from harvestd.market.search.postgres.conditions import FACETS
from harvestd.market.search.postgres.engine import few
from harvestd.market.search.text import asked, is_number
from harvestd.market.search.tongues import others
from harvestd.settings.table import Settings
from harvestd.store.elasticsearch.client import ElasticsearchClient, EngineError

Present = Callable[[Sequence[Key]], Awaitable[Mapping[Key, Shown]]]


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
        self._now = now
        language = "none" if settings.search_language == "simple" else settings.search_language
        self.indices = Indices(
            self._client, self.names, language, self._timeout, others(spoken(settings.market_languages), language)
        )
        self.documents = DocumentAPI(self._client, self.indices, now, visible)
        self.reindexing = Reindexing(self.indices, self.documents, now)
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
        bare = question.bare if words else question
        page, joint = await self._found(bare, words, place, end)
        if bare != question:
            pinned = await self._page(question, words, place, end, joint)
            page = attrs.evolve(pinned, total=page.total, facets=page.facets) if page.total else pinned
        place = attrs.evolve(place, wide=bool(joint))
        keys: list[Key] = [(hit.source.kind, hit.source.id) for hit in page.hits[: question.limit]]
        keys += elasticsearch_facets.keys(page.facets)
        present = await self.present(keys) if self.present is not None else None
        return elasticsearch_answers.found(question, page, place, present)

    async def _found(self, question: Search, words: list[str], place: Place, end: float) -> tuple[Answer, str]:
        """What the words find, as typed or, with few hits, as they may have been meant; and how they are joined then."""
        page = _NOTHING if place.wide else await self._page(question, words, place, end)
        if not words or is_number(question.text):
            return page, ""
        if place.wide or (place.score is None and page.total < few(question)):
            wide, joint = await self._wide(question, words, place, end)
            if wide.total > page.total or place.wide:
                return wide, joint
        return page, ""

    async def _page(self, question: Search, words: list[str], place: Place, end: float, joint: str = "") -> Answer:
        seconds = self._left(end)
        body = elasticsearch_query.asking(question, words, place, seconds, joint, tuple(self.indices.others))
        return elasticsearch_answers.answer(
            await self._client.call("POST", f"/{self.names.alias}/_search", body, seconds)
        )

    async def _wide(self, question: Search, words: list[str], place: Place, end: float) -> tuple[Answer, str]:
        """Hits that match every word with typo tolerance or, if there are none, any word, and by which of the two; both queries in one request."""
        seconds, joints = self._left(end), ("and", "or") if len(words) > 1 else ("and",)
        bodies = [
            elasticsearch_query.asking(question, words, place, seconds, joint, tuple(self.indices.others))
            for joint in joints
        ]
        given = await self._many([line for body in bodies for line in ({}, body)], seconds)
        responses = given.get("responses") if isinstance(given, dict) else None
        if not isinstance(responses, list) or len(responses) != len(joints):
            raise EngineError("an answer to _msearch that makes no sense")
        pages = [elasticsearch_answers.answer(one) for one in responses]
        both = list(zip(pages, joints, strict=True))
        return next((one for one in both if one[0].total), both[0])

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

    async def totals(self, without: Sequence[str] = ()) -> Totals:
        """Totals of the index, without the documents that have these ids in it. Raises ``Unavailable``."""
        body = elasticsearch_totals.asking(without)
        return elasticsearch_totals.answer(
            await self._client.call("POST", f"/{self.names.alias}/_search", body, PATIENCE)
        )

    async def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The versions that the index holds of documents with these ids in it. Raises ``Unavailable``."""
        return elasticsearch_totals.versions(await self.documents.get(ids, "?_source=false"))

    # --- writing ---

    async def index(self, documents: Sequence[Document]) -> None:
        """Write documents that are newer than the held ones; raises ``Unavailable`` if the engine refuses one, after writing the
        others."""
        bad = (await self.documents.put(documents)).refused
        if bad:
            raise EngineError(f"{bad[0].kind} {bad[0].id} was refused: {bad[0].why}", 400)

    async def rebuild(self, documents: Pages, progress: Callable[[int], None]) -> int:
        """Fill a new index and switch to it. Of two concurrent rebuilds, the later one proceeds and the earlier one raises
        ``Unavailable``, as does a rebuild with a refused document."""

        def raising(one: Refused) -> None:
            raise EngineError(f"{one.kind} {one.id} was refused: {one.why}", 400)

        return await self.reindexing.build(documents, progress, raising, keep=True)


_NOTHING = Answer(0, [], dict.fromkeys(FACETS, ()))
