"""Search on PostgreSQL: full-text search with stemming, typo tolerance by trigrams, without any extension.

A search is one statement. Only when it finds fewer than ``FEW`` hits are similar words looked up and searched for in a second
statement; hits that have the words as typed still come first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import attrs
from zope.interface import implementer

from harvestd.interfaces import Document, Found, IStoredSearch, Search, Suggestion
from harvestd.market.search import translated_titles
from harvestd.market.search.places import Place, place_of
from harvestd.market.search.postgres import rows as search_rows
from harvestd.market.search.postgres import suggest as search_suggest
from harvestd.market.search.postgres.conditions import FACETS
from harvestd.market.search.postgres.parameters import parameters
from harvestd.market.search.postgres.query import Page, statement
from harvestd.market.search.postgres.results import found
from harvestd.market.search.postgres.rows import NONE
from harvestd.market.search.postgres.similar import SIMILAR
from harvestd.market.search.text import asked, errors_allowed, is_number, nearest, trigrams
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Reader
from harvestd.store.postgres.transactions import Transaction

#: With fewer hits than this, similar words are searched for too.
FEW = 5
#: At most this many words of a query, the longest ones, are taken as possibly mistyped, or as words of which one is enough: each is
#: compared with thousands of words, and a long word is a rare one.
MAX_MISTYPED = 4
#: Documents that a rebuild writes in one transaction.
REBUILD_PAGE = 200


def few(question: Search) -> int:
    """With fewer hits than this, similar words are searched for, too. Who has said what a word means, means that, if there is any."""
    return 1 if question.rules.groups else FEW


@attrs.frozen
class Meant:
    """A query's words with their alternatives: a tsquery, and the stems in it, of which one is enough if it is ``loose``."""

    query: str
    lexemes: list[str]
    loose: bool


def configuration(language: str) -> str:
    """The text search configuration that ``search_language`` names; ``none`` disables stemming."""
    return "simple" if language == "none" else language


@implementer(IStoredSearch)
class PostgresSearch:
    """``language`` is a text search configuration of PostgreSQL, or ``none``, ``others`` are those of the market's other languages, by their tags. Queries go
    to ``reader`` if given."""

    def __init__(
        self,
        database: Database,
        language: str = "english",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        reader: Reader | None = None,
        others: Mapping[str, str] = NONE,
    ) -> None:
        self._database = database
        self._reader: Reader = reader or database
        self._language = configuration(language)
        self._now = now
        self._others = others

    async def index(self, documents: Sequence[Document]) -> None:
        """Write documents that are newer than the held ones, in one transaction."""
        await self._database.transaction(lambda tx: self.write(tx, documents))

    async def write(self, tx: Transaction, documents: Sequence[Document]) -> None:
        """Do the same as part of a transaction."""
        await self._store(tx, search_rows.newest(documents), self._now(), None)

    async def _store(
        self, tx: Transaction, documents: Sequence[Document], now: datetime, rebuilt_since: datetime | None
    ) -> None:
        await search_rows.write(tx, self._language, documents, now, rebuilt_since, self._others)
        if self._others:
            await translated_titles.write(tx, documents, self._others)

    async def search(self, question: Search) -> Found:
        """Search with one statement, or three when few hits match the words as typed."""
        words, place = asked(question.text), place_of(question, self._now())
        if question.text.strip() and not words:
            return Found((), dict.fromkeys(FACETS, ()), 0, None)
        bare = question.bare if words else question
        page, meant = await self._found(bare, words, place)
        if bare != question:
            pinned = await self._page(question, words, meant, place)
            page = attrs.evolve(pinned, total=page.total, counts=page.counts) if page.total else pinned
        return found(question, page, attrs.evolve(place, wide=meant is not None))

    async def _found(self, question: Search, words: list[str], place: Place) -> tuple[Page, Meant | None]:
        """What the words find, as typed or, with few hits, as they may have been meant."""
        page = _NOTHING if place.wide else await self._page(question, words, None, place)
        if not words or is_number(question.text):
            return page, None
        if place.wide or (place.score is None and page.total < few(question)):
            wide, meant = await self._wide(question, words, place)
            if wide.total > page.total:
                return wide, meant
        return page, None

    async def _wide(self, question: Search, words: list[str], place: Place) -> tuple[Page, Meant | None]:
        """Hits that match every word with typo tolerance or, if there are none, any word."""
        groups, page, meant = await self._meant(words), _NOTHING, None
        for joint, most in ((" & ", None), (" | ", MAX_MISTYPED)) if len(groups) > 1 else ((" & ", None),):
            if groups and not page.total:
                query = joint.join("(" + " | ".join(f"'{lexeme}'" for lexeme in group) + ")" for group in groups[:most])
                loose = len(groups) == 1 or most is not None
                meant = Meant(query, [lexeme for group in groups[:most] for lexeme in group], loose)
                page = await self._page(question, words, meant, place)
        return page, meant

    async def _page(self, question: Search, words: list[str], meant: Meant | None, place: Place) -> Page:
        query, lexemes, loose = attrs.astuple(meant) if meant else (None, None, False)
        found = await self._reader.row(
            statement(question, words, self._configurations),
            **parameters(self._language, question, words, query, lexemes, place, self._configurations, loose),
        )
        assert found is not None
        return found

    @property
    def _configurations(self) -> tuple[str, ...]:
        """Those by which queries are understood, too, each once."""
        return tuple(one for one in dict.fromkeys(self._others.values()) if one != self._language)

    async def _meant(self, words: list[str]) -> list[list[str]]:
        """For each word, the longest first, its stem and the stems of words that it may be a mistyped form of; a word with no
        similar words is left out."""
        words = sorted(words, key=len, reverse=True)
        grams = ["|".join(trigrams(word)) for word in words]
        allowed = [errors_allowed(word) if n < MAX_MISTYPED else 0 for n, word in enumerate(words)]
        candidates: dict[str, list[tuple[str, str]]] = defaultdict(list)
        own: dict[str, list[str]] = defaultdict(list)
        for word, known, lexeme, other in await self._reader.rows(
            SIMILAR, language=self._language, words=words, grams=grams, allowed=allowed
        ):
            if not known:
                candidates[word].append((other, lexeme))
            elif lexeme is not None:
                own[word].append(lexeme)
        meant = [list(dict.fromkeys(own[word] + nearest(word, candidates[word]))) for word in words]
        return [lexemes for lexemes in meant if lexemes]

    async def suggest(self, prefix: str, limit: int = 10) -> Sequence[Suggestion]:
        """Names that start with the prefix, then those that have a word that does."""
        return await search_suggest.suggest(self._reader, prefix, limit)

    async def rebuild(
        self, documents: Callable[[str | None, int], Awaitable[Sequence[Document]]], progress: Callable[[int], None]
    ) -> int:
        """Rewrite every document in place, and mark those that were not met as removed. Nothing is missing meanwhile,
        and a document that is indexed concurrently keeps its newer version."""
        started = (await self._database.rows(search_rows.CLOCK))[0]
        count, after = 0, None
        while page := await documents(after, REBUILD_PAGE):
            await self._database.transaction(self._writing(page, started))
            count, after = count + len(page), page[-1].id
            progress(count)
        while await self._database.transaction(
            lambda tx: tx.run(search_rows.BURY, started=started, limit=REBUILD_PAGE)
        ):
            pass
        await self._database.transaction(lambda tx: tx.run(search_rows.FORGET_WORDS, started=started))
        return count

    def _writing(self, page: Sequence[Document], started: datetime) -> Callable[[Transaction], Awaitable[None]]:
        newest, now = search_rows.newest(page), self._now()
        return lambda tx: self._store(tx, newest, now, started)


_NOTHING = Page(0, [], [], frozenset())
