"""What the law has a seller tell of food before it is bought (Regulation (EU) 1169/2011), and a product's numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

import attrs

from harvestd.kernel import claims, foreign
from harvestd.kernel.claims import Certification
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import Rule

#: The substances of Annex II, each by its common name.
Allergen = Literal[
    "gluten", "crustaceans", "eggs", "fish", "peanuts", "soybeans", "milk", "nuts", "celery", "mustard", "sesame", "sulphites",
    "lupin", "molluscs",
]  # fmt: skip
Storage = Literal["ambient", "chilled", "frozen"]
DurabilityKind = Literal["best_before", "use_by"]
MAX_SKU, MAX_LOT, MAX_ORIGIN, MAX_INGREDIENTS = 64, 50, 200, 5000
TEXTS = {
    "sku": Rule(MAX_SKU, optional=True), "lot": Rule(MAX_LOT, optional=True), "origin": Rule(MAX_ORIGIN, optional=True),
    "ingredients": Rule(MAX_INGREDIENTS, lines=True),
}  # fmt: skip
_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")


@attrs.frozen
class Durability:
    """The day until which food keeps its quality (``best_before``), or may be eaten at all (``use_by``): articles 2 and 24."""

    kind: str
    date: date


def gtin(field: str, text: str) -> str | FieldError:
    """A GTIN of 8, 12, 13 or 14 digits whose check digit is right (GS1 General Specifications, 7.9), or nothing; or its fault."""
    if not text:
        return text
    if not _GTIN.fullmatch(text):
        message = "must be the 8, 12, 13 or 14 digits under the bar code"
        return FieldError(field, message, code="not-accepted", params={"reason": "gtin"})
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text)))
    if weighted % 10:
        message = "has a wrong check digit; compare it with the bar code"
        return FieldError(field, message, code="not-accepted", params={"reason": "check-digit"})
    return text


def checked(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """The given facts in their normal form, without those that are wrong; and the faults. ``certifications`` are
    :class:`Certification`."""
    found: dict[str, Any] = {name: rule.apply(name, given[name]) for name, rule in TEXTS.items() if name in given}
    if "gtin" in given:
        found["gtin"] = gtin("gtin", given["gtin"])
    if "external_id" in given:
        found["external_id"] = foreign.external_id("external_id", given["external_id"])
    if "allergens" in given:
        found["allergens"] = tuple(sorted(set(given["allergens"])))
    wrong = [fault for fault in found.values() if isinstance(fault, FieldError)]
    found = {name: value for name, value in found.items() if not isinstance(value, FieldError)}
    for name, check in (("certifications", _certifications), ("metadata", foreign_notes)):
        if name in given:
            found[name], faults = check(given[name])
            wrong += faults
    return found, wrong


def told(facts: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The facts of a product as they are told to whoever orders it on a day, which its order keeps: without claims that are over."""
    valid = claims.valid(facts.get("certifications", ()), today.isoformat())
    return {**facts, "certifications": valid} if facts else {}


def foreign_notes(given: Mapping[str, str]) -> tuple[Mapping[str, str], list[FieldError]]:
    """A product's ``metadata``."""
    return foreign.metadata("metadata", given)


def _certifications(given: Sequence[Certification]) -> tuple[tuple[Certification, ...], list[FieldError]]:
    return claims.checked("certifications", given)
