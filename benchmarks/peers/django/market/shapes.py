"""Rows as the market shows them."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

CURRENCY = "EUR"
#: How many of each unit make the one that prices are compared by.
COMPARED = {
    "kg": ("kg", Decimal(1)),
    "g": ("kg", Decimal(1000)),
    "lb": ("kg", 1 / Decimal("0.45359237")),
    "litre": ("litre", Decimal(1)),
    "oz": ("kg", 16 / Decimal("0.45359237")),
    "ml": ("litre", Decimal(1000)),
    **{unit: (unit, Decimal(1)) for unit in ("each", "bunch", "box", "dozen", "punnet", "jar", "crate", "head")},
}
#: UN/ECE Recommendation 20.
CODES = {
    "kg": "KGM", "g": "GRM", "lb": "LBR", "oz": "ONZ", "litre": "LTR", "ml": "MLT", "dozen": "DZN",
    **dict.fromkeys(("each", "bunch", "box", "punnet", "jar", "crate", "head"), "C62"),
}  # fmt: skip
#: What each unit counts or measures.
KINDS = {unit: "piece" for unit in COMPARED} | dict.fromkeys(("kg", "g", "lb", "oz"), "weight") | dict.fromkeys(("litre", "ml"), "volume")
#: The columns that :func:`product` reads, for ``QuerySet.values``: no model instances are made for what is only shown.
COLUMNS = (
    *("id", "slug", "title", "description", "farm_id", "farm__slug", "farm__name"),
    *("category_id", "category__slug", "category__name", "unit", "price", "price_per", "stock", "reserved"),
    *("quantity_step", "min_quantity", "season_from", "season_to", "harvested_on", "tags", "status", "farm__staffed"),
    *("sku", "external_id", "gtin", "lot", "allergens", "ingredients", "origin", "storage", "durability_kind", "durability_date"),
    *("certifications", "metadata"),
    *("upvote_count", "view_count", "rating_count", "rating_average", "version", "created_at", "updated_at"),
)


def in_season(first, last, day):
    """``MM-DD`` or ``YYYY-MM-DD``, both of one kind; no first day: all year."""
    if not first:
        return True
    today = day if len(first) == 10 else day[5:]
    return first <= today <= last if first <= last else today >= first or today <= last


def valid(claims, day):
    """The claims that are not over."""
    return [claim for claim in claims if (claim["valid_until"] or day) >= day]


def product(row):
    """A product, from a row of :data:`COLUMNS`."""
    per, factor = COMPARED[row["unit"]]
    compared = int((row["price"] * factor / row["price_per"]).quantize(Decimal(1), ROUND_HALF_UP))
    category, season, durability = None, None, None
    today = date.today().isoformat()
    if row["durability_kind"]:
        durability = {"kind": row["durability_kind"], "date": row["durability_date"]}
    if row["category_id"] is not None:
        category = {"id": row["category_id"], "slug": row["category__slug"], "name": row["category__name"]}
    if row["season_from"] and row["season_to"]:
        season = {"from": row["season_from"], "to": row["season_to"]}
    average = float(row["rating_average"]) if row["rating_count"] else None
    return {
        "id": row["id"],
        "slug": row["slug"],
        "title": row["title"],
        "description": row["description"],
        "farm": {"id": row["farm_id"], "slug": row["farm__slug"], "name": row["farm__name"]},
        "category": category,
        "unit": row["unit"],
        "unit_code": CODES[row["unit"]],
        "price": {"amount": row["price"], "currency": CURRENCY},
        "price_per": {"quantity": str(row["price_per"]), "unit": row["unit"]},
        "unit_price": {"amount": compared, "currency": CURRENCY, "per": per},
        "prior_price": None,
        "markdown": None,
        "sold_by": KINDS[row["unit"]],
        "priced_by": KINDS[row["unit"]],
        "estimated_weight": None,
        "variants": [],
        "stock": str(row["stock"]),
        "available": str(row["stock"] - row["reserved"]),
        "quantity_step": str(row["quantity_step"]),
        "min_quantity": str(row["min_quantity"]),
        "season": season,
        "in_season": in_season(row["season_from"], row["season_to"], today),
        "harvested_on": row["harvested_on"],
        "tags": row["tags"],
        "sku": row["sku"],
        "external_id": row["external_id"],
        "gtin": row["gtin"],
        "lot": row["lot"],
        "allergens": row["allergens"],
        "ingredients": row["ingredients"],
        "origin": row["origin"],
        "storage": row["storage"],
        "durability": durability,
        "certifications": valid(row["certifications"], today),
        "metadata": row["metadata"],
        "translations": {},
        "status": row["status"],
        "visible_to": None,
        "prices": None,
        "orderable": row["farm__staffed"],
        "not_orderable": None if row["farm__staffed"] else "nobody-there",
        "away_until": None,
        "images": [],
        "upvote_count": row["upvote_count"],
        "view_count": row["view_count"],
        "rating": {"average": average, "count": row["rating_count"]},
        "version": row["version"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
