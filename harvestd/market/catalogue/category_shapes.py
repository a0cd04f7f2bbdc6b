"""Categories."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from harvestd.kernel.tags import LANGUAGES
from harvestd.market.catalogue.category_rules import TEXTS
from harvestd.web.shapes import CategoryId, Color, In, Out, Slug


class TranslationIn(In, kw_only=True, frozen=True):
    """The texts in another of the market's languages."""

    name: Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)]
    description: Annotated[str, Meta(max_length=TEXTS["description"].longest)] = ""


class ChangeTranslation(In, kw_only=True, frozen=True):
    """The texts to change in another of the market's languages."""

    name: Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=TEXTS["description"].longest)] | UnsetType = UNSET


class Translation(Out, kw_only=True, frozen=True):
    """The texts in another of the market's languages."""

    name: str
    description: str


Translations = Annotated[dict[str, TranslationIn], Meta(max_length=len(LANGUAGES))]
ChangedTranslations = Annotated[dict[str, ChangeTranslation | None], Meta(max_length=len(LANGUAGES))]


class Category(Out, kw_only=True, frozen=True):
    """A category; ``parent_id`` makes them a tree."""

    id: str
    parent_id: str | None
    slug: str
    name: str
    description: str
    icon: str
    color: str
    translations: dict[str, Translation]
    version: int


class NewCategory(In, kw_only=True, frozen=True):
    """A category to add; if the slug is omitted, it is made from the name."""

    name: Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)]
    parent_id: CategoryId | None = None
    slug: Slug | None = None
    description: Annotated[str, Meta(max_length=TEXTS["description"].longest)] = ""
    icon: Annotated[str, Meta(max_length=TEXTS["icon"].longest)] = ""
    color: Color = ""
    translations: Translations = {}


class ChangeCategory(In, kw_only=True, frozen=True):
    """The fields to change; translations that it does not name stay, null removes those of a language."""

    name: Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)] | UnsetType = UNSET
    parent_id: CategoryId | UnsetType | None = UNSET
    slug: Slug | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=TEXTS["description"].longest)] | UnsetType = UNSET
    icon: Annotated[str, Meta(max_length=TEXTS["icon"].longest)] | UnsetType = UNSET
    color: Color | UnsetType = UNSET
    translations: ChangedTranslations | UnsetType = UNSET


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "color": "Red, green and blue as `#rrggbb`; empty for none.",
    "icon": "Name of an icon for the front end.",
    "translations": "Names and descriptions in the market's other languages, by their tags.",
    "parent_id": "Id of the parent category; null at the top.",
}  # fmt: skip
