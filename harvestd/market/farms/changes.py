"""What a body changes of a farm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from harvestd.kernel import claims, errors, foreign
from harvestd.kernel.claims import Certification
from harvestd.kernel.errors import FieldError
from harvestd.market.farms import away_rules, benefit_rules, delivering
from harvestd.market.farms import imprint_rules as imprints
from harvestd.market.farms import rules as market
from harvestd.market.farms.away_rules import Period
from harvestd.market.farms.delivery_shapes import PickupPointIn
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
    wrong += delivering.faults_in_part(sent, request.parts.settings.market_currency)
    wrong += _off_the_earth(points)
    if "metadata" not in sent:
        wrong += foreign.metadata("metadata", sound.members(sent, "metadata"))[1]
    return [*errors.faults(lambda: read(request, sent)), *wrong]


#: The fields that are columns as they are sent.
_AS_SENT = ("name", "slug", "description", "certifications", "external_id", "metadata")


def read(request: RequestContext, sent: Mapping[str, Any], points: Sequence[str] | None = None) -> dict[str, Any]:
    """The columns that change; raises :class:`Invalid` with every field that is wrong. ``points`` are the ids of the farm's
    pick-up points, None if no farm is loaded."""
    changes = {name: sent[name] for name in _AS_SENT if name in sent}
    wrong: list[FieldError] = []
    for columns, found in (*_objects(request, sent), *_lists(request, sent)):
        changes |= columns
        wrong += found
    if "pickup_points" in sent and points is not None:
        wrong += market.not_its_own([p.id for p in sent["pickup_points"]], points)
    return market.checked(changes, also=wrong)


#: Columns that change, and what is wrong with what they are read from.
Read = tuple[dict[str, Any], Sequence[FieldError]]


def _objects(request: RequestContext, sent: Mapping[str, Any]) -> Iterator[Read]:
    """Of the fields that are objects, as far as they could be read."""
    place = sound.members(sent, "location")
    wrong = [*market.not_on_earth("location", place)]
    columns: dict[str, Any] = {"latitude": None, "longitude": None, "address": ""} if "location" in sent else {}
    if not wrong:
        columns |= {n: float(place[n]) for n in ("latitude", "longitude") if place.get(n) is not None}
    if "address" in place:
        columns["address"] = place["address"]
    yield columns, wrong
    currency = request.parts.settings.market_currency
    wrong = given_faults("order_minimum", sent, currency)
    given = "order_minimum" in sent and not wrong
    yield {"order_minimum": minor_units("order_minimum", sent["order_minimum"], currency)} if given else {}, wrong
    texts, wrong = imprints.checked(sound.members(sent, "imprint"))
    yield {"imprint": None if sent["imprint"] is None else texts} if "imprint" in sent else {}, wrong
    if "delivery" in sent:
        delivery, wrong = delivering.read(sent["delivery"], currency)
        yield {"delivery": delivery}, wrong


def _lists(request: RequestContext, sent: Mapping[str, Any]) -> Iterator[Read]:
    """Of the fields that are lists of objects, if they could be read as a whole."""
    if "certificates" in sent:
        given = [Certification(**msgspec.structs.asdict(one)) for one in sent["certificates"]]
        kept, wrong = claims.checked("certificates", given)
        yield {"certificates": msgspec.to_builtins(kept)}, wrong
    if "benefits" in sent:
        yield {"benefits": benefit_rules.kept(sent["benefits"])}, ()
    if "away" in sent:
        away, wrong = away_rules.checked([Period(one.from_, one.to, one.note) for one in sent["away"]])
        yield {"away": away}, wrong
    if "pickup_points" in sent:
        points = [_point(p.id or request.new_id(), p) for p in sent["pickup_points"]]
        yield {"pickup_points": points}, _off_the_earth(sound.elements(sent, "pickup_points"))


def _point(id: str, given: PickupPointIn) -> dict[str, Any]:
    at = given.position
    position = None if at is None else {"latitude": float(at.latitude), "longitude": float(at.longitude)}
    return {"id": id, "name": given.name, "address": given.address, "position": position, "hours": given.hours}


def _off_the_earth(points: Mapping[int, Mapping[str, Any]]) -> list[FieldError]:
    """Faults in the positions of pick-up points, as far as they are given."""
    places = {i: sound.members(point, "position") for i, point in points.items()}
    return [
        fault for i, place in places.items() for fault in market.not_on_earth(f"pickup_points[{i}].position", place)
    ]
