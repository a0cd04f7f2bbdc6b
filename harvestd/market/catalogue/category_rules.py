"""Categories: validation of their texts, that no two siblings have the same name, and how deep they nest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harvestd.kernel import slugs
from harvestd.kernel.errors import AlreadyTaken, FieldError, Invalid
from harvestd.kernel.names import Rule, clean

#: How many categories stand one below the other, at most: from the one at the top to the deepest.
MAX_DEPTH = 8
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


def nest(above: int, levels: int) -> None:
    """Raises :class:`Invalid` if ``levels`` of categories, one below the other, would not fit below the ``above`` ones that their new parent is the lowest of."""
    if above + levels > MAX_DEPTH:
        message = f"would have more than {MAX_DEPTH} categories one below the other; choose a category nearer the top"
        raise Invalid.of("parent_id", message, "too-deep", maximum=str(MAX_DEPTH))
