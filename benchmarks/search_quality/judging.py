"""How good a page of hits is: each hit's grade, by rule from its title and category, and nDCG@10 (Järvelin and Kekäläinen, 2002)."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from harvestd.interfaces import Document

FOLDER = Path(__file__).parent
TUNED, HELD_OUT = FOLDER / "tuned.json", FOLDER / "held_out.json"
#: Hits that count.
PAGE = 10


class Query(msgspec.Struct, frozen=True):
    """What somebody types, and means: goods of one of ``names`` in one of ``categories``; ``also`` are words that the title or the farm's
    name has to have, ``free_from`` what must not be in it."""

    text: str
    kind: str
    names: list[str]
    categories: list[str]
    also: list[str] = []
    free_from: list[str] = []


class Asked(msgspec.Struct, frozen=True):
    """What the measuring process is told: the database, the engines' addresses by their names, and the file of the queries."""

    database: str
    engines: dict[str, str]
    queries: str


def queries(path: Path) -> list[Query]:
    """Those of a file."""
    return msgspec.json.decode(path.read_bytes(), type=list[Query])


def grade(query: Query, document: Document) -> int:
    """3: it is what is meant; 2: it is, but not that variety, or of another farm; 1: its title has the name, and it is something else; 0."""
    title = roots(document.title)
    if not any(roots(name) <= title for name in query.names):
        return 0
    if document.category not in query.categories or set(query.free_from) & set(document.allergens):
        return 1
    return 3 if roots(" ".join(query.also)) <= title | roots(document.farm_name) else 2


def roots(text: str) -> set[str]:
    """The words of a text, without case, accents and plurals."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe"))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return {_root(word) for word in re.findall(r"[a-z]+", letters)}


def _root(word: str) -> str:
    for plural, singular in (("ies", "y"), ("oes", "o"), ("ches", "ch"), ("shes", "sh"), ("s", ""), ("x", "")):
        if len(word) > 3 and word.endswith(plural):
            return word[: -len(plural)] + singular
    return word


def ndcg(query: Query, found: Sequence[str], documents: Iterable[Document]) -> float:
    """Of the ids that were found, in their order, over all documents; 1 is the best order that there is."""
    grades = {document.id: grade(query, document) for document in documents}
    best = _gain(sorted(grades.values(), reverse=True)[:PAGE])
    return _gain([grades[id] for id in found[:PAGE]]) / best if best else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum((float(2**one) - 1) / math.log2(place + 2) for place, one in enumerate(grades))
