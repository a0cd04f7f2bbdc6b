"""What somebody meant who named a member of a body, or a parameter, that is not in the contract: one table of other words for ours, and
what is nearly spelt alike. Where nothing is near, the names that are there are told, as long as these are few."""

from __future__ import annotations

from collections.abc import Container, Sequence
from difflib import get_close_matches

#: Characters of a name; for a longer one nothing near is looked for.
LONGEST = 80
#: How alike (of 1) a name is that may have been meant: one letter of four, and not three of five.
NEAR = 0.75
#: More names than these nobody reads in a message.
FEW = 12
#: What other APIs call things, and what we call them; of several names the first that is there.
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
    """Which of the names that are ``left`` is meant by ``name``, if one is near enough."""
    if len(name) > LONGEST:
        return None
    plain = name.lower().replace("-", "_")
    named = next((one for one in OTHER_WORDS.get(plain, ()) if one in left), None)
    return named or next(iter(get_close_matches(plain, left, 1, NEAR)), None)


def told(name: str, known: Sequence[str], given: Container[str]) -> tuple[str, dict[str, str]]:
    """What is said of a name that is not among those that are ``known``, and the parameters of the code ``not-accepted``; what is
    ``given`` already is not meant."""
    left = [one for one in known if one not in given]
    near = meant(name, left)
    if near is not None:
        return f"is not accepted here; did you mean {near}?", {"meant": near}
    if left and len(known) <= FEW:
        possible = ", ".join(left)
        return f"is not accepted here; possible: {possible}", {"possible": possible}
    return "is not accepted here; leave it out", {}
