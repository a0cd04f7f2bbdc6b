"""Rows of the search index: documents, and the words that occur in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any

import msgspec

from harvestd.interfaces import Document
from harvestd.interfaces.documents import Sight
from harvestd.market.search.text import CODE, code_of, name_key, storable, trigrams, words
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: The other languages of a market of one.
NONE: Mapping[str, str] = MappingProxyType({})
#: The lexemes of a text in another language, by its own analysis; ``tag`` and ``config`` are of the table of languages.
_OTHER = """
       || setweight(to_tsvector('{config}'::regconfig, coalesce(others #>> '{{{tag},title}}', '')), 'A')
       || setweight(to_tsvector('{config}'::regconfig, coalesce(others #>> '{{{tag},label}}', '')), 'B')
       || strip(to_tsvector('{config}'::regconfig, coalesce(others #>> '{{{tag},text}}', '')))"""
_UPSERT = """
insert into search_documents (kind, id, version, removed, in_stock, allergens, benefits, codes, also, price, popularity, rating, latitude, longitude, fresh_at,
    indexed_at, unit, farm, category, season_from, season_to, tags, title, farm_name, category_name, category_names, title_key, farm_key,
    category_key, text, texts, document, lexemes, visible_to, group_prices, reduced)
select kind, id, version, removed, in_stock, allergens, benefits, codes, also, price, popularity, rating, latitude, longitude, fresh_at, clock_timestamp(), unit,
       farm, category, season_from, season_to, tags, title, farm_name, category_name, category_names, title_key, farm_key, category_key,
       text, texts, document,
       setweight(to_tsvector(:language::regconfig, title_key || ' ' || other_titles), 'A')
       || setweight(to_tsvector(:language::regconfig, category_key || ' ' || tag_words || ' ' || other_labels), 'B')
       || setweight(to_tsvector(:language::regconfig, farm_key), 'C')
       || strip(to_tsvector(:language::regconfig, text_words || ' ' || other_texts)) || array_to_tsvector(code_words){others}, visible_to, group_prices, reduced
  from jsonb_to_recordset(:documents::jsonb) as d(kind text, id uuid, version bigint, removed boolean, in_stock boolean,
       allergens text[], benefits text[], codes text[], code_words text[], also text, price bigint, popularity real, rating real, latitude float8, longitude float8, fresh_at timestamptz, unit text, farm text,
       category text, season_from text, season_to text, tags text[], title text, farm_name text, category_name text, category_names jsonb, other_labels text,
       title_key text, farm_key text, category_key text, tag_words text, text text, texts jsonb, text_words text, other_titles text, other_texts text, others jsonb, document jsonb,
       visible_to uuid[], group_prices jsonb, reduced boolean)
 order by kind, id
on conflict (kind, id) do update set version = excluded.version, removed = excluded.removed,
    in_stock = excluded.in_stock, allergens = excluded.allergens, benefits = excluded.benefits, codes = excluded.codes, also = excluded.also, price = excluded.price, popularity = excluded.popularity, rating = excluded.rating,
    latitude = excluded.latitude, longitude = excluded.longitude, fresh_at = excluded.fresh_at,
    indexed_at = excluded.indexed_at, unit = excluded.unit, farm = excluded.farm, category = excluded.category,
    season_from = excluded.season_from, season_to = excluded.season_to, tags = excluded.tags, title = excluded.title,
    farm_name = excluded.farm_name, category_name = excluded.category_name, category_names = excluded.category_names, title_key = excluded.title_key,
    farm_key = excluded.farm_key, category_key = excluded.category_key, text = excluded.text, texts = excluded.texts,
    document = excluded.document, lexemes = excluded.lexemes, visible_to = excluded.visible_to, group_prices = excluded.group_prices,
    reduced = excluded.reduced
where search_documents.version < excluded.version + :again"""


@cache
def upsert(others: tuple[tuple[str, str], ...] = ()) -> Statement[None]:
    """Writes documents, with texts in these other languages and their analyses. ``again`` is 1 if a document also replaces one of the same version, as in a
    rebuild, else 0."""
    more = "".join(_OTHER.format(tag=tag, config=config) for tag, config in others)
    name = "+".join(["search.upsert", *(tag for tag, _ in others)])
    return Statement(name, _UPSERT.replace("{others}", more), nothing)


#: Notes what a page of the rebuild met although the index has a newer version.
MET = Statement(
    "search.met",
    "update search_documents set indexed_at = clock_timestamp() where id = any(:ids::uuid[]) and indexed_at < :rebuilt_since",
    nothing,
)
BURY = Statement(
    "search.bury",
    """update search_documents set removed = true, indexed_at = clock_timestamp()
        where (kind, id) in (select kind, id from search_documents where not removed and indexed_at < :started limit :limit)""",
    nothing,
)
_WORDS = """insert into search_words (word, lexeme, trigrams, seen_at)
       select word, (tsvector_to_array(to_tsvector(:language::regconfig, word)))[1], string_to_array(trigrams, '|'),
              clock_timestamp()
         from unnest(:words::text[], :grams::text[]) as w(word, trigrams) order by word on conflict (word) do """
WORDS = Statement("search.words", _WORDS + "nothing", nothing)
#: The same for a rebuild: the stems may now be those of another language.
SEE_WORDS = Statement(
    "search.see_words", _WORDS + "update set lexeme = excluded.lexeme, seen_at = excluded.seen_at", nothing
)
FORGET_WORDS = Statement("search.forget_words", "delete from search_words where seen_at < :started", nothing)
CLOCK = Statement("search.clock", "select clock_timestamp()", scalar)


async def write(
    tx: Transaction, language: str, documents: Sequence[Document], now: datetime, rebuilt_since: datetime | None = None,
    others: Mapping[str, str] = NONE,
) -> None:  # fmt: skip
    """Write each document whose version is newer than the row's, and the words of all; with the texts in the ``others`` of the market's languages and
    their analyses. In a rebuild, those of the same version too; a document that is already newer is noted as met."""
    if not documents:
        return
    rows = [_row(document, now, others) for document in documents]
    await _write_words(tx, language, rows, SEE_WORDS if rebuilt_since else WORDS)
    given = msgspec.json.encode(rows).decode()
    await tx.run(upsert(tuple(others.items())), language=language, documents=given, again=1 if rebuilt_since else 0)
    if rebuilt_since:
        await tx.run(MET, ids=[document.id for document in documents], rebuilt_since=rebuilt_since)


async def _write_words(
    tx: Transaction, language: str, rows: Sequence[dict[str, Any]], statement: Statement[None]
) -> None:
    keys = (
        "title_key",
        "farm_key",
        "category_key",
        "tag_words",
        "text_words",
        "other_titles",
        "other_labels",
        "other_texts",
    )
    found = sorted({word for row in rows for key in keys for word in row[key].split()})
    if found:
        await tx.run(statement, language=language, words=found, grams=["|".join(trigrams(word)) for word in found])


async def learn(tx: Transaction, language: str, found: Sequence[str]) -> None:
    """Add the words of documents that are written in bulk, each once."""
    await tx.run(WORDS, language=language, words=list(found), grams=["|".join(trigrams(word)) for word in found])


def codes(document: Document) -> list[str]:
    """The numbers that find a document, each once."""
    return [code for code in dict.fromkeys(map(code_of, document.codes)) if code]


def newest(documents: Sequence[Document]) -> list[Document]:
    """The newest of several versions of each document."""
    found: dict[tuple[str, str], Document] = {}
    for document in documents:
        held = found.get((document.kind, document.id))
        if held is None or held.version < document.version:
            found[document.kind, document.id] = document
    return list(found.values())


def _translated(document: Document, tag: str) -> dict[str, str]:
    """What a document is found by in another language: its title, the name of its category, its text."""
    title, text = document.texts.get(tag, ("", ""))
    label = name_key(storable(document.category_names.get(tag, "")))
    return {"title": name_key(storable(title)), "label": label, "text": " ".join(words(storable(text)))}


def _row(document: Document, now: datetime, others: Mapping[str, str]) -> dict[str, Any]:
    sight = document.sight or Sight()
    shown = not document.removed or bool(sight.visible_to)
    found = {tag: _translated(document, tag) for tag in others if shown}
    title, text = storable(document.title), storable(document.text)
    farm_name, category_name = storable(document.farm_name), storable(document.category_name)
    tags = [storable(tag) for tag in document.tags]
    return {
        "kind": document.kind, "id": document.id, "version": document.version, "removed": document.removed,
        "in_stock": document.in_stock, "allergens": document.allergens, "benefits": document.benefits,
        "codes": [storable(code) for code in document.codes] if shown else [], "also": storable(document.also) if shown else "",
        "code_words": [CODE + code for code in codes(document)] if shown else [], "price": document.price, "popularity": document.popularity, "rating": document.rating,
        "latitude": document.latitude, "longitude": document.longitude, "fresh_at": document.fresh_at or now,
        "unit": document.unit, "farm": document.farm, "category": document.category,
        "season_from": document.season_from, "season_to": document.season_to, "tags": tags, "title": title,
        "farm_name": farm_name, "category_name": category_name, "text": text if shown else "",
        "texts": {tag: [storable(one) for one in both] for tag, both in document.texts.items()} if shown else {},
        "document": document.body if shown else {},
        **{f"other_{part}s": " ".join(one[part] for one in found.values()) for part in ("title", "label", "text")}, "others": found,
        "category_names": {tag: storable(name) for tag, name in document.category_names.items()} if shown else {},
        "title_key": name_key(title), "farm_key": name_key(farm_name), "category_key": name_key(category_name),
        "tag_words": " ".join(word for tag in tags for word in words(tag)) if shown else "",
        "text_words": " ".join([*words(text), *words(storable(document.also))]) if shown else "",
        "visible_to": sight.visible_to or None, "reduced": sight.reduced,
        "group_prices": [{"group": group, "price": price} for group, price in sight.prices] or None,
    }  # fmt: skip
