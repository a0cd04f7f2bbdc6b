"""What search ranks by: one table, which both engines, the explanation of a hit and the page ``/docs/ranking`` are made from. Pure.

A score is the sum of the factors' points; each factor is between 0 and 1 of its ``most``. The first three are so far apart that none of
what follows makes up for them: what is sold out comes after all that can be bought and fits as well.
"""

from __future__ import annotations

import math

import attrs

DAYS, KM, SOLD = 30, 25, 20
#: The points of a product without ratings are those of one with so many stars.
UNRATED, STARS = 3.0, 5.0


@attrs.frozen
class Factor:
    """``most`` points at best; ``about`` says in words what has them. ``boosted`` ones are multiplied by the boosts of the market's rules."""

    most: float
    about: str
    boosted: bool = True


FACTORS: dict[str, Factor] = {
    "code": Factor(16.0, "The query is the own number of the product, or of a pack size: `sku`, `gtin` or `external_id`, all of it.", False),
    "typed": Factor(4.0, "It has all words of the query as they were typed, or what the market says means the same, and not words that they may be a mistyped form of.", False),
    "stock": Factor(2.0, "Something of it is left.", False),
    "text": Factor(0.6, "Where it has each word: all of it in the title, two fifths in the category or a tag, a fifth in the farm's name, a tenth in the description, the ingredients or the origin. Half of that for what may have been meant by a word."),
    "title": Factor(0.2, "Its title has all words, and few others: divided by the number of its words."),
    "whole": Factor(0.2, "Its title is the query."),
    "phrase": Factor(0.1, "Its title has the words side by side, in this order."),
    "freshness": Factor(0.15, f"It was harvested lately or, without a day of harvest, changed lately: after {DAYS} days it has 37 % of the points, after {2 * DAYS} days 14 %."),
    "rating": Factor(0.1, f"Its average rating, of {STARS:g} stars; without ratings, as with {UNRATED:g}."),
    "popularity": Factor(0.15, f"How often it was ordered: half of the points at {SOLD} times, and ever more slowly from there."),
    "distance": Factor(0.25, f"How near its farm is, if a position is given: half of the points at {KM} km, a quarter at {2 * KM} km."),
}  # fmt: skip
#: The share of a word's points by where it is: title, category and tags, farm, description.
PLACES = {"title_words": 1.0, "label_words": 0.4, "farm_words": 0.2, "text_words": 0.1}
#: What is left of a word's points if it was mistyped.
MISTYPED = 0.5
#: The points of the last of a query's pins; each one before it has as many more. No other factors together have as many.
PIN = 100.0
#: How many times as much a document counts at most by all boosts together: below what a pin has.
MOST_BOOSTED = 40.0
#: Factors that only a query with words has.
OF_WORDS = ("code", "typed", "text", "title", "whole", "phrase")


def most(name: str) -> float:
    """The points of a factor at best."""
    return FACTORS[name].most


def freshness(age: float) -> float:
    """By the age in seconds."""
    return math.exp(-max(0.0, age) / (DAYS * 86_400))


def rating(stars: float) -> float:
    """By the average rating; 0 is none."""
    return (stars or UNRATED) / STARS


def popularity(sold: float) -> float:
    """By how often it was ordered."""
    return max(0.0, sold) / (max(0.0, sold) + SOLD)


def distance(km: float) -> float:
    """By kilometres."""
    return float(0.5 ** (km / KM))


def pin(place: int, number: int) -> float:
    """The points of the pin at a place, from 0, of so many."""
    return PIN * (number - place)
