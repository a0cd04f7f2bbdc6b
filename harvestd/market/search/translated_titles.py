"""Suggestions of products and categories by their names in another language than the market's own, whichever engine suggests the rest.

The products' titles are rows beside PostgreSQL's documents, written with them, so they are those of what is on sale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from harvestd.interfaces import Document, Suggestion
from harvestd.market.catalogue.sight import FOR_EVERYBODY
from harvestd.market.search.postgres.suggest import END, in_turn
from harvestd.market.search.text import name_key, storable, words
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction

# Only of documents that are the present ones: an older version, which was not stored, says nothing.
_WRITE = Statement(
    "search_titles.write",
    """with given as (
           select g.id, g.titles from jsonb_to_recordset(:documents::jsonb) as g(id uuid, version bigint, titles jsonb)
             join search_documents d on d.kind = 'product' and d.id = g.id and d.version = g.version
       ), gone as (
           delete from search_titles t using given g where t.product_id = g.id and not g.titles ? t.language
       )
       insert into search_titles (product_id, language, key, title)
       select g.id, t.key, t.value ->> 'key', t.value ->> 'title' from given g, jsonb_each(g.titles) t order by 1, 2
       on conflict (product_id, language) do update set key = excluded.key, title = excluded.title""",
    nothing,
)
_BEGIN = Statement(
    "search_titles.begin",
    f"""select t.title, p.slug, t.product_id::text, t.alike from (
           select distinct on (key) key, title, product_id, count(*) over (partition by key) as alike from (
               select key, title, product_id from search_titles
                where language = :language and key >= :key and key < :last order by key limit 1000) n
            order by key, product_id) t join products p on p.id = t.product_id and {FOR_EVERYBODY}
        order by t.key limit :limit""",
    lambda title, slug, id, alike: Suggestion(title, "product", slug, id, alike),
)

_CATEGORIES = Statement(
    "search_titles.categories",
    f"""select n.name, c.slug from categories c cross join lateral (select c.translations #>> array[:language::text, 'name'] as name) n
            cross join lateral (select folded(n.name) as folded) k
         where n.name <> '' and ' ' || k.folded like '% ' || :key || '%'
           and exists (select from products p where p.category_id = c.id and {FOR_EVERYBODY})
         order by k.folded not like :key || '%', k.folded, c.id limit :limit""",
    lambda name, slug: Suggestion(name, "category", slug),
)


async def write(tx: Transaction, documents: Sequence[Document], languages: Mapping[str, str]) -> None:
    """Keep the titles of these documents in the market's other ``languages``, after the documents were written."""
    rows = [_row(document, languages) for document in documents if document.kind == "product"]
    if rows:
        await tx.run(_WRITE, documents=msgspec.json.encode(rows).decode())


def _row(document: Document, languages: Mapping[str, str]) -> dict[str, Any]:
    texts = {} if document.removed else document.texts
    titles = {
        tag: {"key": name_key(storable(title)), "title": storable(title)}
        for tag, (title, _) in texts.items()
        if tag in languages
    }
    return {"id": document.id, "version": document.version, "titles": titles}


async def begin(reader: Reader, language: str, prefix: str, limit: int) -> list[Suggestion]:
    """Titles in a language that start with a prefix, each once, and names of categories with a word that does, in turn."""
    key = " ".join(words(prefix, 8))
    if not key or not language:
        return []
    titles = await reader.rows(_BEGIN, language=language, key=key, last=key + END, limit=limit)
    return in_turn([titles, await reader.rows(_CATEGORIES, language=language, key=key, limit=limit)])
