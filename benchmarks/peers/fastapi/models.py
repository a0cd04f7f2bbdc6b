"""What the market shows: the response models."""

import json
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from asyncpg import Record
from pydantic import BaseModel, ConfigDict, Field

CURRENCY = "EUR"
#: How many of each unit make the one that prices are compared by.
COMPARED = {
    "kg": ("kg", Decimal(1)),
    "g": ("kg", Decimal(1000)),
    "lb": ("kg", 1 / Decimal("0.45359237")),
    "litre": ("litre", Decimal(1)),
    "oz": ("kg", 16 / Decimal("0.45359237")),
    "ml": ("litre", Decimal(1000)),
    **{unit: (unit, Decimal(1)) for unit in ("each", "bunch", "box", "dozen", "punnet", "jar", "crate", "head")},
}
#: UN/ECE Recommendation 20.
CODES = {
    "kg": "KGM", "g": "GRM", "lb": "LBR", "oz": "ONZ", "litre": "LTR", "ml": "MLT", "dozen": "DZN",
    **dict.fromkeys(("each", "bunch", "box", "punnet", "jar", "crate", "head"), "C62"),
}  # fmt: skip
#: What each unit counts or measures.
KINDS = {unit: "piece" for unit in COMPARED} | dict.fromkeys(("kg", "g", "lb", "oz"), "weight") | dict.fromkeys(("litre", "ml"), "volume")


class ProductsQuery(BaseModel):
    """Hashable, as it is the key of the cache."""

    model_config = ConfigDict(frozen=True)

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    sort: Literal["newest", "price"] = "newest"
    after: Annotated[str, Field(max_length=1024)] | None = None
    category: Annotated[str, Field(max_length=100)] | None = None
    in_stock: bool = False


class Named(BaseModel):
    id: UUID
    slug: str
    name: str


class Money(BaseModel):
    amount: int
    currency: str = CURRENCY


class UnitPrice(Money):
    per: str


class PricePer(BaseModel):
    quantity: Decimal
    unit: str


class Season(BaseModel):
    from_: str = Field(serialization_alias="from")
    to: str


class Durability(BaseModel):
    kind: str
    date: date


class Certification(BaseModel):
    scheme: str
    body_code: str
    number: str
    valid_until: date | None


class Rating(BaseModel):
    average: float | None
    count: int


class Product(BaseModel):
    id: UUID
    slug: str
    title: str
    description: str
    farm: Named
    category: Named | None
    unit: str
    unit_code: str
    price: Money
    price_per: PricePer
    unit_price: UnitPrice
    prior_price: Money | None = None
    markdown: dict[str, Any] | None = None
    sold_by: str
    priced_by: str
    estimated_weight: PricePer | None = None
    variants: list[str] = []
    stock: Decimal
    available: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    season: Season | None
    in_season: bool
    harvested_on: date | None
    tags: list[str]
    sku: str
    external_id: str | None
    gtin: str
    lot: str
    allergens: list[str]
    ingredients: str
    origin: str
    storage: str | None
    durability: Durability | None
    certifications: list[Certification]
    metadata: dict[str, str]
    translations: dict[str, dict[str, str]]
    status: str
    visible_to: list[str] | None = None
    prices: list[dict[str, Any]] | None = None
    orderable: bool
    not_orderable: str | None
    away_until: date | None = None
    images: list[str] = []
    upvote_count: int
    view_count: int
    rating: Rating
    version: int
    created_at: datetime
    updated_at: datetime


class ProductPage(BaseModel):
    items: list[Product]
    next: str | None
    total: int | None = None


def in_season(first: str | None, last: str | None, day: str) -> bool:
    """``MM-DD`` or ``YYYY-MM-DD``, both of one kind; no first day: all year."""
    if not first or not last:
        return True
    today = day if len(first) == 10 else day[5:]
    return first <= today <= last if first <= last else today >= first or today <= last


def valid(claims: list[dict[str, Any]], day: str) -> list[dict[str, Any]]:
    """The claims that are not over."""
    return [claim for claim in claims if (claim["valid_until"] or day) >= day]


def shown(row: Record) -> dict[str, Any]:
    """A row as :class:`Product` takes it. A page of them is validated at once, which is quicker than model by model."""
    per, factor = COMPARED[row["unit"]]
    category, season, durability = None, None, None
    today = date.today().isoformat()
    if row["durability_kind"]:
        durability = {"kind": row["durability_kind"], "date": row["durability_date"]}
    if row["category_id"] is not None:
        category = {"id": row["category_id"], "slug": row["category_slug"], "name": row["category_name"]}
    if row["season_from"] and row["season_to"]:
        season = {"from_": row["season_from"], "to": row["season_to"]}
    return dict(row) | {
        "farm": {"id": row["farm_id"], "slug": row["farm_slug"], "name": row["farm_name"]},
        "category": category,
        "price": {"amount": row["price"]},
        "price_per": {"quantity": row["price_per"], "unit": row["unit"]},
        "unit_price": {
            "amount": int((row["price"] * factor / row["price_per"]).quantize(Decimal(1), ROUND_HALF_UP)),
            "per": per,
        },
        "available": row["stock"] - row["reserved"],
        "season": season,
        "unit_code": CODES[row["unit"]],
        "sold_by": KINDS[row["unit"]],
        "priced_by": KINDS[row["unit"]],
        "in_season": in_season(row["season_from"], row["season_to"], today),
        "durability": durability,
        "certifications": valid(json.loads(row["certifications"]), today),
        "metadata": json.loads(row["metadata"]),
        "translations": {},
        "not_orderable": None if row["orderable"] else "nobody-there",
        "rating": {"average": row["rating_average"] if row["rating_count"] else None, "count": row["rating_count"]},
    }
