"""What the demo's farmer tells of her food and her farm. Nothing here ends with a day, so that the demo shows the same whenever it is looked at."""

from __future__ import annotations

from typing import Any

import msgspec

from harvestd.kernel.claims import Certification

_ORGANIC = (Certification(scheme="Organic farming", body_code="US-ORG-050"),)
_HOME = "Riverside"
#: Fields of her products, by title.
OF_PRODUCTS: dict[str, dict[str, Any]] = {
    "Heirloom tomatoes": {"origin": _HOME, "storage": "ambient", "certifications": _ORGANIC, "sku": "TOM-1"},
    "New potatoes": {"origin": _HOME, "storage": "ambient", "certifications": _ORGANIC, "sku": "POT-1"},
    "Rainbow carrots": {"origin": _HOME, "storage": "chilled", "certifications": _ORGANIC, "sku": "CAR-1"},
    "Gala apples": {"origin": _HOME, "storage": "ambient", "sku": "APP-1"},
    "Raspberries": {"origin": _HOME, "storage": "chilled", "sku": "RAS-1"},
    "Brown eggs": {"origin": _HOME, "storage": "ambient", "allergens": ("eggs",), "sku": "EGG-1"},
    "Raw milk cheese": {
        "origin": _HOME, "storage": "chilled", "allergens": ("milk",), "ingredients": "Raw milk, salt, rennet, lactic ferments", "sku": "CHE-1",
    },
    "Linden honey": {"origin": _HOME, "storage": "ambient", "gtin": "2000000000015", "sku": "HON-1"},
    "Dried porcini": {"origin": "Oregon", "storage": "ambient", "sku": "POR-1"},
}  # fmt: skip
_CERTIFICATE = {"scheme": "Organic farming", "body_code": "US-ORG-050", "number": "050-1287", "valid_until": None}
_AREAS = (
    {"name": "Riverside", "postcodes": ["92501", "92506"], "radius_km": None, "fee": 0, "minimum": 2000, "free_from": None},
    {"name": "Around", "postcodes": ["92373", "92374"], "radius_km": None, "fee": 490, "minimum": 3000, "free_from": 8000},
)  # fmt: skip
#: Columns of her farm, as JSON.
OF_FARM: dict[str, str] = {
    "certificates": msgspec.json.encode([_CERTIFICATE]).decode(),
    "delivery": msgspec.json.encode({"areas": _AREAS, "note": "On Thursdays, from noon on."}).decode(),
}
