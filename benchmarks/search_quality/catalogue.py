"""The catalogue that searches are judged over: the goods of the USDA directory's markets, those of the synthetic catalogue in English and in
French, and the demo's own. Always the same."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources

from harvestd.interfaces import Document
from harvestd.loading.demo.sunny_acres import OFFERS
from harvestd.loading.synthetic import words
from harvestd.loading.usda import goods as usda
from harvestd.loading.usda.reading import Market, read

NOW = datetime(2026, 5, 9, 12, tzinfo=UTC)
#: What the goods of the synthetic catalogue are called in French.
FRENCH = {
    "carrots": "carottes", "potatoes": "pommes de terre", "beetroot": "betteraves", "radishes": "radis", "parsnips": "panais", "lettuce": "laitue",
    "spinach": "épinards", "kale": "chou frisé", "chard": "blettes", "tomatoes": "tomates", "peppers": "poivrons", "chillies": "piments",
    "pumpkins": "citrouilles", "courgettes": "courgettes", "basil": "basilic", "parsley": "persil", "thyme": "thym", "garlic": "ail", "onions": "oignons",
    "leeks": "poireaux", "apples": "pommes", "pears": "poires", "quinces": "coings", "strawberries": "fraises", "raspberries": "framboises",
    "blueberries": "myrtilles", "cherries": "cerises", "plums": "prunes", "peaches": "pêches", "goat cheese": "fromage de chèvre", "milk": "lait",
    "butter": "beurre", "eggs": "œufs", "chicken": "poulet", "bread": "pain", "honey": "miel", "jam": "confiture", "flour": "farine", "juice": "jus",
    "cider": "cidre",
}  # fmt: skip
FRENCH_FARMS = ("Ferme du Moulin", "Les Jardins d'Élise", "Domaine Beaulieu")
#: What is in goods that somebody may not bear.
ALLERGENS = {
    "bread": ("gluten",), "rolls": ("gluten",), "cake": ("eggs", "gluten", "milk"), "cheddar": ("milk",), "goat cheese": ("milk",), "gouda": ("milk",),
    "milk": ("milk",), "butter": ("milk",), "yogurt": ("milk",), "eggs": ("eggs",), "flour": ("gluten",), "pickles": ("mustard",),
}  # fmt: skip
#: Farms that offer each variety of the synthetic catalogue.
FARMS = 3


@cache
def markets() -> tuple[Market, ...]:
    """The markets of the directory that come with the demo."""
    file = resources.files("harvestd.loading.demo").joinpath("markets.csv")
    return tuple(row for row in read(file.read_bytes()) if isinstance(row, Market))


def documents() -> list[Document]:
    """All of it."""
    names = {slug: name for slug, name, _ in words.CATEGORIES} | usda.CATEGORIES
    found = []
    for number, (title, category, farm, text, allergens) in enumerate(
        [*_synthetic(), *_french(), *_directory(), *_demo()], 1
    ):
        chance = random.Random(zlib.crc32(f"{number} {title}".encode()))
        found.append(Document(
            kind="product", id=f"01900000-0000-7000-8000-{number:012x}", version=1, title=title, text=text, farm=f"farm-{zlib.crc32(farm.encode())}",
            farm_name=farm, category=category, category_name=names[category], in_stock=chance.random() > 0.08, price=chance.randrange(100, 3000),
            unit="kg", popularity=float(int(chance.paretovariate(1.0))), rating=chance.choice([0.0, 0.0, 3.5, 4.0, 4.5, 5.0]), allergens=allergens,
            also=", ".join(allergens), fresh_at=NOW - timedelta(days=chance.randrange(60)), body={"slug": f"p{number}"},
        ))  # fmt: skip
    return found


Offer = tuple[str, str, str, str, tuple[str, ...]]


def _synthetic() -> Iterator[Offer]:
    chance = random.Random(5)
    for good in words.GOODS:
        for variety in good.varieties:
            for market in chance.sample(markets(), FARMS):
                quality = chance.choice(words.QUALITIES)[0]
                title = " ".join(filter(None, (quality, variety, good.name)))
                text = " ".join(
                    [
                        chance.choice(words.OPENINGS),
                        chance.choice(words.MIDDLES),
                        f"Goes well with {chance.choice(words.GOODS).name}.",
                    ]
                )
                yield title[0].upper() + title[1:], good.category, market.name, text, ALLERGENS.get(good.name, ())


def _french() -> Iterator[Offer]:
    chance = random.Random(6)
    for good in words.GOODS:
        name = FRENCH.get(good.name)
        for farm in FRENCH_FARMS if name else ():
            title = " ".join([str(name), chance.choice(good.varieties)])
            yield (
                title[0].upper() + title[1:],
                good.category,
                farm,
                "Récolté à la main, vendu au marché.",
                ALLERGENS.get(good.name, ()),
            )


def _directory() -> Iterator[Offer]:
    for market in markets():
        for good in market.goods:
            yield usda.title(good, market.source), good.category, market.name, good.description, ()


def _demo() -> Iterator[Offer]:
    for title, category, *_ in OFFERS:
        yield title, category, "Sunny Acres", "", ()
