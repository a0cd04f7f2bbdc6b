"""Suggestions for an unknown member of a body or an unknown parameter: a table of synonyms from other APIs, then similar spellings.
If nothing is similar, the accepted names are listed, as long as they are few."""

from __future__ import annotations

from collections.abc import Container, Sequence
from difflib import get_close_matches

#: Characters: longer names get no suggestion.
LONGEST = 80
#: Minimum similarity (of 1) of a suggestion: one wrong letter of four is accepted, three of five are not.
NEAR = 0.75
#: Maximum accepted names listed in a message; nobody reads more.
FEW = 12
#: Synonyms from other APIs and our names for them; of several, the first that the type has.
OTHER_WORDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("query", "search", "term", "keyword", "keywords"), ("q",)),
    **dict.fromkeys(("qty", "amount"), ("quantity",)),
    **dict.fromkeys(("per_page", "page_size", "size", "first", "max_results"), ("limit",)),
    **dict.fromkeys(("cursor", "page_token", "starting_after", "next", "page"), ("after",)),
    **dict.fromkeys(("order", "order_by", "sort_by", "ordering"), ("sort",)),
    **dict.fromkeys(("cost", "unit_price"), ("price",)),
    **dict.fromkeys(("price_min", "price_from"), ("min_price",)),
    **dict.fromkeys(("price_max", "price_to"), ("max_price",)),
    **dict.fromkeys(("radius", "distance"), ("radius_km",)),
    **dict.fromkeys(("location", "position", "latlng"), ("near",)),
    "lat": ("latitude",),
    **dict.fromkeys(("lon", "lng", "long"), ("longitude",)),
    **dict.fromkeys(("product", "sku"), ("product_id",)),
    "category": ("category_id",), "category_id": ("category",),
    "farm": ("farm_id",), "farm_id": ("farm",),
    "parent": ("parent_id",), "pickup_point": ("pickup_point_id",),
    "name": ("title",), "title": ("name",),
    **dict.fromkeys(("mail", "e_mail"), ("email",)),
    **dict.fromkeys(("user", "login"), ("username", "email")),
    **dict.fromkeys(("pass", "passwd", "pwd"), ("password",)),
    **dict.fromkeys(("phone_number", "telephone", "tel", "mobile"), ("phone",)),
    "token": ("refresh_token",), "products": ("lines", "items"), "items": ("lines",), "lines": ("items",),
    "total": ("expected_total",), "comment": ("note", "reason"), "message": ("note", "reason"),
    **dict.fromkeys(("delivery", "shipping"), ("fulfilment",)),
    "status": ("to",), "delta": ("change",), "available": ("in_stock",),
}  # fmt: skip


def meant(name: str, left: Sequence[str]) -> str | None:
    """The name among ``left`` that ``name`` probably means, if one is similar enough."""
    if len(name) > LONGEST:
        return None
    plain = name.lower().replace("-", "_")
    named = next((one for one in OTHER_WORDS.get(plain, ()) if one in left), None)
    return named or next(iter(get_close_matches(plain, left, 1, NEAR)), None)


def told(name: str, known: Sequence[str], given: Container[str]) -> tuple[str, dict[str, str]]:
    """The message for a name that is not ``known``, and the parameters of the code ``not-accepted``; names already ``given`` are not
    suggested."""
    left = [one for one in known if one not in given]
    near = meant(name, left)
    if near is not None:
        return f"is not accepted here; did you mean {near}?", {"meant": near}
    if left and len(known) <= FEW:
        possible = ", ".join(left)
        return f"is not accepted here; possible: {possible}", {"possible": possible}
    return "is not accepted here; leave it out", {}
