"""Documents as the engine holds them, and the outcome of writing them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from harvestd.interfaces import Document
from harvestd.market.search.postgres.query import TEXT_SHOWN
from harvestd.market.search.postgres.rows import codes
from harvestd.market.search.ranking import popularity, rating
from harvestd.market.search.text import name_key, storable, words
from harvestd.store.elasticsearch.client import EngineError


@attrs.frozen
class Refused:
    """A document that the engine refuses as it is, however often it is retried."""

    kind: str
    id: str
    why: str


@attrs.frozen
class Taken:
    """The outcome of a write: ``refused`` documents, and those of which the engine holds the same version or a newer one, by their
    ids in the engine. It has accepted all the others."""

    refused: list[Refused] = attrs.field(factory=list)
    held: list[str] = attrs.field(factory=list)


def bulk(documents: Sequence[Document], targets: Sequence[str], now: datetime, again: bool) -> list[Any]:
    """The lines of one ``_bulk``: each document for each of the aliases. The engine rejects an older version (``external``);
    with ``again`` it accepts the version that it already has."""
    told: list[Any] = []
    kind = "external_gte" if again else "external"
    for document in documents:
        source = _source(document, now)
        for target in targets:
            about = {
                "_index": target,
                "_id": f"{document.kind}:{document.id}",
                "version": document.version,
                "version_type": kind,
            }
            told += [{"index": {**about, "require_alias": True}}, source]
    return told


def newer(documents: Sequence[Document], answer: Any) -> list[str]:
    """Engine ids of the documents that, by an answer of ``_mget``, are held in a newer version than the given one."""
    held = {one["_id"]: one["_version"] for one in answer.get("docs", ()) if one.get("found")}
    given = {f"{document.kind}:{document.id}": document.version for document in documents}
    return [id for id, version in held.items() if version > given.get(id, version)]


def copied(answer: Any, target: str) -> list[Any]:
    """The lines of a ``_bulk`` that copies the answer of an ``_mget`` unchanged."""
    told: list[Any] = []
    for one in answer.get("docs", ()):
        if one.get("found"):
            about = {"_index": target, "_id": one["_id"], "version": one["_version"], "version_type": "external"}
            told += [{"index": {**about, "require_alias": True}}, one["_source"]]
    return told


def taken(answer: Any, optional: str) -> Taken:
    """The outcome of a write. Any other failure raises :class:`EngineError` with the first cause, except in the
    alias ``optional``, which may disappear at any moment."""
    try:
        items = [item["index"] for item in answer["items"]] if answer["errors"] else []
        bad = [(item, item["status"], item["error"]) for item in items if item["status"] not in (200, 201, 409)]
        found = []
        for item, status, error in bad:
            why = f"{error['type']}: {error['reason']}"[:300]
            if item["_index"] == optional and status == 404:
                continue
            if status != 400 or "alias" in error["reason"]:  # a temporary error, not one of the document
                raise EngineError(f"a document was not taken: {why}", status, error["type"])
            kind, _, id = item["_id"].partition(":")
            found.append(Refused(kind, id, why))
        return Taken(found, sorted({item["_id"] for item in items if item["status"] == 409}))
    except (KeyError, TypeError, AttributeError) as error:
        raise EngineError("an answer to _bulk that makes no sense") from error


def _source(document: Document, now: datetime) -> dict[str, Any]:
    if document.removed:
        return {"kind": document.kind, "id": document.id, "version": document.version, "removed": True}
    title, text = storable(document.title), storable(document.text)
    farm_name, category_name = storable(document.farm_name), storable(document.category_name)
    tags = [storable(tag) for tag in document.tags]
    others = {
        tag: (name_key(storable(of[0])), " ".join(words(storable(of[1])))) for tag, of in document.texts.items()
    }  # fmt: skip
    labels = {tag: name_key(storable(name)) for tag, name in document.category_names.items()}
    source: dict[str, Any] = {
        "kind": document.kind, "id": document.id, "version": document.version, "removed": False, "title": title,
        "shown": text[:TEXT_SHOWN],
        "farm_name": farm_name, "category_name": category_name, "body": document.body,
        "title_words": " ".join([name_key(title), *(one[0] for one in others.values())]).rstrip(), "farm_words": name_key(farm_name),
        "text_words": " ".join([*words(text), *words(storable(document.also)), *(one[1] for one in others.values())]).rstrip(),
        **{f"label_{tag}": name for tag, name in labels.items()},
        **{f"title_{tag}": one[0] for tag, one in others.items()}, **{f"text_{tag}": one[1] for tag, one in others.items()},
        "label_words": " ".join([*words(category_name), *(word for tag in tags for word in words(tag)), *labels.values()]),
        "title_key": name_key(title), "farm_key": name_key(farm_name), "category_key": name_key(category_name),
        "category": document.category, "farm": document.farm, "tags": tags, "unit": document.unit,
        "price": document.price, "in_stock": document.in_stock, "allergens": list(document.allergens), "benefits": list(document.benefits), "codes": codes(document),
        "sales": document.popularity, "rating": document.rating,
        "popular": popularity(document.popularity), "liked": rating(document.rating), "brief": 1 / max(1, len(words(title))),
        "fresh_at": int((document.fresh_at or now).timestamp() * 1000),
        **_season(document.season_from, document.season_to),
    }  # fmt: skip
    if document.latitude is not None and document.longitude is not None:
        source["location"] = {"lat": document.latitude, "lon": document.longitude}
    return source


def _season(first: str | None, last: str | None) -> dict[str, str]:
    """``season`` says how to read the two days: as dates of one year, days of every year, or a span across its end."""
    if first is None or last is None:
        return {}
    kind = "dates" if len(first) == 10 else "days" if first <= last else "winter"
    return {"season": kind, "season_from": first, "season_to": last}
