"""Which farms are found by a part of their name: those that have each word of it somewhere, in any order, however both are written. In SQL, over farms ``f``."""

from __future__ import annotations

import re

#: What stands between words: blanks, and the marks that one writes and another does not.
_BETWEEN = re.compile(r"[\s,./&+\-\u2010-\u2015]+")
#: The condition; ``:words`` are those of :func:`words`. The index looks up the threes of characters that the words have, the rest is looked at.
NAMED = """grams(folded(f.name)) @> (select coalesce(array_agg(distinct g), '{}') from unnest(:words::text[]) w, unnest(grams(folded(w))) g)
   and not exists (select from unnest((select array_agg(folded(w)) from unnest(:words::text[]) w)) as asked(word) where position(asked.word in f.name_folded) = 0)"""


def words(text: str) -> list[str]:
    """The words of a part of a name; without any letter or digit it is one itself."""
    found = [word for word in _BETWEEN.split(text) if word]
    return found or [text.strip()] if text.strip() else []
