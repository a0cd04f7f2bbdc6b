"""Filling an empty market with the demo: real farmers markets from the USDA's directory, and fictitious people."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import resources

import attrs
import msgspec
import psycopg2
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from harvestd.kernel import email_addresses
from harvestd.loading.demo.facts import OF_FARM
from harvestd.loading.demo.ids import demo_ids
from harvestd.loading.demo.people import PEOPLE, kept_password
from harvestd.loading.demo.sunny_acres import OFFERS, POINTS, put_on_sale
from harvestd.loading.picturing import of_farm
from harvestd.loading.synthetic.categories import LOOKS, looks
from harvestd.loading.usda.reading import BadRow, Market, read
from harvestd.loading.usda.storing import Stored, Storing
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.staff import Person, add_person, count, others
from harvestd.market.search.actions import current, reindex
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import UnitOfWork, change

log = Logger()

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
        _, farm_id = await add_person(named, Person(email, username, name, role, kept_password(parts), farm))
        made = attrs.evolve(made, people=made.people + 1)
        if farm_id is not None:
            await put_on_sale(parts, farm_id)
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
