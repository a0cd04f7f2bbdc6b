"""Search documents of a synthetic catalogue in bulk, in one statement for many products: the same as those of ``market/search/handlers.py``
and ``market/search/postgres/rows.py``. It is valid only for the texts of ``words.py``, and a test compares the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harvestd.loading.synthetic.catalogue import Plan, farm_source

#: Products written by one statement.
BATCH = 10_000

_PAGE = """
with page as (
    select p.*, f.slug as farm_slug, f.name as farm, f.latitude, f.longitude, c.slug as category_slug, c.name as category,
           lower(p.title) as title_key, lower(f.name) as farm_key, lower(c.name) as category_key, p.origin || E'\\n' || p.ingredients as also,
           array_remove(array[nullif(p.sku, ''), nullif(p.gtin, ''), p.external_id], null) as codes
      from products p join farms f on f.id = p.farm_id join categories c on c.id = p.category_id
     where p.id > %(after)s and f.source like %(source)s order by p.id limit %(limit)s
), written as (
insert into search_documents (kind, id, version, removed, in_stock, allergens, codes, also, price, popularity, rating, latitude, longitude, fresh_at,
    indexed_at, unit, farm, category, season_from, season_to, tags, title, farm_name, category_name, title_key, farm_key,
    category_key, text, document, lexemes)
select 'product', id, revision, false, stock > reserved, allergens, codes, also, price, sales, rating_average, latitude, longitude,
       coalesce((harvested_on + time '12:00') at time zone 'UTC', shown_at, updated_at), clock_timestamp(),
       unit, farm_slug, category_slug, season_from, season_to, tags, title, farm, category, title_key, farm_key, category_key,
       description, jsonb_build_object('slug', slug),
       setweight(to_tsvector(%(language)s::regconfig, title_key), 'A')
       || setweight(to_tsvector(%(language)s::regconfig, category_key || ' ' || array_to_string(tags, ' ')), 'B')
       || setweight(to_tsvector(%(language)s::regconfig, farm_key), 'C')
       || strip(to_tsvector(%(language)s::regconfig, translate(lower(description || ' ' || also), E'.,;()%%\\n', '       ')))
       || array_to_tsvector(array(select distinct '#' || regexp_replace(lower(code), '[^a-z0-9]', '', 'g') from unnest(codes) as code))
  from page
)
select count(*), max(id::text) from page"""


def write(cursor: Any, language: str, plan: Plan, progress: Callable[[str, int], None]) -> None:
    """Write the document of each product of the plan."""
    done, after = 0, "00000000-0000-0000-0000-000000000000"
    given = {"language": language, "source": farm_source(plan.seed, 0)[:-1] + "%", "limit": BATCH}
    while done < plan.products:
        cursor.execute(_PAGE, {**given, "after": after})
        number, after = cursor.fetchone()
        done += number
        progress("search documents", done)
