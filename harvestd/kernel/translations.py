"""Texts of a thing in the market's other languages, ``{tag: {field: text}}``. Pure.

The texts of the thing itself are in the market's own language, the first. A change is merged (RFC 7396): what it does not name stays, null removes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import Rule

FIELD = "translations"
Texts = Mapping[str, Mapping[str, str]]


def checked(
    given: Mapping[str, Mapping[str, str] | None], rules: Mapping[str, Rule], languages: Sequence[str]
) -> tuple[dict[str, dict[str, str] | None], list[FieldError]]:
    """The given texts normalised by the ``rules`` of the thing's own, in the market's ``languages`` but the first; and their faults. None, which removes
    those of a language, is for any language."""
    kept: dict[str, dict[str, str] | None] = {}
    wrong: list[FieldError] = []
    others = languages[1:]
    for language, texts in given.items():
        if texts is None:
            kept[language] = None
            continue
        if language not in others:
            wrong.append(_unspoken(others))
            continue
        found = {name: rules[name].apply(f"{FIELD}.{language}.{name}", text) for name, text in texts.items()}
        faults = [fault for fault in found.values() if isinstance(fault, FieldError)]
        if not faults:
            kept[language] = {name: text for name, text in found.items() if isinstance(text, str)}
        wrong += faults
    return kept, list(dict.fromkeys(wrong))


def _unspoken(others: Sequence[str]) -> FieldError:
    allowed = ", ".join(others)
    message = f"must be named by the market's other languages ({allowed}); the texts in its own are fields of the whole"
    return FieldError(FIELD, message, code="not-one-of", params={"allowed": allowed, "reason": "translation"})


def merged(
    present: Texts, changes: Mapping[str, Mapping[str, str] | None] | None, names: Sequence[str]
) -> dict[str, dict[str, str]]:
    """The texts of these ``names`` after a change, empty where nobody has given one; None removes all."""
    if changes is None:
        return {}
    after = {language: dict(texts) for language, texts in present.items() if changes.get(language, texts) is not None}
    for language, texts in changes.items():
        if texts is not None:
            after[language] = {**dict.fromkeys(names, ""), **after.get(language, {}), **texts}
    return after


def anew(present: Texts, whole: Texts) -> dict[str, Mapping[str, str] | None]:
    """The change that leaves the texts of ``whole`` and no others."""
    return {**dict.fromkeys(present), **whole}


def lacking(texts: Texts, name: str) -> Iterator[FieldError]:
    """The faults of languages without the text that a thing is known by."""
    for language, own in texts.items():
        if not own.get(name):
            yield FieldError(f"{FIELD}.{language}.{name}", "is missing; a translation has one", code="required")


def shown(texts: Texts, language: str, own: Mapping[str, str]) -> dict[str, str]:
    """A thing's ``own`` texts in a language, as far as it is translated."""
    found = texts.get(language, {})
    return {name: found.get(name) or text for name, text in own.items()}
