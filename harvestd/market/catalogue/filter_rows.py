"""Resolving filters in one statement: categories with all their descendants, and farms, by slug or id. What is neither may be a category's name, which takes
two more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.slugs import is_id
from harvestd.market.catalogue import category_names
from harvestd.store.postgres.statements import Reader, Statement

_RESOLVE = Statement(
    "filters.resolve",
    """with recursive named as (
           select slug as token, category_id as id from category_slugs where slug = any(:category_slugs::text[])
           union all select id::text, id from categories where id = any(:category_ids::uuid[])
       ), below as (
           select token, id, id as top from named union select b.token, c.id, b.top from below b join categories c on c.parent_id = b.id
       )
       select 'category', b.token, c.id::text, c.slug, c.name, b.id = b.top,
              array(select h.slug from category_slugs h where h.category_id = c.id and h.slug <> c.slug order by 1)
         from below b join categories c on c.id = b.id
       union all select 'farm', s.slug, f.id::text, f.slug, f.name, true, {had} from farm_slugs s join farms f on f.id = s.farm_id
        where s.slug = any(:farm_slugs::text[])
       union all select 'farm', id::text, id::text, slug, name, true, {had} from farms f where id = any(:farm_ids::uuid[])""".replace(
        "{had}", "array(select h.slug from farm_slugs h where h.farm_id = f.id and h.slug <> f.slug order by 1)"
    ),
    lambda *row: row,
)


@attrs.frozen
class Named:
    """Categories and farms as (id, slug), with the slugs that they had, each once, in id order; and the names of those that were given
    explicitly, by noun and slug."""

    categories: tuple[tuple[str, ...], ...] = ()
    farms: tuple[tuple[str, ...], ...] = ()
    names: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)


async def named(reader: Reader, categories: Sequence[str], farms: Sequence[str], language: str = "") -> Named:
    """Resolve the tokens (ids or slugs, also former ones, and names of categories, first those in ``language``), with the categories' descendants; raises
    :class:`Invalid` for those that do not exist."""
    asked = {"category": categories, "farm": farms}
    if not any(asked.values()):
        return Named()
    rows = await _resolved(reader, asked)
    known = {(noun, token) for noun, token, *_ in rows}
    unknown = [token for token in categories if ("category", token) not in known]
    if unknown and (by_name := await category_names.ids_of(reader, unknown, language)):
        rows += await _resolved(reader, {"category": sorted({id for ids in by_name.values() for id in ids})})
        known |= {("category", token) for token in by_name}
    errors = tuple(
        FieldError(noun, f"there is no {noun} {token!r}", code="not-found", params={"value": token})
        for noun, tokens in asked.items()
        for token in tokens
        if (noun, token) not in known
    )
    if errors:
        raise Invalid("some filters name what is not there", errors)
    found = {
        noun: tuple(sorted({(id, slug, *had) for of, _, id, slug, _, _, had in rows if of == noun})) for noun in asked
    }
    names = {noun: {slug: name for of, _, _, slug, name, own, _ in rows if of == noun and own} for noun in asked}
    return Named(found["category"], found["farm"], names)


async def _resolved(reader: Reader, asked: Mapping[str, Sequence[str]]) -> list[tuple[Any, ...]]:
    split = {
        f"{noun}_{'ids' if ids else 'slugs'}": [token for token in asked.get(noun, ()) if is_id(token) == ids]
        for noun in ("category", "farm")
        for ids in (False, True)
    }
    return await reader.rows(_RESOLVE, **split)
