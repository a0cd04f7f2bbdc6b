"""Rows of farms: finding, locking and storing one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from psycopg2 import errors as pg

from harvestd.kernel.errors import AlreadyTaken, FieldError
from harvestd.kernel.slugs import is_id
from harvestd.market.farms.day_rules import Dated
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Farm(msgspec.Struct, frozen=True):
    """A farm; position in degrees, ``order_minimum`` in minor units, ``pickup_points`` as ``[{id, name, address, position, hours}]``, ``imprint`` as
    ``{legal_name, address, register, tax_number}``, as far as they are given."""

    id: str
    slug: str
    name: str
    description: str
    latitude: float | None
    longitude: float | None
    address: str
    certifications: list[str]
    certificates: list[dict[str, Any]]
    away: list[dict[str, Any]]
    benefits: list[str]
    season_from: str | None
    season_to: str | None
    order_minimum: int
    pickup_points: list[dict[str, Any]]
    delivery: dict[str, Any] | None
    imprint: dict[str, str]
    external_id: str | None
    metadata: dict[str, str]
    rating_average: Decimal
    rating_count: int
    state: str
    turns_on: date | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def at(self) -> tuple[float, float] | None:
        """Its position, if it is known."""
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)

    @property
    def dated(self) -> Dated:
        """What of it begins or ends with a day."""
        return Dated(self.certificates, self.away)


class Points(msgspec.Struct, frozen=True):
    """A farm's pick-up points."""

    farm_id: str
    points: list[dict[str, Any]]


COLUMNS = ", ".join(Farm.__struct_fields__)
#: The columns that :func:`update` stores, as they are and as JSON.
_CHANGED = (
    "name", "slug", "description", "latitude", "longitude", "address", "certifications", "benefits", "order_minimum", "external_id", "turns_on", "version",
    "updated_at",
)  # fmt: skip
_JSON = ("certificates", "away", "pickup_points", "delivery", "imprint", "metadata")
_BY_ID = Statement("farms.by_id", f"select {COLUMNS} from farms where id = :token", Farm)
# A former slug leads to its farm, too.
_BY_SLUG = Statement(
    "farms.by_slug",
    f"select {COLUMNS} from farms where id = (select farm_id from farm_slugs where slug = :token)",
    Farm,
)
_SLUGS = Statement("farms.slugs", "select slug from farm_slugs where farm_id = :farm_id order by slug", scalar)
_LOCK = Statement("farms.lock", f"select {COLUMNS} from farms where id = :farm_id for no key update", Farm)
_BY_IDS = Statement("farms.by_ids", f"select {COLUMNS} from farms where id = any(:ids::uuid[])", Farm)
_POINTS = Statement("farms.points", "select id, pickup_points from farms where id = any(:farm_ids::uuid[])", Points)
_DELIVERIES = Statement(
    "farms.deliveries",
    "select id::text, delivery from farms where id = any(:farm_ids::uuid[]) and delivery is not null",
    lambda id, delivery: (id, delivery),
)
_ROLE = Statement("farms.role", "select role from farm_members where farm_id = :farm_id and user_id = :user_id", scalar)
_INSERT = Statement(
    "farms.insert",
    """insert into farms (id, slug, name, description, latitude, longitude, address, state, created_at, updated_at)
       select :farm_id::uuid, :slug::text, :name, :description, :latitude::float8, :longitude::float8, :address, :state, :now::timestamptz, :now::timestamptz
        where not exists (select from farm_slugs where slug = :slug::text) on conflict (slug) do nothing""",
    nothing,
)
_JOIN = Statement(
    "farms.join", "insert into farm_members (farm_id, user_id, role) values (:farm_id, :user_id, :role)", nothing
)
_UPDATE = Statement(
    "farms.update",
    f"update farms set {', '.join(f'{name} = :{name}' for name in (*_CHANGED, *_JSON))} where id = :id",
    nothing,
)


async def find(reader: Reader, token: str) -> Farm | None:
    """A farm by id, or by a slug that it has or had."""
    return await reader.row(_BY_ID if is_id(token) else _BY_SLUG, token=token)


async def slugs(reader: Reader, farm_id: str) -> list[str]:
    """Every slug that a farm has or had."""
    return await reader.rows(_SLUGS, farm_id=farm_id)


async def by_ids(reader: Reader, ids: Sequence[str]) -> list[Farm]:
    """The farms with these ids that exist, each once, in the order of the ids."""
    found = {farm.id: farm for farm in await reader.rows(_BY_IDS, ids=list(ids))}
    return [found[id] for id in dict.fromkeys(ids) if id in found]


async def pickup_points(reader: Reader, farm_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The pick-up points of the farms, by farm id."""
    return {farm.farm_id: farm.points for farm in await reader.rows(_POINTS, farm_ids=list(farm_ids))}


async def deliveries(reader: Reader, farm_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Where the farms deliver and on which terms, by farm id; of those that say so."""
    return dict(await reader.rows(_DELIVERIES, farm_ids=list(farm_ids)))


async def role(reader: Reader, farm_id: str, user_id: str) -> str | None:
    """A person's role in a farm, or None."""
    found: str | None = await reader.row(_ROLE, farm_id=farm_id, user_id=user_id)
    return found


async def lock(tx: Transaction, farm_id: str) -> Farm | None:
    """A farm, locked until the transaction ends."""
    return await tx.row(_LOCK, farm_id=farm_id)


async def insert(
    tx: Transaction, farm_id: str, slugs: Iterable[str], name: str, owner_id: str, now: datetime, *, description: str = "",
    position: tuple[float, float] | None = None, address: str = "", state: str = "verified",
) -> None:  # fmt: skip
    """Store a new farm under the first of ``slugs`` that is free, and its owner; raises :class:`AlreadyTaken` if none is."""
    latitude, longitude = position or (None, None)
    for slug in slugs:
        if await tx.run(
            _INSERT,
            farm_id=farm_id,
            slug=slug,
            name=name,
            description=description,
            latitude=latitude,
            longitude=longitude,
            address=address,
            state=state,
            now=now,
        ):
            await tx.run(_JOIN, farm_id=farm_id, user_id=owner_id, role="owner")
            return
    raise AlreadyTaken


async def update(tx: Transaction, farm: Farm) -> None:
    """Store a changed farm; raises :class:`AlreadyTaken` if another farm has, or had, the slug, or has the id elsewhere."""
    values = {name: getattr(farm, name) for name in _CHANGED}
    values |= {name: _encoded(getattr(farm, name)) for name in _JSON}
    try:
        await tx.run(_UPDATE, id=farm.id, **values)
    except pg.UniqueViolation as error:
        field, message = _TAKEN[error.diag.constraint_name == "farms_external_id"]
        raise AlreadyTaken(errors=(FieldError(field, message, code="taken"),)) from error


def _encoded(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


#: What another farm has, by whether it is the id elsewhere.
_TAKEN = (
    ("slug", "this slug is, or was, another farm's; choose another"),
    ("external_id", "is another farm's; choose another id"),
)
