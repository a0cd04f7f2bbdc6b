"""Keys of documents, beside the words of their texts, by which one look into the index finds what a filter asks for. The trigger
``search_keys`` gives them to each document; here are the queries for them, as texts of PostgreSQL's type ``tsquery``."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor

from harvestd.interfaces import Search
from harvestd.kernel.geography import Box, box_around
from harvestd.market.search.text import PRICE_EDGES, storable

#: How documents stand whatever is asked, the best first: steps, with one mark where the words are in the title, with another elsewhere; the key of what
#: is sold out.
STEPS, TITLED, ELSEWHERE, SOLD_OUT = 20, "~", "^", "~out"
#: The last step with the mark of elsewhere, where nothing has the points of a title: points are not less than none, which is 0.25 / 0.02 steps from the top (search_standing).
LAST_ELSEWHERE = 12
#: The longest key, and the most cells of a degree by a degree that a place is looked up by.
LONGEST, CELLS = 500, 40
#: More price brackets are not looked up: nearly everything is in them.
FEW = 2
#: Without a radius, what is so near (in km) comes first.
NEARBY = 50.0


def filters(question: Search) -> dict[str, str]:
    """The key of each filter that has one, by its facet; ``""`` has those of no facet. What a filter's key finds, the filter's own condition is asked of."""
    named = {"category": question.category, "farm": question.farm, "tag": question.tag, "unit": question.unit}
    found = {facet: any_of(facet, values) for facet, values in named.items() if values}
    if brackets := _brackets(question):
        found["price"] = brackets
    others = [any_of("benefit", question.benefit)] if question.benefit else []
    if question.near is not None and question.radius is not None:
        others += cells(box_around(*question.near, question.radius))
    return found | ({"": all_of(others)} if others else {})


def beside(question: Search, facet: str) -> str:
    """What the facet's own filter excludes and all others keep, as far as keys tell."""
    given = filters(question)
    others = [key for name, key in given.items() if name != facet]
    own = _brackets(question, inside=True) if facet == "price" else given.get(facet, "")
    return all_of([*others, f"!{own}"] if own else others)


def any_of(name: str, values: Iterable[str]) -> str:
    """Has one of these values."""
    return "(" + " | ".join(quoted(f"{name}:{storable(value)}") for value in values) + ")"


def all_of(queries: Iterable[str]) -> str:
    """Is found by each of these queries; empty without any."""
    return " & ".join(queries)


def quoted(key: str) -> str:
    """A key as a word of a query, whatever is in it."""
    return "'" + key[:LONGEST].replace("\\", "\\\\").replace("'", "''") + "'"


def nearby(question: Search) -> str:
    """What is near, where nothing else keeps far things out; empty otherwise."""
    if question.near is None or question.radius is not None:
        return ""
    return all_of(cells(box_around(*question.near, NEARBY)))


def boosted(question: Search) -> str:
    """What the market's rules for the query put forward."""
    fields = [(one.field, one.values) for one in question.rules.boosts if one.factor > 1 and one.values]
    return " | ".join(any_of(field, values) for field, values in fields)


def cells(box: Box) -> list[str]:
    """The query for a box; none if it is large."""
    rows, columns = (
        range(floor(least), floor(most) + 1) for least, most in ((box.south, box.north), (box.west, box.east))
    )
    if len(rows) * len(columns) > CELLS:
        return []
    return [any_of("at", [f"{row}:{column}" for row in rows for column in columns])]


def _brackets(question: Search, inside: bool = False) -> str:
    """The price brackets that the bounds touch, or those that are all inside; empty without bounds, and for members of groups, who have prices of their own."""
    least, most = question.min_price, question.max_price
    if (least is None and most is None) or question.groups:
        return ""
    ends = [edge - 1 for edge in PRICE_EDGES[1:]] + [None]
    each = list(enumerate(zip(PRICE_EDGES, ends, strict=True)))
    if inside:
        found = [
            n for n, (edge, end) in each if edge >= (least or 0) and (most is None or (end is not None and end <= most))
        ]
        return any_of("price", map(str, found)) if found else ""
    found = [n for n, (edge, end) in each if (end is None or end >= (least or 0)) and (most is None or edge <= most)]
    return any_of("price", map(str, found or [len(each)])) if len(found) <= FEW else ""
