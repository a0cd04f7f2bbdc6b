"""Slugs: readable names in addresses, such as ``green-acres`` for a farm. A product's never changes; a farm may take another, and the
former ones still lead to it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from anyascii import anyascii

from harvestd.kernel.errors import FieldError
from harvestd.kernel.patterns import ID, NOT_SLUG, SLUG

#: Maximum characters of the words of a generated slug, and of a slug given by a user.
MAX_WORDS, MAX_GIVEN = 60, 80


def slug(name: str, distinction: str = "") -> str:
    """ASCII words joined by hyphens, at most 60 characters, then ``distinction`` (the end of an id). Other scripts are
    transliterated: ``青菜`` is ``qing-cai``, ``Weißkohl`` ``weisskohl``. For a name without words only ``distinction`` remains, or
    an empty string."""
    plain = name if name.isascii() else "".join(map(_latin, unicodedata.normalize("NFC", name)))
    words = NOT_SLUG.sub("-", plain.lower()).strip("-")[:MAX_WORDS].strip("-")
    return "-".join(filter(None, (words, distinction)))


def candidates(name: str, id: str) -> Iterator[str]:
    """Generated slugs for ``id``, the most readable first; the last is unique. ``name`` may be anything: a generated slug is no
    reason to refuse it."""
    if slug(name):
        yield slug(name)
    yield from distinct(name, id)


def distinct(name: str, id: str) -> Iterator[str]:
    """The same for names that many share, so that none gets the bare slug. Six digits soon collide: among 5,000 things of one name,
    more likely than not two have the same."""
    yield slug(name, id[-6:])
    yield slug(name, id.replace("-", "")[-16:])


def given(field: str, text: str) -> str | FieldError:
    """A slug chosen by a user, or its error."""
    if len(text) > MAX_GIVEN:
        return FieldError(
            field, f"must have at most {MAX_GIVEN} characters", code="too-long", params={"maximum": str(MAX_GIVEN)}
        )
    if SLUG.fullmatch(text) is None or is_id(text):
        return FieldError(
            field,
            "must be words of a to z and digits joined by hyphens, such as green-acres, and not look like an id",
            code="not-a-slug",
        )
    return text


def is_id(token: str) -> bool:
    """Whether a path segment is an id (a UUID in canonical form) rather than a slug."""
    return ID.fullmatch(token) is not None


def _latin(character: str) -> str:
    """A character in ASCII; a syllable character of a caseless script becomes a word of its own."""
    if character.isascii():
        return character
    if character in "\u2019\u02bc":  # apostrophes that join
        return ""
    latin = anyascii(character)
    if not character.isalpha():
        return latin
    plain = latin.replace("`", "").replace("'", "")
    return f"-{plain}-" if plain[:1].isupper() and unicodedata.category(character) == "Lo" else plain
