"""English that was left in a text of another language."""

from __future__ import annotations

import re

#: Words of most English sentences that are none in German, French or Spanish.
_WORDS = frozenset(
    "the and that this with your you were has have had been from which would should please of for not is are there it its "
    "order orders account password address farm mail market sign cannot must".split()
)


def english_in(text: str) -> set[str]:
    """The English words of a text, in lower case. Names in braces, addresses, and what is
    in capitals or joined by dots or underscores, is for programs."""
    plain = re.sub(r"\{[^{}]*\}|<[^<>]*>|\S*(?:[_/@=]|\w\.\w)\S*|\b[A-Z]{2,}\b", " ", text)
    return {word for word in re.findall(r"[a-zà-ÿœ]+(?:-[a-zà-ÿœ]+)*", plain.lower()) if word in _WORDS}
