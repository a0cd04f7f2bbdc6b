"""Products, their listing and their stock."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.products import Status, Unit
from harvestd.web.shapes.values import (
    Id,
    In,
    ListQuery,
    MinorUnits,
    Money,
    Named,
    Out,
    Quantity,
    Season,
    SeasonIn,
)


class UnitPrice(Out, kw_only=True, frozen=True):
    """The price of a kilogram, a litre or a piece, so that offers compare; ``per`` names which."""

    amount: int
    currency: str
    per: str


class Rating(Out, kw_only=True, frozen=True):
    """Stars, 1 to 5; ``average`` is null where nobody rated."""

    average: float | None
    count: int


class Product(Out, kw_only=True, frozen=True):
    """A product; quantities in ``unit``, ``available`` is stock less what is reserved."""

    id: str
    slug: str
    title: str
    description: str
    farm: Named
    category: Named | None
    unit: str
    price: Money
    unit_price: UnitPrice
    stock: str
    available: str
    quantity_step: str
    min_quantity: str
    season: Season | None
    harvested_on: date | None
    tags: list[str]
    status: str
    images: list[dict[str, Any]]
    upvote_count: int
    view_count: int
    rating: Rating
    version: int
    created_at: datetime
    updated_at: datetime


class ProductsQuery(ListQuery, kw_only=True, frozen=True):
    """Filters and order of the listing; category and farm by slug or id, prices in minor units."""

    category: Annotated[str, Meta(max_length=100)] | None = None
    farm: Annotated[str, Meta(max_length=100)] | None = None
    tag: Annotated[str, Meta(max_length=40)] | None = None
    min_price: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    max_price: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    in_stock: bool = False
    in_season: bool = False
    sort: Literal["newest", "price", "-price", "popular", "rating"] = "newest"


class NewProduct(In, kw_only=True, frozen=True):
    """A product to offer. ``farm_id`` is needed by those with more than one farm; without ``quantity_step`` what is
    weighed is sold by any amount, and what is counted by 1."""

    title: str
    unit: Unit
    price: Money | MinorUnits
    stock: Quantity
    description: str = ""
    category_id: Id | None = None
    farm_id: Id | None = None
    quantity_step: Quantity | None = None
    min_quantity: Quantity | None = None
    season: SeasonIn | None = None
    harvested_on: date | None = None
    tags: list[str] = []
    status: Status = "published"


class ChangeProduct(In, kw_only=True, frozen=True):
    """The fields to change; the stock has its own route."""

    title: str | UnsetType = UNSET
    unit: Unit | UnsetType = UNSET
    price: Money | MinorUnits | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category_id: Id | UnsetType | None = UNSET
    quantity_step: Quantity | UnsetType = UNSET
    min_quantity: Quantity | UnsetType = UNSET
    season: SeasonIn | UnsetType | None = UNSET
    harvested_on: date | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class ChangeStock(In, kw_only=True, frozen=True):
    """Either ``set``, the new level, or ``change``, what is added (or, negative, taken) and why."""

    set: Quantity | None = None
    change: Quantity | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


class StockLevel(Out, kw_only=True, frozen=True):
    """A product's stock after a change."""

    product_id: str
    stock: str
    reserved: str
    available: str
