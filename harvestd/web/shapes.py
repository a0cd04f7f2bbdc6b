"""Building blocks of all shapes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, get_args

import msgspec
from msgspec import UNSET, Meta, field

from harvestd.kernel import readers
from harvestd.kernel.foreign import MAX_ID, MAX_KEYS, MAX_VALUE
from harvestd.kernel.units import Unit
from harvestd.web.reading import form
from harvestd.web.vocabulary import closed

_AN_ID = "0197f0a0-7c1e-7abc-8def-0123456789ab"


def _id(lister: str = "", what: str = "A UUIDv7; letters in either case.") -> Meta:
    """The annotation of an id; ``lister`` is the address that lists the valid ones."""
    return form(
        "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        readers.id,
        kind=f"must be an id from {lister}" if lister else f"must be an id such as {_AN_ID}",
        params={"not-an-id": {"list": lister}} if lister else None,
        extra_json_schema={"format": "uuid"},
        description=what,
        examples=[_AN_ID],
    )


Id = Annotated[str, _id()]
CategoryId = Annotated[str, _id("GET /api/categories")]
FarmId = Annotated[str, _id("GET /api/farms")]
ProductId = Annotated[str, _id("GET /api/products")]
PickupPointId = Annotated[str, _id("GET /api/farms/{id}")]
NotificationId = Annotated[str, _id("GET /api/notifications")]
Slug = Annotated[
    str,
    form(
        "[a-z0-9]+(?:-[a-z0-9]+)*",
        code="not-a-slug",
        max_length=80,
        description="As in an address.",
        examples=["green-acres"],
    ),
]
#: A farm, category or product, by its id or slug.
IdOrSlug = Annotated[
    str, Meta(max_length=100, description="An id or a slug.", extra={"read": lambda _, text: readers.token(text)})
]
#: A category, also by its name.
IdSlugOrName = Annotated[
    str,
    Meta(max_length=100, description="An id, a slug or a name.", extra={"read": lambda _, text: readers.token(text)}),
]
#: Several ids in one parameter, up to 100.
Ids = Annotated[
    str,
    Meta(
        max_length=37 * readers.MAX_IDS,
        description=f"Ids, separated by commas, at most {readers.MAX_IDS}.",
        examples=[_AN_ID],
        extra={
            "read": readers.ids,
            "message": f"at most {readers.MAX_IDS} ids, separated by commas",
            "params": {"too-long": {"maximum": str(readers.MAX_IDS), "reason": "elements"}},
        },
    ),
]
ExternalId = Annotated[str, Meta(min_length=1, max_length=MAX_ID, examples=["shop-4711"])]
Metadata = Annotated[dict[str, Annotated[str, Meta(max_length=MAX_VALUE)]], Meta(max_length=MAX_KEYS)]
Color = Annotated[str, form("(?:#[0-9a-fA-F]{6})?", description="Red, green and blue.", examples=["#aa5500"])]
Position = Annotated[
    str,
    Meta(max_length=2 * readers.DIGITS + 1, description="`latitude,longitude` in degrees.", examples=["48.85,2.35"]),
]
SeasonDay = Annotated[
    str,
    form(
        "(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2}",
        code="not-a-date",
        message="must be a day, MM-DD for every year or YYYY-MM-DD for one",
        description="`MM-DD` for every year or `YYYY-MM-DD` for one.",
        examples=["05-01"],
    ),
]
Limit = Annotated[int, Meta(ge=1, le=100, description="Items on a page.")]
Cursor = Annotated[str, Meta(max_length=1024, description="The `next` of an earlier page.")]
Quantity = Annotated[Decimal, Meta(description="A number or decimal string, three places at most.", examples=["1.250"])]
PerCent = Annotated[Decimal, Meta(description="Per cent, 0 to 100, three places at most.", examples=["19.000"])]
_IN_MINOR_UNITS = "must be in minor units: 350 is 3.50 EUR"
#: The message for money that is not a whole number, a common first mistake: with the alternative of a money object, and for fields
#: without one.
MINOR_UNITS, MINOR_UNITS_ALONE = (
    {"kind": words, "params": {code: {"reason": reason} for code in ("wrong-type", "not-a-number")}}
    for words, reason in (
        (f'{_IN_MINOR_UNITS}; or {{"amount": 350, "currency": "EUR"}}', "minor-units"),
        (_IN_MINOR_UNITS, "minor-units-alone"),
    )
)
MinorUnits = Annotated[
    int, Meta(description="In minor units of the market's currency: 1250 is 12.50.", extra=MINOR_UNITS)
]


#: For fields not accepted here: where they go instead, or why not; by the reason in ``ELSEWHERE``.
PLACES: dict[str, str] = {
    "as-registered": "it stays as it was registered",
    "email-route": "it is changed by PUT /api/users/me/email",
    "password-route": "it is changed by PUT /api/users/me/password",
    "from-title": "it is made from the title",
    "slug-stays": "a slug, once given, stays",
    "farm-stays": "a product stays with its farm",
    "stock-route": "the stock is set or changed by POST /api/products/{id}/stock",
    "variants-route": "pack sizes are set by PUT /api/products/{id}/variants",
    "set-or-change": "give set (the new level) or change (what is added or taken)",
    "beside-rows": "it goes beside rows, once for all of them",
    "in-location": "it goes into location",
}


UnitOut = Annotated[str, closed("Unit", get_args(Unit), "What a product is counted or weighed in.")]


class In(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An input shape: unknown fields are refused, with the reason (of ``PLACES``) that ``ELSEWHERE`` has for some."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {}


class Out(msgspec.Struct, kw_only=True, frozen=True):
    """An output shape."""


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount in minor units of a currency."""

    amount: Annotated[int, Meta(extra=MINOR_UNITS_ALONE)]
    currency: Annotated[str, Meta(min_length=3, max_length=3)]


class PricePer(Out, kw_only=True, frozen=True):
    """The quantity that a price is for, in the product's unit."""

    quantity: str
    unit: UnitOut


class Named(Out, kw_only=True, frozen=True):
    """A reference to another resource by id, slug and name."""

    id: str
    slug: str
    name: str


class Rating(Out, kw_only=True, frozen=True):
    """Stars, 1 to 5; ``average`` is null if nobody has rated."""

    average: float | None
    count: int


class Imprint(Out, kw_only=True, frozen=True):
    """Who answers for what is sold (Directive 2000/31/EC, article 5); what is not given is an empty text."""

    legal_name: str = ""
    address: str = ""
    register: str = ""
    tax_number: str = ""


class ListQuery(In, kw_only=True, frozen=True):
    """Which page of a list."""

    limit: Limit = 20
    after: Cursor | None = None


class CountedQuery(ListQuery, kw_only=True, frozen=True):
    """Which page of a list, and whether to count all items in ``total``."""

    count: bool = False


class SeasonIn(In, kw_only=True, frozen=True):
    """First and last day, both ``MM-DD`` (every year) or both ``YYYY-MM-DD`` (once)."""

    from_: SeasonDay = field(name="from")
    to: SeasonDay


class Season(Out, kw_only=True, frozen=True):
    """First and last day."""

    from_: str = field(name="from")
    to: str


def given(body: msgspec.Struct) -> dict[str, Any]:
    """The fields of a change that were sent; the others stay unchanged."""
    return {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
