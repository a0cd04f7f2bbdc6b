"""Which searches that find nothing are counted, and as what: nothing that names anybody. Pure."""

from __future__ import annotations

import math
import re

from harvestd.market.search.text import asked

#: The longest query that is kept; a longer one was not typed by hand.
MAX_KEPT = 100
_DIGIT = re.compile(r"\d")
#: As many digits may be a telephone number, whatever stands between them, or the number of a card or a person.
PHONE_DIGITS = 6
_ADDRESS = re.compile(
    r"@|\b(?:https?|www)\b|\.(?:com|net|org|info|de|fr|es|at|ch|uk)\b|(?:\bat\b|\(a\)|\[at\]).*(?:\bdot\b|\.)",
    re.IGNORECASE,
)


def kept(text: str) -> str:
    """The words of a query as they are counted, lower case and without accents; nothing for what may be somebody's address or number."""
    if len(text) > MAX_KEPT or _ADDRESS.search(text) or len(_DIGIT.findall(text)) >= PHONE_DIGITS:
        return ""
    return " ".join(asked(text))


def area(near: tuple[float, float] | None) -> str:
    """Where somebody searched, as a degree by a degree of the earth: its south-western corner; nothing without a position."""
    return "" if near is None else f"{math.floor(near[0])},{math.floor(near[1])}"
