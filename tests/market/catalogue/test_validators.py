"""What tells readers whether something has changed (ETags, counts, versions, times) follows from what they may see: what is hidden from them moves none of it,
and what they see moves it."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from tests.lengths import length
from tests.market.catalogue.test_sight import DATA
from tests.market.farms.test_states import judged
from tests.people import Market, Person
from tests.waiting import eventually

#: Where strangers look at a farm's products and at all that is there, by address.
READ = (
    "/api/products", "/api/products?farm={farm}", "/api/products?farm={farm}&count=true", "/api/products?count=true&sort=price", "/api/products?sort=popular",
    "/api/products?category={category}&count=true", "/api/products?in_stock=true&count=true", "/api/products/{shown}", "/api/farms", "/api/farms?count=true",
    "/api/farms/{farm}", "/api/categories", "/api/feed.atom", "/api/feed.atom?farm={farm}", "/sitemap.xml", "/api/farms/{farm}/products.jsonld",
    "/api/search?q=kale", "/api/search?farm={farm}", "/api/search/suggest?q=ka",
)  # fmt: skip
#: What of an answer says whether it is another one.
VALIDATORS = ("etag", "last-modified", "link", "content-length", "age")
#: A hit's score is of its age, too.
_SCORE = re.compile(rb'"score":[0-9.]+')


@attrs.define
class Stall:
    """A farm with products that all see, and those whom the rest is for."""

    market: Market
    farmer: Person
    member: Person
    group: str
    names: dict[str, str]
    hidden: list[str] = attrs.field(factory=list)

    async def read(self) -> dict[str, tuple[Any, ...]]:
        """What strangers are told, once it is as it is."""
        await self.market.work()
        found = {}
        for path in READ:
            answer = await self.market.stranger.get(path.format(**self.names))
            assert answer.status == 200, (path, answer.text)
            search = path.startswith("/api/search?")
            told = () if search else tuple(answer.headers.get(name) for name in VALIDATORS)
            found[path] = (*told, _SCORE.sub(b"", answer.body))
        return found

    async def change(self, id: str, **fields: Any) -> None:
        answer = await self.farmer.request("PATCH", f"/api/products/{id}", fields, If_Match="*")
        assert answer.status == 200, answer.text


async def stall(market: Market) -> Stall:
    manager, admin, farmer, member = [await market.person(role) for role in ("manager", "admin")] + [
        await market.farmer(),
        await market.person(),
    ]
    group = (await manager.post("/api/groups", {"name": "Members"})).json()["id"]
    assert (await manager.request("PUT", f"/api/groups/{group}/members/{member.id}")).status == 200
    category = (await admin.post("/api/categories", {"name": "Leaves"})).json()["id"]
    shown = [
        await market.product(farmer, title=f"Kale {n}", category_id=category, price=300 + n, stock=50) for n in range(3)
    ]
    return Stall(market, farmer, member, group, {"farm": farmer.farm_id, "category": category, "shown": shown[0]["id"]})


async def drafted(of: Stall, rng: random.Random) -> None:
    made = await of.market.product(of.farmer, title="Kaput", status="draft", category_id=of.names["category"], stock=5)
    of.hidden.append(made["id"])


async def for_a_group(of: Stall, rng: random.Random) -> None:
    made = await of.market.product(
        of.farmer, title="Kaki", visible_to=[of.group], category_id=of.names["category"], stock=5
    )
    of.hidden.append(made["id"])


async def edited(of: Stall, rng: random.Random) -> None:
    await of.change(rng.choice(of.hidden), price=rng.randrange(1, 999), title=f"Kakadu {rng.random()}")


async def archived(of: Stall, rng: random.Random) -> None:
    id = of.hidden.pop(rng.randrange(len(of.hidden)))
    assert (await of.farmer.request("DELETE", f"/api/products/{id}", If_Match="*")).status == 204


async def restocked(of: Stall, rng: random.Random) -> None:
    answer = await of.farmer.post(f"/api/products/{rng.choice(of.hidden)}/stock", {"set": rng.randrange(1, 99)})
    assert answer.status == 200, answer.text


async def bought(of: Stall, rng: random.Random) -> None:
    for_members = await of.market.product(of.farmer, title="Kakis", visible_to=[of.group], unit="each", stock=5)
    assert (await of.member.order((for_members["id"], 1))).status == 201


async def priced_for_a_group(of: Stall, rng: random.Random) -> None:
    """Of what all see: its price for members alone, by each way to say it."""
    prices = [{"group": of.group, "price": rng.randrange(1, 200)}]
    await of.change(of.names["shown"], prices=prices)
    row = {"id": of.names["shown"], "prices": [{"group": of.group, "price": rng.randrange(200, 290)}]}
    answer = await of.farmer.post("/api/products/bulk", {"rows": [row]})
    assert answer.json()["results"][0]["status"] == "updated", answer.text


async def of_a_farm_shut_out(of: Stall, rng: random.Random) -> None:
    other = await of.market.farmer("Kaftan")
    await judged(of.market, other.farm_id, "suspended")
    made = await of.market.product(other, title="Kale of nobody")
    await of.market.work()
    assert (await other.request("DELETE", f"/api/products/{made['id']}", If_Match="*")).status == 204


HIDDEN: tuple[Callable[[Stall, random.Random], Awaitable[None]], ...] = (
    drafted, for_a_group, edited, archived, restocked, bought, priced_for_a_group, of_a_farm_shut_out,
)  # fmt: skip


@pytest.mark.limit(120)
async def test_what_strangers_are_told_does_not_move_with_what_is_hidden_from_them(market: Market) -> None:
    of, rng = await stall(market), random.Random(11)
    await drafted(of, rng)
    await for_a_group(of, rng)
    before = await of.read()
    steps = [*HIDDEN, *(rng.choice(HIDDEN) for _ in range(int(length(3, 60))))]
    for step in steps:
        if not of.hidden:
            await for_a_group(of, rng)
        await step(of, rng)
        after = await of.read()
        moved = {path: (before[path][:-1], after[path][:-1]) for path in READ if before[path] != after[path]}
        assert not moved, (step.__name__, moved)


async def test_those_who_run_the_farm_are_told_of_each_change_and_nobody_else_of_a_groups_price(market: Market) -> None:
    """Two who change a group's price at once: the second is told, by the version that others are not shown."""
    of = await stall(market)
    path = f"/api/products/{of.names['shown']}"

    async def versions() -> tuple[int, ...]:
        await market.work()
        shown = [await one.get(path) for one in (of.farmer.client, of.member.client, market.stranger)]
        assert [one.headers["etag"].partition("-")[0] for one in shown[:1]] == [f'"v{shown[0].json()["version"]}']
        return tuple(one.json()["version"] for one in shown)

    assert await versions() == (1, 1, 1)
    changed = (await market.stranger.get(path)).json()["updated_at"]
    first = await of.farmer.request("PATCH", path, {"prices": [{"group": of.group, "price": 9}]}, If_Match='"v1"')
    assert (first.status, first.json()["version"]) == (200, 2)
    assert await versions() == (2, 1, 1)
    assert (await of.farmer.request("PATCH", path, {"title": "Kale!"}, If_Match='"v1"')).status == 412
    assert (await of.farmer.get(path)).json()["updated_at"] > changed
    assert (await market.stranger.get(path)).json()["updated_at"] == changed
    assert (await of.farmer.request("PATCH", path, {"title": "Kale!"}, If_Match='"v2"')).status == 200
    assert await versions() == (3, 2, 2)
    assert (await market.stranger.get(path)).json()["updated_at"] > changed
    data = await market.parts.database.rows(DATA, product_id=of.names["shown"])
    assert [bool(one.get("restricted")) for one in data] == [False, True, False], "nobody is told of it by an event"


async def test_a_price_with_what_all_see_is_told_to_all(market: Market) -> None:
    of = await stall(market)
    path, prices = f"/api/products/{of.names['shown']}", [{"group": of.group, "price": 9}]
    packs = [{"title": "Bag", "unit": "box", "price": 5, "takes": "1"}]
    for row in ({"stock": 7}, {"variants": packs}, {"title": "Kale of old"}):
        before = (await market.stranger.get(path)).json()
        prices = [prices[0] | {"price": prices[0]["price"] + 1}]
        sent = {"rows": [{"id": of.names["shown"], "prices": prices, **row}]}
        assert (await of.farmer.post("/api/products/bulk", sent)).json()["results"][0]["status"] == "updated"
        await market.work()
        after = (await market.stranger.get(path)).json()
        assert after["updated_at"] > before["updated_at"], row
        assert after["version"] - before["version"] == ("stock" not in row), row


async def test_what_they_see_moves_it(market: Market) -> None:
    """Or the sentence above would hold of an answer that never changes."""
    of = await stall(market)
    before = await of.read()
    await of.change(of.names["shown"], title="Kale of old", price=7)
    after = await of.read()
    still = {path for path in READ if before[path] == after[path]} - {"/sitemap.xml"}  # whose times are whole seconds
    assert still == {"/api/farms", "/api/farms?count=true", "/api/farms/{farm}", "/api/categories"}


async def test_a_list_that_is_as_it_was_has_the_tag_that_it_had_and_another_one_a_later_version(market: Market) -> None:
    of = await stall(market)
    path = f"/api/products?farm={of.names['farm']}"

    async def tag() -> str:
        await market.work()
        return str((await market.stranger.get(path)).headers["etag"])

    first = await tag()
    await drafted(of, random.Random(1))
    assert await tag() == first
    await of.change(of.names["shown"], price=7)
    second = await tag()
    versions = [int(one.strip('"v').partition("-")[0]) for one in (first, second)]
    assert second != first and versions[0] < versions[1]


async def test_a_list_that_is_as_it_was_is_as_compressed_as_it_was(market: Market) -> None:
    """Or whoever reads it so would see by the tag of the first answer after a hidden change that there was one."""
    of = await stall(market)
    path = f"/api/products?farm={of.names['farm']}"
    answers: list[Any] = []

    async def compressed() -> bool:
        answers.append(await market.stranger.get(path, headers={"Accept-Encoding": "br"}))
        return "content-encoding" in answers[-1].headers

    await market.work()
    await eventually("it comes compressed", compressed)
    bytes = market.parts.cache.state().bytes
    for step in (drafted, for_a_group, priced_for_a_group, edited):
        await step(of, random.Random(2))
        await market.work()
        assert await compressed(), step.__name__
        assert [answers[-1].headers[name] for name in VALIDATORS[:1]] == [answers[-2].headers["etag"]]
        assert answers[-1].body == answers[-2].body
    assert market.parts.cache.state().bytes == bytes, "and counts as much as before"
    await of.change(of.names["shown"], price=7)
    await market.work()
    assert not await compressed(), "another content is compressed anew"


async def test_a_client_that_has_seen_a_later_version_is_told_the_present_one(market: Market) -> None:
    """From another process, before the list was again as it is here: it would be refused the one that it knows to be older."""
    of = await stall(market)
    path = f"/api/products?farm={of.names['farm']}"
    await market.work()
    first = str((await market.stranger.get(path)).headers["etag"])
    version = int(first.strip('"v').partition("-")[0])
    later = f'"v{version + 1}-{"0" * 24}"'
    await drafted(of, random.Random(1))
    await market.work()
    answer = await market.stranger.get(path, headers={"If-None-Match": later})
    assert answer.status == 200 and int(answer.headers["etag"].strip('"v').partition("-")[0]) > version
