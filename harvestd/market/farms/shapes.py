"""Farms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.farms import away_shapes, benefit_shapes, delivery_shapes
from harvestd.market.farms.away_shapes import Away, Aways
from harvestd.market.farms.benefit_shapes import BenefitOut, Benefits
from harvestd.market.farms.delivery_shapes import Delivery, DeliveryIn, PickupPoint, PickupPointIn
from harvestd.market.farms.imprint_rules import TEXTS as IMPRINT
from harvestd.market.farms.rules import MAX_ADDRESS, MAX_CERTIFICATION, MAX_CERTIFICATIONS, TEXTS
from harvestd.web import claim_shapes
from harvestd.web.claim_shapes import Certification, Certifications
from harvestd.web.shapes import (
    CountedQuery,
    ExternalId,
    Ids,
    Imprint,
    In,
    Metadata,
    MinorUnits,
    Money,
    Out,
    Position,
    Rating,
    Season,
    Slug,
)
from harvestd.web.vocabulary import closed

STATES = ("pending", "verified", "suspended")
_STATE = (
    "Whether the market lets a farm sell: `verified` ones take orders and are found; `pending` ones not yet, `suspended` ones no more. Their own pages "
    "stay, but neither they nor their products are in lists, search, feeds or site maps."
)


class Location(In, kw_only=True, frozen=True):
    """Position in degrees, both null if unknown, and the address as free text."""

    latitude: Annotated[Decimal, Meta(description="-90 to 90")] | None
    longitude: Annotated[Decimal, Meta(description="-180 to 180")] | None
    address: Annotated[str, Meta(max_length=MAX_ADDRESS)] = ""


class LocationOut(Out, kw_only=True, frozen=True):
    """Position in degrees, null if unknown, and the address."""

    latitude: float | None
    longitude: float | None
    address: str


StateOut = Annotated[
    str,
    closed(
        "FarmState",
        STATES,
        _STATE,
    ),
]
StateIn = Annotated[
    Literal["pending", "verified", "suspended"],
    closed(
        "FarmState",
        STATES,
        _STATE,
    ),
]


class FoundFarm(In, kw_only=True, frozen=True):
    """A farm to be founded."""

    name: Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)]


class JudgeFarm(In, kw_only=True, frozen=True):
    """The state that the market gives a farm, and why."""

    state: StateIn
    reason: Annotated[str, Meta(max_length=500)] = ""


class ListedFarm(Out, kw_only=True, frozen=True):
    """A farm in a list, without what may be long and is about this farm alone; ``distance_km`` is present if the query had ``near``."""

    id: str
    slug: str
    name: str
    description: str
    location: LocationOut
    certifications: list[str]
    certificates: list[Certification]
    season: Season | None
    away_until: date | None
    benefits: list[BenefitOut]
    pickup_points: list[PickupPoint]
    order_minimum: Money
    imprint: Imprint
    rating: Rating
    external_id: str | None
    state: StateOut
    version: int
    created_at: datetime
    updated_at: datetime
    distance_km: float | UnsetType = UNSET


class Farm(ListedFarm, kw_only=True, frozen=True):
    """A farm, with when it is away, where it delivers, and the notes of other systems."""

    away: list[Away]
    delivery: Delivery | None
    metadata: dict[str, str]


class FarmsQuery(CountedQuery, kw_only=True, frozen=True):
    """``ids`` are all that is asked for; ``near`` is ``latitude,longitude``; ``q`` are words of the name, or parts of them."""

    ids: Ids | None = None
    near: Position | None = None
    radius_km: Annotated[float, Meta(gt=0, le=500)] | None = None
    q: Annotated[str, Meta(max_length=100)] = ""
    benefit: Benefits = []


class ChangeImprint(In, kw_only=True, frozen=True):
    """What changes of an imprint; the rest stays, and an empty text removes what it stands for."""

    legal_name: Annotated[str, Meta(max_length=IMPRINT["legal_name"].longest)] | UnsetType = UNSET
    address: Annotated[str, Meta(max_length=IMPRINT["address"].longest)] | UnsetType = UNSET
    register: Annotated[str, Meta(max_length=IMPRINT["register"].longest)] | UnsetType = UNSET
    tax_number: Annotated[str, Meta(max_length=IMPRINT["tax_number"].longest)] | UnsetType = UNSET


class ChangeFarm(In, kw_only=True, frozen=True):
    """The fields to change."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = dict.fromkeys(("latitude", "longitude", "address"), "in-location")

    name: Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)] | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=TEXTS["description"].longest)] | UnsetType = UNSET
    location: Location | UnsetType | None = UNSET
    certifications: (
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=MAX_CERTIFICATION)]],
            Meta(max_length=MAX_CERTIFICATIONS),
        ]
        | UnsetType
    ) = UNSET
    certificates: Certifications | UnsetType = UNSET
    away: Aways | UnsetType = UNSET
    benefits: Benefits | UnsetType = UNSET
    pickup_points: Annotated[list[PickupPointIn], Meta(max_length=50)] | UnsetType = UNSET
    delivery: DeliveryIn | UnsetType | None = UNSET
    order_minimum: Money | MinorUnits | UnsetType = UNSET
    imprint: ChangeImprint | UnsetType | None = UNSET
    external_id: ExternalId | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    **claim_shapes.WORDS,
    **away_shapes.WORDS,
    **benefit_shapes.WORDS,
    **delivery_shapes.WORDS,
    "certificates": "What certifies the farm, each until its last day.",
    "certifications": "The farm's certifications, in its own words.",
    "distance_km": "Distance in kilometres from the position in the query.",
    **dict.fromkeys(
        ("Farm.external_id", "ChangeFarm.external_id"),
        "The id that another system has for it: 1 to 64 visible ASCII characters, unique in the market; null for none.",
    ),
    "FarmsQuery.ids": "Only these farms, in this order and on one page; those that are not there are left out. Goes without the other parameters.",
    "metadata": "Notes of another system: kept, returned, never read.",
    "Farm.rating": "What its buyers say of it.",
    "average": "Mean of the stars; null if nobody has rated.",
    "imprint": "Who sells, as the law has it shown; the owner of the farm changes it.",
    "latitude": "Degrees, -90 to 90.",
    "legal_name": "The name of the company, or of the person who sells in their own name.",
    "register": "The register and the number in it, of those who are in one.",
    "tax_number": "The number for VAT, or that of other taxes.",
    "location": "Position in degrees, and the address as free text.",
    "longitude": "Degrees, -180 to 180.",
    "near": "`latitude,longitude` in degrees, such as `48.85,2.35`.",
    "order_minimum": "Minimum order: the farm takes no order below it.",
    "pickup_points": "Where buyers pick up the farm's goods.",
    "JudgeFarm.reason": "Why; its owners are told, and it is kept in the audit log.",
    **dict.fromkeys(("ListedFarm.state", "Farm.state", "JudgeFarm.state"), "Whether the market lets the farm take orders."),
    "radius_km": "Radius in kilometres around `near`, which is required with it.",
    "FarmsQuery.radius_km": "Radius in kilometres around `near`, which is required with it: only farms within it are listed. Without it, farms at any distance.",
}  # fmt: skip
