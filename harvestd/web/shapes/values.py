"""What the shapes of all nouns are made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, field

Id = Annotated[
    str,
    Meta(
        pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        description="A UUIDv7.",
        examples=["0197f0a0-7c1e-7abc-8def-0123456789ab"],
    ),
]
Slug = Annotated[
    str,
    Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80, description="As in an address.", examples=["green-acres"]),
]
Color = Annotated[str, Meta(pattern="^(#[0-9a-fA-F]{6})?$", description="Red, green and blue.", examples=["#aa5500"])]
Limit = Annotated[int, Meta(ge=1, le=100, description="Items on a page.")]
Cursor = Annotated[str, Meta(max_length=1024, description="`next` of an earlier page.")]
Quantity = Annotated[Decimal, Meta(description="A number or decimal string, three places at most.", examples=["1.250"])]
MinorUnits = Annotated[int, Meta(description="In minor units of the market's currency: 1250 is 12.50.")]


class In(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What comes in: a field that is not in the type is refused."""


class Out(msgspec.Struct, kw_only=True, frozen=True):
    """What goes out."""


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount in minor units of a currency."""

    amount: int
    currency: Annotated[str, Meta(min_length=3, max_length=3)]


class Named(Out, kw_only=True, frozen=True):
    """Something else, by its names."""

    id: str
    slug: str
    name: str


class ListQuery(In, kw_only=True, frozen=True):
    """Which page of a list."""

    limit: Limit = 20
    after: Cursor | None = None


class SeasonIn(In, kw_only=True, frozen=True):
    """First and last day, both ``MM-DD`` (every year) or both ``YYYY-MM-DD`` (once)."""

    from_: str = field(name="from")
    to: str


class Season(Out, kw_only=True, frozen=True):
    """First and last day."""

    from_: str = field(name="from")
    to: str
