"""A farm as the contract shows it."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from harvestd.kernel.geography import shown_km
from harvestd.market.farms import day_rules, delivering
from harvestd.market.farms import rows as store
from harvestd.market.farms.away_shapes import Away
from harvestd.market.farms.delivery_shapes import PickupPoint
from harvestd.market.farms.shapes import Farm, ListedFarm, LocationOut
from harvestd.web.claim_shapes import Certification
from harvestd.web.context import RequestContext
from harvestd.web.market_day import today
from harvestd.web.money import money
from harvestd.web.shapes import Imprint, Rating, Season


def shown(request: RequestContext, row: store.Farm, *, own: bool = False) -> Farm:
    """A farm on the day of the request; ``own`` to those who may change it, who also see certificates that are over, since they send back what they read."""
    now = day_rules.shown_on(row.dated, today(request))
    whole = msgspec.structs.asdict(listed(request, row))
    if own:
        whole["certificates"] = _certificates(row.certificates)
    return Farm(
        **whole, away=msgspec.convert(now["away"], list[Away]),
        delivery=delivering.shown(row.delivery, request.parts.settings.market_currency), metadata=row.metadata,
    )  # fmt: skip


def listed(request: RequestContext, row: store.Farm, distance: float | None = None) -> ListedFarm:
    """The same in a list; with ``distance`` in kilometres, if that was asked for."""
    currency = request.parts.settings.market_currency
    season = Season(from_=row.season_from, to=row.season_to) if row.season_from and row.season_to else None
    now = day_rules.shown_on(row.dated, today(request))
    return ListedFarm(
        id=row.id, slug=row.slug, name=row.name, description=row.description,
        location=LocationOut(latitude=row.latitude, longitude=row.longitude, address=row.address),
        certifications=row.certifications, certificates=_certificates(now["certificates"]), season=season,
        away_until=now["away_until"], benefits=row.benefits, pickup_points=msgspec.convert(row.pickup_points, list[PickupPoint]),
        order_minimum=money(row.order_minimum, currency), imprint=Imprint(**row.imprint),
        rating=Rating(average=float(row.rating_average) if row.rating_count else None, count=row.rating_count),
        external_id=row.external_id, state=row.state, version=row.version, created_at=row.created_at,
        updated_at=row.updated_at, distance_km=UNSET if distance is None else shown_km(distance),
    )  # fmt: skip


def _certificates(rows: day_rules.Rows) -> list[Certification]:
    return msgspec.convert(rows, list[Certification])
