"""The rows of a synthetic catalogue, as lines of PostgreSQL's COPY. The same plan gives the same catalogue, except for ids, times
and harvest days, which depend on the run.

Popularity follows Zipf's law: the product of rank ``r`` has sold ``C / r ** EXPONENT`` times, with ``C`` chosen so that the average
is ``SALES``; ranks are assigned at random. Ratings, upvotes and views follow the sales.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

import attrs

from harvestd.kernel.slugs import slug
from harvestd.loading.synthetic import facts, farm_facts, words
from harvestd.market.search.text import words as search_words

#: The exponent of Zipf's law, as observed in shopping; the average sales of a product; the inequality of the farms' sizes.
EXPONENT, SALES, INEQUALITY = 1.0, 10, 1.3

#: Quantity steps and maximum stock by unit.
_STEPS = {
    "kg": ("0.250", "0.500", "1"), "g": ("50", "100"), "lb": ("0.500", "1"), "litre": ("0.500", "1"), "each": ("1",),
    "bunch": ("1",), "box": ("1",),
}  # fmt: skip
_STOCK = {"kg": 300, "g": 20_000, "lb": 200, "litre": 250, "each": 150, "bunch": 120, "box": 90}
#: The share of all products that is sold out; the share that was harvested in the last week.
_SOLD_OUT, _HARVESTED = 0.08, 0.4

FARM_COLUMNS = (
    "id, slug, name, description, latitude, longitude, address, certifications, order_minimum, pickup_points, source, "
    f"created_at, updated_at, {farm_facts.COLUMNS}"
)
PRODUCT_COLUMNS = (
    "id, slug, farm_id, category_id, title, description, unit, price, stock, quantity_step, min_quantity, season_from, "
    "season_to, harvested_on, tags, status, upvote_count, view_count, rating_sum, rating_count, sales, sales_before, "
    "created_at, updated_at, sku, external_id, gtin, lot, ingredients, origin, storage, durability_kind, durability_date, "
    "allergens, certifications, metadata"
)
LEDGER_COLUMNS = "id, product_id, kind, change, level, reason, created_at"


@attrs.frozen
class Plan:
    """The catalogue to create: ``products`` products of ``farms`` farms, drawn by ``seed``. ``new_id`` returns ascending ids; ``languages`` are
    those of the market."""

    products: int
    farms: int
    seed: int
    now: datetime
    new_id: Callable[[], str]
    languages: tuple[str, ...] = ()


@attrs.frozen
class Farm:
    """A created farm, where its goods come from, and its COPY line."""

    id: str
    place: str
    origin: str
    line: str


def farm_source(seed: int, number: int) -> str:
    """The ``source`` that identifies a farm of a seed, like those of an import."""
    return f"seed:{seed}:{number}"


def farms(plan: Plan) -> list[Farm]:
    """All farms, the largest first."""
    draw, more, at = Random(f"farms {plan.seed}"), Random(f"facts of farms {plan.seed}"), plan.now.isoformat()
    made = []
    for number in range(plan.farms):
        place = f"{draw.choice(words.FARM_FIRST)} {draw.choice(words.FARM_SECOND)}"
        name = f"{place} {draw.choice(words.FARM_KINDS)}"
        town, latitude, longitude = draw.choice(words.PLACES)
        text = f"A family farm near {town}. {draw.choice(words.MIDDLES)} {draw.choice(words.MIDDLES)}"
        address = f"{draw.randrange(1, 200)} {draw.choice(words.STREETS)}, {town}"
        id = plan.new_id()
        at_y, at_x = f"{latitude + draw.uniform(-0.5, 0.5):.5f}", f"{longitude + draw.uniform(-0.5, 0.5):.5f}"
        certified, source = draw.choice(words.CERTIFICATIONS), farm_source(plan.seed, number)
        where = farm_facts.Place(town=town, address=address, latitude=at_y, longitude=at_x)
        columns = (
            id, slug(name, f"s{plan.seed}n{number}"), name, text, at_y, at_x, address, _array(certified),
            str(draw.choice((0, 0, 0, 1000, 2000))), farm_facts.points(more, where), source, at, at,
            *farm_facts.columns(more, source, certified, plan.now.date()),
        )  # fmt: skip
        made.append(Farm(id, place, f"{place} near {town}", "\t".join(columns) + "\n"))
    return made


def products(plan: Plan, made: Sequence[Farm], categories: dict[str, str], size: int) -> Iterator[tuple[str, str, int]]:
    """Lines of products and of their opening stock, and the number of products, in batches of ``size``. ``categories`` has the id
    of each slug."""
    draw = Random(f"products {plan.seed}")
    sales = zipf(plan.products, draw)
    offers = [_Offer.of(good, variety, quality, tag, plan) for good in words.GOODS for variety in good.varieties
              for quality, tag in words.QUALITIES]  # fmt: skip
    chance, at = draw.random, plan.now.isoformat()
    days = [(plan.now - timedelta(days=n)).date().isoformat() for n in range(7)]
    openings, middles, endings, new_id = words.OPENINGS, words.MIDDLES, words.ENDINGS, plan.new_id
    lines, ledger = [], []
    for number in range(plan.products):
        offer = offers[int(chance() * len(offers))]
        farm = made[int(chance() ** INEQUALITY * len(made))]
        title = f"{offer.title} from {farm.place}" if chance() < 0.4 else offer.title
        text = f"{openings[int(chance() * 8)]} {middles[int(chance() * 12)]}"
        if chance() < 0.6:
            text = f"{text} {middles[int(chance() * 12)]}"
        price = max(1, int(offer.price * (0.7 + 0.6 * chance())))
        stock = 0 if chance() < _SOLD_OUT else 1 + int(chance() * offer.stock)
        step = offer.steps[int(chance() * len(offer.steps))]
        sold = sales[number]
        rated = sold // 12
        good = int(rated * (3.2 + 1.7 * chance()))
        harvested = days[int(chance() * 7)] if chance() < _HARVESTED else "\\N"
        id = new_id()
        lines.append(
            f"{id}\t{offer.slug}-s{plan.seed}n{number}\t{farm.id}\t{categories[offer.category]}\t{title}\t"
            f"{text} {endings[int(chance() * 8)]}\t{offer.unit}\t{price}\t{stock}\t{step}\t{step}\t{offer.season}\t"
            f"{harvested}\t{offer.tags}\tpublished\t{sold // 5}\t{sold * 30 + number % 30}\t{good}\t{rated}\t{sold}\t{sold}\t"
            f"{at}\t{at}\tS{plan.seed}.{number}\ts{plan.seed}n{number}\t{facts.gtin(number) if offer.facts.made else ''}\tL{number % 997:03}\t"
            f"{offer.facts.ingredients}\t{farm.origin}\t{offer.facts.after}\n"
        )
        ledger.append(f"{new_id()}\t{id}\tinitial\t{stock}\t{stock}\tseeded\t{at}\n")
        if len(lines) == size or number + 1 == plan.products:
            yield "".join(lines), "".join(ledger), len(lines)
            lines, ledger = [], []


def zipf(number: int, draw: Random) -> list[int]:
    """The sales of the given number of products, in random order."""
    shares = [1 / rank**EXPONENT for rank in range(1, number + 1)]
    top = SALES * number / sum(shares)
    sales = [round(top * share) for share in shares]
    draw.shuffle(sales)
    return sales


def vocabulary() -> list[str]:
    """Every word that may occur in the texts of products, in search's normal form."""
    texts = [*words.OPENINGS, *words.MIDDLES, *words.ENDINGS, *words.FARM_FIRST, *words.FARM_SECOND, *words.FARM_KINDS]
    texts += [text for good in words.GOODS for text in (good.name, *good.varieties, *good.tags)]
    texts += (
        [text for pair in words.QUALITIES for text in pair] + [name for _, name, _ in words.CATEGORIES] + ["from near"]
    )
    texts += facts.texts() + [town for town, _, _ in words.PLACES]
    return sorted({word for text in texts for word in search_words(text)})


@attrs.frozen
class _Offer:
    """The properties that products share; ``season`` and ``tags`` in the format of COPY."""

    title: str
    slug: str
    category: str
    unit: str
    price: int
    stock: int
    steps: tuple[str, ...]
    season: str
    tags: str
    facts: facts.Lines

    @staticmethod
    def of(good: words.Good, variety: str, quality: str, tag: str, plan: Plan) -> _Offer:
        title = " ".join(filter(None, (quality, variety, good.name)))
        return _Offer(
            title, slug(title), good.category, good.unit, good.price, _STOCK[good.unit], _STEPS[good.unit],
            "\t".join(good.season or ("\\N", "\\N")), _array(tuple(filter(None, (*good.tags, tag)))),
            facts.lines(good, tag, plan.now.date()),
        )  # fmt: skip


def _array(texts: Sequence[str]) -> str:
    return "{" + ",".join(f'"{text}"' for text in texts) + "}"
