"""Products: the listing, the page, and what a farm offers, changes and restocks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import msgspec
from msgspec import UNSET

from harvestd.market import families, slugs
from harvestd.market import products as market
from harvestd.market.errors import Forbidden, Invalid, NotFound
from harvestd.market.products import DEFAULT_STEP, Known, Offer, happened
from harvestd.market.quantities import shown as quantity
from harvestd.market.seasons import Season as MarketSeason
from harvestd.market.seasons import checked as checked_season
from harvestd.store import accounts, cards, listings, outbox
from harvestd.store import products as store
from harvestd.store import stock as stock_store
from harvestd.web import cursors
from harvestd.web.call import Answer, Call, Page
from harvestd.web.days import today
from harvestd.web.farms import owned
from harvestd.web.money import minor_units
from harvestd.web.shapes.products import (
    ChangeProduct,
    ChangeStock,
    NewProduct,
    ProductsQuery,
    StockLevel,
)
from harvestd.web.shapes.values import SeasonIn


def shown(card: cards.Card) -> msgspec.Raw:
    """A product as the contract shows it: a :class:`~harvestd.web.shapes.products.Product`, already encoded."""
    return msgspec.Raw(card.text)


async def listed(call: Call, query: ProductsQuery) -> Answer:
    """Published products by filter and sort."""
    types = [type_ for _, _, type_ in listings.SORTS[query.sort].key]
    after = cursors.decode(query.after, query.sort, *types) if query.after else None
    by = {
        f"{name}_{'id' if slugs.is_id(token) else 'slug'}": token
        for name, token in (("category", query.category), ("farm", query.farm))
        if token is not None
    }
    filters = listings.Filters(
        **by, tag=query.tag.strip().lower() if query.tag else None, min_price=query.min_price, max_price=query.max_price,
        in_stock=query.in_stock, in_season=today(call).isoformat() if query.in_season else None,
    )  # fmt: skip
    currency = call.parts.settings.market_currency
    rows = await listings.products(call.reader, filters, query.sort, after, query.limit + 1, currency)
    page = rows[: query.limit]
    following = cursors.encode(query.sort, *page[-1].key) if len(rows) > query.limit else None
    shows = tuple(families.shown(row.key[-1]) for row in page)
    return Answer(Page([msgspec.Raw(row.text) for row in page], following), families=shows)


async def page(call: Call) -> Answer:
    """One product, by id or slug; a draft or archived one is for its farm alone."""
    card = await cards.find(call.reader, call.path["id"], call.parts.settings.market_currency)
    if card is None or (card.status != "published" and not await _may_see(call, card)):
        raise NotFound("there is no such product")
    return Answer(shown(card), version=card.version)


async def _may_see(call: Call, card: cards.Card) -> bool:
    if call.caller is None:
        return False
    if call.caller.role == "admin":
        return True
    return any(f.farm_id == card.farm_id for f in await accounts.farms_of(call.reader, call.caller.user_id))


async def add(call: Call, body: NewProduct) -> Answer:
    """Offer a product."""
    farm = await _farm_of(call, body.farm_id)
    step = DEFAULT_STEP[body.unit] if body.quantity_step is None else body.quantity_step
    offer = market.checked(
        Offer(
            title=body.title, description=body.description, category_id=body.category_id, unit=body.unit,
            price=minor_units("price", body.price, call.parts.settings.market_currency), quantity_step=step,
            min_quantity=step if body.min_quantity is None else body.min_quantity, season=_season(body.season),
            harvested_on=body.harvested_on, tags=tuple(body.tags), status=body.status,
        )
    )  # fmt: skip
    level = market.opening_stock(body.stock)
    product_id = call.new_id()
    slug = slugs.slug(offer.title, product_id[-6:])
    await store.insert(call.tx, product_id, slug, farm.farm_id, offer, level, call.now)
    await stock_store.enter(call.tx, call.new_id(), product_id, "initial", level, level, "", call.now)
    event = happened("created", Known(product_id, slug, farm.farm_id, farm.slug), 1, [])
    outbox.record(call.tx, [event], call.new_id, call.now)
    location = ("Location", f"/api/products/{product_id}")
    return attrs.evolve(await _now(call, product_id), headers=(location,))


async def _now(call: Call, product_id: str) -> Answer:
    """A product that is there, as this transaction has made it."""
    card = await cards.find(call.tx, product_id, call.parts.settings.market_currency)
    assert card is not None
    return Answer(shown(card), version=card.version)


async def _farm_of(call: Call, farm_id: str | None) -> accounts.Membership:
    own = await accounts.farms_of(call.tx, call.user.user_id)
    if farm_id is None:
        if len(own) == 1:
            return own[0]
        raise Invalid.of("farm_id", "name one of your farms" if own else "you have no farm yet")
    for farm in own:
        if farm.farm_id == farm_id:
            return farm
    raise Forbidden("this farm is not yours")


def _season(season: SeasonIn | None) -> MarketSeason | None:
    return None if season is None else checked_season(season.from_, season.to)


async def _locked(call: Call) -> store.Product:
    """The product of the path, locked, if it is the caller's: another farm's is not there for them."""
    found = await store.find(call.tx, call.path["id"])
    row = await store.lock(call.tx, found.id) if found else None
    if row is None:
        raise NotFound("there is no such product")
    try:
        await owned(call, call.tx, row.farm_id)
    except Forbidden as error:
        raise NotFound("there is no such product of yours") from error
    call.check_version(row.version)
    return row


async def change(call: Call, body: ChangeProduct) -> Answer:
    """Change what a farm says of a product."""
    before = await _locked(call)
    given = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    changes = dict(given)
    if "price" in given:
        changes["price"] = minor_units("price", given["price"], call.parts.settings.market_currency)
    if "season" in given:
        changes["season"] = _season(given["season"])
    if "tags" in given:
        changes["tags"] = tuple(given["tags"])
    offer = market.checked(attrs.evolve(_offer(before), **changes))
    return await _store(call, before, offer, list(given))


def _offer(row: store.Product) -> Offer:
    """What a farm says of a product now."""
    season = MarketSeason(row.season_from, row.season_to) if row.season_from and row.season_to else None
    return Offer(
        title=row.title, description=row.description, category_id=row.category_id, unit=row.unit, price=row.price,
        quantity_step=row.quantity_step, min_quantity=row.min_quantity, season=season, harvested_on=row.harvested_on,
        tags=tuple(row.tags), status=row.status,
    )  # fmt: skip


async def archive(call: Call) -> None:
    """Take a product off the market; orders that have it keep it."""
    before = await _locked(call)
    await _store(call, before, attrs.evolve(_offer(before), status="archived"), ["status"])


async def _store(call: Call, before: store.Product, offer: Offer, changed: list[str]) -> Answer:
    await store.update(call.tx, before.id, offer, call.now)
    kind: Any = "deleted" if offer.status == "archived" and before.status != "archived" else "updated"
    outbox.record(call.tx, [happened(kind, before.known, before.revision + 1, changed)], call.new_id, call.now)
    return await _now(call, before.id)


async def restock(call: Call, body: ChangeStock) -> StockLevel:
    """Set or change the stock; every change is a row of the ledger."""
    before = await _locked(call)
    level = market.new_level(before.stock, before.reserved, set_to=body.set, change=body.change)
    kind = "restock" if level > before.stock else "correction"
    await stock_store.set_level(call.tx, before.id, level, call.now)
    await stock_store.enter(call.tx, call.new_id(), before.id, kind, level - before.stock, level, body.reason, call.now)
    event = happened("updated", before.known, before.revision + 1, ["stock"])
    outbox.record(call.tx, [event], call.new_id, call.now)
    reserved: Decimal = before.reserved
    return StockLevel(
        product_id=before.id, stock=quantity(level), reserved=quantity(reserved), available=quantity(level - reserved)
    )
