"""The schema of the engine's hits, field by field: anyone who can write to the engine can put anything into it.

A hit that does not fit counts as an error of the engine, and PostgreSQL answers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from harvestd.store.elasticsearch.client import EngineError

Form = TypeVar("Form")
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Kind = Literal["product", "farm"]


class Point(msgspec.Struct, frozen=True):
    """A position in degrees."""

    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]


class Source(msgspec.Struct, frozen=True):
    """A document of ours, as a hit shows it; the last five only if it explains itself."""

    id: UUID
    kind: Kind
    title: str
    shown: str
    body: dict[str, Any]
    location: Point | None = None
    in_stock: bool = False
    fresh_at: float = 0.0
    popular: float = 0.0
    liked: float = 0.0
    brief: float = 0.0


class EngineHit(msgspec.Struct, frozen=True):
    """A hit of a search: ``sort`` holds its sort values and its id, ``highlight`` the matches by field, ``matched_queries`` the names of those
    parts of the query that it matches, if they have names."""

    source: Source = msgspec.field(name="_source")
    score: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = msgspec.field(name="_score")
    sort: Annotated[
        list[Annotated[float, msgspec.Meta(ge=0, le=2**53)] | str], msgspec.Meta(min_length=1, max_length=2)
    ]
    highlight: dict[str, list[str]] = {}
    matched_queries: list[str] = []


class Slug(msgspec.Struct, frozen=True):
    """The part of the text that a suggestion shows."""

    slug: str | None = None


class NameSource(msgspec.Struct, frozen=True):
    """A document of ours, as a suggestion or a facet shows it."""

    id: UUID
    kind: Kind
    title: str = ""
    farm: str | None = None
    farm_name: str | None = None
    category: str | None = None
    category_name: str | None = None
    body: Slug = Slug()
    tags: tuple[str, ...] = ()
    unit: str | None = None


class NameHit(msgspec.Struct, frozen=True):
    """A hit of a suggestion."""

    source: NameSource = msgspec.field(name="_source")


class NameHits(msgspec.Struct, frozen=True):
    """The hit of a document that has a facet's value."""

    hits: Annotated[list[NameHit], msgspec.Meta(min_length=1)]


class One(msgspec.Struct, frozen=True):
    """The document that has a facet's value."""

    hits: NameHits


class Bucket(msgspec.Struct, frozen=True):
    """A value of a facet."""

    key: str
    doc_count: Count
    one: One | None = None


class Shown(NamedTuple):
    """A document of ours in its current state."""

    source: Source
    name: NameSource


#: A document's kind and id.
Key = tuple[str, UUID]


def of_form(value: object, form: type[Form]) -> Form:
    """The value converted to the type; raises :class:`EngineError` if it does not fit."""
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        raise EngineError(f"an answer that makes no sense: {error}") from None
