"""The rules that the market's staff gives for searches."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, get_args

from msgspec import UNSET, Meta, UnsetType, field

from harvestd.market.catalogue.tag_rules import MAX_TAG_LENGTH
from harvestd.market.search.rules import MAX_FACTOR, MAX_PRODUCTS, MAX_QUERIES, MAX_QUERY, MIN_FACTOR, NOTE, Kind
from harvestd.web.shapes import CategoryId, CountedQuery, FarmId, In, Out, ProductId
from harvestd.web.vocabulary import closed

_KIND = closed(
    "SearchRuleKind",
    get_args(Kind),
    "What a rule does: words that mean the same, products that come first, or what counts more.",
)
KindIn = Annotated[Kind, _KIND]
KindOut = Annotated[str, _KIND]
_Text = Annotated[str, Meta(min_length=1, max_length=MAX_QUERY)]
Texts = Annotated[list[_Text], Meta(max_length=MAX_QUERIES)]
Queries = Annotated[list[_Text], Meta(min_length=1, max_length=MAX_QUERIES)]
Products = Annotated[list[ProductId], Meta(max_length=MAX_PRODUCTS)]
Tag = Annotated[str, Meta(min_length=1, max_length=MAX_TAG_LENGTH)]
Factor = Annotated[float, Meta(ge=MIN_FACTOR, le=MAX_FACTOR)]
Note = Annotated[str, Meta(max_length=NOTE.longest)]


class SearchRulesQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of rules."""

    kind: KindIn | None = None


class SearchRule(Out, kw_only=True, frozen=True):
    """A rule for searches."""

    id: str
    kind: KindOut
    queries: list[str]
    means: list[str]
    product_ids: list[str]
    category_id: str | None
    farm_id: str | None
    tag: str | None
    factor: float | None
    note: str
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime


class NewSearchRule(In, kw_only=True, frozen=True):
    """A rule to make. A ``synonym`` has ``queries`` that mean the same or, one way, what they ``mean`` as well; a ``pin`` has
    ``product_ids``; a ``boost`` has a ``factor`` and one of ``category_id``, ``farm_id`` and ``tag``."""

    kind: KindIn
    queries: Queries
    means: Texts = []
    product_ids: Products = []
    category_id: CategoryId | None = None
    farm_id: FarmId | None = None
    tag: Tag | None = None
    factor: Factor | None = None
    note: Note = ""
    active: bool = True


class ChangeSearchRule(In, kw_only=True, frozen=True):
    """The fields to change; the kind stays."""

    queries: Queries | UnsetType = UNSET
    means: Texts | UnsetType = UNSET
    product_ids: Products | UnsetType = UNSET
    category_id: CategoryId | UnsetType | None = UNSET
    farm_id: FarmId | UnsetType | None = UNSET
    tag: Tag | UnsetType | None = UNSET
    factor: Factor | UnsetType | None = UNSET
    note: Note | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class SearchMissesQuery(CountedQuery, kw_only=True, frozen=True):
    """Of which days."""

    from_: date | None = field(name="from", default=None)
    to: date | None = None


class SearchMiss(Out, kw_only=True, frozen=True):
    """What was searched for and not found."""

    query: str
    count: int
    languages: list[str]
    areas: list[str]
    last_on: date


_OF_RULES = ("SearchRule", "NewSearchRule", "ChangeSearchRule")
_MEANINGS = {
    "queries": "Of a synonym, the words that mean the same; of others, the queries that it is for. Case, accents and common plurals make no difference.",
    "means": "Of a synonym that goes one way only: what its queries find as well, and not the other way round.",
    "product_ids": "Of a pin: the products that come first, in this order, if they are on sale and fit the filters, whether or not they have the words; those that have not are in no `total` and no facet, unless nothing else is found.",
    "category_id": "Of a boost: products of this category, or of one below it.",
    "farm_id": "Of a boost: products of this farm.",
    "tag": "Of a boost: products with this tag.",
    "factor": "Of a boost: how many times as much their relevance counts.",
    "note": "For the staff: why it is there.",
    "active": "Whether it applies.",
}
#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    **{f"{shape}.{name}": meaning for shape in _OF_RULES for name, meaning in _MEANINGS.items()},
    "SearchMissesQuery.from": "The first day.", "SearchMissesQuery.to": "The last day.",
    "SearchMiss.query": "The words of the query, lower case and without accents.", "SearchMiss.count": "How often it was searched for.",
    "SearchMiss.languages": "The languages of those who searched.", "SearchMiss.areas": "Where they searched, if they gave a position: the south-western corners of degrees, at most 20.",
    "last_on": "The last day on which it was.",
    "SearchRule.kind": "What it does.", "NewSearchRule.kind": "What it does; it stays so.", "SearchRulesQuery.kind": "Only rules of this kind.",
}  # fmt: skip
