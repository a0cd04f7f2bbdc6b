"""A market to try: forty real farmers markets from the USDA's directory, and four fictitious people."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from importlib import resources
from pathlib import Path

import attrs
import msgspec
import psycopg2
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from harvestd.kernel import email_addresses
from harvestd.kernel.units import default_step
from harvestd.loading.demo.facts import OF_FARM, OF_PRODUCTS
from harvestd.loading.demo.ids import demo_ids
from harvestd.loading.picturing import of_farm
from harvestd.loading.synthetic.categories import LOOKS, looks
from harvestd.loading.usda.reading import BadRow, Market, read
from harvestd.loading.usda.storing import Stored, Storing
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.staff import Person, add_person, count, others
from harvestd.market.catalogue import category_rows as categories
from harvestd.market.catalogue.actions import Farm, offer
from harvestd.market.catalogue.rules import Offer
from harvestd.market.farms import rows as farms
from harvestd.market.search.actions import current, reindex
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import UnitOfWork, change

log = Logger()

#: Address, username, name, role, farm.
PEOPLE = (
    ("buyer@example.org", "buyer", "Bea Buyer", "buyer", None),
    ("admin@example.org", "admin", "Ada Admin", "admin", None),
    ("farmer@example.org", "farmer", "Fay Farmer", "farmer", "Sunny Acres"),
    ("markets@example.org", "markets", "Mo Markets", "farmer", None),  # belongs to every farm of the directory
)
#: The pick-up points of Sunny Acres.
POINTS = (
    ("At the gate", "1 Orchard Lane, Riverside"),
    ("Station square", "Station Square, Riverside, Saturdays 9 to 12"),
)


#: The farmer's products: title, category, unit, price in minor units, the quantity of the unit that it is for, stock, tags.
OFFERS = (
    ("Heirloom tomatoes", "vegetables", "kg", 480, 1, 60, ("vegetables", "organic")),
    ("New potatoes", "vegetables", "kg", 240, 1, 150, ("vegetables", "organic")),
    ("Rainbow carrots", "vegetables", "bunch", 290, 1, 40, ("vegetables", "organic")),
    ("Gala apples", "fruit", "kg", 360, 1, 120, ("fruit",)),
    ("Raspberries", "fruit", "box", 550, 1, 24, ("fruit",)),
    ("Brown eggs", "dairy-eggs", "box", 490, 1, 80, ("eggs",)),
    ("Raw milk cheese", "dairy-eggs", "kg", 2650, 1, 12, ("dairy",)),
    ("Linden honey", "pantry", "each", 890, 1, 36, ("honey",)),
    ("Dried porcini", "vegetables", "g", 640, 100, 3000, ("mushrooms",)),
)


def password_file(data_dir: str) -> Path:
    """The file that holds the demo accounts' password, readable by its owner only."""
    return Path(data_dir) / "demo-password"


def demo_password(data_dir: str) -> str | None:
    """The password of the demo accounts, if this data folder's market has them."""
    try:
        return password_file(data_dir).read_text("utf-8").strip() or None
    except OSError:
        return None


def sign_in_lines(data_dir: str) -> Iterator[str]:
    """How to sign in, for a log or a terminal: the accounts, and the file that holds the password, which is not printed itself."""
    for email, _, _, role, _ in PEOPLE:
        yield f"sign in as {role}: {email}"
    if demo_password(data_dir) is not None:
        yield f"the password of them all is in {password_file(data_dir)}"
    else:
        yield "the password of them all is in demo-password of the data folder that they were made with"


_KEEP = Statement(
    "demo.keep",
    """insert into farm_members (farm_id, user_id) select f.id, :id from farms f
        where f.source = any(:sources) and not exists (select from farm_members m where m.farm_id = f.id)""",
    nothing,
)
_HAND_OVER = Statement(
    "demo.hand_over",
    """update farms f set pickup_points = jsonb_build_array(
                              jsonb_build_object('id', t.id, 'name', 'At the market', 'address', f.address))
         from unnest(:sources::text[], :ids::text[]) as t(source, id)
        where f.source = t.source and f.pickup_points = '[]' and f.address <> ''""",
    nothing,
)
_SUNNY = Statement(
    "demo.sunny",
    """update farms f set pickup_points = :points, certificates = :certificates, delivery = :delivery from farm_members m join users u on u.id = m.user_id
        where m.farm_id = f.id and u.email_key = :email_key and f.pickup_points = '[]'""",
    nothing,
)

_LOOKS = Statement(
    "demo.looks",
    """update categories set icon = :icon, color = :color, translations = :texts
        where slug = :slug and icon = '' and color = '' and translations = '{}'""",
    nothing,
)


@attrs.frozen
class Filled:
    """How many farms, products and demo people were created."""

    farms: int
    products: int
    people: int


async def fill(parts: Parts, force: bool = False) -> Filled | None:
    """Fill a market that has no accounts, or any market with ``force``; returns None if nothing was done.

    It can be rerun after an interruption: the accounts come last, and existing rows are not created twice. The
    caller rebuilds the search index.
    """
    emails = [email for email, *_ in PEOPLE]
    if not force and (await others(parts, emails) or await count(parts, emails) == len(PEOPLE)):
        return None
    stored = await deferToThread(_store_markets, parts)
    made = Filled(stored.farms_new, stored.products_new, 0)
    for email, username, name, role, farm in PEOPLE:
        if await accounts.by_email(parts.database, email_addresses.key(email)) is not None:
            continue
        named = attrs.evolve(parts, new_id=partial(next, demo_ids(email)))
        _, farm_id = await add_person(named, Person(email, username, name, role, _kept_password(parts), farm))
        made = attrs.evolve(made, people=made.people + 1)
        if farm_id is not None:
            await _offer(parts, farm_id)
            await of_farm(named, farm_id)
            made = attrs.evolve(made, farms=made.farms + 1, products=made.products + len(OFFERS))
    await _staff(parts)
    return made


async def prepare(parts: Parts) -> None:
    """At a daemon's start: fill an empty market, and make its products searchable."""
    filled = await fill(parts)
    if filled is not None or not await current(parts):
        log.info("{count} products are in the search index", count=await reindex(parts))
    if filled is not None:
        log.info("demo: {farms} farms, {products} products", farms=filled.farms, products=filled.products)


def rows() -> Iterator[Market | BadRow]:
    """The part of the directory that is committed to the repository."""
    return read(resources.files("harvestd.loading.demo").joinpath("markets.csv").read_bytes())


def _store_markets(parts: Parts) -> Stored:
    connection = psycopg2.connect(parts.settings.database_url, application_name="harvestd-demo")
    try:
        return Storing(connection, parts.new_id, parts.now()).store(rows(), lambda stored: None)
    finally:
        connection.close()


def _kept_password(parts: Parts) -> str:
    known = demo_password(parts.settings.data_dir)
    if known is not None:
        return known
    password = secrets.token_urlsafe(max(12, parts.settings.password_least))
    path = password_file(parts.settings.data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(password + "\n")
    return password


async def _staff(parts: Parts) -> None:
    """Add a demo account to the directory's farms, to be notified of their orders, and set the farms' pick-up points."""
    keeper = await accounts.by_email(parts.database, email_addresses.key(PEOPLE[-1][0]))
    sources = sorted(market.source for market in rows() if isinstance(market, Market))
    ids = [next(demo_ids(source)) for source in sources]
    points = [{"id": next(demo_ids(name)), "name": name, "address": address} for name, address in POINTS]

    async def work(unit: UnitOfWork) -> None:
        tx = unit.tx
        if keeper is not None:
            await tx.run(_KEEP, id=keeper.id, sources=sources)
        await tx.run(_HAND_OVER, sources=sources, ids=ids)
        await tx.run(
            _SUNNY, email_key=email_addresses.key(PEOPLE[2][0]), points=msgspec.json.encode(points).decode(), **OF_FARM
        )
        for slug in LOOKS:
            icon, color, texts = looks(slug, None, parts.settings.market_languages[1:])
            await tx.run(_LOOKS, slug=slug, icon=icon, color=color, texts=texts)

    await change(parts, work)


async def _offer(parts: Parts, farm_id: str) -> None:
    """Create the farmer's own products, as if she had entered them."""

    async def offered(work: UnitOfWork) -> None:
        ids = {category.slug: category.id for category in await categories.every(work.tx)}
        own = await farms.find(work.tx, farm_id)
        assert own is not None
        for title, category, unit, price, per, level, tags in OFFERS:
            step = default_step(unit)
            begun = Offer(
                title=title, description=f"{title} from Sunny Acres.", category_id=ids.get(category), unit=unit, price=price,
                price_per=Decimal(per), quantity_step=step, min_quantity=step, tags=tags, **OF_PRODUCTS[title],
            )  # fmt: skip
            await offer(work, Farm(own.id, own.slug), begun, Decimal(level), next(demo_ids(title)))

    await change(parts, offered)
