"""Searches and suggestions, in PostgreSQL and in Elasticsearch, through harvestd's API with its cache off.

The questions are made of the words of the market's own titles: as they are, with a typing error, with filters, and broad ones
without words. Each connection asks one after the other. The limit is Elasticsearch itself, asked the same by the same client.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import msgspec
import psycopg2

from benchmarks import rate
from benchmarks.contest import contest, of, spent
from benchmarks.ground import Ground
from benchmarks.load import LoadError, body
from benchmarks.pinning import LOAD, pin
from benchmarks.rate import Paced
from benchmarks.results import Figure
from benchmarks.served import Served, harvestd
from harvestd.interfaces import Search
from harvestd.market.search.elasticsearch.answers import answer
from harvestd.market.search.elasticsearch.indices import Names
from harvestd.market.search.elasticsearch.query import asking
from harvestd.market.search.places import place_of
from harvestd.market.search.postgres.engine import FEW
from harvestd.market.search.text import asked
from harvestd.store.elasticsearch.client import lines
from servers import temporary_folder
from servers.elasticsearch import ElasticsearchServer
from tests.daemons import ctl, request

SMALL, LARGE = 1_000, 100_000
#: Fewer rounds than elsewhere: nothing here has a target. Questions of each kind, all different; hits asked for; clients.
EACH, HITS, CLIENTS = 24, 20, 8
ROUNDS, ROUNDS_QUICK = 3, 2
KINDS = ("words", "typing errors", "filters", "broad")
#: What harvestd calls its index.
INDEX = Names("harvest").alias
POSTGRES, ELASTICSEARCH, DIRECT = "PostgreSQL", "Elasticsearch", "Elasticsearch itself"
NOTES = [
    f"One process, its cache off, {CLIENTS} clients of which each asks one question after another; {EACH} questions a kind.",
    "Elasticsearch 7.10 with a heap of 1 GB. Elasticsearch itself is asked what harvestd asks it, a second time, wider, where "
    "that finds few; its answers are not read, while harvestd reads the hits from PostgreSQL as they are now.",
]


class Engine(ElasticsearchServer):
    """With the heap and the compiler of one that runs for long."""

    def environment(self) -> dict[str, str]:
        java = "-Xms1g -Xmx1g -XX:+UseSerialGC -XX:-UsePerfData"
        return super().environment() | {"ES_JAVA_OPTS": java}


class Question(msgspec.Struct, frozen=True):
    """What a person asks for; the names of the API."""

    q: str = ""
    category: str | None = None
    in_stock: bool = False
    max_price: int | None = None

    @property
    def path(self) -> str:
        given = {"q": self.q, "category": self.category, "max_price": self.max_price, "limit": HITS}
        given["in_stock"] = "true" if self.in_stock else None
        return "/api/search?" + urlencode({name: value for name, value in given.items() if value})

    def to_the_engine(self, port: int) -> list[bytes]:
        """The requests that harvestd makes of it: a second, wider one where the first finds few."""
        question = Search(
            text=self.q, category=self.category, in_stock=self.in_stock, max_price=self.max_price, limit=HITS
        )
        words, place = asked(self.q), place_of(question, datetime.now(UTC))
        path, first = f"/{INDEX}/_search", asking(question, words, place, 1.0)
        made = [rate.request("POST", path, msgspec.json.encode(first))]
        if words and answer(request(port, "POST", path, first)[1]).total < FEW:
            joints = ("and", "or") if len(words) > 1 else ("and",)
            wide = lines([line for joint in joints for line in ({}, asking(question, words, place, 1.0, joint))])
            made.append(rate.request("POST", f"/{INDEX}/_msearch", wide))
        return made


def questions(url: str) -> dict[str, list[Question]]:
    """Of each kind, always the same for one market."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select p.title, c.slug, p.price from products p join categories c on c.id = p.category_id"
            " where p.status = 'published' and p.stock > p.reserved order by p.id limit 2000"
        )
        goods = cursor.fetchall()
    connection.close()
    chance = random.Random(4)
    words = sorted({word for title, _, _ in goods for word in _long(title)})
    pairs = sorted({" ".join(title.lower().split()[:2]) for title, _, _ in goods})
    drawn = chance.sample(words, EACH // 2) + chance.sample(pairs, EACH // 2)
    some = chance.sample([one for one in goods if _long(one[0])], EACH)
    return {
        "words": [Question(text) for text in drawn],
        "typing errors": [Question(_mistyped(text, chance)) for text in chance.sample(words, EACH)],
        "filters": [Question(_long(title)[0], category, True, price + 100) for title, category, price in some],
        "broad": [
            Question("", category, number % 2 == 0, 900 + 100 * number)
            for number, (_, category, _) in enumerate(chance.sample(goods, EACH))
        ],
    }


def _long(title: str) -> list[str]:
    return [word.lower() for word in title.split() if word.isalpha() and len(word) > 4]


def _mistyped(word: str, chance: random.Random) -> str:
    """Two letters have changed places, which is what fingers do."""
    place = chance.randrange(1, len(word) - 2)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


@contextmanager
def searched(ground: Ground, products: int) -> Iterator[tuple[str, dict[str, Served], Engine]]:
    """The URL of a market, and who searches it: one process with PostgreSQL alone, one with Elasticsearch, and that."""
    url, other = ground.market(products), ground.market(products, "elasticsearch")
    engine, folder = Engine(), temporary_folder("search", disk=True)
    try:
        engine.start()
        assert engine.process is not None
        pin(engine.process.pid, LOAD)  # as PostgreSQL, it is not what is measured
        ground.say("filling Elasticsearch")
        done = ctl(folder, "reindex", database_url=other, elasticsearch_url=engine.url)
        assert done.returncode == 0, done.stdout
        with (
            harvestd(url, cache_size=0) as plain,
            harvestd(other, cache_size=0, elasticsearch_url=engine.url, workers="on") as engined,
        ):
            yield url, {POSTGRES: plain, ELASTICSEARCH: engined}, engine
    finally:
        engine.remove()


def run(ground: Ground) -> list[Figure]:
    """Each kind of question by itself, then suggestions."""
    products = SMALL if ground.quick else LARGE
    with searched(ground, products) as (url, served, engine):
        asked_for = questions(url)
        _certain(served[ELASTICSEARCH], asked_for)
        kinds = KINDS[:1] if ground.quick else KINDS
        _warm(ground, served, engine.port, asked_for)
        figures = [_figure(ground, kind, asked_for[kind], served, engine.port, products) for kind in kinds]
        return figures if ground.quick else [*figures, _suggestions(ground, url, served, products)]


def _warm(ground: Ground, served: dict[str, Served], port: int, asked_for: dict[str, list[Question]]) -> None:
    """Java compiles what it has run some ten thousand times: until then each second is faster than the one before."""
    api = [rate.request("GET", one.path) for those in asked_for.values() for one in those]
    direct = [sent for those in asked_for.values() for one in those for sent in one.to_the_engine(port)]
    for name, to, requests, seconds in (
        (DIRECT, port, direct, 1.0 if ground.quick else WARMING),
        (ELASTICSEARCH, served[ELASTICSEARCH].port, api, 1.0 if ground.quick else WARMING / 3),
        (POSTGRES, served[POSTGRES].port, api, 0.5 if ground.quick else WARMING / 6),
    ):
        done = rate.paced(to, itertools.islice(itertools.cycle(requests), int(MAX * seconds)), 0, seconds, CLIENTS)
        ground.say(f"{name} is warmed for {seconds:g} s: {done.rate:.0f}/s")


def _certain(engined: Served, asked_for: dict[str, list[Question]]) -> None:
    """That it is the engine that answers, and finds something: LoadError otherwise."""
    for kind, those in asked_for.items():
        pages = [msgspec.json.decode(body(engined.port, one.path)) for one in those]
        if any(page["degraded"] for page in pages):
            raise LoadError("Elasticsearch is not asked: PostgreSQL answers in its place")
        if sum(bool(page["items"]) for page in pages) < len(pages) // 2:
            raise LoadError(f"most questions of the kind {kind!r} find nothing")


def _figure(
    ground: Ground, kind: str, those: Sequence[Question], served: dict[str, Served], port: int, products: int
) -> Figure:
    api = [rate.request("GET", one.path) for one in those]
    direct = [sent for one in those for sent in one.to_the_engine(port)]
    per = len(direct) / len(those)
    loads = contest(
        ground,
        {
            POSTGRES: _asking(ground, served[POSTGRES].port, api),
            ELASTICSEARCH: _asking(ground, served[ELASTICSEARCH].port, api),
            DIRECT: _asking(ground, port, direct),
        },
        ROUNDS_QUICK if ground.quick else ROUNDS,
    )
    found, costs = of(loads, lambda each: each.rate), spent(loads)
    found[DIRECT] = [each / per for each in found[DIRECT]]
    costs["cpu"][DIRECT] = {part: [each * per for each in all_] for part, all_ in costs["cpu"].get(DIRECT, {}).items()}
    times = [
        f"{name}: p50 {_median(loads[name], 'p50'):.1f} ms, p99 {_median(loads[name], 'p99'):.1f} ms."
        for name in (POSTGRES, ELASTICSEARCH)
    ]
    return Figure(
        name=f"search-{kind.replace(' ', '-')}", title=f"Search: {kind}, {products:,} products", unit="searches/s",
        rounds=found, notes=[*NOTES, *_cold(ground), *times], per="search", **costs,
    )  # fmt: skip


def _cold(ground: Ground) -> list[str]:
    return (
        ["Elasticsearch was warmed for two seconds only, and is faster later: see the full form."]
        if ground.quick
        else []
    )


def _median(loads: Sequence[Paced], name: str) -> float:
    return float(sorted(getattr(each, name) for each in loads)[len(loads) // 2])


def _asking(ground: Ground, port: int, requests: Sequence[bytes]) -> Callable[[], Paced]:
    seconds = 0.6 if ground.quick else 2.0

    def measure() -> Paced:
        enough = itertools.islice(itertools.cycle(requests), int(MAX * seconds))
        paced = rate.paced(port, enough, 0, seconds, CLIENTS)
        if paced.failed:
            raise LoadError(f"{paced.failed} searches failed: {paced.statuses}")
        return paced

    rate.paced(port, itertools.islice(itertools.cycle(requests), WARM), 0, seconds, CLIENTS)
    return measure


#: Asked before any of its kind is counted, in at most the time of a measurement; seconds for which Elasticsearch is warmed;
#: more than anybody answers in a second.
WARM = 200
WARMING = 24.0
MAX = 5_000


def _suggestions(ground: Ground, url: str, served: dict[str, Served], products: int) -> Figure:
    starts = [one.q[:3] for one in questions(url)["filters"]]
    requests = [rate.request("GET", f"/api/search/suggest?q={quote(start)}") for start in starts]
    loads = contest(
        ground,
        {name: _asking(ground, one.port, requests) for name, one in served.items()},
        ROUNDS,
    )
    return Figure(
        name="search-suggestions", title=f"Suggestions for three letters, {products:,} products", unit="requests/s",
        rounds=of(loads, lambda each: each.rate), notes=NOTES[:1], **spent(loads),
    )  # fmt: skip
