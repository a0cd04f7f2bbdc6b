"""Categories."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from harvestd.web.shapes import CategoryId, Color, In, Out, Slug


class Category(Out, kw_only=True, frozen=True):
    """A category; ``parent_id`` makes them a tree."""

    id: str
    parent_id: str | None
    slug: str
    name: str
    description: str
    icon: str
    color: str
    version: int


class NewCategory(In, kw_only=True, frozen=True):
    """A category to add; if the slug is omitted, it is made from the name."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    parent_id: CategoryId | None = None
    slug: Slug | None = None
    description: Annotated[str, Meta(max_length=2000)] = ""
    icon: Annotated[str, Meta(max_length=100)] = ""
    color: Color = ""


class ChangeCategory(In, kw_only=True, frozen=True):
    """The fields to change."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    parent_id: CategoryId | UnsetType | None = UNSET
    slug: Slug | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=2000)] | UnsetType = UNSET
    icon: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    color: Color | UnsetType = UNSET


#: What the names here mean, as the contract says it.
WORDS: dict[str, str] = {
    "color": "Red, green and blue as `#rrggbb`; empty for none.",
    "icon": "Name of an icon for the front end.",
    "parent_id": "Id of the parent category; null at the top.",
}  # fmt: skip
