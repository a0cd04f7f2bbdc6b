"""Search results from Elasticsearch's hits: the engine only names documents, PostgreSQL's rows supply the contents.

So nothing that someone else wrote into the engine is ever shown, nor used as a position to measure distances from.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from harvestd.market.search.elasticsearch.hits import Key, NameSource, Point, Shown, Slug, Source
from harvestd.market.search.postgres.query import TEXT_SHOWN
from harvestd.store.elasticsearch.client import EngineError
from harvestd.store.postgres.statements import Reader, Statement


def _row(
    kind: str, id: str, removed: bool, title: str, text: str, body: dict[str, object], latitude: float | None,
    longitude: float | None, farm: str | None, farm_name: str, category: str | None, category_name: str, tags: list[str],
    unit: str | None,
) -> tuple[Key, Shown | None]:  # fmt: skip
    key = (kind, UUID(id))
    if removed or kind not in ("product", "farm"):
        return key, None
    where = Point(latitude, longitude) if latitude is not None and longitude is not None else None
    slug = body.get("slug")
    name = NameSource(
        key[1], "farm" if kind == "farm" else "product", title, farm, farm_name, category, category_name,
        Slug(slug if isinstance(slug, str) else None), tuple(tags), unit,
    )  # fmt: skip
    return key, Shown(Source(name.id, name.kind, title, text, body, where), name)


_SHOWN = Statement(
    "search_shown.of",
    f"""select d.kind, d.id::text, d.removed, d.title, left(d.text, {TEXT_SHOWN}), d.document, d.latitude, d.longitude, d.farm,
              d.farm_name, d.category, d.category_name, d.tags, d.unit
         from unnest(:kinds::text[], :ids::uuid[]) as a(kind, id) join search_documents d using (kind, id)""",
    _row,
)


async def of(reader: Reader, keys: Sequence[Key]) -> dict[Key, Shown]:
    """The current documents, without those that were removed. A document that never existed raises
    :class:`EngineError`."""
    asked = sorted(set(keys))
    if not asked:
        return {}
    found = dict(await reader.rows(_SHOWN, kinds=[kind for kind, _ in asked], ids=[str(id) for _, id in asked]))
    for kind, id in asked:
        if (kind, id) not in found:
            raise EngineError(f"it found {kind} {id}, which nobody wrote")
    return {key: shown for key, shown in found.items() if shown is not None}
