"""What a buyer says of a line besides its quantity: what may come in its place if it is short, and a note. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean_text

#: What may come in the place of what is short: nothing, something of the same farm, of any farm, or what the buyer is asked about first.
Substitution = Literal["none", "same_farm", "any_farm", "ask"]
#: Maximum length of a line's note, in characters.
MAX_LINE_NOTE = 250


@attrs.frozen
class LineWish:
    """Nothing may be substituted unless the buyer says so."""

    substitution: Substitution = "none"
    note: str = ""

    def over(self, other: LineWish) -> LineWish:
        """Of two lines that become one: this wish, unless it says nothing."""
        return self if self != NO_WISH else other


NO_WISH = LineWish()


def wish(path: str, given: Mapping[str, Any]) -> LineWish | FieldError:
    """The wish of a line at ``path`` (empty, or with a dot at its end), or the fault of its note."""
    note = clean_text(f"{path}note", given.get("note", ""), MAX_LINE_NOTE)
    return note if isinstance(note, FieldError) else LineWish(given.get("substitution", "none"), note)
