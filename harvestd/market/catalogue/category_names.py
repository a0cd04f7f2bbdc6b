"""Categories by their names, for whoever names them as people read them: in a filter, in any of the market's languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean_name
from harvestd.market.catalogue.category_rules import TEXTS
from harvestd.store.postgres.statements import Reader, Statement


class Name(msgspec.Struct, frozen=True):
    """A name of a category; ``language`` is empty for the market's own. ``asked`` is what it was found by: the same but for case and accents."""

    asked: str
    id: str
    language: str
    name: str


_FIND = Statement(
    "categories.by_name",
    """select a.asked, c.id::text, n.language, n.name
         from (select asked, folded(asked) as folded from unnest(:names::text[]) as asked) a
         join categories c on names_of(c.name, c.translations) @> array[a.folded]
        cross join lateral (select '' as language, c.name union all select key, value ->> 'name' from jsonb_each(c.translations)) as n(language, name)
        where folded(n.name) = a.folded""",
    Name,
)


async def ids_of(reader: Reader, tokens: Sequence[str], language: str) -> dict[str, list[str]]:
    """The categories that each token names, for somebody who reads ``language`` (empty: the market's own); what names none is left out."""
    cleaned = {token: clean_name("category", token, TEXTS["name"].longest) for token in tokens}
    names = {token: name for token, name in cleaned.items() if not isinstance(name, FieldError)}
    if not names:
        return {}
    found = await reader.rows(_FIND, names=sorted(set(names.values())))
    by_name = {token: meant([one for one in found if one.asked == name], language) for token, name in names.items()}
    return {token: ids for token, ids in by_name.items() if ids}


def meant(found: Iterable[Name], language: str) -> list[str]:
    """The categories that are meant: those whose name is spelt as it was asked for before those with other accents (Äpfel are no Apfel), and of these, those
    that are called so in the reader's language before others. Several in different parts of the tree may have one name."""
    ranked = [((one.name.casefold() != one.asked.casefold(), one.language != language), one.id) for one in found]
    best = min(ranked, default=((True, True), ""))[0]
    return sorted({id for rank, id in ranked if rank == best})
