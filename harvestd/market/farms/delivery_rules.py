"""Where a farm delivers, and on which terms. Pure.

An area is a list of postcodes, a circle round the farm, or a polygon. Postcodes are written in many ways (``1010``, ``SW1A 1AA``, ``110-0001``, ``１１０ー０００１``): they are
compared in plain letters and digits, without spaces and hyphens, in capitals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import money
from harvestd.kernel.geography import distance_km, is_inside
from harvestd.kernel.names import Rule
from harvestd.kernel.rates import per_cent
from harvestd.market.farms.rules import not_on_earth

MAX_AREAS, MAX_POSTCODES, MAX_POSTCODE, MAX_RADIUS_KM = 20, 500, 16, 500
MAX_AREA_NAME, MAX_NOTE = 100, 2000
#: The corners of a polygon, and how wide and high it is at most, in degrees.
MIN_CORNERS, MAX_CORNERS, MAX_DEGREES = 3, 200, 10
#: The ways to say where an area is, of which it has one.
WHERE = ("postcodes", "radius_km", "polygon")
TEXTS = {"name": Rule(MAX_AREA_NAME), "note": Rule(MAX_NOTE, lines=True)}
_POSTCODE = re.compile(r"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){1,9}")
#: By the category of a character: dashes, spaces, and what is not visible. Others that stand for a hyphen: minus, and the long vowel of Japanese keyboards.
_SPELT = {"Pd": "-", "Zs": " ", "Cf": ""}
_HYPHENS = "\u2212\u30fc"

#: What words of an address a postcode may be made of, and how many: SW1A 1AA has two.
_WORD, _WORDS = re.compile(r"[A-Za-z0-9]+"), 3
#: What no postcode goes across: a comma, a new line.
_APART = re.compile(r"[^A-Za-z0-9 -]")

#: Latitude and longitude in degrees.
Place = tuple[float, float]


@lru_cache(maxsize=10_000)
def postcode(text: str) -> str:
    """A postcode as it is compared."""
    return _spelt(text).replace(" ", "").replace("-", "")


def _spelt(text: str) -> str:
    """A postcode as this market spells it: letters and digits of any width as plain ones, whatever is a space or a hyphen somewhere as one of ours, in
    capitals, and without what is not visible."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(_SPELT.get(unicodedata.category(one), one) if one not in _HYPHENS else "-" for one in plain).upper()


def area_faults(i: int, area: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the given members of the area of a farm at a position, but for its amounts of money."""
    path = f"delivery.areas[{i}]"
    if "name" in area and isinstance(fault := TEXTS["name"].apply(f"{path}.name", area["name"]), FieldError):
        yield fault
    if "rate" in area and isinstance(rate := per_cent(f"{path}.rate", area["rate"]), FieldError):
        yield rate
    yield from place_faults(path, area)


def place_faults(path: str, area: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the given members that say where an area is, whosever it is. A ``polygon`` has pairs of degrees."""
    yield from postcode_faults(f"{path}.postcodes", area.get("postcodes") or ())
    radius = area.get("radius_km")
    if radius is not None and not 0 < radius <= MAX_RADIUS_KM:
        bounds = {"maximum": str(MAX_RADIUS_KM), "reason": "radius"}
        message = f"must be more than 0 and at most {MAX_RADIUS_KM} kilometres"
        yield FieldError(f"{path}.radius_km", message, code="above-maximum", params=bounds)
    yield from _polygon_faults(f"{path}.polygon", area.get("polygon"))
    if (
        all(name in area for name in WHERE)
        and sum((bool(area["postcodes"]), radius is not None, bool(area["polygon"]))) != 1
    ):
        message = "give postcodes, radius_km or polygon: one of the three says where it is"
        yield FieldError(f"{path}.postcodes", message, code="required", params={"reason": "postcodes-or-radius"})


def _polygon_faults(path: str, corners: Sequence[Place] | None) -> Iterator[FieldError]:
    if corners is None:
        return
    places = [{"latitude": latitude, "longitude": longitude} for latitude, longitude in corners]
    wrong = [fault for n, place in enumerate(places) for fault in not_on_earth(f"{path}[{n}]", place)]
    yield from wrong
    if len(set(corners)) < MIN_CORNERS:
        params = {"minimum": str(MIN_CORNERS), "reason": "elements"}
        yield FieldError(path, f"must have at least {MIN_CORNERS} corners", code="too-short", params=params)
    elif not wrong and any(max(degrees) - min(degrees) > MAX_DEGREES for degrees in zip(*corners, strict=True)):
        message = f"must be at most {MAX_DEGREES} degrees wide and high"
        bounds = {"maximum": str(MAX_DEGREES), "reason": "degrees"}
        yield FieldError(path, message, code="above-maximum", params=bounds)


def postcode_faults(field: str, codes: Sequence[str]) -> Iterator[FieldError]:
    """Faults in the form of postcodes."""
    yield from (fault for n, code in enumerate(codes) if (fault := postcode_fault(f"{field}[{n}]", code)) is not None)


def postcode_fault(field: str, code: str) -> FieldError | None:
    """The fault in the form of a postcode."""
    if _POSTCODE.fullmatch(_spelt(code)) is not None:
        return None
    message = "must be a postcode of 2 to 10 letters and digits"
    return FieldError(field, message, code="wrong-form", params={"reason": "postcode"})


def faults(areas: Sequence[Mapping[str, Any]], note: str) -> list[FieldError]:
    """Faults of a farm's delivery: in each area, in their names, which tell them apart, and in the note."""
    wrong = [fault for i, area in enumerate(areas) for fault in area_faults(i, area)]
    seen: set[str] = set()
    for i, area in enumerate(areas):
        name = TEXTS["name"].apply("", area["name"])
        if isinstance(name, str) and name.casefold() in seen:
            wrong.append(FieldError(f"delivery.areas[{i}].name", "is already given above", code="given-twice"))
        seen.add(name.casefold() if isinstance(name, str) else "")
    told = TEXTS["note"].apply("delivery.note", note)
    return [*wrong, *([told] if isinstance(told, FieldError) else [])]


def kept(area: Mapping[str, Any]) -> dict[str, Any]:
    """An area without faults as it is stored; its amounts in minor units, the rate of the tax on its fee as rates are."""
    return {
        "name": TEXTS["name"].apply("", area["name"]), **kept_place(area), "fee": area["fee"], "minimum": area["minimum"], "free_from": area["free_from"],
        "rate": per_cent("", area["rate"]),
    }  # fmt: skip


def kept_place(area: Mapping[str, Any]) -> dict[str, Any]:
    """Where an area without faults is, as it is stored."""
    codes = list({postcode(code): _spelt(code) for code in reversed(area["postcodes"] or ())}.values())[::-1]
    radius, corners = area["radius_km"], area.get("polygon")
    return {
        "postcodes": codes or None, "radius_km": None if radius is None else float(radius),
        "polygon": [{"latitude": float(latitude), "longitude": float(longitude)} for latitude, longitude in corners] if corners else None,
    }  # fmt: skip


def without_middle(delivery: Mapping[str, Any] | None, at: Place | None) -> Iterator[FieldError]:
    """Circles whose middle is not known: the farm has no position."""
    if at is None and delivery is not None:
        for i, area in enumerate(delivery["areas"]):
            if area["radius_km"] is not None:
                message = "is measured from the farm, which has no position; give location as well"
                params = {"reason": "farm-position"}
                yield FieldError(f"delivery.areas[{i}].radius_km", message, code="required", params=params)


def never_charged(delivery: Mapping[str, Any] | None, order_minimum: int, currency: str) -> Iterator[FieldError]:
    """Fees that nobody could ever pay: delivery is free from an amount below the least order (the farm's ``order_minimum``, or the area's own, in minor units)."""
    for i, area in enumerate(delivery["areas"] if delivery is not None else ()):
        least = max(order_minimum, area["minimum"])
        if area["fee"] and area["free_from"] is not None and area["free_from"] < least:
            message = f"is below the least order, {money(least, currency)}, so nobody would pay the fee; give a higher amount, or a fee of 0"
            params = {"minimum": str(least), "currency": currency, "reason": "never-charged"}
            yield FieldError(f"delivery.areas[{i}].free_from", message, code="below-minimum", params=params)


def delivers_to(
    delivery: Mapping[str, Any] | None, at: Place | None, code: str, position: Place | None
) -> Mapping[str, Any] | None:
    """The area that a place is in: the first in the farm's order that :func:`covers` it, with a circle round the farm (``at``). None if the farm does not
    deliver there, as far as is known."""
    found: Mapping[str, Any]
    for found in delivery["areas"] if delivery is not None else ():
        if covers(found, at, code, position):
            return found
    return None


def covers(area: Mapping[str, Any], middle: Place | None, code: str, position: Place | None) -> bool:
    """Whether a place is in an area: it has its postcode (``code``, empty if unknown), or it lies in its circle round the ``middle``, or in its
    polygon."""
    if area["postcodes"] is not None:
        return postcode(code) in {postcode(one) for one in area["postcodes"]}
    if position is None:
        return False
    if area.get("polygon"):
        return is_inside([(corner["latitude"], corner["longitude"]) for corner in area["polygon"]], *position)
    return middle is not None and distance_km(*middle, *position) <= area["radius_km"]


def runs(address: str) -> Iterator[tuple[str, int, int]]:
    """All that may be a postcode of an address, as postcodes are compared, with the place of its first word and of the one after it: up to three of its words
    that follow each other, with nothing but a space or a hyphen between."""
    at = 0
    for piece in _APART.split(_spelt(address)):
        words = [word.upper() for word in _WORD.findall(piece)]
        for start in range(len(words)):
            for end in range(start + 1, min(start + _WORDS, len(words)) + 1):
                yield "".join(words[start:end]), at + start, at + end
        at += len(words)


def codes_in(address: str) -> set[str]:
    """The same, without the places."""
    return {code for code, _, _ in runs(address)}
