"""Categories: validation of their texts, and that no two siblings have the same name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harvestd.kernel import slugs
from harvestd.kernel.errors import AlreadyTaken, FieldError
from harvestd.kernel.names import Rule, clean

TEXTS = {"name": Rule(100), "description": Rule(2000, lines=True), "icon": Rule(100, optional=True)}


def checked(given: Mapping[str, Any], also: Iterable[FieldError] = ()) -> dict[str, Any]:
    """The fields of a new or changed category, its texts normalised; raises :class:`Invalid` with every field that is
    wrong, and what was wrong ``also``. Other given fields are left unchanged."""
    return clean(given, TEXTS, {"slug": slugs.given}, also=also, message="the category cannot be accepted")


def translated(
    given: Mapping[str, Mapping[str, str]], languages: Sequence[str]
) -> tuple[dict[str, dict[str, str]], list[FieldError]]:
    """Names and descriptions in the market's ``languages`` but its own, the first, which those of the category itself are in; and their faults."""
    kept: dict[str, dict[str, str]] = {}
    wrong: list[FieldError] = []
    others = languages[1:]
    for language, texts in given.items():
        if language not in others:
            allowed = ", ".join(others)
            message = f"must be named by the market's other languages ({allowed}); its own has name and description"
            wrong.append(
                FieldError(
                    "translations", message, code="not-one-of", params={"allowed": allowed, "reason": "translation"}
                )
            )
            continue
        found = {name: TEXTS[name].apply(f"translations.{language}.{name}", text) for name, text in texts.items()}
        wrong += [fault for fault in found.values() if isinstance(fault, FieldError)]
        kept[language] = {name: text for name, text in found.items() if isinstance(text, str)}
    return kept, list(dict.fromkeys(wrong))


def admit(name: str, beside: Iterable[str]) -> None:
    """Raises :class:`AlreadyTaken` if a sibling's name (in ``beside``) is the same, ignoring case (as with tags; accents distinguish
    words: Apfel and Äpfel)."""
    if name.casefold() in {other.casefold() for other in beside}:
        message = "another category beside it has this name; choose another"
        raise AlreadyTaken(errors=(FieldError("name", message, code="taken", params={"reason": "beside"}),))
