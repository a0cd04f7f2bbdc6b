"""Names are found whatever their case, accents and ligatures: what PostgreSQL folds, in every alphabet."""

from __future__ import annotations

import sys
import unicodedata

from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement

#: What has another form in Unicode's own case folding; dotted and dotless i are one here.
LETTERS = [
    letter
    for letter in map(chr, range(ord("A"), sys.maxunicode))
    if unicodedata.category(letter)[0] == "L" and not letter == letter.casefold() == letter.upper()
]


FOLDED = Statement(
    "folded",
    """select l, folded(l), folded(s), folded(c), folded(folded(l))
         from unnest(:letters::text[], :small::text[], :plain::text[]) as t(l, s, c)""",
    lambda *row: row,
)


async def test_every_letter_is_folded_as_its_other_cases_are_and_once_for_all(database: Database) -> None:
    assert len(LETTERS) > 2500
    # what one letter becomes; iota below its letter is an accent here, and no letter beside it
    small, plain = (
        [letter.lower() for letter in LETTERS],
        [c if len(c := letter.casefold()) == 1 else letter for letter in LETTERS],
    )
    found = await database.rows(FOLDED, letters=LETTERS, small=small, plain=plain)
    assert len(found) == len(LETTERS) and [row for row in found if len(set(row[1:])) > 1] == []
