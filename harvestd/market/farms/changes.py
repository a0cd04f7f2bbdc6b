"""What a body changes of a farm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from harvestd.kernel import claims, errors
from harvestd.kernel.claims import Certification
from harvestd.kernel.errors import FieldError
from harvestd.market.farms import away_rules
from harvestd.market.farms import imprint_rules as imprints
from harvestd.market.farms import rules as market
from harvestd.market.farms.away_rules import Period
from harvestd.web import sound
from harvestd.web.context import RequestContext
from harvestd.web.money import given_faults, minor_units


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a farm, independent of the others."""
    names, points = ({} if name in sent else sound.elements(sent, name) for name in ("certifications", "pickup_points"))
    part = {} if "certificates" in sent else sound.elements(sent, "certificates")
    away = {} if "away" in sent else sound.elements(sent, "away")
    wrong = [
        *market.element_faults(names, points),
        *claims.faults_in_part("certificates", part),
        *away_rules.faults_in_part(away),
    ]
    return [*errors.faults(lambda: read(request, sent)), *wrong]


#: The fields that are columns as they are sent.
_AS_SENT = ("name", "slug", "description", "certifications", "external_id", "metadata")


def read(request: RequestContext, sent: Mapping[str, Any], points: Sequence[str] | None = None) -> dict[str, Any]:
    """The columns that change; raises :class:`Invalid` with every field that is wrong. ``points`` are the ids of the farm's
    pick-up points, None if no farm is loaded."""
    changes = {name: sent[name] for name in _AS_SENT if name in sent}
    wrong: list[FieldError] = []
    place = sound.members(sent, "location")
    if "location" in sent:
        changes |= {"latitude": None, "longitude": None, "address": ""}
    wrong += market.not_on_earth("location", place)
    if not wrong:
        changes |= {n: float(place[n]) for n in ("latitude", "longitude") if place.get(n) is not None}
    if "address" in place:
        changes["address"] = place["address"]
    currency = request.parts.settings.market_currency
    money_faults = given_faults("order_minimum", sent, currency)
    if "order_minimum" in sent and not money_faults:
        changes["order_minimum"] = minor_units("order_minimum", sent["order_minimum"], currency)
    wrong += money_faults
    texts, found = imprints.checked(sound.members(sent, "imprint"))
    wrong += found
    if "imprint" in sent:
        changes["imprint"] = None if sent["imprint"] is None else texts
    if "certificates" in sent:
        kept, found = claims.checked(
            "certificates", [Certification(**msgspec.structs.asdict(one)) for one in sent["certificates"]]
        )
        changes["certificates"] = msgspec.to_builtins(kept)
        wrong += found
    if "away" in sent:
        changes["away"], found = away_rules.checked([Period(one.from_, one.to, one.note) for one in sent["away"]])
        wrong += found
    if "pickup_points" in sent:
        wrong += () if points is None else market.not_its_own([p.id for p in sent["pickup_points"]], points)
        changes["pickup_points"] = [
            {"id": p.id or request.new_id(), "name": p.name, "address": p.address} for p in sent["pickup_points"]
        ]
    return market.checked(changes, also=wrong)
