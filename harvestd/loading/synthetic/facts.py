"""What a synthetic catalogue tells of food (Regulation (EU) 1169/2011): by the good, since it is the same of each. Texts are ASCII, as ``searching.py``
has it; their numbers and words are parted by blanks and ``,;.()%`` alone."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import attrs
import msgspec

from harvestd.loading.synthetic.words import Good


@attrs.frozen
class Facts:
    """``days`` is how long it keeps, from when the catalogue is made; 0 for what has no such day."""

    storage: str
    days: int = 0
    kind: str = "best_before"
    allergens: tuple[str, ...] = ()
    ingredients: str = ""


#: By category; of what is not food, none.
_CATEGORIES: dict[str, Facts] = {
    "root-vegetables": Facts("ambient"), "leafy-greens": Facts("chilled"), "tomatoes-peppers": Facts("ambient"), "squash": Facts("ambient"),
    "herbs": Facts("chilled"), "alliums": Facts("ambient"), "orchard-fruit": Facts("ambient"), "berries": Facts("chilled"),
    "stone-fruit": Facts("ambient"), "beef-lamb": Facts("chilled", 6, "use_by"), "poultry": Facts("chilled", 5, "use_by"),
    "eggs": Facts("ambient", 21, "best_before", ("eggs",)),
}  # fmt: skip
#: By good, of what is made of something.
_GOODS: dict[str, Facts] = {
    "cheddar": Facts("chilled", 60, "best_before", ("milk",), "Raw milk, salt, rennet, lactic ferments"),
    "goat cheese": Facts("chilled", 21, "use_by", ("milk",), "Goat milk, salt, rennet, lactic ferments"),
    "gouda": Facts("chilled", 90, "best_before", ("milk",), "Milk, salt, rennet, lactic ferments"),
    "milk": Facts("chilled", 7, "use_by", ("milk",)),
    "butter": Facts("chilled", 40, "best_before", ("milk",), "Cream (milk), salt 1.5 %"),
    "yogurt": Facts("chilled", 18, "use_by", ("milk",), "Milk, lactic ferments"),
    "sausages": Facts("chilled", 8, "use_by", ("celery", "mustard"), "Pork 85 %, water, salt, mustard seed, celery, pepper, sugar"),
    "bacon": Facts("chilled", 14, "use_by", (), "Pork belly 96 %, salt, sugar, smoke"),
    "bread": Facts("ambient", 4, "best_before", ("gluten",), "Flour of wheat and rye, water, leaven, salt"),
    "rolls": Facts("ambient", 2, "best_before", ("gluten", "sesame"), "Wheat flour, water, yeast, salt, sesame"),
    "cake": Facts("ambient", 5, "best_before", ("eggs", "gluten", "milk", "nuts"), "Wheat flour, sugar, butter (milk), eggs, hazelnuts 12 %, baking powder"),
    "honey": Facts("ambient", 720, "best_before"),
    "jam": Facts("ambient", 540, "best_before", (), "Fruit 60 %, sugar, lemon juice, pectin"),
    "pickles": Facts("ambient", 540, "best_before", ("celery", "mustard"), "Vegetables, spirit vinegar, sugar, salt, mustard seed, celery, dill"),
    "flour": Facts("ambient", 270, "best_before", ("gluten",), "Whole grain, stone ground"),
    "oats": Facts("ambient", 300, "best_before", ("gluten",), "Whole oats"),
    "juice": Facts("ambient", 240, "best_before", (), "Pressed fruit 100 %"),
    "cider": Facts("ambient", 365, "best_before", ("sulphites",), "Apples, yeast, sulphites"),
}  # fmt: skip
#: Claims by tag: scheme and the code of who certifies it.
CLAIMS = {"organic": ("Organic farming", "US ORG 050"), "biodynamic": ("Biodynamic farming", "DEMETER US")}
_NOTHING = Facts("")


def of(good: Good) -> Facts:
    """What is told of a good."""
    return _GOODS.get(good.name) or _CATEGORIES.get(good.category) or _NOTHING


def texts() -> list[str]:
    """Every text that search finds a product by."""
    return [one.ingredients for one in _GOODS.values()]


def gtin(number: int) -> str:
    """A number of 13 digits with its check digit, of those that shops give out themselves (they begin with 2)."""
    digits = f"2{number % 10**11:011}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


@attrs.frozen
class Lines:
    """The columns of COPY that a good, a quality and the day of the run decide: ``before`` the product's origin, and ``after`` it."""

    ingredients: str
    after: str
    made: bool


@cache
def lines(good: Good, tag: str, today: date) -> Lines:
    """Storage, durability, allergens, claims and notes of an offer."""
    facts = of(good)
    until = (today + timedelta(days=facts.days)).isoformat() if facts.days else ""
    claims = []
    if tag in CLAIMS:
        scheme, body = CLAIMS[tag]
        claims = [{"scheme": scheme, "body_code": body, "number": "", "valid_until": f"{today.year + 1}-12-31"}]
    notes = {"shelf": good.category}
    columns = (
        facts.storage or "\\N", facts.kind if until else "\\N", until or "\\N", "{" + ",".join(facts.allergens) + "}",
        msgspec.json.encode(claims).decode(), msgspec.json.encode(notes).decode(),
    )  # fmt: skip
    return Lines(facts.ingredients, "\t".join(columns), bool(facts.ingredients))
