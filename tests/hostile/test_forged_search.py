"""Whatever Elasticsearch answers: torn, changed in any member, with others' words and ids, or another status.

A proxy changes the replies to one question at a time. Searches and suggestions are answered, by the engine or by PostgreSQL, and
show nothing that PostgreSQL does not have. ``HARVEST_FUZZ=1`` tries many more, ``HARVEST_SEED=n`` the same again.
"""

from __future__ import annotations

import html
import json
import math
import os
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import quote

import attrs
import pytest
import pytest_twisted
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from harvestd.kernel.formatting import money
from harvestd.market.search import fallback as search_fallback
from harvestd.market.search.elasticsearch import indexer as search_indexer
from harvestd.market.search.text import PRICE_EDGES, bracket_name
from harvestd.parts import Parts
from harvestd.store.cache.near import NearCache
from harvestd.store.postgres.database import Database
from servers.elasticsearch import ElasticsearchServer
from tests.hostile.forgeries import altered, drawn, encoded, spoilt
from tests.hostile.odd_values import at, places, replaced
from tests.lengths import WHOLE, length
from tests.market.search.test_fallback import World, standing
from tests.people import Market
from tests.waiting import eventually
from tests.web.conftest import make_market

pytestmark = pytest.mark.xdist_group("elasticsearch")
SEED = int(os.environ.get("HARVEST_SEED", random.randrange(10**6)))
#: Forgeries of the replies to each question.
EACH = int(length(20, 500))
#: What is asked: whole words, filters and pages; mistyped ones; beginnings.
QUESTIONS = (
    "/api/search?q=carrots", "/api/search", "/api/search?q=tomato&tag=roots&sort=price&limit=1", "/api/search?q=carots+of+sumer&near=44,-73",
    "/api/search/suggest?q=ca", "/api/search/suggest?q=green",
)  # fmt: skip
LIE = "call 555 0100"
STATUSES = (100, 204, 206, 301, 302, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 599)

Forge = Callable[[int, bytes], tuple[int, bytes]]


class Forger(Resource):
    """Passes on what it is asked to ``target``, and what that answers to a question as ``forge`` makes it."""

    isLeaf = True

    def __init__(self, target: str) -> None:
        super().__init__()
        self.forge: Forge | None = None
        self.last: list[bytes] = []
        self._target = target
        self._client = HTTPClient(Agent(reactor, pool=HTTPConnectionPool(reactor, persistent=False)))
        self._passing: set[Deferred[None]] = set()

    def render(self, request: Any) -> Any:
        passing = Deferred.fromCoroutine(self._pass_on(request))
        self._passing.add(passing)
        passing.addBoth(lambda result: self._passing.discard(passing) or result)
        return NOT_DONE_YET

    def stop(self) -> None:
        """Leave nothing open: treq reads on what is cancelled, so that a pool would be given connections after it was closed."""
        for passing in list(self._passing):
            passing.addErrback(lambda _: None)  # however what is cut off calls it
            passing.cancel()

    async def _pass_on(self, request: Any) -> None:
        kind = request.getHeader("Content-Type") or "application/json"
        asked = request.content.read()
        answer = await self._client.request(
            request.method.decode(),
            self._target + request.uri.decode(),
            data=asked or None,
            headers={"Content-Type": kind},
        )
        status, body = answer.code, await answer.content()
        if request.path.endswith(b"search"):
            self.last.append(body)
            if self.forge is not None:
                status, body = self.forge(status, body)
        if not request._disconnected:
            request.setResponseCode(status)
            request.setHeader("Content-Type", "application/json")
            request.write(body)
            request.finish()


@attrs.frozen
class Behind:
    """A server that is asked through a forger."""

    real: ElasticsearchServer
    port: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@attrs.frozen
class Forged:
    """A market that searches through the forger."""

    market: Market
    world: World
    forger: Forger

    async def asked(self, path: str) -> Any:
        """What it answers, which is well."""
        answer = await self.market.stranger.get(path)
        assert answer.status == 200, (path, answer.status, answer.text[:500])
        return answer.json()

    async def trusting(self) -> None:
        """Until the engine is asked again."""
        self.forger.forge = None
        await eventually("the engine is asked", lambda: self.world.search.breaker.closed)
        self.world.search.breaker.succeeded()


@pytest_twisted.async_yield_fixture
async def forged(elasticsearch: ElasticsearchServer, parts: Parts, database: Database) -> AsyncIterator[Forged]:
    forger = Forger(elasticsearch.url)
    port = reactor.listenTCP(0, Site(forger), interface="127.0.0.1")  # type: ignore[attr-defined]
    async with standing(Behind(elasticsearch, port.getHost().port), database) as world:  # type: ignore[arg-type]
        nothing_kept = NearCache(reactor, parts.topics, 0, 0.0)
        market = make_market(attrs.evolve(parts, search=world.search, cache=nothing_kept))
        one, two = await market.farmer("Green Acres"), await market.farmer("Carrot House")
        roots = (await (await market.person("admin")).post("/api/categories", {"name": "Carrots and roots"})).json()
        for title in ("Carrots", "Purple carrots", "Carrots of summer", "Tomatoes"):
            await market.product(
                one, title=title, description="Sweet carrots.", tags=["roots", "sweet"], category_id=roots["id"]
            )
        await market.product(two, title="Tomatoes", unit="box", price=250, tags=["roots"])
        await market.work()
        await world.caught_up()
        yield Forged(market, world, forger)
    await port.stopListening()
    forger.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (search_fallback, search_indexer):
        monkeypatch.setattr(module, "LOOK", 0.1)
    monkeypatch.setattr("harvestd.runtime.breaker.FIRST_PAUSE", 0.01)


def lies(value: Any) -> Iterator[tuple[str, Any]]:
    """The reply with each of its texts another's, and each of its ids nobody's or the next one's."""
    every = [place for place in places(value) if isinstance(at(value, place), str)]
    ids = sorted({at(value, place) for place in every if place[-1] == "id"})
    for place in every:
        yield f"{place} lies", replaced(value, place, LIE)
        if place[-1] in ("id", "_id"):
            yield f"{place} is another's", replaced(value, place, ids[-1] if ids[-1] != at(value, place) else ids[0])


def forgeries(reply: bytes, others: list[bytes], chance: random.Random) -> list[tuple[str, Forge]]:
    """Of one question's replies, as what is done to each."""
    value = json.loads(reply)
    bodies = [*spoilt(reply, chance), *((name, encoded(other)) for name, other in altered(value, chance, 2 * EACH))]
    bodies += [(name, encoded(other)) for name, other in drawn(list(lies(value)), chance, EACH)]
    bodies += [("another question's", other) for other in others]
    made: list[tuple[str, Forge]] = [(name, lambda status, _, body=body: (status, body)) for name, body in bodies]  # type: ignore[misc]
    made += [(f"status {odd}", lambda _, body, odd=odd: (odd, body)) for odd in STATUSES]  # type: ignore[misc]
    kept = [one for one in made if "deep" in one[0] or "status 4" in one[0] or "'key') lies" in one[0]]
    return kept + drawn([one for one in made if one not in kept], chance, EACH)


def texts(value: Any) -> set[str]:
    """Every text in a JSON value, without marks."""
    if isinstance(value, str):
        return {html.unescape(re.sub("</?em>", "", value))}
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(texts, inside)) if inside else set()


def numbers(value: Any) -> Iterator[float]:
    """Every number in a JSON value."""
    if isinstance(value, int | float):
        yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inside:
        yield from numbers(one)


async def known(forged: Forged, parts: Parts) -> tuple[set[str], dict[str, Any]]:
    """All texts that PostgreSQL shows of this market, and its products by id."""
    plain = make_market(attrs.evolve(parts, search=forged.world.search.postgres))
    answers = [
        (await plain.stranger.get(path)).json()
        for path in (*QUESTIONS, "/api/farms", "/api/categories", "/api/search?limit=100")
    ]
    items = (await plain.stranger.get("/api/products?limit=100")).json()["items"]
    return texts(answers) | texts(items) | brackets(), {item["id"]: item for item in items}


def brackets() -> set[str]:
    """Every bracket of prices and what it is called: words of ours, whatever the engine says how many are in each."""
    found = set[str]()
    for value in map(bracket_name, range(len(PRICE_EDGES))):
        edges = [edge and money(int(edge), "EUR") for edge in value.split("-")]
        found |= {value, " – ".join(edges).rstrip()}
    return found


@pytest.mark.limit(3000 if WHOLE else 150)
async def test_whatever_the_engine_answers_people_are_answered_with_what_is_there(
    forged: Forged, parts: Parts, measured: Callable[[str], None], expected_errors: Any
) -> None:
    chance = random.Random(SEED)
    true, products = await known(forged, parts)
    replies: dict[str, bytes] = {}
    for path in QUESTIONS:
        await forged.trusting()
        forged.forger.last.clear()
        await forged.asked(path)
        replies[path] = forged.forger.last[-1]
    tried, by_engine = 0, 0
    for path, reply in replies.items():
        others = [other for name, other in replies.items() if name != path]
        for name, forge in forgeries(reply, others, chance):
            await forged.trusting()
            forged.forger.forge = forge
            what = f"seed {SEED}, {path}: {name}"
            answer = await forged.asked(path)
            tried += 1
            by_engine += not answer.get("degraded", True)
            shown = texts({k: v for k, v in answer.items() if k != "next"})
            assert shown <= true, f"{what}: {shown - true}"
            assert all(math.isfinite(number) for number in numbers(answer)), what
            for item in answer["items"] if "facets" in answer else ():
                assert {key: item[key] for key in products[item["id"]]} == products[item["id"]], what
            if answer.get("next"):
                forged.forger.forge = None
                joint = "&" if "?" in path else "?"
                await forged.asked(f"{path}{joint}after={quote(answer['next'])}")
    measured(f"{tried} forged replies, {by_engine} of them shown, seed {SEED}")
    told = expected_errors()
    assert len(told) <= length(3, 60), f"a line a minute, whatever is answered: {told[:5]}"
