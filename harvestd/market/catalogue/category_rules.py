"""Categories: validation of their texts, and that no two siblings have the same name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harvestd.kernel import slugs
from harvestd.kernel.errors import AlreadyTaken, FieldError
from harvestd.kernel.names import Rule, clean

#: The texts that translations have, too.
TRANSLATED = ("name", "description")
TEXTS = {"name": Rule(100), "description": Rule(2000, lines=True), "icon": Rule(100, optional=True)}


def checked(given: Mapping[str, Any], also: Iterable[FieldError] = ()) -> dict[str, Any]:
    """The fields of a new or changed category, its texts normalised; raises :class:`Invalid` with every field that is
    wrong, and what was wrong ``also``. Other given fields are left unchanged."""
    return clean(given, TEXTS, {"slug": slugs.given}, also=also, message="the category cannot be accepted")


def admit(name: str, beside: Iterable[str]) -> None:
    """Raises :class:`AlreadyTaken` if a sibling's name (in ``beside``) is the same, ignoring case (as with tags; accents distinguish
    words: Apfel and Äpfel)."""
    if name.casefold() in {other.casefold() for other in beside}:
        message = "another category beside it has this name; choose another"
        raise AlreadyTaken(errors=(FieldError("name", message, code="taken", params={"reason": "beside"}),))
