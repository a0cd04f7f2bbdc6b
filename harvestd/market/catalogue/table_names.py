"""The names of the columns in a spreadsheet of products: what is wrong with them, and which were meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import islice

from harvestd.kernel.errors import FieldError
from harvestd.market.catalogue.table_columns import ALL, COLUMNS, OF_LANGUAGE, of_languages

#: Characters of a name that is shown, columns that a file may have, and faults that are told of them.
_LONGEST, MAX_COLUMNS, _TOLD = 40, 200, 80
#: Columns as other systems, and people, name them.
_OTHER_WORDS = {
    **dict.fromkeys(("name", "product", "product_name"), "title"), **dict.fromkeys(("cost", "amount", "unit_price"), "price"),
    **dict.fromkeys(("quantity", "qty", "available", "inventory"), "stock"), **dict.fromkeys(("category_id", "category_slug", "kind", "type"), "category"),
    **dict.fromkeys(("article", "article_number", "number", "code", "item"), "sku"), **dict.fromkeys(("ean", "upc", "barcode"), "gtin"),
    **dict.fromkeys(("tag", "keywords", "labels"), "tags"), **dict.fromkeys(("packs", "pack_sizes", "sizes"), "variants"),
    **dict.fromkeys(("group", "groups", "visible", "visibility"), "visible_to"), **dict.fromkeys(("group_prices", "member_price", "wholesale_price"), "prices"), "step": "quantity_step",
    "season": "season_from", "durability": "durability_kind", "best_before": "durability_date", "use_by": "durability_date", "text": "description",
}  # fmt: skip


def faults(names: Sequence[str], languages: Sequence[str]) -> list[FieldError]:
    """What is wrong with the names of a file's columns."""
    if len(names) > MAX_COLUMNS:
        message = f"must be of at most {MAX_COLUMNS} elements"
        params = {"maximum": str(MAX_COLUMNS), "reason": "elements"}
        return [FieldError("columns", message, code="too-long", params=params)]
    wrong = list(islice(_wrong(names, (*COLUMNS, *of_languages(languages))), _TOLD))
    if ALL in names and (own := [name for name in names if OF_LANGUAGE.fullmatch(name)]):
        message = f"says what {own[0]} says; leave one of the two out"
        place = f"columns[{names.index(ALL)}]"
        wrong.append(FieldError(place, message, code="given-twice", params={"value": own[0], "reason": "column"}))
    return wrong


def _wrong(names: Sequence[str], known: Sequence[str]) -> Iterator[FieldError]:
    """Each fault; of names that are not known and like no other, the first tells which there are, once for all."""
    seen: set[str] = set()
    given, told = set(names), False
    left, possible = [one for one in known if one not in given], ", ".join(known)
    for i, name in enumerate(names):
        if name in seen:
            message = "is a column already; give each once"
            yield FieldError(f"columns[{i}]", message, code="given-twice", params={"reason": "same-column"})
        elif name not in known:
            fault = _unknown(i, name, left, "" if told else possible)
            told = told or "possible" in fault.params
            yield fault
        seen.add(name)


def _unknown(i: int, name: str, left: Sequence[str], possible: str) -> FieldError:
    other = _OTHER_WORDS.get(name, "")
    alike = [] if OF_LANGUAGE.fullmatch(name) else get_close_matches(name[:_LONGEST], left, 1, 0.75)
    near = other if other in left else next(iter(alike), "")
    value, place = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…", f"columns[{i}]"
    if near:
        return FieldError(
            place, f"is “{value}”, which is no column of products; did you mean {near}?", code="not-accepted",
            params={"value": value, "meant": near, "reason": "column-meant"},
        )  # fmt: skip
    if possible:
        return FieldError(
            place, f"is “{value}”, which is no column of products; there are: {possible}", code="not-accepted",
            params={"value": value, "possible": possible, "reason": "columns"},
        )  # fmt: skip
    return FieldError(
        place, f"is “{value}”, which is no column of products, either", code="not-accepted",
        params={"value": value, "reason": "column"},
    )  # fmt: skip
