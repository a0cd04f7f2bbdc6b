"""Farms: validation of the fields that their members edit."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from harvestd.kernel import foreign, slugs
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import Rule, clean, clean_name, clean_text

TEXTS = {"name": Rule(200), "description": Rule(10_000, lines=True)}
MAX_ADDRESS, MAX_POINT_NAME, MAX_HOURS, MAX_CERTIFICATION, MAX_CERTIFICATIONS = 500, 200, 500, 100, 30


def checked(given: Mapping[str, Any], also: Iterable[FieldError] = ()) -> dict[str, Any]:
    """The fields to change, normalised; raises :class:`Invalid` with every field that is wrong.

    ``certifications`` is a list of names, ``pickup_points`` one of ``{id, name, address, position, hours}``; other given fields stay unchanged.
    ``address`` is that of ``location``; ``also`` are the faults found elsewhere."""
    found = dict(given)
    errors: list[FieldError] = list(also)
    for name, check in (("certifications", _certifications), ("pickup_points", _points), ("metadata", _metadata)):
        if name in found:
            found[name], wrong = check(found[name])
            errors += wrong
    if "external_id" in found:
        found["external_id"] = foreign.external_id("external_id", found["external_id"])
    if "address" in found:
        found["address"] = clean_text("location.address", found["address"], MAX_ADDRESS)
    return clean(
        found,
        TEXTS,
        {"slug": slugs.given},
        also=errors,
        message="the farm cannot be accepted",
    )


def not_on_earth(field: str, place: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the given ``latitude`` and ``longitude`` of a place: both must be degrees, or both None."""
    for name, most, other in (("latitude", 90, "longitude"), ("longitude", 180, "latitude")):
        value = place.get(name)
        if value is not None and abs(value) > most:
            bounds = {"minimum": str(-most), "maximum": str(most)}
            yield FieldError(
                f"{field}.{name}", f"must be degrees from -{most} to {most}", code="not-a-position", params=bounds
            )
        if name in place and value is None and place.get(other) is not None:
            yield FieldError(
                f"{field}.{name}",
                f"must be given together with {other}; or give null for both",
                code="required",
                params={"reason": "whole-position"},
            )


def not_its_own(given: Sequence[str | None], known: Container[str]) -> Iterator[FieldError]:
    """Faults in the ids of pick-up points in a request: ids are generated here, and a given one must be an existing point of the farm
    (``known``), since orders refer to points by id."""
    for i, id in enumerate(given):
        if id is not None and id not in known:
            message = "is not a pick-up point of this farm; leave the id out to add one"
            yield FieldError(
                f"pickup_points[{i}].id", message, code="not-found", params={"reason": "point-of-this-farm"}
            )


def _metadata(given: Mapping[str, str]) -> tuple[Mapping[str, str], list[FieldError]]:
    return foreign.metadata("metadata", given)


def _certifications(given: Sequence[str]) -> tuple[list[Any], list[FieldError]]:
    if len(given) > MAX_CERTIFICATIONS:
        message = f"must have at most {MAX_CERTIFICATIONS} elements"
        return [], [
            FieldError(
                "certifications",
                message,
                code="too-long",
                params={"maximum": str(MAX_CERTIFICATIONS), "reason": "elements"},
            )
        ]
    names = [_certification(i, name) for i, name in enumerate(given)]
    return list(dict.fromkeys(names)), [name for name in names if isinstance(name, FieldError)]


def _certification(i: int, name: str) -> str | FieldError:
    return clean_name(f"certifications[{i}]", name, MAX_CERTIFICATION)


def element_faults(certifications: Mapping[int, str], points: Mapping[int, Mapping[str, Any]]) -> list[FieldError]:
    """Faults in the elements of lists that could only be read in part, by their positions; for a point, in the members that
    are given."""
    found: list[Any] = [_certification(i, name) for i, name in certifications.items()]
    for i, point in points.items():
        found += _point(i, point).values()
    return [fault for fault in found if isinstance(fault, FieldError)]


def _point(i: int, point: Mapping[str, Any]) -> dict[str, str | FieldError]:
    """The given texts of a pick-up point, normalised."""
    return {
        name: check(f"pickup_points[{i}].{name}", point[name], most)
        for name, (check, most) in _OF_A_POINT.items()
        if name in point
    }


_OF_A_POINT: dict[str, tuple[Callable[[str, str, int], str | FieldError], int]] = {
    "name": (clean_name, MAX_POINT_NAME), "address": (clean_text, MAX_ADDRESS), "hours": (clean_text, MAX_HOURS),
}  # fmt: skip


def _points(given: Sequence[Mapping[str, Any]]) -> tuple[list[Any], list[FieldError]]:
    points, errors, ids = [], [], set()
    for i, point in enumerate(given):
        texts = _point(i, point)
        errors += [fault for fault in texts.values() if isinstance(fault, FieldError)]
        if point["id"] in ids:
            message = "is already given above"
            errors.append(FieldError(f"pickup_points[{i}].id", message, code="given-twice"))
        ids.add(point["id"])
        points.append({**point, **texts})
    return points, errors
