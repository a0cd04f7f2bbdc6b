"""The rules that the market's staff gives for searches: validation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import Rule, accept, clean_name
from harvestd.market.catalogue.tag_rules import tag
from harvestd.market.search.matching_rules import MAX_PINS, key
from harvestd.market.search.text import asked

Kind = Literal["synonym", "pin", "boost"]
#: Rules of a market: each process has all of them in its memory. Queries of one, and the characters of each.
MAX_RULES, MAX_QUERIES, MAX_QUERY, MAX_PRODUCTS = 1_000, 20, 100, MAX_PINS
MIN_FACTOR, MAX_FACTOR = 0.1, 10.0
NOTE = Rule(500, lines=True)
#: What a boost is about: one of them.
ABOUT = ("category_id", "farm_id", "tag")
#: The fields of each kind beside ``queries``, ``note`` and ``active``, with their values when there are none.
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "synonym": {"means": ()}, "pin": {"product_ids": ()}, "boost": {**dict.fromkeys(ABOUT), "factor": None},
}  # fmt: skip
OF_KINDS: Mapping[str, Any] = {name: empty for fields in FIELDS.values() for name, empty in fields.items()}


def checked(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All fields of a rule of this kind, its texts normalised; raises :class:`Invalid` with every field that is wrong."""
    found = dict(given)
    wrong = faults(given)
    wrong += [fault for fault in _strange(kind, given) if fault.field not in {one.field for one in wrong}]
    if not wrong:
        for name in ("queries", "means"):
            found[name] = distinct(name, given[name])
        found["note"] = accept(NOTE.apply("note", given["note"]))[0]
        found["product_ids"] = tuple(dict.fromkeys(given["product_ids"]))
        found["tag"] = None if given["tag"] is None else accept(tag("tag", given["tag"]))[0]
        found["factor"] = None if given["factor"] is None else round(given["factor"], 2)
        wrong += _lacking(kind, found)
    accept(*wrong, message="the rule cannot be accepted")
    return found


def faults(given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a rule, independent of the others."""
    found: list[Any] = [
        _query(f"{name}[{i}]", text) for name in ("queries", "means") for i, text in enumerate(given.get(name) or ())
    ]
    if given.get("note"):
        found.append(NOTE.apply("note", given["note"]))
    if given.get("tag") is not None:
        found.append(tag("tag", given["tag"]))
    return [fault for fault in found if isinstance(fault, FieldError)]


def _query(field: str, text: str) -> str | FieldError:
    found = clean_name(field, text, MAX_QUERY)
    if isinstance(found, str) and not asked(found):
        return FieldError(
            field, "must have at least one letter or digit", code="not-accepted", params={"reason": "no-word"}
        )
    return found


def distinct(field: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The texts normalised, each meaning once."""
    found = accept(*(_query(f"{field}[{i}]", text) for i, text in enumerate(texts)))
    return tuple({key(asked(text)): text for text in reversed(found)}.values())[::-1]


def _strange(kind: str, given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Fields that another kind has."""
    for name, empty in OF_KINDS.items():
        if name not in FIELDS[kind] and given[name] != empty and given[name] not in ((), [], None):
            kinds = ", ".join(other for other, fields in FIELDS.items() if name in fields)
            yield FieldError(
                name, f"is only for the kind {kinds}; leave it out", code="not-accepted", params={"reason": "kind", "possible": kinds}
            )  # fmt: skip


def _lacking(kind: str, given: Mapping[str, Any]) -> Iterator[FieldError]:
    """What a rule of the kind needs, and this one has not."""
    if not given["queries"]:
        yield FieldError("queries", "is missing", code="required")
    if kind == "synonym" and len(given["queries"]) + len(given["means"]) < 2:
        message = "must have two words that mean the same, or one and what it means"
        yield FieldError("queries", message, code="not-accepted", params={"reason": "alone"})
    if kind == "pin" and not given["product_ids"]:
        yield FieldError("product_ids", "is missing", code="required")
    if kind == "boost" and sum(given[name] is not None for name in ABOUT) != 1:
        message = "a boost is about one category, farm or tag; give one of category_id, farm_id and tag"
        yield FieldError("category_id", message, code="not-accepted", params={"reason": "about"})
    if kind == "boost" and given["factor"] is None:
        yield FieldError("factor", "is missing", code="required")
